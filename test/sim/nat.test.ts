import { describe, expect, test } from 'vitest';
import type { Address } from '../../agent/base/address.ts';
import { at, seconds } from '../../agent/base/time.ts';
import type { Host, Socket } from '../../agent/sim/host.ts';
import { KIND_NAMES, type KindName, NAT_KINDS } from '../../agent/sim/kinds.ts';
import type { Dependence, Nat, NatShape } from '../../agent/sim/nat.ts';
import { World } from '../../agent/sim/world.ts';
import { Observers } from './observers.ts';

const OWN = 40_000;
const DEPENDENCES: readonly Dependence[] = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'];

interface Scene {
  readonly world: World;
  readonly observers: Observers;
  readonly nat: Nat;
  readonly host: Host;
  readonly socket: Socket;
  /** Who was heard on `socket`, in order. */
  readonly heard: Address[];
}

function scene(shape: NatShape, seed = 1, addresses = 1): Scene {
  const world = new World({ seed });
  const observers = new Observers(world);
  const nat = world.nat(shape, { addresses });
  const host = world.host({ behind: nat });
  const heard: Address[] = [];
  return { world, observers, nat, host, heard, socket: host.socket((from) => heard.push(from), OWN) };
}

/** Sends to each and answers with what was seen there. */
function probe({ observers, world }: Scene, socket: Socket, to: readonly Address[]): Address[] {
  for (const address of to) socket.send(address, Uint8Array.of(0));
  world.run(world.now);
  return to.flatMap((address) => observers.saw(address) ?? []);
}

const ports = (addresses: readonly Address[]): number[] => addresses.map(({ port }) => port);
const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const distinct = (values: readonly unknown[]): number => new Set(values).size;

describe('Mapping, RFC 4787 section 4.1', () => {
  test.each([
    ['endpoint-independent', 1],
    ['address-dependent', 2],
    ['address-and-port-dependent', 8],
  ] as const)('%s: from one socket to 2 addresses with 4 ports each go %i mappings', (mapping, mappings) => {
    const here = scene({ mapping, allocation: { kind: 'random' } });
    expect(distinct(ports(probe(here, here.socket, here.observers.all)))).toBe(mappings);
    expect(here.nat.table()).toHaveLength(mappings);
    expect(distinct(ports(probe(here, here.socket, here.observers.all)))).toBe(mappings);
    expect(here.nat.counters.mapped).toBe(mappings);
  });
});

describe('Filtering, RFC 4787 section 5', () => {
  /** A written to, the same address from another port, another address. */
  test.each([
    ['endpoint-independent', [true, true, true]],
    ['address-dependent', [true, true, false]],
    ['address-and-port-dependent', [true, false, false]],
  ] as const)('%s lets in [who was written to, its other port, another address]: %j', (filtering, expected) => {
    const here = scene({ filtering });
    const [written, otherPort] = here.observers.all.slice(0, 2);
    const otherAddress = here.observers.all[4];
    if (written === undefined || otherPort === undefined || otherAddress === undefined) throw new Error('observers');
    const [outside] = probe(here, here.socket, [written]);
    if (outside === undefined) throw new Error('not seen');
    const got = [written, otherPort, otherAddress].map((from) => {
      here.heard.length = 0;
      here.observers.send(from, outside);
      here.world.run(here.world.now);
      return here.heard.length === 1 && here.heard[0]?.port === from.port && here.heard[0].ip === from.ip;
    });
    expect(got).toEqual(expected);
    expect(here.nat.counters.filtered).toBe(expected.filter((lets) => !lets).length);
  });

  test('Nobody comes in before anything went out, whatever the filtering', () => {
    for (const filtering of DEPENDENCES) {
      const here = scene({ filtering });
      here.observers.send(here.observers.all[0] as Address, { ip: here.nat.ips[0] ?? '', port: OWN });
      here.world.run(at(1));
      expect(here.heard).toEqual([]);
    }
  });
});

