import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Address } from '../../agent/base/address.ts';
import { type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import { at, ms } from '../../agent/base/time.ts';
import {
  MOST_DATAGRAMS,
  KNOCK_BYTES,
  MOST_BYTES_PER_SECOND,
  MOST_PER_SECOND,
  MOST_TARGETS,
  RETRIES,
} from '../../agent/punch/limits.ts';
import { plan, type PunchPlan } from '../../agent/punch/plan.ts';
import type { Punch, PunchInput } from '../../agent/punch/punch.ts';
import { type KindName, KIND_NAMES } from '../../agent/sim/kinds.ts';
import { mustConnect } from '../sim/oracle.ts';
import { lone } from './lone.ts';
import { HOME, meet, type Outcome, sameCarrier, sameLan } from './meeting.ts';

const EASY = ['open', 'firewall', 'full-cone', 'address-restricted', 'port-restricted', 'offset'] as const;
const HARD = ['address-dependent', 'sequential', 'descending', 'stride', 'random-block', 'random'] as const;
const APDF = ['firewall', 'port-restricted', 'offset'] as const;

function pairs(left: readonly KindName[], right: readonly KindName[]): [KindName, KindName][] {
  return left.flatMap((a) => right.map((b): [KindName, KindName] => [a, b]));
}

function reached({ events }: Outcome): { at: number; method: string; to: Address } | undefined {
  for (const { at: when, event } of events) if (event.kind === 'reached') return { at: when, ...event };
  return undefined;
}

function reasons({ events }: Outcome): string[] {
  return events.flatMap(({ event }) => (event.kind === 'gave-up' ? [event.reason] : []));
}

test.each(pairs(EASY, EASY))('%s and %s reach each other within two round trips and ten datagrams each', (a, b) => {
  for (let seed = 1; seed <= 10; seed++) {
    for (const outcome of meet(a, b, { seed })) {
      expect(reached(outcome)?.at).toBeLessThanOrEqual(160);
      expect(outcome.sent).toBeLessThanOrEqual(10);
    }
  }
});

test('one who can be dialled is dialled, the others both send', () => {
  const words = (a: KindName, b: KindName): (string | undefined)[] => meet(a, b).map((side) => reached(side)?.method);
  expect(words('open', 'random')).toEqual(['dial', 'dial']);
  expect(words('port-restricted', 'full-cone')).toEqual(['dial', 'dial']);
  expect(words('port-restricted', 'offset')).toEqual(['simultaneous', 'simultaneous']);
});

test('with a tenth of all datagrams lost on each of the two lines every easy pair still connects', () => {
  const times: number[] = [];
  for (const [a, b] of pairs(EASY, EASY)) {
    for (let seed = 1; seed <= 30; seed++) {
      for (const outcome of meet(a, b, { seed, access: { ...HOME, loss: 0.1 }, until: 10_000 })) {
        times.push(reached(outcome)?.at ?? Infinity);
      }
    }
  }
  times.sort((x, y) => x - y);
  expect(times.at(-1)).toBeLessThan(2000);
  expect(times[Math.floor(times.length * 0.95)]).toBeLessThan(400);
});

test('one side may hear of the introduction half a second late', () => {
  for (const [a, b] of pairs(EASY, EASY)) {
    for (const outcome of meet(a, b, { skew: ms(500) })) expect(reached(outcome)?.at).toBeLessThan(900);
  }
});

test.each(pairs(['open', 'full-cone', 'address-restricted'], HARD))(
  '%s asks little of a peer, so that %s gets through in either order',
  (easy, hard) => {
    for (let seed = 1; seed <= 5; seed++) {
      for (const outcome of [...meet(easy, hard, { seed }), ...meet(hard, easy, { seed })]) {
        expect(reached(outcome)?.at).toBeLessThanOrEqual(160);
      }
    }
  },
);

test.each([
  ...pairs(APDF, ['sequential', 'descending', 'stride', 'address-dependent']).map(
    (pair) => [...pair, 'drift'] as const,
  ),
  ...pairs(APDF, ['random', 'random-block']).map((pair) => [...pair, 'random'] as const),
  ...pairs(['port-restricted', 'random'], ['pool']).map((pair) => [...pair, 'pool'] as const),
  ...pairs(HARD, ['random']).map((pair) => [...pair, 'random'] as const),
  ['sequential', 'sequential', 'drift'] as const,
])('without anybody to conduct them %s and %s give up within a second, with an honest "%s"', (a, b, reason) => {
  for (const outcome of [...meet(a, b), ...meet(b, a)]) {
    expect(reasons(outcome)).toEqual([reason]);
    expect(outcome.events.at(-1)?.at).toBeLessThanOrEqual(1000);
    expect(outcome.sent).toBeLessThanOrEqual(10);
  }
});

test('what connects is exactly what RFC 4787 says can connect without guessing ports', () => {
  for (const [a, b] of pairs(KIND_NAMES, KIND_NAMES)) {
    const both = meet(a, b).every((side) => reached(side) !== undefined);
    expect(`${a} ${b} ${both}`).toBe(`${a} ${b} ${mustConnect(a, b)}`);
  }
});

test.each(['none', 'external-source', 'internal-source'] as const)(
  'two households on one LAN find each other there, whether the router leads back inside (%s) or not',
  (hairpin) => {
    for (const outcome of meet('port-restricted', 'port-restricted', { home: sameLan({ hairpin }) })) {
      expect(reached(outcome)).toMatchObject({ method: 'lan', to: { ip: expect.stringMatching(/^192\.168\.1\./) } });
      expect(reached(outcome)?.at).toBeLessThan(5);
    }
  },
);

test('two homes behind one carrier meet where its NAT leads back inside, although their LANs have the same numbers', () => {
  const home = sameCarrier({ hairpin: 'external-source' });
  for (const outcome of meet('port-restricted', 'port-restricted', { home })) {
    expect(reached(outcome)?.method).toBe('simultaneous');
    expect(reached(outcome)?.to.ip).toMatch(/^198\.18\./);
  }
});

test('two homes behind one carrier whose NAT does not lead back inside: "hairpin"', () => {
  const home = sameCarrier({ hairpin: 'none' });
  for (const outcome of meet('port-restricted', 'port-restricted', { home })) {
    expect(reasons(outcome)).toEqual(['hairpin']);
  }
});

test('nothing is known of the NATs: it is tried all the same', () => {
  for (const outcome of meet('port-restricted', 'offset', { believed: [UNKNOWN, UNKNOWN] })) {
    expect(reached(outcome)?.at).toBeLessThanOrEqual(160);
  }
});

test('a filter that was tested open and is not costs 300 ms, not the connection', () => {
  const wrong: NatProfile = {
    ...UNKNOWN,
    kind: 'preserve',
    filtering: 'endpoint-independent',
    confidence: 0.99,
  };
  for (const outcome of meet('port-restricted', 'port-restricted', { believed: [wrong, wrong] })) {
    expect(reached(outcome)?.at).toBeLessThanOrEqual(460);
  }
});

test('the same seed gives the same meeting, datagram for datagram', () => {
  const run = (): string =>
    JSON.stringify(meet('port-restricted', 'offset', { seed: 5, access: { ...HOME, loss: 0.3, jitter: ms(30) } }));
  expect(run()).toBe(run());
});

// The machine by itself.

const PEER = { ip: '9.9.9.9', port: 40_000 };
const OTHER = { ip: '9.9.9.9', port: 50_001 };
const GROUND = { networks: [{ ip: '192.168.1.2', prefix: 24 }], rendezvous: [{ ip: '1.1.1.1', port: 7000 }] };
const HOME_ROUTER: NatProfile = {
  ...UNKNOWN,
  kind: 'preserve',
  filtering: 'address-and-port-dependent',
  confidence: 0.99,
  external: ['8.8.8.8'],
};

function punch(changes: Partial<PunchPlan> = {}): Punch {
  const normal = plan(
    HOME_ROUTER,
    HOME_ROUTER,
    { observed: [{ ...PEER, opening: 'none' }], internal: [] },
    true,
    false,
  );
  return lone({ plan: { ...normal, ...changes }, ground: GROUND });
}

/** Runs it on its own wishes; what it ordered, with the time. */
function alone(machine: Punch, until: number): { at: number; kind: string }[] {
  const seen: { at: number; kind: string }[] = machine.step({ kind: 'start' }, at(0)).map((e) => ({ at: 0, ...e }));
  for (let wake = machine.wake(); wake !== undefined && wake <= until; wake = machine.wake()) {
    const now = wake;
    seen.push(...machine.step({ kind: 'tick' }, now).map((effect) => ({ at: now, ...effect })));
  }
  return seen;
}

test('unheard, it knocks ten times a round, and comes back after 2, 8, 30 and 120 s', () => {
  const seen = alone(punch(), 300_000);
  const first = seen.filter(({ kind, at: when }) => kind === 'knock' && when <= 2000).map(({ at: when }) => when);
  expect(first).toEqual([0, 30, 80, 150, 250, 400, 600, 800, 1000, 1200]);
  const gaveUp = seen.filter(({ kind }) => kind === 'gave-up');
  expect(gaveUp).toMatchObject([...RETRIES, undefined].map((retryIn) => ({ retryIn, reason: 'timeout' })));
  // A second of each is for the verdict of the rendezvous, which does not come.
  expect(gaveUp.map(({ at: when }) => when)).toEqual([3000, 8000, 19_000, 52_000, 175_000]);
  expect(seen.filter(({ kind }) => kind === 'knock').length).toBe(50);
});

test('an address that nobody foresaw is answered at once and three times more', () => {
  const machine = punch({ schedule: [] });
  machine.step({ kind: 'start' }, at(0));
  expect(machine.step({ kind: 'heard', from: OTHER, socket: 3 }, at(10))).toEqual([
    { kind: 'knock', to: OTHER, socket: 3 },
  ]);
  const later = alone(machine, 1000).map(({ at: when, kind }) => [when, kind]);
  expect(later).toEqual([
    [110, 'knock'],
    [210, 'knock'],
    [410, 'knock'],
  ]);
});

test('what a handshake has answered already is not knocked at besides, unless nothing comes of it', () => {
  const machine = punch({ schedule: [] });
  machine.step({ kind: 'start' }, at(0));
  expect(machine.step({ kind: 'heard', from: OTHER, socket: 3, replied: true }, at(10))).toEqual([]);
  expect(alone(machine, 1000).map(({ kind }) => kind)).toEqual(['knock', 'knock', 'knock']);
});

test('heard, but never answered: the reason is "loss"', () => {
  const machine = punch({ retries: [] });
  machine.step({ kind: 'start' }, at(0));
  machine.step({ kind: 'heard', from: PEER, socket: 0 }, at(100));
  expect(alone(machine, 3000).at(-1)).toMatchObject({ kind: 'gave-up', reason: 'loss', retryIn: undefined });
});

test('it waits for the common start, but answers whoever is early', () => {
  const machine = punch();
  expect(machine.step({ kind: 'start', startIn: ms(200) }, at(0))).toEqual([]);
  expect(machine.wake()).toBe(200);
  expect(machine.step({ kind: 'heard', from: PEER, socket: 0 }, at(150))).toHaveLength(1);
  expect(machine.step({ kind: 'tick' }, at(200))).toHaveLength(1);
});

test('a path that opens after giving up is taken', () => {
  const machine = punch({ retries: [] });
  expect(alone(machine, 10_000).at(-1)?.kind).toBe('gave-up');
  expect(machine.step({ kind: 'answered', from: OTHER, socket: 0 }, at(10_001))).toMatchObject([{ kind: 'reached' }]);
});

test('it arrives once and is silent from then on', () => {
  const machine = punch();
  machine.step({ kind: 'start' }, at(0));
  const reach = { kind: 'answered', from: PEER, socket: 0 } as const;
  expect(machine.step(reach, at(80))).toEqual([{ kind: 'reached', to: PEER, socket: 0, method: 'simultaneous' }]);
  expect(machine.step(reach, at(81))).toEqual([]);
  expect(machine.step({ kind: 'heard', from: OTHER, socket: 0 }, at(82))).toEqual([]);
  expect(machine.wake()).toBeUndefined();
});

test('a LAN path that comes up to 50 ms later than another one wins', () => {
  const near = { ip: '192.168.1.77', port: 40_000 };
  const same = { observed: [{ ip: '8.8.8.8', port: 40_000, opening: 'none' as const }], internal: [near] };
  const run = (lanAt: number): unknown => {
    const machine = lone({ plan: plan(HOME_ROUTER, HOME_ROUTER, same, true, false), ground: GROUND });
    machine.step({ kind: 'start' }, at(0));
    expect(machine.step({ kind: 'answered', from: { ip: '8.8.8.8', port: 40_000 }, socket: 0 }, at(100))).toEqual([]);
    if (lanAt >= 150) return machine.step({ kind: 'tick' }, at(150));
    return machine.step({ kind: 'answered', from: near, socket: 0 }, at(lanAt));
  };
  expect(run(149)).toMatchObject([{ kind: 'reached', method: 'lan', to: near }]);
  expect(run(151)).toContainEqual({
    kind: 'reached',
    to: { ip: '8.8.8.8', port: 40_000 },
    socket: 0,
    method: 'simultaneous',
  });
});

test('a knock that is meant to die on the way leaves with its low TTL', () => {
  const machine = punch({ schedule: [{ after: ms(0), to: PEER, ttl: 3 }] });
  expect(machine.step({ kind: 'start' }, at(0))).toEqual([{ kind: 'knock', to: PEER, socket: 0, ttl: 3 }]);
});

test('IPv6 candidates are knocked at through the IPv6 socket, and not at all without one', () => {
  const six = { ip: '2a00::1', port: 40_000 };
  const schedule = [{ after: ms(0), to: six }];
  const normal = plan(HOME_ROUTER, HOME_ROUTER, { observed: [], internal: [] }, true, false);
  const whole: PunchPlan = { ...normal, schedule };
  const with6 = lone({ plan: whole, six: 1, ground: GROUND });
  expect(with6.step({ kind: 'start' }, at(0))).toEqual([{ kind: 'knock', to: six, socket: 1 }]);
  expect(with6.step({ kind: 'answered', from: six, socket: 1 }, at(9))).toMatchObject([{ method: 'ipv6' }]);
  const without = lone({ plan: whole, ground: GROUND });
  expect(without.step({ kind: 'start' }, at(0))).toEqual([]);
});

test('a flood of authentic datagrams from everywhere gets no more answers than the limits allow', () => {
  const machine = punch();
  machine.step({ kind: 'start' }, at(0));
  const sent: { at: number; to: Address }[] = [];
  for (let now = 1; now <= 60_000; now++) {
    const from = { ip: '9.9.9.9', port: 30_000 + (now % 500) };
    for (const effect of machine.step({ kind: 'heard', from, socket: 0 }, at(now))) {
      if (effect.kind === 'knock') sent.push({ at: now, to: effect.to });
    }
  }
  expect(machine.sent).toBe(MOST_DATAGRAMS);
  expect(new Set(sent.map(({ to }) => to.port)).size).toBe(MOST_TARGETS - 1);
});

test('a hundred answers in every tenth of a second are cut to 16 kB in any second, however long each may be', () => {
  const machine = punch();
  machine.step({ kind: 'start' }, at(0));
  const sent: number[] = [];
  for (let now = 100; now <= 3000; now += 100) {
    for (let i = 0; i < 100; i++) {
      const effects = machine.step({ kind: 'heard', from: PEER, socket: 0 }, at(now));
      sent.push(...effects.map(() => now));
    }
  }
  const most = Math.floor(MOST_BYTES_PER_SECOND / KNOCK_BYTES);
  for (const [i, when] of sent.entries()) {
    expect(when - (sent[i - most] ?? -Infinity)).toBeGreaterThanOrEqual(1000);
  }
  expect(sent.length).toBeGreaterThan(2 * most);
});

test('whatever is heard, it keeps to its budget of datagrams, pace and targets, and sends nowhere it must not', () => {
  const address = fc.record({
    ip: fc.constantFrom('9.9.9.9', '9.9.9.8', '192.168.1.77', '192.168.2.1', '224.0.0.1', '127.0.0.1', '1.1.1.1'),
    port: fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(7000, 40_000, 40_001)),
  });
  const input: fc.Arbitrary<{ input: PunchInput; wait: number; times: number }> = fc.record({
    input: fc.oneof(
      fc.constant({ kind: 'tick' } as const),
      fc.constant({ kind: 'start' } as const),
      address.map((from) => ({ kind: 'heard', from, socket: 0 }) as const),
    ),
    wait: fc.integer({ min: 0, max: 300 }),
    times: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
      const machine = punch();
      const sent: { at: number; to: Address }[] = [];
      let now = 0;
      for (const { input: what, wait, times } of inputs) {
        now += wait;
        for (let i = 0; i < times; i++) {
          for (const effect of machine.step(what, at(now))) {
            if (effect.kind === 'knock') sent.push({ at: now, to: effect.to });
          }
        }
      }
      expect(sent.length).toBeLessThanOrEqual(MOST_DATAGRAMS);
      for (const [i, { at: when }] of sent.entries()) {
        expect(when - (sent[i - MOST_PER_SECOND]?.at ?? -Infinity)).toBeGreaterThanOrEqual(1000);
      }
      expect(new Set(sent.map(({ to }) => `${to.ip} ${to.port}`)).size).toBeLessThanOrEqual(MOST_TARGETS);
      for (const { to } of sent) {
        expect(to.port).toBeGreaterThanOrEqual(1024);
        expect(['9.9.9.9', '9.9.9.8', '192.168.1.77', '1.1.1.1']).toContain(to.ip);
        expect(to).not.toEqual({ ip: '1.1.1.1', port: 7000 });
      }
    }),
    { numRuns: 100 },
  );
});
