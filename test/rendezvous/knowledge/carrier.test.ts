import { describe, expect, it, test } from 'vitest';
import { seeded } from '../../../agent/base/random.ts';
import { ms } from '../../../agent/base/time.ts';
import { Operators } from '../../../agent/rendezvous/knowledge/operators.ts';
import { KIND_NAMES, type KindName, NAT_KINDS } from '../../../agent/sim/kinds.ts';
import { day, knowledge, reading, settle, tell } from './fleet.ts';

const today = day(100);
const READ = KIND_NAMES.filter((name) => NAT_KINDS[name].truth.kind !== 'unknown');

describe.each(READ)('a carrier of kind %s', (name) => {
  test.each([1, 30])('is known to the 31st household, when the 30 before it had %i addresses', (addresses) => {
    const fleet = knowledge();
    settle(fleet, name, 30, today, addresses);
    const { kind, offset, filtering, step } = NAT_KINDS[name].truth;
    const ip = addresses === 1 ? '203.0.113.0' : '203.0.113.200';
    expect(fleet.carrier(ip, today)).toMatchObject({ kind, offset, filtering, step });
  });

  test('is not known to anybody elsewhere', () => {
    const fleet = knowledge();
    settle(fleet, name, 30, today);
    expect(fleet.carrier('198.51.100.1', today)).toBe(undefined);
  });
});

describe('a carrier', () => {
  it('is not known before twenty have looked', () => {
    const fleet = knowledge();
    const known: number[] = [];
    for (let i = 0; i < 25; i++) {
      const ip = `203.0.113.${i}`;
      tell(fleet, `home ${i}`, ip, reading('sequential', ip), today);
      if (fleet.carrier('203.0.113.200', today) !== undefined) known.push(i + 1);
    }
    expect(known).toEqual([20, 21, 22, 23, 24, 25]);
  });

  it('is not known where one in ten finds something else', () => {
    const fleet = knowledge();
    settle(fleet, 'sequential', 36, today);
    for (let i = 0; i < 4; i++) {
      const ip = `203.0.113.${100 + i}`;
      tell(fleet, `other ${i}`, ip, reading('random', ip), today);
    }
    expect(fleet.carrier('203.0.113.200', today)).toBe(undefined);
  });

  it('with two boxes is not taken for one of them at the address of the other', () => {
    const fleet = knowledge();
    settle(fleet, 'sequential', 200, today);
    const ip = '203.0.113.250';
    for (let i = 0; i < 2; i++) tell(fleet, `odd ${i}`, ip, reading('random', ip), today);
    expect(fleet.carrier('203.0.113.251', today)?.kind).toBe('sequential');
    expect(fleet.carrier(ip, today)).toBe(undefined);
  });

  it('tells size and alignment of its blocks, though each household has another one', () => {
    const fleet = knowledge();
    settle(fleet, 'random-block', 30, today);
    const ports = fleet.carrier('203.0.113.200', today)?.ports;
    expect(ports).toEqual({ from: 1024, to: 1535 });
  });

  it('tells its range, though each household saw a part of it', () => {
    const fleet = knowledge();
    const random = seeded(7);
    for (let i = 0; i < 40; i++) {
      const ip = `203.0.113.${i}`;
      const ports = { from: 50_001 + random(900), to: 65_535 - random(900) };
      tell(fleet, `home ${i}`, ip, { ...reading('random-range', ip), ports }, today);
    }
    const { from = 0, to = 0 } = fleet.carrier('203.0.113.200', today)?.ports ?? {};
    expect(from).toBeGreaterThanOrEqual(50_001);
    expect(from).toBeLessThan(50_400);
    expect(to).toBeGreaterThan(65_100);
    expect(to).toBeLessThanOrEqual(65_535);
  });

  it('whose constant differs from home to home is not known by its constant', () => {
    const fleet = knowledge();
    for (let i = 0; i < 30; i++) {
      const ip = `203.0.113.${i}`;
      tell(fleet, `home ${i}`, ip, { ...reading('offset', ip), offset: i * 100 }, today);
    }
    expect(fleet.carrier('203.0.113.200', today)).toBe(undefined);
  });

  it('is known in all prefixes of an operator, where a table names it', () => {
    const operators = new Operators();
    for (const prefix of [0xcb007100, 0xc6336400, 0xc0000200]) operators.add(prefix, 24, 'Example Mobile');
    const fleet = knowledge({ operators });
    for (let i = 0; i < 30; i++) {
      const ip = `${['203.0.113', '198.51.100', '192.0.2'][i % 3]}.${i}`;
      tell(fleet, `home ${i}`, ip, reading('sequential', ip), today);
    }
    expect(fleet.carrier('192.0.2.77', today)?.kind).toBe('sequential');
    operators.add(0xc0586300, 24, 'Example Mobile');
    expect(fleet.carrier('192.88.99.1', today)?.kind).toBe('sequential');
  });

  it.each([1, 30])('of %i addresses that changes its boxes is known anew when its households say so', (addresses) => {
    const fleet = knowledge();
    const ip = addresses === 1 ? '203.0.113.0' : '203.0.113.200';
    for (let i = 0; i < 30; i++) settle(fleet, 'sequential', 30, day(70 + i), addresses);
    expect(fleet.carrier(ip, day(99))?.kind).toBe('sequential');
    const kinds: (string | undefined)[] = [];
    for (let i = 0; i < 30; i++) {
      settle(fleet, 'random-block', 30, day(100 + i), addresses);
      kinds.push(fleet.carrier(ip, day(100 + i))?.kind);
    }
    const again = kinds.indexOf('block-random');
    expect(again).toBeGreaterThanOrEqual(0);
    expect(again).toBeLessThan(14);
    expect(kinds.slice(0, again).every((kind) => kind === undefined)).toBe(true);
    expect(kinds.slice(again).every((kind) => kind === 'block-random')).toBe(true);
  });

  it('is forgotten when nobody comes from there for long', () => {
    const fleet = knowledge();
    settle(fleet, 'sequential', 30, today);
    expect(fleet.carrier('203.0.113.200', day(105))?.kind).toBe('sequential');
    expect(fleet.carrier('203.0.113.200', day(110))).toBe(undefined);
  });

  it('drifts by the hour of the week, and an hour never measured is like the others', () => {
    let hour = 20;
    const fleet = knowledge({ hourOf: () => hour });
    for (const [at, drift] of [
      [20, 200],
      [4, 2],
    ] as const) {
      hour = at;
      for (let i = 0; i < 30; i++) {
        const ip = `203.0.113.${i}`;
        tell(fleet, `home ${i} at ${at}`, ip, { ...reading('sequential', ip), drift }, today);
      }
    }
    const drifts = [20, 4, 12].map((at) => {
      hour = at;
      return fleet.carrier('203.0.113.200', today)?.drift ?? 0;
    });
    expect(drifts[0]).toBeGreaterThan(100);
    expect(drifts[1]).toBeLessThan(5);
    expect(drifts[2]).toBeGreaterThan(5);
    expect(drifts[2]).toBeLessThan(100);
  });

  it('has the timeout and the quota that nearly everybody gets', () => {
    const fleet = knowledge();
    for (let i = 0; i < 20; i++) {
      const from = { by: `home ${i}`, ip: `203.0.113.${i}` };
      fleet.learn({ kind: 'timeout', ...from, lived: ms(i < 2 ? 30_000 : 120_000) }, today);
      fleet.learn({ kind: 'quota', ...from, mappings: 100 - (i % 4) }, today);
    }
    expect(fleet.timeout('203.0.113.200', today)).toBe(28_000);
    expect(fleet.quota('203.0.113.200', today)).toBe(96);
    expect(fleet.quota('198.51.100.1', today)).toBe(undefined);
  });
});

