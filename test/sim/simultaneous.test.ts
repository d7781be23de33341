import { expect, test } from 'vitest';
import { ms } from '../../agent/base/time.ts';
import { KIND_NAMES } from '../../agent/sim/kinds.ts';
import { World } from '../../agent/sim/world.ts';
import { mustConnect } from './oracle.ts';
import { punch } from './punching.ts';
import { SEED } from './seed.ts';
import { attempt } from './two-sided.ts';

const ACCESS = { delay: ms(20), jitter: ms(5) };
const SEEDS = 5;

/** Pairs that a plain simultaneous send connects without being owed it: the port happens to be the right one. */
const LUCK = new Set(['poison']);

function connected(a: (typeof KIND_NAMES)[number], b: (typeof KIND_NAMES)[number]): number {
  let reached = 0;
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    const world = new World({ seed });
    const houses = [world.household(a, { access: ACCESS }), world.household(b, { access: ACCESS })] as const;
    if (attempt(world, houses[0].host, houses[1].host) !== undefined) reached++;
  }
  return reached;
}

test('Every pair of kinds connects by sending at the same time, or does not, as RFC 4787 says it must', () => {
  const wrong: string[] = [];
  for (const a of KIND_NAMES) {
    for (const b of KIND_NAMES) {
      const expected = mustConnect(a, b) ? SEEDS : 0;
      const reached = connected(a, b);
      if (reached !== expected && !LUCK.has(a) && !LUCK.has(b))
        wrong.push(`${a} x ${b}: ${reached} of ${SEEDS}, not ${expected}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('The oracle knows the classical cases', () => {
  expect(mustConnect('port-restricted', 'port-restricted')).toBe(true);
  expect(mustConnect('full-cone', 'random')).toBe(true);
  expect(mustConnect('address-restricted', 'random')).toBe(true);
  expect(mustConnect('port-restricted', 'sequential')).toBe(false);
  expect(mustConnect('random', 'random')).toBe(false);
  expect(mustConnect('open', 'random')).toBe(true);
  expect(mustConnect('open', 'blocked')).toBe(false);
  expect(mustConnect('address-restricted', 'pool')).toBe(false);
});

test("The product's punch connects every pair that simultaneous sending can, on lines that lose and reorder", () => {
  const access = { delay: ms(30), jitter: ms(10), loss: 0.02, reorder: 0.05, reorderBy: ms(15) };
  const failed: string[] = [];
  for (const a of KIND_NAMES) {
    for (const b of KIND_NAMES) {
      if (!mustConnect(a, b) || LUCK.has(a) || LUCK.has(b)) continue;
      for (let seed = SEED; seed < SEED + SEEDS; seed++) {
        const world = new World({ seed });
        const houses = [world.household(a, { access }), world.household(b, { access })] as const;
        if (punch(world, [a, b], houses) === undefined) failed.push(`${a} x ${b}, SEED=${seed}`);
      }
    }
  }
  expect(failed).toEqual([]);
});
