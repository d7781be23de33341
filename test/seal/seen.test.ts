import { expect, test } from 'vitest';
import { randomBytes, seeded } from '../../agent/base/random.ts';
import { Seen } from '../../agent/seal/seen.ts';

test('A datagram is new once, as long as not too many others came after it', () => {
  const seen = new Seen(100);
  const random = seeded(1);
  const first = randomBytes(random, 96);
  expect(seen.isNew(first)).toBe(true);
  for (let i = 0; i < 99; i++) expect(seen.isNew(randomBytes(random, 96))).toBe(true);
  expect(seen.isNew(first.slice())).toBe(false);
  for (let i = 0; i < 101; i++) seen.isNew(randomBytes(random, 96));
  expect(seen.isNew(first)).toBe(true);
});

test('Two that differ in their header only at the end are two', () => {
  const seen = new Seen();
  const one = new Uint8Array(96);
  const other = one.slice().fill(1, 15, 16);
  expect([seen.isNew(one), seen.isNew(other), seen.isNew(one), seen.isNew(other)]).toEqual([true, true, false, false]);
});
