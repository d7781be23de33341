import { describe, expect, it, test } from 'vitest';
import { UNKNOWN } from '../../../agent/base/nat-profile.ts';
import { seeded } from '../../../agent/base/random.ts';
import { ms } from '../../../agent/base/time.ts';
import { day, knowledge, reading, settle, tell } from './fleet.ts';

const today = day(100);
const HERE = '203.0.113.200';

describe('a hostile household', () => {
  it('counts once a day, however often it speaks', () => {
    const fleet = knowledge();
    settle(fleet, 'sequential', 60, today);
    const before = fleet.prior(HERE, today).get('sequential') ?? 0;
    for (let i = 0; i < 10_000; i++) tell(fleet, 'liar', HERE, reading('random', HERE), today);
    expect(fleet.carrier('203.0.113.100', today)?.kind).toBe('sequential');
    expect(before - (fleet.prior('203.0.113.100', today).get('sequential') ?? 0)).toBeLessThan(0.03);
  });

  it('never makes its own address known by itself, in a year', () => {
    const fleet = knowledge();
    for (let i = 0; i < 365; i++) tell(fleet, 'liar', HERE, reading('random', HERE), day(i));
    expect(fleet.carrier(HERE, day(365))).toBe(undefined);
  });

  it('with ten thousand names at one address has a third of a say in its network, and never the last word', () => {
    const fleet = knowledge();
    settle(fleet, 'sequential', 60, today);
    for (let i = 0; i < 10_000; i++) tell(fleet, `liar ${i}`, HERE, reading('random', HERE), today);
    const prior = fleet.prior('203.0.113.100', today);
    expect(prior.get('random') ?? 0).toBeLessThan(1 / 3);
    expect(prior.get('sequential') ?? 0).toBeGreaterThan(0.6);
    expect(fleet.carrier('203.0.113.100', today)?.kind ?? 'sequential').toBe('sequential');
  });

  it('does not make its network known at one address or two, in a year with ten thousand names a day', () => {
    const fleet = knowledge();
    for (let i = 0; i < 365; i++) {
      for (let k = 0; k < 100; k++) {
        const ip = `203.0.113.${k % 2}`;
        tell(fleet, `liar ${i} ${k}`, ip, reading('random', ip), day(i));
      }
    }
    expect(fleet.carrier(HERE, day(365))).toBe(undefined);
  });

  it('among thirty honest neighbours behind one address cannot say for them what NAT they have, in a day of lies', () => {
    const fleet = knowledge();
    for (let i = 0; i < 5; i++) settle(fleet, 'sequential', 30, day(95 + i), 1);
    expect(fleet.carrier('203.0.113.0', day(100))?.kind).toBe('sequential');
    for (let i = 0; i < 10_000; i++) {
      tell(fleet, `liar ${i}`, '203.0.113.0', reading('random', '203.0.113.0'), day(100));
      expect(fleet.carrier('203.0.113.0', day(100))?.kind ?? 'sequential').toBe('sequential');
    }
    expect(fleet.prior('203.0.113.0', day(100)).get('random') ?? 0).toBeLessThan(0.5);
  });

  it('cannot in a month either, while the neighbours come back every day after it has spoken', () => {
    const fleet = knowledge();
    for (let i = 0; i < 5; i++) settle(fleet, 'sequential', 30, day(95 + i), 1);
    for (let i = 0; i < 30; i++) {
      for (let k = 0; k < 1000; k++) {
        tell(fleet, `liar ${i} ${k}`, '203.0.113.0', reading('random', '203.0.113.0'), day(100 + i));
        expect(fleet.carrier('203.0.113.0', day(100 + i))?.kind).not.toBe('random');
      }
      settle(fleet, 'sequential', 30, day(100 + i), 1);
    }
  });

  it('cannot drive out old knowledge with wild values, nor fill the memory', () => {
    const fleet = knowledge();
    settle(fleet, 'sequential', 100, today);
    const random = seeded(5);
    for (let i = 0; i < 20_000; i++) {
      const ip = `203.0.113.${i % 250}`;
      const profile = { ...reading('sequential', ip), step: random(2 ** 31), drift: 1e30, quota: random(2 ** 31) };
      tell(fleet, `liar ${i}`, ip, profile, today);
      fleet.learn({ kind: 'timeout', by: `liar ${i}`, ip, lived: ms(1e30) }, today);
    }
    const [page] = fleet.export(today).keys;
    expect(Object.keys(page?.counts ?? {}).length).toBeLessThan(100);
    expect(fleet.drift(HERE, today)).toBeLessThanOrEqual(2001);
  });

  it('speaks of no network but its own', () => {
    const fleet = knowledge();
    const outcome = { kind: 'outcome', pairClass: 'preserve+random', after: ms(1) } as const;
    for (let i = 0; i < 500; i++) {
      fleet.learn({ ...outcome, by: `liar ${i}`, ip: '198.51.100.7', method: 'birthday', success: false }, today);
    }
    const keys = fleet.export(today).keys.map(({ key }) => key);
    expect(keys.sort()).toEqual(['', '198.51.100.0/24']);
  });
});

test('a household that was told what to expect confirms the kind, and echoes nothing else', () => {
  const fleet = knowledge();
  settle(fleet, 'random-block', 30, today);
  const told = fleet.carrier(HERE, today);
  for (let i = 0; i < 200; i++) {
    const ip = `203.0.113.${i}`;
    const profile = { ...reading('random-block', ip), ports: { from: 1024, to: 1151 } };
    tell(fleet, `told ${i}`, ip, profile, today, { primed: true });
  }
  expect(fleet.carrier(HERE, today)?.ports).toEqual(told?.ports);
});

test('a household that was told something wrong counts against it', () => {
  const fleet = knowledge();
  settle(fleet, 'random-block', 30, today);
  for (let i = 0; i < 4; i++) tell(fleet, `told ${i}`, HERE, reading('random', HERE), today, { primed: true });
  expect(fleet.carrier(HERE, today)).toBe(undefined);
});

test.each([
  ['nothing is known', UNKNOWN],
  ['the household is not sure', { ...reading('sequential', HERE), confidence: 0.6 }],
])('where %s, nothing is learned', (_when, profile) => {
  const fleet = knowledge();
  tell(fleet, 'home', HERE, profile, today);
  expect(fleet.export(today).keys).toEqual([]);
});

test('an IPv6 address has no NAT to learn of', () => {
  const fleet = knowledge();
  tell(fleet, 'home', '2001:db8::1', reading('open', '2001:db8::1'), today);
  expect(fleet.sizes().fleet).toBe(0);
});
