import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { UNKNOWN } from '../../agent/base/nat-profile.ts';
import {
  ALL_PORTS,
  type Counting,
  countingOf,
  portAfter,
  readBurst,
  stepsBetween,
} from '../../agent/punch/brackets.ts';

const UP: Counting = { step: 1, counters: 1, range: ALL_PORTS };
const gone = undefined;

describe('the ports of a burst that went to the peer', () => {
  it.each([
    ['nobody came between', [4711, gone, 4713], UP, [[4712]]],
    ['two strangers came between', [4711, gone, 4715], UP, [[4713, 4712, 4714]]],
    ['two knocks in a row', [4711, gone, gone, 4714], UP, [[4712], [4713]]],
    [
      'two knocks and a stranger',
      [4711, gone, gone, 4715],
      UP,
      [
        [4712, 4713],
        [4714, 4713],
      ],
    ],
    ['a step of seven', [4711, gone, 4725], { ...UP, step: 7 }, [[4718]]],
    ['downwards', [4711, gone, 4709], { ...UP, step: -1 }, [[4710]]],
    ['over the end of the range', [65535, gone, 1025], UP, [[1024]]],
    ['under its beginning', [1024, gone, 65534], { ...UP, step: -1 }, [[65535]]],
    ['round a block', [2175, gone, 2049], { ...UP, range: { from: 2048, to: 2175 } }, [[2048]]],
    ['too many strangers to knock at all of them', [4711, gone, 4729], UP, [[]]],
    ['our own made no mapping', [4711, gone, 4712], UP, [[]]],
    ['off the step', [4711, gone, 4716], { ...UP, step: 2 }, [[]]],
    [
      'the second probe was lost',
      [4711, gone, gone, gone],
      UP,
      [
        [4712, 4713, 4714],
        [4713, 4714, 4715],
        [4714, 4715, 4716],
      ],
    ],
    [
      'the first one was',
      [gone, gone, 4713],
      UP,
      [
        [4711, 4710, 4709],
        [4712, 4711, 4710],
      ],
    ],
    ['nothing was seen', [gone, gone], UP, [[], []]],
  ] as const)('%s', (_what, burst, counting, ports) => {
    expect(readBurst(burst, counting).filter((_, i) => burst[i] === undefined)).toEqual(ports);
  });

  it('of four counters that take turns: the one between two of its own ports first', () => {
    const counting = { ...UP, counters: 4 };
    const burst = [1100, 20_000, 30_000, 40_000, gone, 1101, 20_001, 30_002, 40_001];
    expect(readBurst(burst, counting)[4]).toEqual([30_001]);
    // The knock's counter was only met before: the next of each that has no end.
    expect(readBurst([1100, 20_000, gone, 1101], counting)[2]).toContain(20_001);
  });
});

test('whatever the counter and whoever comes between, the true port is among those read, or nothing is', () => {
  // A large step in a small block comes round within one burst, and then nobody can tell the turns apart.
  const counting = fc.oneof(
    fc.record({ step: fc.constantFrom(1, -1, 2, 7, -4, 64), counters: fc.constant(1), range: fc.constant(ALL_PORTS) }),
    fc.record({ step: fc.constantFrom(1, -1), counters: fc.constant(1), range: fc.constant({ from: 2048, to: 2559 }) }),
  );
  const gaps = fc.array(fc.record({ strangers: fc.nat({ max: 4 }), seen: fc.boolean() }), {
    minLength: 3,
    maxLength: 12,
  });
  fc.assert(
    fc.property(counting, fc.nat({ max: 60_000 }), gaps, (shape, start, all) => {
      let port = shape.range.from + (start % (shape.range.to - shape.range.from + 1));
      const truth = all.map(({ strangers }) => (port = portAfter(port, strangers + 1, shape)));
      const burst = truth.map((one, i) => (all[i]?.seen === true || i === 0 || i === all.length - 1 ? one : undefined));
      for (const [i, ports] of readBurst(burst, shape).entries()) {
        if (burst[i] !== undefined) continue;
        expect(ports.length).toBeLessThanOrEqual(8);
        if (ports.length > 0) expect(ports).toContain(truth[i]);
      }
    }),
  );
});

test('steps and ports are each other turned round', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1024, max: 65535 }),
      fc.nat({ max: 900 }),
      fc.constantFrom(1, -1, 7, -64),
      (port, steps, step) => {
        const counting = { ...UP, step };
        expect(stepsBetween(port, portAfter(port, steps, counting), counting)).toBe(steps);
      },
    ),
  );
});

test('how a NAT counts is in its profile, and a block turns round at its own end', () => {
  expect(countingOf({ ...UNKNOWN, kind: 'sequential', step: -2 })).toEqual({ ...UP, step: -2 });
  expect(countingOf({ ...UNKNOWN, kind: 'per-core', step: 1, counters: 4 }).counters).toBe(4);
  const ports = { from: 2048, to: 2175 };
  expect(countingOf({ ...UNKNOWN, kind: 'block-sequential', step: 1, ports }).range).toEqual(ports);
});