describe('Choice of the outside port', () => {
  const symmetric = (allocation: NonNullable<NatShape['allocation']>, more: NatShape = {}): number[] => {
    const here = scene({ mapping: 'address-and-port-dependent', allocation, ...more });
    return ports(probe(here, here.socket, here.observers.all));
  };
  const steps = (values: readonly number[]): number[] => values.slice(1).map((value, i) => value - (values[i] ?? 0));

  test('Preserved where it is free; a second host with the same port gets one other, for all destinations', () => {
    const here = scene({});
    const second = here.world.host({ behind: here.nat }).socket(() => {}, OWN);
    expect(new Set(ports(probe(here, here.socket, here.observers.all)))).toEqual(new Set([OWN]));
    const others = new Set(ports(probe(here, second, here.observers.all)));
    expect(others.size).toBe(1);
    expect(others.has(OWN)).toBe(false);
  });

  test('A constant offset is the same for every socket', () => {
    const here = scene({ allocation: { kind: 'offset', by: -1234 } });
    for (const port of [OWN, 50_000, 33_333]) {
      const socket = port === OWN ? here.socket : here.host.socket(() => {}, port);
      expect(ports(probe(here, socket, here.observers.all.slice(0, 1)))).toEqual([port - 1234]);
    }
  });

  test.each([1, -1, 2, 7])('In order with stride %i, and others use the same counter', (stride) => {
    const here = scene({ mapping: 'address-and-port-dependent', allocation: { kind: 'sequential', stride } });
    const first = ports(probe(here, here.socket, here.observers.all.slice(0, 4)));
    expect(steps(first)).toEqual([stride, stride, stride]);
    here.nat.skip(3);
    const neighbour = here.world.host({ behind: here.nat }).socket();
    expect(ports(probe(here, neighbour, here.observers.all.slice(0, 1)))).toEqual([(first[3] ?? 0) + 4 * stride]);
  });

  test('A counter per core: each flow belongs to one, and within it the ports go up by one', () => {
    const chains = Map.groupBy(sorted(symmetric({ kind: 'sequential', counters: 4 })), (port) => port >> 8);
    expect(chains.size).toBeGreaterThan(1);
    for (const chain of chains.values()) expect(steps(sorted(chain)).every((step) => step === 1)).toBe(true);
  });

  test('Random over a range stays in it and repeats nothing', () => {
    const found = symmetric({ kind: 'random', from: 50_001, to: 65_535 });
    expect(distinct(found)).toBe(8);
    expect(found.every((port) => port > 50_000)).toBe(true);
  });

  test("A block is aligned and a household's own; when it is full the next lies elsewhere", () => {
    const here = scene({
      mapping: 'address-and-port-dependent',
      allocation: { kind: 'block', size: 4, order: 'sequential', most: 2 },
    });
    const found = ports(probe(here, here.socket, here.observers.all));
    const blocks = found.map((port) => Math.floor((port - 1024) / 4));
    expect(distinct(found)).toBe(8);
    expect(distinct(blocks.slice(0, 4))).toBe(1);
    expect(distinct(blocks.slice(4))).toBe(1);
    expect(blocks[4]).not.toBe(blocks[0]);
    expect(probe(here, here.host.socket(), here.observers.all)).toHaveLength(8);
    expect(here.nat.counters.refused).toBe(8);
  });

  test('Foreign flows come at their rate, and in clumps as large as told', () => {
    for (const varianceOverMean of [1.5, 19]) {
      const here = scene({
        mapping: 'address-and-port-dependent',
        allocation: { kind: 'sequential' },
        expiry: { unanswered: seconds(0.01), answered: seconds(0.01) },
        foreign: { perSecond: 50, varianceOverMean },
      });
      const seen: number[] = [];
      for (let i = 0; i < 2000; i++) {
        here.world.run(at(i * 200));
        seen.push(...ports(probe(here, here.socket, here.observers.all.slice(0, 1))));
      }
      // Per 200 ms: ten foreign flows and our own one.
      const found = steps(seen).map((step) => ((step + 64_512) % 64_512) - 1);
      const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
      const variance = found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / found.length;
      expect(mean).toBeGreaterThan(9);
      expect(mean).toBeLessThan(11);
      expect(variance / mean).toBeGreaterThan(varianceOverMean * 0.8);
      expect(variance / mean).toBeLessThan(varianceOverMean * 1.25);
    }
  });
});

