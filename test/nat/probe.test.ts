import { expect, test } from 'vitest';
import { type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import { at, ms } from '../../agent/base/time.ts';
import { Probe, type ProbeEffect } from '../../agent/nat/probe.ts';
import { type Edge, type KindName, KIND_NAMES, NAT_KINDS } from '../../agent/sim/kinds.ts';
import type { LinkShape } from '../../agent/sim/link.ts';
import { World } from '../../agent/sim/world.ts';
import { observatory, PlainProbe } from './observatory.ts';

type Profiled = Extract<ProbeEffect, { kind: 'profile' }>;

interface Options {
  readonly kind: KindName | Edge;
  readonly seed?: number;
  readonly ports?: readonly number[];
  readonly access?: LinkShape;
  readonly carrier?: NatProfile;
}

const SEQUENTIAL = { mapping: 'address-and-port-dependent', allocation: { kind: 'sequential' } } as const;

/** 40 ms of round trip to the observers. */
const HOME: LinkShape = { delay: ms(20) };

function probing({ kind, seed = 1, ports = [2, 2], access = HOME, carrier }: Options) {
  const world = new World({ seed });
  const observers = observatory(world, ports);
  const { host } = world.household(kind, { access });
  let sockets = 0;
  const probe = new Probe({ random: world.random(), newSocket: () => sockets++ });
  const profiles: { at: number; profile: NatProfile; samples: Profiled['samples'] }[] = [];
  const drive = host.run(new PlainProbe(probe, observers), (effect, now) => {
    if (effect.kind === 'profile') profiles.push({ at: now, profile: effect.profile, samples: effect.samples });
  });
  drive.give({ kind: 'start', observers, own: host.ips, carrier });
  return { world, drive, profiles, observers, own: host.ips, sockets: () => sockets };
}

const READABLE = KIND_NAMES.filter((kind) => kind !== 'blocked');

test.each(READABLE)('a household behind "%s" learns what it is behind, within 0.7 s', (kind) => {
  // Four observers are what a small rendezvous has. Counters of cores take more of them to be counted.
  const ports = kind === 'per-core' ? [8, 8] : [2, 2];
  for (let seed = 0; seed < 20; seed++) {
    const { world, profiles } = probing({ kind, seed, ports });
    world.run(at(700));
    expect(profiles.length).toBe(1);
    const { kind: found, counters, ...profile } = profiles[0]?.profile ?? UNKNOWN;
    const { kind: wanted, counters: cores, ...truth } = NAT_KINDS[kind].truth;
    // A block's own counter is known for one once it has come to the end.
    if (kind === 'sequential-block' && found === 'block-sequential') expect(profile.ports).toBeDefined();
    else expect(found).toBe(wanted);
    expect(Math.abs(counters - cores)).toBeLessThanOrEqual(1);
    expect(profile).toMatchObject(truth);
    expect(profile.confidence).toBeGreaterThanOrEqual(0.9);
  }
});

test.each(['open', 'full-cone', 'port-restricted', 'offset', 'sequential', 'random'] as const)(
  'behind "%s" a tenth of all datagrams may get lost each way',
  (kind) => {
    let right = 0;
    for (let seed = 0; seed < 50; seed++) {
      const { world, profiles } = probing({ kind, seed, access: { ...HOME, loss: 0.1 } });
      world.run(at(2000));
      if (profiles[0]?.profile.kind === NAT_KINDS[kind].truth.kind) right++;
    }
    expect(right).toBeGreaterThanOrEqual(49);
  },
);

test('with one observer there is a guess, and it says so', () => {
  const { world, profiles } = probing({ kind: 'port-restricted', ports: [1] });
  world.run(at(2000));
  expect(profiles[0]?.profile).toMatchObject({ kind: 'preserve', filtering: 'unknown' });
  expect(profiles[0]?.profile.confidence).toBeLessThan(0.8);
});

test('without UDP the profile is unknown, and asking goes on', () => {
  const { world, profiles } = probing({ kind: 'blocked' });
  world.run(at(20_000));
  expect(profiles.length).toBeGreaterThanOrEqual(2);
  expect(profiles[0]?.profile).toMatchObject({ kind: 'unknown', confidence: 0, external: [] });
});

test('it asks again about every half hour, each time from fresh sockets', () => {
  const { world, profiles, sockets } = probing({ kind: 'port-restricted' });
  world.run(at(2 * 3_600_000));
  expect(profiles.length).toBeGreaterThanOrEqual(4);
  expect(profiles.length).toBeLessThanOrEqual(6);
  expect(sockets()).toBe(3 * profiles.length);
});

test('a changed WAN is asked about at once, a failed punch at most every 30 s', () => {
  const { world, drive, profiles, observers, own } = probing({ kind: 'port-restricted' });
  world.run(at(1000));
  drive.give({ kind: 'start', observers, own });
  world.run(at(2000));
  expect(profiles.length).toBe(2);
  drive.give({ kind: 'doubt' });
  drive.give({ kind: 'doubt' });
  world.run(at(30_900));
  expect(profiles.length).toBe(2);
  world.run(at(32_000));
  expect(profiles.length).toBe(3);
});

test('a burst leaves in one tick, its observers by turns', () => {
  const observers = [
    { ip: '1.1.1.1', port: 1 },
    { ip: '1.1.1.1', port: 2 },
    { ip: '2.2.2.2', port: 1 },
    { ip: '2.2.2.2', port: 2 },
    { ip: '2001:db8::1', port: 1 },
  ];
  let sockets = 0;
  const probe = new Probe({ random: () => 0, newSocket: () => sockets++ });
  probe.step({ kind: 'start', observers, own: [] }, at(0));
  const orders = probe.step({ kind: 'opened', socket: 0, local: { ip: '0.0.0.0', port: 4000 } }, at(1));
  expect(orders.map((order) => (order.kind === 'probe' ? order.observer : order.kind))).toEqual([0, 2, 1, 3]);
});

const FOUR = [
  { ip: '1.1.1.1', port: 1 },
  { ip: '2.2.2.2', port: 1 },
  { ip: '1.1.1.1', port: 2 },
  { ip: '2.2.2.2', port: 2 },
];

/** The machine by itself, its sockets 0 (first burst) and 1 (filter test) opened. */
function started(): { probe: Probe; tick: (now: number) => string[] } {
  let sockets = 0;
  const probe = new Probe({ random: () => 0, newSocket: () => sockets++ });
  probe.step({ kind: 'start', observers: FOUR, own: [] }, at(0));
  for (const socket of [0, 1]) probe.step({ kind: 'opened', socket, local: { ip: '0.0.0.0', port: 4000 } }, at(0));
  const tick = (now: number): string[] =>
    probe
      .step({ kind: 'tick' }, at(now))
      .map((effect) =>
        effect.kind === 'probe' || effect.kind === 'filter-test'
          ? `${effect.kind} ${effect.socket} ${effect.observer} ${effect.index}`
          : effect.kind,
      );
  return { probe, tick };
}

test('an unanswered probe is sent once more after 250 ms, under an index of its own', () => {
  const { probe, tick } = started();
  const external = { ip: '9.9.9.9', port: 4000 };
  const token = new Uint8Array(8);
  for (const index of [0, 2, 3]) probe.step({ kind: 'observed', socket: 0, index, external, token }, at(40));
  probe.step({ kind: 'observed', socket: 1, index: 0, external, token }, at(40));
  probe.step({ kind: 'filtered', socket: 1, index: 1 }, at(80));
  expect(tick(249)).toEqual([]);
  expect(tick(250)).toEqual(['probe 0 1 4', 'open']);
  probe.step({ kind: 'observed', socket: 0, index: 4, external, token }, at(290));
  probe.step({ kind: 'opened', socket: 2, local: { ip: '0.0.0.0', port: 4000 } }, at(251));
  const last = [0, 1, 2, 3].flatMap((index) =>
    probe.step({ kind: 'observed', socket: 2, index, external, token }, at(291)),
  );
  expect(last.at(-1)).toMatchObject({ kind: 'profile', samples: { length: 8 } });
  const { samples } = last.at(-1) as Profiled;
  expect(samples.filter(({ again }) => again)).toMatchObject([{ index: 4, sentAt: 250, answeredAt: 290 }]);
});

test('silence is believed after three questions, and only when the asked observer itself was heard', () => {
  const { probe, tick } = started();
  const external = { ip: '9.9.9.9', port: 4000 };
  expect(tick(100)).toEqual(['probe 1 0 0']);
  const asked = probe.step({ kind: 'observed', socket: 1, index: 0, external, token: new Uint8Array(8) }, at(140));
  expect(asked).toMatchObject([
    { kind: 'filter-test', answerer: 1 },
    { kind: 'filter-test', answerer: 2 },
  ]);
  for (const when of [240, 340]) {
    expect(tick(when).filter((order) => order.startsWith('filter'))).toEqual([
      'filter-test 1 0 1',
      'filter-test 1 0 2',
    ]);
  }
  expect(tick(440).filter((order) => order.startsWith('filter'))).toEqual([]);
});

test('a run that is begun anew closes the sockets of the old one', () => {
  const { probe } = started();
  const effects = probe.step({ kind: 'start', observers: FOUR, own: [] }, at(10));
  expect(effects.map(({ kind }) => kind)).toEqual(['close', 'close', 'open', 'open']);
});

test('sixteen observers: the second burst asks those that the first did not', () => {
  const { world, profiles } = probing({ kind: 'sequential', ports: [8, 8] });
  world.run(at(700));
  const seen = profiles[0]?.samples.map(({ observer }) => `${observer.ip} ${observer.port}`) ?? [];
  expect(new Set(seen).size).toBe(16);
});

test('what can be read in two ways is asked a third time: the cores of a carrier', () => {
  const { world, profiles, sockets } = probing({ kind: 'per-core', ports: [8, 8] });
  world.run(at(700));
  expect(profiles[0]?.samples.length).toBe(24);
  expect(sockets()).toBe(4);
});

const CARRIER: NatProfile = { ...UNKNOWN, kind: 'offset', offset: 2000, confidence: 0.99 };

test('a known carrier is recognised by one burst', () => {
  const { world, profiles, sockets } = probing({ kind: 'offset', ports: [8, 8], carrier: CARRIER });
  world.run(at(700));
  expect(sockets()).toBe(2);
  expect(profiles[0]?.samples.length).toBe(8);
  expect(profiles[0]?.profile).toMatchObject({ ...NAT_KINDS.offset.truth, confidence: 0.99 });
});

test('a known carrier gives the range that one burst cannot tell', () => {
  const ports = { from: 50_001, to: 65_535 };
  const carrier: NatProfile = { ...CARRIER, kind: 'range-random', offset: 0, ports };
  const { world, profiles, sockets } = probing({ kind: 'random-range', ports: [8, 8], carrier });
  world.run(at(700));
  expect(sockets()).toBe(2);
  expect(profiles[0]?.profile).toMatchObject({ kind: 'range-random', ports });
});

test.each(['preserve', 'sequential', 'random'] as const)(
  'a household that is not behind what its carrier has otherwise asks on: "%s"',
  (other) => {
    const kind = other === 'preserve' ? 'port-restricted' : other;
    const { world, profiles, sockets } = probing({ kind, ports: [8, 8], carrier: CARRIER });
    world.run(at(700));
    expect(sockets()).toBe(3);
    expect(profiles[0]?.profile.kind).toBe(other);
  },
);

test('a NAT that gives no more mappings after those of the first burst is found out', () => {
  const edge = { kind: 'nat', nats: [{ ...SEQUENTIAL, quota: { mappings: 9 } }] } as const;
  const { world, profiles } = probing({ kind: edge, ports: [8, 8] });
  world.run(at(2000));
  expect(profiles[0]?.profile).toMatchObject({ kind: 'sequential', quota: 8 });
});

test('every kind but one keeps the port that a stranger wrote to first, and nobody else is suspected', () => {
  for (const kind of READABLE) {
    for (let seed = 0; seed < 10; seed++) {
      const { world, profiles } = probing({ kind, seed, access: { ...HOME, loss: 0.1 } });
      world.run(at(2000));
      if (kind !== 'poison') expect(profiles[0]?.profile.poison).not.toBe('yes');
    }
  }
});

test('sockets that cannot be opened end in an unknown profile, not in waiting', () => {
  let sockets = 0;
  const probe = new Probe({ random: () => 0, newSocket: () => sockets++ });
  probe.step({ kind: 'start', observers: [{ ip: '1.1.1.1', port: 1 }], own: [] }, at(0));
  for (const socket of [0, 1]) probe.step({ kind: 'failed', socket, reason: 'EMFILE' }, at(1));
  probe.step({ kind: 'tick' }, at(250));
  const effects = probe.step({ kind: 'failed', socket: 2, reason: 'EMFILE' }, at(251));
  expect(effects.at(-1)).toMatchObject({ kind: 'profile', profile: { kind: 'unknown' } });
});

test('the same seed gives the same profile at the same time', () => {
  const run = () => {
    const { world, profiles } = probing({ kind: 'stride', seed: 7, access: { ...HOME, loss: 0.1, jitter: ms(5) } });
    world.run(at(2000));
    return JSON.stringify(profiles);
  };
  expect(run()).toBe(run());
});
