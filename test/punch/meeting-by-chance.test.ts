import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { UNKNOWN } from '../../agent/base/nat-profile.ts';
import { seeded } from '../../agent/base/random.ts';
import { ms } from '../../agent/base/time.ts';
import { chance, mappingsFor, shotsFor } from '../../agent/punch/birthday.ts';
import { inferBlock, scanOrder, sizeOf, widen } from '../../agent/punch/block.ts';
import { ALL_PORTS, portAfter } from '../../agent/punch/brackets.ts';
import { chanceOf, guess } from '../../agent/punch/lottery.ts';
import {
  bracketSize,
  type Holes,
  holesFor,
  mayMeet,
  placeOf,
  strangers,
  targets,
  type Walk,
  walkThrough,
} from '../../agent/punch/walk.ts';

describe('the birthday', () => {
  // The exact figures for 64512 ports from our reference, section 2.2.
  it.each([
    [256, 174, 0.5],
    [256, 256, 0.639],
    [256, 1024, 0.9835],
    [256, 1750, 0.9991],
    [257, 1000, 0.982],
    [300, 800, 0.977],
  ])('%i ports held and %i knocked at meet with %f', (held, shots, wanted) => {
    expect(chance(64_512, held, shots)).toBeCloseTo(wanted, 3);
  });

  it('is certain when the knocks are more than the ports that are not held', () => {
    expect(chance(512, 44, 469)).toBe(1);
    expect(chance(512, 0, 512)).toBe(0);
  });

  it('takes the fewest knocks that reach a chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 64_512 }), fc.integer({ min: 1, max: 60 }), (ports, held) => {
        const shots = shotsFor(ports, held, 0.9);
        expect(chance(ports, held, shots)).toBeGreaterThanOrEqual(0.9 - 1e-9);
        expect(chance(ports, held, shots - 1)).toBeLessThan(0.9);
      }),
    );
  });

  it.each([
    ['random', 0, 128],
    ['random', 1000, 128],
    ['random', 100, 25],
    ['block-random', 0, 64],
    ['block-random', 100, 25],
  ] as const)('asks a %s NAT with a quota of %i for %i mappings', (kind, quota, mappings) => {
    expect(mappingsFor({ ...UNKNOWN, kind, quota })).toBe(mappings);
  });

  it.each([
    [512, 32],
    [2048, 64],
  ])('asks for no more than one in sixteen of a block of %i ports: %i', (size, mappings) => {
    const ports = { from: 2048, to: 2047 + size };
    expect(mappingsFor({ ...UNKNOWN, kind: 'block-random', ports })).toBe(mappings);
  });
});

describe('a block', () => {
  it('is found by 16 of its ports, whatever its size and place', () => {
    const random = seeded(7);
    let missed = 0;
    for (let run = 0; run < 4000; run++) {
      const size = 2 ** (6 + random(7));
      const from = 1024 + size * random(Math.floor(64_512 / size));
      const ports = Array.from({ length: 16 }, () => from + random(size));
      const block = inferBlock(ports);
      if (block?.from !== from || sizeOf(block) !== size) missed++;
    }
    // Once in 2^15 all 16 lie in one half; of 4000 runs more than three would be one in 10^5.
    expect(missed).toBeLessThanOrEqual(3);
  });

  it('is none when its ports lie further apart than 4096', () => {
    expect(inferBlock([2000, 40_000])).toBeUndefined();
    expect(inferBlock([1024, 1087])).toEqual({ from: 1024, to: 1087 });
    expect(inferBlock([1087, 1088])).toEqual({ from: 1024, to: 1151 });
  });

  it('that is not aligned is a little wider than what was seen, and its neighbours are scanned after it', () => {
    const { from, to } = widen([3000, 3100, 3400, 3500]);
    expect([from, to]).toEqual([2833, 3667]);
    expect(scanOrder({ from: 1024, to: 1535 })).toEqual([
      { from: 1024, to: 1535 },
      { from: 1536, to: 2047 },
    ]);
  });
});