describe('Life of a mapping', () => {
  /** The mapping is made and answered at 0, then asked after so many seconds. */
  function survives(shape: NatShape, upkeep: (scene: Scene, outside: Address, to: Address) => void): boolean {
    const here = scene({ allocation: { kind: 'random' }, ...shape });
    const to = here.observers.all[0] as Address;
    const outside = probe(here, here.socket, [to])[0] as Address;
    here.observers.send(to, outside);
    here.world.run(at(1));
    upkeep(here, outside, to);
    here.heard.length = 0;
    here.observers.send(to, outside);
    here.world.run(at(here.world.now + 1));
    return here.heard.length === 1;
  }
  const LIFE = { expiry: { unanswered: seconds(10), answered: seconds(20) } };

  test('It lives so long after an answer and no longer', () => {
    expect(survives(LIFE, ({ world }) => world.run(at(19_900)))).toBe(true);
    expect(survives(LIFE, ({ world }) => world.run(at(20_100)))).toBe(false);
  });

  test('Without an answer it lives shorter, and the next datagram gets another port', () => {
    const here = scene({ allocation: { kind: 'random' }, ...LIFE });
    const first = ports(probe(here, here.socket, here.observers.all.slice(0, 1)));
    here.world.run(at(9900));
    expect(ports(probe(here, here.socket, here.observers.all.slice(0, 1)))).toEqual(first);
    here.world.run(at(20_000));
    expect(ports(probe(here, here.socket, here.observers.all.slice(0, 1)))).not.toEqual(first);
  });

  test('What goes out always lengthens it, what comes in only where told (RFC 4787 REQ-6)', () => {
    const every15s =
      (act: (here: Scene, outside: Address, to: Address) => void) =>
      (here: Scene, outside: Address, to: Address): void => {
        for (let i = 1; i <= 4; i++) {
          here.world.run(at(i * 15_000));
          act(here, outside, to);
        }
      };
    const out = every15s((here, _, to) => here.socket.send(to, Uint8Array.of(0)));
    const inwards = every15s((here, outside, to) => here.observers.send(to, outside));
    expect(survives({ ...LIFE, refresh: 'both' }, out)).toBe(true);
    expect(survives({ ...LIFE, refresh: 'both' }, inwards)).toBe(true);
    expect(survives({ ...LIFE, refresh: 'outbound' }, out)).toBe(true);
    expect(survives({ ...LIFE, refresh: 'outbound' }, inwards)).toBe(false);
  });

  test('A rebinding closes the old port and gives the next datagram another, for every way of choosing', () => {
    for (const kind of KIND_NAMES.filter((name) => NAT_KINDS[name].edge.kind === 'nat')) {
      const world = new World({ seed: 3 });
      const observers = new Observers(world);
      const { host, boxes } = world.household(kind);
      const heard: Address[] = [];
      const socket = host.socket((from) => heard.push(from), OWN);
      const to = observers.all[0] as Address;
      const outside = (): Address => {
        socket.send(to, Uint8Array.of(0));
        world.run(world.now);
        return observers.saw(to) as Address;
      };
      const before = outside();
      for (const box of boxes) if ('rebind' in box) box.rebind();
      observers.send(to, before);
      world.run(at(1));
      expect(heard, kind).toEqual([]);
      const after = outside();
      expect(after, kind).not.toEqual(before);
      observers.send(to, after);
      world.run(at(2));
      expect(heard, kind).toHaveLength(1);
    }
  });

  test('A new outside address ends everything that was', () => {
    const here = scene({});
    const to = here.observers.all[0] as Address;
    const [before] = probe(here, here.socket, [to]);
    here.world.renumber(here.nat);
    here.observers.send(to, before as Address);
    here.world.run(at(1));
    expect(here.heard).toEqual([]);
    expect(here.world.counters.lost.get('no-route')).toBe(1);
    expect(probe(here, here.socket, [to])[0]?.ip).not.toBe(before?.ip);
  });
});

