import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { NAT_KINDS as KINDS } from '../../../agent/base/nat-profile.ts';
import { METHODS } from '../../../agent/base/outcome.ts';
import { seeded } from '../../../agent/base/random.ts';
import { type Instant, ms } from '../../../agent/base/time.ts';
import type { Fact } from '../../../agent/rendezvous/knowledge/fact.ts';
import type { Knowledge } from '../../../agent/rendezvous/knowledge/knowledge.ts';
import { KIND_NAMES, NAT_KINDS } from '../../../agent/sim/kinds.ts';
import { day, knowledge, reading, settle, tell } from './fleet.ts';

const today = day(100);

const ips = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 6 })).map(([a, b]) => `203.0.${a}.${b}`);
const homes = fc.integer({ min: 0, max: 40 }).map((number) => `home ${number}`);
const kinds = fc.constantFrom(...KIND_NAMES.filter((name) => NAT_KINDS[name].truth.kind !== 'unknown'));

const facts: fc.Arbitrary<Fact> = fc.oneof(
  fc.record({
    kind: fc.constant('profile' as const),
    by: homes,
    ip: ips,
    profile: fc
      .record({
        name: kinds,
        step: fc.integer({ min: -9, max: 9 }),
        drift: fc.double({ min: 0, max: 300, noNaN: true }),
      })
      .map(({ name, ...rest }) => ({ ...reading(name, '203.0.113.1', seeded(1)), ...rest })),
    primed: fc.boolean(),
    gateway: fc.constantFrom(undefined, 'RT-1', 'RT-2'),
  }),
  fc.record({
    kind: fc.constant('outcome' as const),
    by: homes,
    ip: ips,
    pairClass: fc.constantFrom('preserve+random', 'preserve+sequential'),
    method: fc.constantFrom(...METHODS),
    success: fc.boolean(),
    after: fc.integer({ min: 0, max: 30_000 }).map(ms),
  }),
  fc.record({
    kind: fc.constant('timeout' as const),
    by: homes,
    ip: ips,
    lived: fc.integer({ min: 1, max: 400_000 }).map(ms),
  }),
  fc.record({ kind: fc.constant('quota' as const), by: homes, ip: ips, mappings: fc.integer({ min: 1, max: 4096 }) }),
);

const lessons = fc.array(facts, { maxLength: 60 });

function taught(facts: readonly Fact[], now: Instant = today): Knowledge {
  const fleet = knowledge({ hourOf: () => 33 });
  for (const fact of facts) fleet.learn(fact, now);
  return fleet;
}

/** Sum of every count by key and name. */
function counts(fleet: Knowledge): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { step, key, counts, trials = {} } of fleet.export(today).keys) {
    for (const [name, weight] of Object.entries(counts)) found.set(`${step} ${key} ${name}`, weight);
    for (const [name, [won, lost]] of Object.entries(trials)) found.set(`${step} ${key} ${name}`, won + lost);
  }
  return found;
}

