import { expect, test } from 'vitest';
import { Strip } from '../../agent/forest/strip.ts';

test('the strip keeps the worst of each of the last sixty seconds', () => {
  const strip = new Strip();
  strip.late(120, 500);
  strip.late(80, 900);
  strip.late(300.4, 1000);
  expect(strip.worst(1000).slice(-2)).toEqual([120, 300]);
  expect(strip.worst(59_999).slice(0, 3)).toEqual([120, 300, 0]);
  expect(strip.worst(60_000)[0]).toBe(300);
  expect(strip.worst(61_000).every((late) => late === 0)).toBe(true);
  expect(strip.worst(10_000_000).length).toBe(Strip.SECONDS);
});