describe('belief in a kind before anybody has looked', () => {
  const share = (fleet: ReturnType<typeof knowledge>, ip: string, kind: KindName): number =>
    fleet.prior(ip, today).get(NAT_KINDS[kind].truth.kind) ?? 0;

  it('is that of assumed lines where nothing is known, and a sum of one everywhere', () => {
    const fleet = knowledge();
    expect(share(fleet, '203.0.113.1', 'open')).toBeCloseTo(0.485, 2);
    settle(fleet, 'sequential', 13, today);
    const sum = [...fleet.prior('203.0.113.1', today).values()].reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(1, 10);
  });

  it('leans on the coarser key while the finer one has seen little', () => {
    const fleet = knowledge();
    settle(fleet, 'sequential', 30, today);
    const network = share(fleet, '203.0.113.200', 'sequential');
    const other = '203.0.113.250';
    tell(fleet, 'odd', other, reading('random', other), today);
    const address = share(fleet, other, 'sequential');
    const elsewhere = share(fleet, '198.51.100.1', 'sequential');
    expect(network).toBeGreaterThan(0.75);
    expect(address).toBeLessThan(network);
    expect(address).toBeGreaterThan(0.6);
    // The fleet as a whole leans towards what it has seen so far, from one network alone.
    expect(elsewhere).toBeLessThan(address);
    expect(elsewhere).toBeGreaterThan(share(knowledge(), '198.51.100.1', 'sequential'));
  });

  it('follows the model of the gateway where it is told', () => {
    const fleet = knowledge();
    for (let i = 0; i < 40; i++) {
      const ip = `198.18.${i}.1`;
      tell(fleet, `home ${i}`, ip, reading('stride', ip), today, { gateway: 'Example RT-1' });
    }
    const without = fleet.prior('203.0.113.1', today).get('sequential') ?? 0;
    expect(fleet.prior('203.0.113.1', today, 'Example RT-1').get('sequential') ?? 0).toBeGreaterThan(without);
  });

  it('that was wrong recovers with the first few who look', () => {
    const fleet = knowledge();
    settle(fleet, 'full-cone', 60, today);
    const ip = '203.0.113.99';
    const seen: number[] = [];
    for (let i = 0; i < 8; i++) {
      tell(fleet, `new ${i}`, ip, reading('random-block', ip), today);
      seen.push(share(fleet, ip, 'random-block'));
      expect(fleet.carrier(ip, today)).toBe(undefined);
    }
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeGreaterThan(0.5);
  });
});
