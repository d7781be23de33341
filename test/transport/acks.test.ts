import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { Acks } from '../../agent/transport/acks.ts';

const acks = (): Acks => new Acks(seeded(1));

describe('acks', () => {
  test.each([
    ['in order', [0, 1, 2, 3], [3, 0]],
    ['with a gap', [0, 1, 3], [3, 3, 1, 0]],
    ['with the gap filled later', [0, 1, 3, 2], [3, 0]],
    ['backwards', [5, 4, 3], [5, 3]],
    ['grown from below and above', [1, 5, 3, 4], [5, 3, 1, 1]],
    ['twice', [1, 2, 1, 2], [2, 1]],
  ])('packets heard %s make these ranges', (_, counters, ranges) => {
    const heard = acks();
    for (const counter of counters) heard.heard(counter, true, at(0));
    expect(heard.ranges()).toEqual(ranges);
  });

  test('the ranges say exactly what was heard, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 80 }), (counters) => {
        const heard = acks();
        for (const counter of counters) heard.heard(counter, true, at(0));
        const said: number[] = [];
        const ranges = heard.ranges();
        for (let i = 0; i < ranges.length; i += 2) {
          for (let n = ranges[i] ?? 0; n >= (ranges[i + 1] ?? 0); n--) said.push(n);
        }
        expect(said).toEqual([...new Set(counters)].sort((a, b) => b - a));
      }),
    );
  });

  test('only the newest 32 ranges are kept', () => {
    const heard = acks();
    for (let i = 0; i < 100; i++) heard.heard(2 * i, true, at(0));
    expect(heard.ranges().length).toBe(64);
    expect(heard.ranges().slice(0, 2)).toEqual([198, 198]);
  });

  test('an ACK waits about 5 ms, jittered', () => {
    const waits = Array.from({ length: 20 }, (_, seed) => {
      const heard = new Acks(seeded(seed));
      heard.heard(0, true, at(100));
      return (heard.due() ?? 0) - 100;
    });
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...waits)).toBeLessThanOrEqual(6);
    expect(new Set(waits).size).toBeGreaterThan(10);
  });

  test('the sixteenth packet is acknowledged at once', () => {
    const heard = acks();
    for (let i = 0; i < 15; i++) heard.heard(i, true, at(0));
    expect(heard.due()).toBeGreaterThan(0);
    heard.heard(15, true, at(0));
    expect(heard.due()).toBe(0);
  });

  test('the third packet above a gap is acknowledged at once: from it on the sender can act', () => {
    const heard = acks();
    for (const counter of [0, 2, 3]) heard.heard(counter, true, at(0));
    expect(heard.due()).toBeGreaterThan(0);
    heard.heard(4, true, at(0.5));
    expect(heard.due()).toBe(0.5);
  });

  test('ACKs alone ask for no ACK', () => {
    const heard = acks();
    for (let i = 0; i < 100; i++) heard.heard(i, false, at(0));
    expect(heard.due()).toBeUndefined();
    expect(heard.ranges()).toEqual([99, 0]);
  });

  test('what the other side knows we know is not said again', () => {
    const heard = acks();
    for (const counter of [0, 1, 3, 4, 6]) heard.heard(counter, true, at(0));
    heard.settle(3);
    expect(heard.ranges()).toEqual([6, 6, 4, 4]);
    heard.settle(6);
    expect(heard.ranges()).toEqual([]);
    heard.heard(9, true, at(0));
    expect(heard.ranges()).toEqual([9, 9]);
  });
});
