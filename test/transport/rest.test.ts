import { describe, expect, test } from 'vitest';
import { ms } from '../../agent/base/time.ts';
import { Pair } from './pair.ts';

const MINUTE = 60_000;
const WORD = new Uint8Array([1, 2, 3]);
/** As two households keep a session. */
const OPTIONS = { keepAlive: ms(300), idle: ms(1500), rest: { after: ms(5000), keepAlive: ms(10_000) } };

function pairAtRest(loss = 0): Pair {
  const pair = new Pair(1, { delay: 30, loss }, OPTIONS);
  pair.say('a', WORD);
  pair.run(20_000);
  pair.sizes.a.length = pair.sizes.b.length = pair.effects.length = 0;
  return pair;
}

describe('a connection that nobody says anything on', () => {
  test('costs some two dozen datagrams a minute and lasts', () => {
    const pair = pairAtRest();
    pair.run(20_000 + 10 * MINUTE);
    expect(pair.sizes.a.length / 10).toBeLessThan(24);
    expect(pair.sizes.b.length / 10).toBeLessThan(24);
    expect(pair.effects).toEqual([]);
  });

  test('never lets a NAT wait for 20 s', () => {
    const pair = pairAtRest();
    let [last, longest] = [20_000, 0];
    pair.watch = (side, effect) => {
      if (side !== 'a' || effect.kind !== 'send') return;
      longest = Math.max(longest, pair.now - last);
      last = pair.now;
    };
    pair.run(20_000 + 10 * MINUTE);
    expect(longest).toBeLessThan(20_000);
  });

  test('survives a line that loses one datagram in five', () => {
    const pair = pairAtRest(0.2);
    pair.run(20_000 + 60 * MINUTE);
    expect(pair.effects).toEqual([]);
  });

  test('notices within 17 s that the other side is gone', () => {
    const pair = pairAtRest();
    pair.gate = (from) => from === 'a';
    pair.run(20_000 + 17_000);
    expect(pair.effects.map(({ side, effect }) => `${side} ${effect.kind}`)).toContain('a closed');
  });

  test('is as watchful as any other from the first word on, on both sides', () => {
    const pair = pairAtRest();
    pair.say('a', WORD);
    pair.run(20_100);
    expect([pair.a.isResting, pair.b.isResting]).toEqual([false, false]);
    pair.gate = () => false;
    pair.run(22_000);
    const ended = pair.effects.filter(({ effect }) => effect.kind === 'closed').map(({ side }) => side);
    expect(ended.toSorted()).toEqual(['a', 'b']);
  });

  test('is not ended by the first word after a long silence', () => {
    const pair = pairAtRest();
    pair.say('b', WORD);
    pair.run(30_000);
    expect(pair.effects.filter(({ effect }) => effect.kind === 'closed')).toEqual([]);
  });
});

describe('a connection over a line that loses a third', () => {
  /** Of a hundred that live for twenty seconds, with pings only. */
  const ended = (firstWord: number): number =>
    Array.from({ length: 100 }, (_, seed) => {
      const pair = new Pair(
        seed,
        { delay: 80, loss: 0.36 },
        { keepAlive: ms(300), idle: ms(1500), firstWord: ms(firstWord) },
      );
      pair.say('a', WORD);
      pair.run(20_000);
      return pair.effects.some(({ effect }) => effect.kind === 'closed');
    }).filter(Boolean).length;

  test('is not given up for pings that were lost', () => {
    expect(ended(3000)).toBeLessThanOrEqual(1);
  });

  test('would be, if it were as impatient as on a good one', () => {
    expect(ended(1500)).toBeGreaterThan(5);
  });

  test('is given up soon when the line is good', () => {
    const pair = new Pair(1, { delay: 30 }, { keepAlive: ms(300), idle: ms(1500), firstWord: ms(3000) });
    pair.say('a', WORD);
    pair.run(10_000);
    pair.gate = () => false;
    pair.run(11_700);
    expect(pair.effects.filter(({ effect }) => effect.kind === 'closed')).toHaveLength(2);
  });
});