const through = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('knowledge that is written down', () => {
  it('is the same after it was read again', () => {
    fc.assert(
      fc.property(lessons, (facts) => {
        const written = through(taught(facts).export(today));
        const fleet = knowledge();
        expect(typeof fleet.import(written, day(3))).toBe('number');
        expect(through(fleet.export(day(3)))).toEqual(written);
      }),
    );
  });

  it('loses no count when it is merged with other knowledge', () => {
    fc.assert(
      fc.property(lessons, lessons, (one, other) => {
        const fleet = taught(one);
        const [mine, theirs] = [counts(fleet), counts(taught(other))];
        fleet.import(through(taught(other).export(today)), today);
        const merged = counts(fleet);
        for (const name of new Set([...mine.keys(), ...theirs.keys()])) {
          expect(merged.get(name)).toBeCloseTo((mine.get(name) ?? 0) + (theirs.get(name) ?? 0), 2);
        }
      }),
    );
  });

  it('names prefixes, operators, models and counts, and neither addresses nor households', () => {
    fc.assert(
      fc.property(lessons, (facts) => {
        const text = JSON.stringify(taught(facts).export(today));
        expect(text).not.toContain('home ');
        const addresses = [...text.matchAll(/\d+\.\d+\.\d+\.\d+(\/\d+)?/g)];
        expect(addresses.every(([found]) => found.endsWith('.0/24'))).toBe(true);
      }),
    );
  });

  it('makes a carrier known after a restart', () => {
    const before = knowledge();
    settle(before, 'random-block', 30, today);
    const after = knowledge();
    after.import(through(before.export(today)), day(0));
    expect(after.carrier('203.0.113.200', day(0))).toEqual(before.carrier('203.0.113.200', today));
  });

  test.each<[string, unknown, string]>([
    ['nothing', null, 'not a file of knowledge'],
    ['a list', [], 'not a file of knowledge'],
    ['another file', { format: 'tickets' }, 'not a file of knowledge'],
    ['a later form', { format: 'hearth-knowledge', version: 2 }, 'written by a newer hearth'],
    ['no keys', { format: 'hearth-knowledge', version: 1 }, 'keys are missing'],
    ...[
      null,
      { step: 'address', key: '203.0.113.7', counts: {} },
      { step: 'network', key: '203.0.113.7/24', counts: {} },
      { step: 'network', key: '203.0.113.0/24', counts: { 'kind nonsense': 1 } },
      { step: 'network', key: '203.0.113.0/24', counts: { 'kind random': -1 } },
      { step: 'network', key: '203.0.113.0/24', counts: { 'kind random': 'many' } },
      { step: 'network', key: '203.0.113.0/24', counts: { '__proto__ x': 1 } },
      { step: 'network', key: '203.0.113.0/24', counts: {}, drift: [[168, 1, 1]] },
      { step: 'network', key: '203.0.113.0/24', counts: {}, drift: [[1, 1, 1e8]] },
      { step: 'network', key: '203.0.113.0/24', counts: {}, trials: { 'a+b telepathy': [1, 1, 1] } },
      { step: 'operator', key: 'x'.repeat(65), counts: {} },
    ].map((page): [string, unknown, string] => [
      `a key like ${JSON.stringify(page)?.slice(0, 90)}`,
      { format: 'hearth-knowledge', version: 1, keys: [{ step: 'fleet', key: '', counts: {} }, page] },
      'key number 2 is damaged',
    ]),
  ])('is refused as a whole where it is %s', (_what, value, reason) => {
    const fleet = knowledge();
    expect(fleet.import(value, today)).toBe(reason);
    expect(fleet.export(today).keys).toEqual([]);
  });

  it('is refused or taken, and never throws, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const page = { format: 'hearth-knowledge', version: 1, keys: [value] };
        expect(['string', 'number']).toContain(typeof knowledge().import(page, today));
      }),
    );
  });
});

describe('trust in a kind', () => {
  it('never falls when one more household says the same', () => {
    fc.assert(
      fc.property(lessons, kinds, ips, fc.integer(), (facts, name, ip, number) => {
        const fleet = taught(facts);
        const { kind } = NAT_KINDS[name].truth;
        const before = fleet.prior(ip, today);
        const carrier = fleet.carrier(ip, today)?.kind;
        tell(fleet, `another ${number}`, ip, reading(name, ip), today);
        const after = fleet.prior(ip, today);
        expect(after.get(kind) ?? 0).toBeGreaterThanOrEqual((before.get(kind) ?? 0) - 1e-12);
        for (const other of KINDS) {
          if (other !== kind) expect(after.get(other) ?? 0).toBeLessThanOrEqual((before.get(other) ?? 0) + 1e-12);
        }
        if (carrier !== undefined && carrier !== kind) return;
        expect(fleet.carrier(ip, today)?.kind === kind || carrier === undefined).toBe(true);
      }),
    );
  });

  it('only fades with time', () => {
    fc.assert(
      fc.property(lessons, fc.integer({ min: 1, max: 400 }), (facts, days) => {
        const sum = (fleet: Knowledge, now: Instant): number =>
          fleet.export(now).keys.reduce((all, { counts }) => all + Object.values(counts).reduce((a, b) => a + b, 0), 0);
        const fleet = taught(facts);
        const before = sum(fleet, today);
        expect(sum(fleet, day(100 + days))).toBeLessThanOrEqual(before);
      }),
    );
  });
});

test('memory is bounded: the networks longest unheard of make room', () => {
  const fleet = knowledge({ keys: { address: 100, network: 50 } });
  for (let i = 0; i < 1000; i++) {
    const ip = `10.${i >> 8}.${i & 255}.1`;
    tell(fleet, `home ${i}`, ip, reading('sequential', ip), today);
  }
  expect(fleet.sizes()).toMatchObject({ address: 100, network: 50, fleet: 1 });
  const [first] = fleet.export(today).keys;
  expect(first?.key).toBe('10.3.182.0/24');
});