describe('Other habits', () => {
  test.each([
    ['none', 'nothing'],
    ['external-source', 'our outside'],
    ['internal-source', 'our inside'],
  ] as const)('Hairpin %s: a neighbour behind the same NAT sees %s (REQ-9)', (hairpin, expected) => {
    const here = scene({ hairpin, filtering: 'endpoint-independent' });
    const [outside] = probe(here, here.socket, here.observers.all.slice(0, 1));
    const neighbour = here.world.host({ behind: here.nat });
    neighbour.socket(() => {}, 41_000).send(outside as Address, Uint8Array.of(0));
    here.world.run(at(1));
    const port = 41_000;
    const sources = {
      nothing: [],
      'our outside': [{ ip: here.nat.ips[0], port }],
      'our inside': [{ ip: neighbour.ip, port }],
    };
    expect(here.heard).toEqual(sources[expected]);
  });

  test.each([
    ['paired', 1, false],
    ['round-robin', 3, true],
    ['arbitrary', 3, true],
  ] as const)('Pooling %s: one socket is seen from %i of three addresses', (pooling, most, several) => {
    const here = scene({ mapping: 'address-and-port-dependent', pooling, allocation: { kind: 'random' } }, 1, 3);
    const seen = distinct(probe(here, here.socket, here.observers.all).map(({ ip }) => ip));
    expect(seen).toBeLessThanOrEqual(most);
    expect(seen > 1).toBe(several);
  });

  test('A quota refuses what is over it and leaves what is there alone; it is free again when mappings die', () => {
    const here = scene({
      mapping: 'address-and-port-dependent',
      quota: { mappings: 5 },
      allocation: { kind: 'sequential' },
    });
    expect(probe(here, here.socket, here.observers.all)).toHaveLength(5);
    expect(here.nat.counters.refused).toBe(3);
    expect(probe(here, here.socket, here.observers.all.slice(0, 5))).toHaveLength(5);
    const neighbour = here.world.host({ behind: here.nat }).socket();
    expect(distinct(probe(here, neighbour, here.observers.all.slice(0, 5)))).toBe(5);
    here.world.run(at(31_000));
    const before = here.nat.counters.mapped;
    probe(here, here.socket, here.observers.all.slice(5));
    expect(here.nat.counters.mapped).toBe(before + 3);
  });

  test('A pace of 50 new mappings a second gives no more, in a burst or over time', () => {
    const here = scene({ allocation: { kind: 'random' }, quota: { perSecond: 50 } });
    const open = (count: number): number => {
      const before = here.nat.counters.mapped;
      for (let i = 0; i < count; i++) here.host.socket().send(here.observers.all[0] as Address, Uint8Array.of(0));
      return here.nat.counters.mapped - before;
    };
    expect(open(80)).toBe(50);
    here.world.run(at(500));
    expect(open(80)).toBe(25);
  });

  test('A NAT with an open input gives the port away to an early stranger, but only towards that stranger', () => {
    for (const poison of [true, false]) {
      const here = scene({ poison });
      const [stranger, other] = here.observers.all as [Address, Address];
      here.observers.send(stranger, { ip: here.nat.ips[0] ?? '', port: OWN });
      here.world.run(at(1));
      expect(ports(probe(here, here.socket, [other]))).toEqual([OWN]);
      const [towards] = ports(probe(here, here.socket, [stranger]));
      expect(towards === OWN).toBe(!poison);
      here.observers.send(stranger, { ip: here.nat.ips[0] ?? '', port: towards ?? 0 });
      here.world.run(at(2));
      expect(here.heard.at(-1)).toEqual(stranger);
    }
  });

  test('Going first keeps the port even where the input is open', () => {
    const here = scene({ poison: true });
    const [peer] = here.observers.all as [Address];
    probe(here, here.socket, [peer]);
    here.observers.send(peer, { ip: here.nat.ips[0] ?? '', port: OWN });
    here.world.run(at(1));
    expect(ports(probe(here, here.socket, [peer]))).toEqual([OWN]);
  });

  test('Each NAT on the way takes one from the TTL, and a datagram that dies in it opens nothing', () => {
    const world = new World({ seed: 1 });
    const { host, boxes } = world.household('double');
    const socket = host.socket();
    const mapped = (): number[] => boxes.map((box) => ('counters' in box ? box.counters.mapped : 0));
    const to = { ip: world.host().ip, port: 9 };
    socket.send(to, Uint8Array.of(0), 1);
    expect(mapped()).toEqual([0, 0]);
    socket.send(to, Uint8Array.of(0), 2);
    expect(mapped()).toEqual([1, 0]);
    socket.send(to, Uint8Array.of(0), 3);
    expect(mapped()).toEqual([1, 1]);
    world.run(at(1));
    expect(world.counters.lost.get('ttl')).toBe(3);
  });
});

