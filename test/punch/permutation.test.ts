import fc from 'fast-check';
import { expect, test } from 'vitest';
import { permuted } from '../../agent/punch/permutation.ts';

test('every number comes once, whatever the size and the seed', () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constantFrom(1, 2, 4, 16, 512, 4096));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), sizes, (seed, size) => {
      const nth = permuted(seed, size);
      const seen = new Set(Array.from({ length: size }, (_, n) => nth(n)));
      expect(seen.size).toBe(size);
      expect(Math.min(...seen)).toBe(0);
      expect(Math.max(...seen)).toBe(size - 1);
    }),
    { numRuns: 100 },
  );
});

test('the whole range of ports, too', () => {
  const nth = permuted(0xdeadbeef, 64_512);
  expect(new Set(Array.from({ length: 64_512 }, (_, n) => nth(n))).size).toBe(64_512);
});

test('another seed is another order, and neighbours do not stay together', () => {
  const [one, other] = [permuted(1, 64_512), permuted(2, 64_512)];
  const same = Array.from({ length: 1000 }, (_, n) => n).filter((n) => one(n) === other(n));
  expect(same.length).toBeLessThan(5);
  const close = Array.from({ length: 1000 }, (_, n) => Math.abs(one(n) - one(n + 1))).filter((step) => step < 645);
  // A hundredth of the range on either side: two in a hundred by chance.
  expect(close.length).toBeLessThan(60);
});

test('the first 1750 spread over the range as chance would have it', () => {
  for (let seed = 0; seed < 20; seed++) {
    const nth = permuted(seed, 64_512);
    const sixteenths = Array.from({ length: 16 }, () => 0);
    for (let n = 0; n < 1750; n++) {
      const where = Math.floor((nth(n) * 16) / 64_512);
      sixteenths[where] = (sixteenths[where] ?? 0) + 1;
    }
    // 109 expected, standard deviation 10.
    expect(Math.min(...sixteenths)).toBeGreaterThan(60);
    expect(Math.max(...sixteenths)).toBeLessThan(160);
  }
});
