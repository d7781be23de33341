import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, ms } from '../../agent/base/time.ts';
import { Account } from '../../agent/punch/account.ts';
import { BETWEEN_BIRTHDAYS, FLOWS_PER_HOUR, MOST_SOCKETS } from '../../agent/punch/limits.ts';
import { Rate } from '../../agent/punch/rate.ts';

test('within any span of time no more than allowed is taken, however one asks', () => {
  const asks = fc.array(fc.record({ wait: fc.integer({ min: 0, max: 400 }), weight: fc.integer({ min: 1, max: 5 }) }), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(asks, (all) => {
      const rate = new Rate(10, ms(1000));
      const taken: { when: number; weight: number }[] = [];
      let now = 0;
      for (const { wait, weight } of all) {
        now += wait;
        if (rate.take(at(now), weight)) taken.push({ when: now, weight });
      }
      for (const { when } of taken) {
        const within = taken.filter((other) => other.when <= when && when - other.when < 1000);
        expect(within.reduce((sum, other) => sum + other.weight, 0)).toBeLessThanOrEqual(10);
      }
    }),
    { numRuns: 50 },
  );
});

test('a rate gives back what it took, exactly one span later', () => {
  const rate = new Rate(1, ms(1000));
  expect([rate.take(at(0)), rate.take(at(999)), rate.take(at(1000))]).toEqual([true, false, true]);
});

test('one birthday at a time, and 20 s from the last datagram of one to the first of the next', () => {
  const account = new Account();
  const [one, other] = [{}, {}];
  expect(account.mayBeBirthday(one, at(0))).toBe(true);
  expect(account.mayBeBirthday(other, at(5000))).toBe(false);
  expect(account.mayBeBirthday(one, at(5000))).toBe(true);
  expect(account.mayBeBirthday(other, at(5000 + BETWEEN_BIRTHDAYS - 1))).toBe(false);
  expect(account.mayBeBirthday(other, at(5000 + BETWEEN_BIRTHDAYS))).toBe(true);
  expect(account.mayBeBirthday(one, at(5001 + BETWEEN_BIRTHDAYS))).toBe(false);
});

test('two walks at a time', () => {
  const account = new Account();
  const [one, two, three] = [{}, {}, {}];
  expect([one, two, three, one].map((attempt) => account.mayWalk(attempt, at(0)))).toEqual([true, true, false, true]);
  expect(account.mayWalk(three, at(10_000))).toBe(true);
});

test('4000 flows an hour', () => {
  const account = new Account();
  let flows = 0;
  for (let now = 0; now < 3_600_000; now += 50) {
    if (account.shot({ mapping: false, flow: true }, at(now)) === undefined) flows++;
  }
  expect(flows).toBe(FLOWS_PER_HOUR.most);
  expect(account.shot({ mapping: false, flow: true }, at(3_599_999))).toBe('targets');
  expect(account.shot({ mapping: false, flow: true }, at(3_600_001))).toBeUndefined();
});

test('sockets are counted until they are closed', () => {
  const account = new Account();
  expect([account.open(MOST_SOCKETS), account.open(1)]).toEqual([true, false]);
  account.closed();
  expect(account.open(1)).toBe(true);
});

test.each([
  [100, 16_384, false],
  [9830, 16_384, false],
  [9831, 16_384, true],
  // Less than 2048 free.
  [2000, 4047, true],
  [1999, 4096, false],
] as const)('%i of %i connections in our own table: full is %s', (used, most, full) => {
  const account = new Account();
  expect(account.isTableFull).toBe(false);
  account.seeTable(used, most);
  expect(account.isTableFull).toBe(full);
});
