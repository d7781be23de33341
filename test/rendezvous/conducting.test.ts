import { describe, expect, it, test } from 'vitest';
import { after, ms, seconds } from '../../agent/base/time.ts';
import type { Edge, KindName } from '../../agent/sim/kinds.ts';
import { PingTown, type TownOptions } from '../punch/ping-town.ts';

/** Two addresses of eight ports, as a rendezvous is meant to listen. */
const LISTEN = Array.from({ length: 16 }, (_, i) => ({ ip: `198.51.100.${1 + (i % 2)}`, port: 3478 + (i >> 1) }));
const [FIRST = { ip: '', port: 0 }, ...REST] = LISTEN;

interface Trip {
  readonly way: string;
  readonly method: string;
  readonly after: number;
  readonly town: PingTown;
}

function trip(asks: KindName | Edge, listens: KindName | Edge, options: TownOptions = {}): Trip {
  const town = new PingTown(asks, listens, { listen: [FIRST, ...REST], ...options });
  const [, way = '', method = '', after = ''] = /^connected (\w+) ([\w-]+) after (.*?) s/.exec(town.ping()) ?? [];
  return { way, method, after: Number(after), town };
}

const STEPPING = ['sequential', 'stride', 'descending', 'per-core', 'sequential-block'] as const;
const READABLE = [...STEPPING, 'address-dependent', 'symmetric-preserve'] as const;

describe('a NAT whose ports can be read, and one whose port is known', () => {
  it.each(READABLE.flatMap((kind) => [['port-restricted', kind] as const, [kind, 'port-restricted'] as const]))(
    '%s and %s: a bracket, in half a second',
    (asks, listens) => {
      for (let seed = 1; seed <= 5; seed++) {
        const { way, method, after } = trip(asks, listens, { seed });
        expect(`${way} ${method}`).toBe('direct bracket');
        expect(after).toBeLessThanOrEqual(0.5);
      }
    },
  );

  it.each(READABLE)('%s, and a router that gives its port away to whoever comes first', (kind) => {
    for (const [asks, listens] of [
      [kind, 'poison'],
      ['poison', kind],
    ] as const) {
      const { way, method, after } = trip(asks, listens);
      expect(`${way} ${method}`).toBe('direct bracket');
      expect(after).toBeLessThanOrEqual(0.5);
    }
  });

  it.each(['port-restricted', 'poison', 'address-dependent'] as const)('a block of 512 and %s', (kind) => {
    for (let seed = 1; seed <= 3; seed++) {
      const { way, after } = trip(kind, 'random-block', { seed });
      expect(way).toBe('direct');
      expect(after).toBeLessThanOrEqual(1);
    }
  });
});

describe('two NATs that count', () => {
  it.each(['sequential', 'stride', 'descending', 'sequential-block'] as const)(
    '%s walks through the holes of each of them',
    (asks) => {
      for (const listens of STEPPING) {
        const { way, method } = trip(asks, listens, { seed: 2 });
        expect(`${listens} ${way} ${method}`).toBe(`${listens} direct walk`);
      }
    },
  );

  it('with one that has a port per address, or keeps the first one, a bracket is enough', () => {
    for (const known of ['address-dependent', 'symmetric-preserve'] as const) {
      for (const counting of STEPPING) {
        expect(trip(known, counting).method).toBe('bracket');
        expect(trip(counting, known).method).toBe('bracket');
      }
      expect(trip(known, known).method).toBe('bracket');
    }
  });
});

test('random ports and a known one: the birthday, within the patience of a ping, but for one in a hundred', () => {
  const met = [1, 2, 3, 4].flatMap((seed) => [
    trip('port-restricted', 'random', { seed }),
    trip('random', 'port-restricted', { seed }),
  ]);
  expect(met.filter(({ way }) => way === 'direct').length).toBeGreaterThanOrEqual(7);
  for (const { way, method } of met) if (way === 'direct') expect(method).toBe('birthday');
});

test.each([
  ['random', 'random'],
  ['random', 'sequential'],
  ['symmetric-preserve', 'random'],
] as const)('%s and %s: nobody can know the port, so nobody is told to fire', (asks, listens) => {
  const { way, town } = trip(asks, listens);
  expect(way).toBe('relay');
  expect(town.rendezvous.counters().conducting).toMatchObject({ underWay: 0, resting: 0, begun: {} });
});

test('two blocks: one try in five meets, and the next one waits until the ports are free again', () => {
  const trips = Array.from({ length: 12 }, (_, seed) => trip('random-block', 'random-block', { seed: 50 + seed }));
  expect(trips.filter(({ way }) => way === 'direct').length).toBeGreaterThan(0);
  for (const { way, method, town } of trips) {
    expect(town.rendezvous.counters().conducting.begun).toEqual({ block: 1 });
    if (way === 'direct') expect(method).toBe('block');
  }
});

const DEPENDENT = 'address-and-port-dependent';

function busy(perSecond: number, varianceOverMean = 1.5): Edge {
  const foreign = { perSecond, varianceOverMean };
  return { kind: 'nat', nats: [{ mapping: DEPENDENT, allocation: { kind: 'sequential' }, foreign }] };
}

const EASY: Edge = { kind: 'nat', nats: [{}] };

test.each([
  ['a counter that a thousand strangers a second use', EASY, busy(1000), 'bracket', 20],
  ['two counters, fifty strangers a second on each', busy(50), busy(50), 'walk', 20],
  ['two counters, 250 strangers a second on each', busy(250), busy(250), 'walk', 20],
  ['two counters far away, fifteen strangers a second on each', busy(15), busy(15), 'walk', 50],
] as const)('%s', (_what, asks, listens, method, delay) => {
  for (let seed = 1; seed <= 4; seed++) {
    const access = { delay: ms(delay), jitter: ms(5), loss: 0.01 };
    expect(trip(asks, listens, { seed, access })).toMatchObject({ way: 'direct', method });
  }
});

test('it ends with the path: no conductor is left, and the method is counted', () => {
  const { town } = trip('port-restricted', 'sequential');
  town.world.run(after(town.world.now, seconds(1)));
  const { underWay, resting, begun, won, withheld } = town.rendezvous.counters().conducting;
  expect({ underWay, resting, begun, won, withheld }).toEqual({
    underWay: 0,
    resting: 0,
    begun: { bracket: 1 },
    won: { bracket: 1 },
    withheld: 0,
  });
});

test('a lottery that wins nothing has a word for it, rests, and leaves its household mappings for others', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { way, town } = trip('random-block', 'sequential', { seed });
    if (way === 'direct') continue;
    const { failed, withheld } = town.rendezvous.counters().conducting;
    expect(failed.random ?? 0).toBeGreaterThan(0);
    expect(withheld).toBeGreaterThan(0);
    return;
  }
  expect.unreachable('forty lotteries won');
});
