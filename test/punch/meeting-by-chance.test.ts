import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { UNKNOWN } from '../../agent/base/nat-profile.ts';
import { seeded } from '../../agent/base/random.ts';
import { ms } from '../../agent/base/time.ts';
import { chance, mappingsFor, shotsFor } from '../../agent/punch/birthday.ts';
import { inferBlock, scanOrder, sizeOf, widen } from '../../agent/punch/block.ts';
import { ALL_PORTS, portAfter } from '../../agent/punch/brackets.ts';
import { chanceOf, guess } from '../../agent/punch/lottery.ts';
import { bracketSize, targets, walkOf } from '../../agent/punch/walk.ts';

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
  /** Plays both counters: does a knock of the walker leave from the port that its target's hole expects? */
  function meets(drift: number, lead: number, count: number, width: number, place: number): boolean {
    const counting = { step: 1, counters: 1, range: ALL_PORTS };
    const aims = targets(5000, { lead, count }, width, counting);
    let port = portAfter(5000, drift, counting);
    for (const aim of aims) {
      for (let n = 0; n < width; n++) {
        port = portAfter(port, 1, counting);
        if (port === aim && n === place) return true;
      }
    }
    return false;
  }

  it('meets for every drift from its lead to its lead and length, and for no other', () => {
    for (let drift = 0; drift < 60; drift++) expect(meets(drift, 10, 24, 1, 0)).toBe(drift >= 10 && drift < 34);
  });

  it('meets the same in each place of several counters', () => {
    for (let place = 0; place < 4; place++) expect(meets(12, 10, 24, 4, place)).toBe(true);
  });

  it.each([
    [0, 8],
    [15, 23],
    [250, 88],
  ])('reaches three deviations and more about what strangers take: at %i flows a second %i targets', (drift, count) => {
    const walk = walkOf(drift, 1.5, ms(220), 0);
    const mean = drift * 0.22;
    expect(walk.count).toBe(count);
    expect(walk.lead).toBeLessThanOrEqual(mean);
    expect(walk.lead + walk.count).toBeGreaterThan(mean + 3 * Math.sqrt(1.5 * mean));
  });

  it('doubles at each attempt and ends at 128', () => {
    expect([0, 1, 2, 3, 4].map((attempt) => walkOf(0, 1.5, ms(100), attempt).count)).toEqual([8, 16, 32, 64, 128]);
    expect(walkOf(1000, 19, ms(1000), 3).count).toBe(128);
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