describe('The named kinds', () => {
  test.each(KIND_NAMES.filter((kind) => kind !== 'blocked'))(
    '%s looks to an observer as its entry says',
    (kind: KindName) => {
      const { truth } = NAT_KINDS[kind];
      const world = new World({ seed: 2 });
      const observers = new Observers(world);
      const { host } = world.household(kind);
      const socket = host.socket(() => {}, OWN);
      for (const to of observers.all) socket.send(to, Uint8Array.of(0));
      world.run(at(1));
      const seen = observers.all.flatMap((to) => observers.saw(to) ?? []);
      const found = new Set(ports(seen));
      expect(seen).toHaveLength(8);
      switch (truth.kind) {
        case 'open':
          expect(seen.every(({ ip, port }) => ip === host.ip && port === OWN)).toBe(true);
          return;
        case 'preserve':
          expect(found).toEqual(new Set([OWN]));
          return;
        case 'offset':
          expect(found).toEqual(new Set([OWN + truth.offset]));
          return;
        case 'endpoint-independent':
          expect(found.size).toBe(1);
          expect(found.has(OWN)).toBe(false);
          return;
        case 'address-dependent':
          expect(found.size).toBe(2);
          return;
        case 'preserve-first':
          expect(found.size).toBe(8);
          expect(seen[0]?.port).toBe(OWN);
          return;
        case 'sequential':
        case 'per-core':
        case 'block-sequential':
        case 'block-random':
        case 'range-random':
        case 'random':
          expect(found.size).toBe(8);
          return;
        case 'unknown':
          throw new Error(`${kind}: an observer that saw it must know something`);
      }
    },
  );

  test('Where UDP is blocked nothing gets out', () => {
    const world = new World({ seed: 1 });
    const observers = new Observers(world);
    world
      .household('blocked')
      .host.socket()
      .send(observers.all[0] as Address, Uint8Array.of(0));
    world.run(at(1));
    expect(world.counters.lost.get('blocked')).toBe(1);
  });

  test('Two households behind one carrier NAT have the same LAN and share its address', () => {
    const world = new World({ seed: 1 });
    const observers = new Observers(world);
    const carrier = world.nat({ allocation: { kind: 'block', size: 512, order: 'random' } });
    const houses = [1, 2].map(() => world.household('port-restricted', { behind: carrier }));
    const seen = houses.map(({ host }) => {
      host.socket(() => {}, OWN).send(observers.all[0] as Address, Uint8Array.of(0));
      world.run(world.now);
      return observers.saw(observers.all[0] as Address);
    });
    expect(houses[0]?.host.ip).toBe(houses[1]?.host.ip);
    expect(seen[0]?.ip).toBe(carrier.ips[0]);
    expect(seen[1]?.ip).toBe(carrier.ips[0]);
    expect(seen[0]?.port).not.toBe(seen[1]?.port);
  });
});