describe('the walk', () => {
  const counting = { step: 1, counters: 1, range: ALL_PORTS };

  /** Plays both counters: at which hole does a knock of the walker leave from the port that it expects? */
  function meets(holes: Holes, walk: Walk, steps: number, place: number): number | undefined {
    const aims = targets(5000, holes, counting).slice(walk.first, walk.first + walk.count);
    let port = portAfter(5000, steps, counting);
    for (const [i, aim] of aims.entries()) {
      for (let n = 0; n < holes.width * holes.depth; n++) {
        port = portAfter(port, 1, counting);
        if (port === aim && n % holes.width === place) return walk.first + i;
      }
    }
    return undefined;
  }

  it.each([1, 2, 3])(
    'meets from the first hole it walks through to %i steps more for each, and at no other, and knows where',
    (depth) => {
      const holes = { lead: 10, count: 40, width: 1, depth };
      const walk = { first: 5, count: 12 };
      const begin = 10 + 2 * depth * 5;
      for (let steps = 0; steps < 100; steps++) {
        const met = meets(holes, walk, steps, 0);
        expect(met !== undefined).toBe(steps >= begin && steps < begin + 12 * depth);
        expect(mayMeet(holes, walk, steps)).toBe(met !== undefined);
        if (met !== undefined) expect(placeOf(holes, walk, steps, 0).first).toBe(met);
      }
    },
  );

  it('meets the same in each place of several counters', () => {
    const holes = { lead: 10, count: 24, width: 4, depth: 1 };
    for (let place = 0; place < 4; place++) {
      expect(meets(holes, { first: 0, count: 24 }, 14, place)).toBeDefined();
      expect(mayMeet(holes, { first: 0, count: 24 }, 14)).toBe(true);
    }
  });

  it.each([
    [0, 1.5, 1],
    [15, 1.5, 1],
    [50, 19, 1],
    [250, 1.5, 1],
    [50, 1.5, 4],
  ])(
    'has a hole wherever the walker may be: %i flows a second, variance %f, counters of the other side: %i',
    (drift, burstiness, width) => {
      const pace = { drift, burstiness };
      const whole = strangers(pace, ms(170));
      const rest = strangers(pace, ms(90));
      const holes = holesFor(whole, rest.most - rest.least + 1, width);
      // However many of them came before it was read once more.
      for (let before = whole.least; before <= whole.most - rest.most; before++) {
        const reach = { least: before + rest.least, most: before + rest.most };
        const walk = walkThrough(holes, reach);
        for (let steps = Math.max(reach.least, holes.lead); steps <= reach.most; steps++)
          for (let place = 0; place < width; place++) expect(meets(holes, walk, steps, place)).toBeDefined();
      }
    },
  );

  it('takes as many holes as strangers make it, and no more than may be new at once', () => {
    const holes = (drift: number, burstiness = 1.5): number => {
      const [whole, rest] = [strangers({ drift, burstiness }, ms(170)), strangers({ drift, burstiness }, ms(90))];
      return holesFor(whole, rest.most - rest.least + 1, 1).count;
    };
    expect([holes(0), holes(15), holes(50), holes(250)]).toEqual([6, 7, 11, 20]);
    expect(holes(9000, 19)).toBe(128);
  });

  it('has brackets so small that a stranger comes into every third at most', () => {
    expect([0, 100, 500, 5000].map((drift) => bracketSize(drift, ms(0.3)))).toEqual([8, 8, 2, 1]);
  });
});

test('the lottery guesses a port of a block twice, then each of the others before it begins anew, and wins nine times in ten', () => {
  const block = { from: 2048, to: 2559 };
  const all = Array.from({ length: 1024 }, (_, attempt) => guess(block, 3, attempt));
  expect(new Set(all).size).toBe(512);
  expect(all.every((port, attempt) => port === all[attempt - (attempt % 2)])).toBe(true);
  expect(Math.min(...all)).toBe(2048);
  expect(Math.max(...all)).toBe(2559);
  expect(chanceOf(block)).toBeCloseTo(0.9375, 4);
});

test('no port is guessed that is known to be taken, as long as there are others', () => {
  const block = { from: 2048, to: 2051 };
  const taken = new Set([2048, 2050]);
  for (let seed = 0; seed < 50; seed++) expect(taken.has(guess(block, seed, seed, taken))).toBe(false);
  const all = new Set([2048, 2049, 2050, 2051]);
  expect(all.has(guess(block, 1, 0, all))).toBe(true);
});
