import { expect, it } from 'vitest';
import { UNKNOWN } from '../../agent/base/nat-profile.ts';
import { at, ms } from '../../agent/base/time.ts';
import { Counter } from '../../agent/rendezvous/conductor/counter.ts';

const COUNTING = { ...UNKNOWN, kind: 'sequential', step: 1, drift: 50 } as const;

it('a counter is where it was seen, our own mappings and the strangers of the time since', () => {
  const counter = new Counter(COUNTING, 5000, at(0));
  const { least, most } = counter.reach(at(0), ms(400));
  expect(least).toBeLessThan(20);
  expect(most).toBeGreaterThan(20);
  counter.take(7);
  expect(counter.reach(at(0), ms(400))).toEqual({ least: least + 7, most: most + 7 });
  expect(counter.reach(at(100), ms(300))).toEqual({ least: least + 7, most: most + 7 });
});

it('what is seen of it ends the guessing, and tells how fast the strangers are', () => {
  const counter = new Counter(COUNTING, 5000, at(0));
  counter.take(3);
  expect(counter.read(5103, at(300))).toBe(103);
  expect(counter.pace.drift).toBeCloseTo((1000 * (15 + 100)) / 600, 5);
  expect(counter.pace.burstiness).toBeGreaterThan(COUNTING.burstiness);
  expect(counter.reach(at(300), ms(0)).least).toBeGreaterThanOrEqual(103);
});

it('strangers as busy as was believed teach nothing new', () => {
  const counter = new Counter(COUNTING, 5000, at(0));
  expect(counter.read(5015, at(300))).toBe(15);
  expect(counter.pace.drift).toBeCloseTo(50, 5);
  expect(counter.pace.burstiness).toBe(COUNTING.burstiness);
});

it('a port that its counter cannot have reached is another block, or another counter', () => {
  const counter = new Counter({ ...COUNTING, step: 4 }, 5000, at(0));
  for (const port of [5001, 4996, 5000 + 4 * 700]) expect(counter.read(port, at(100))).toBeUndefined();
  expect(counter.read(5008, at(100))).toBe(2);
});
