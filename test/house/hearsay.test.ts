import { expect, test } from 'vitest';
import { at, ms, seconds } from '../../agent/base/time.ts';
import type { Relative } from '../../agent/house/relatives.ts';
import { Watch } from '../../agent/house/watch.ts';
import { blocksOf, cipher, messagesOf, pair } from '../blocks/channel.ts';
import { show } from '../media/stream.ts';

const channel = pair.publicKey;
const now = at(1000);

function watching(): Watch {
  const mine = { channel, token: undefined, node: new Uint8Array(32).fill(1), children: 2 };
  const ring = { ringSpan: seconds(8), ringBytes: 2 ** 23, hold: ms(1000) };
  return new Watch({ cipher, random: () => 0, ...mine, ...ring, silence: () => ms(0), trip: () => ms(20) });
}

function meet(watch: Watch, pairId: number, purpose: Relative['purpose'], name = '', epoch?: number): void {
  const node = new Uint8Array(32).fill(10 + pairId);
  watch.step({ kind: 'introduced', pairId, node, purpose, instead: undefined, name, epoch }, now);
  watch.step({ kind: 'open', pairId }, now);
}

function call(watch: Watch, pairId: number, name: string): void {
  const message = { kind: 'subscribed', channel, epoch: 1, depth: 1, lag: ms(10), name } as const;
  watch.step({ kind: 'control', pairId, message }, now);
}

test('a household that could feed us names the channel where nobody else has', () => {
  const watch = watching();
  meet(watch, 1, 'spare');
  call(watch, 1, 'Harbour TV');
  expect(watch.name).toBe('Harbour TV');
});

test.each(['child', 'spare'] as const)('a %s does not rename a channel that the rendezvous has named', (purpose) => {
  const watch = watching();
  meet(watch, 1, 'parent', 'Harbour TV');
  meet(watch, 2, purpose);
  call(watch, 2, 'Free prizes');
  expect(watch.name).toBe('Harbour TV');
});

test('a child names nothing', () => {
  const watch = watching();
  meet(watch, 2, 'child');
  call(watch, 2, 'Free prizes');
  expect(watch.name).toBe('');
});

test('a household whose rendezvous told the epoch begins with nothing older, whoever brings it', () => {
  const old = messagesOf(blocksOf(show({ seconds: 1, pictures: 25, gop: 25, size: 30 }), 1));
  const shown = (epoch: number | undefined): number => {
    const watch = watching();
    meet(watch, 1, 'parent', 'Harbour TV', epoch);
    return old
      .flatMap((bytes) => watch.step({ kind: 'message', pairId: 1, bytes }, now))
      .filter(({ kind }) => kind === 'news').length;
  };
  expect(shown(undefined)).toBeGreaterThan(0);
  expect(shown(2)).toBe(0);
});
