import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Address } from '../../agent/base/address.ts';
import { NAT_KINDS, type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import { type Random, seeded } from '../../agent/base/random.ts';
import { after, at, type Instant, ms } from '../../agent/base/time.ts';
import { MISFIRES, type VolleyPlan } from '../../agent/base/volley.ts';
import { conducted } from '../../agent/punch/prospect.ts';
import { rounds } from '../../agent/punch/magazine.ts';
import { Conductor, type ConductorEffect, type ConductorInput } from '../../agent/rendezvous/conductor/conductor.ts';
import type { Permits } from '../../agent/rendezvous/conductor/permits.ts';
import { type Role, ROLES } from '../../agent/rendezvous/conductor/stage.ts';
import { encode } from '../../agent/wire/codec.ts';

const ADDRESSES: Readonly<Record<Role, Address>> = {
  asker: { ip: '203.0.113.7', port: 40_000 },
  target: { ip: '203.0.113.200', port: 50_000 },
};
const STRANGER = '198.51.100.99';
const ALLOWED: Permits = { mappings: () => true, spray: () => ms(0), birthday: () => ms(0) };

function nat(kind: NatProfile['kind'], changes: Partial<NatProfile> = {}): NatProfile {
  const ports = kind === 'block-random' ? { from: 2048, to: 2559 } : undefined;
  const filtering = 'address-and-port-dependent';
  return { ...UNKNOWN, kind, filtering, confidence: 0.99, step: 1, ports, ...changes };
}

function conductorOf(asker: NatProfile, target: NatProfile, random: Random, permits = ALLOWED, seed = 1): Conductor {
  const party = (role: Role, profile: NatProfile) => {
    const address = ADDRESSES[role];
    return { profile, address, ips: [address.ip], rtt: ms(40) };
  };
  const parties = { asker: party('asker', asker), target: party('target', target) };
  const score = { parties, attempt: 0, round: 0, seed };
  return new Conductor({ score, observers: [0, 1, 2, 3], random, permits, now: at(0) });
}

/** How the households answer a volley; nothing at all is an answer too. */
type Answer = (role: Role, plan: VolleyPlan, give: (input: ConductorInput) => void) => void;

/** Plays an attempt to its end: everything that was ordered, and the verdict. */
function play(
  conductor: Conductor,
  answer: Answer,
): { readonly effects: readonly ConductorEffect[]; readonly end: Instant } {
  const effects: ConductorEffect[] = [];
  let now = at(0);
  const give = (input: ConductorInput): void => {
    for (const effect of conductor.step(input, now)) {
      effects.push(effect);
      if (effect.kind === 'volley') answer(effect.role, effect.plan, give);
    }
  };
  give({ kind: 'start' });
  for (let turns = 0; !conductor.isOver; turns++) {
    const wake = conductor.wake();
    if (wake === undefined || turns > 1000) throw new Error('it waits for nothing');
    now = wake > now ? wake : now;
    give({ kind: 'tick' });
  }
  return { effects, end: now };
}

const SILENT: Answer = () => {};

/** Probes are seen from there, with ports that nobody could make sense of. */
function seenFrom(ip: string, random: Random): Answer {
  return (role, plan, give) => {
    const sockets = plan.from.kind === 'fresh' ? plan.from.sockets : 1;
    give({ kind: 'fired', role, round: plan.round, misfire: 'none', localPorts: [2000, 3000, 4000] });
    for (const one of rounds(plan, sockets, false)) {
      if (one.kind === 'knock') continue;
      const external = { ip, port: 1024 + random(64_512) };
      give({
        kind: 'seen',
        role,
        round: plan.round,
        sight: { socket: one.by, shot: one.shot, localPort: 2000, external },
      });
    }
  };
}

const profiles = fc
  .record({
    kind: fc.constantFrom(...NAT_KINDS),
    step: fc.constantFrom(0, 1, -1, 7),
    counters: fc.constantFrom(1, 4),
    drift: fc.constantFrom(0, 50, 2000),
    poison: fc.constantFrom('unknown', 'no', 'yes'),
    quota: fc.constantFrom(0, 64, 2000),
  } as const)
  .map(({ kind, ...changes }) => nat(kind, changes));

const answers = fc.record({
  seed: fc.nat(),
  ip: fc.constantFrom('own', STRANGER),
  misfires: fc.boolean(),
  lost: fc.nat({ max: 100 }),
});

test('whatever the NATs are and the households answer, an attempt ends, within the limits, and fires at nobody else', () => {
  fc.assert(
    fc.property(profiles, profiles, answers, (asker, target, { seed, ip, misfires, lost }) => {
      const random = seeded(seed);
      const conductor = conductorOf(asker, target, random);
      fc.pre(conducted(conductor.outlook));
      const { effects, end } = play(conductor, (role, plan, give) => {
        if (random(100) < lost) return;
        const misfire = MISFIRES[random(MISFIRES.length)] ?? 'none';
        if (misfires) give({ kind: 'fired', role, round: plan.round, misfire, localPorts: [] });
        seenFrom(ip === 'own' ? ADDRESSES[role].ip : ip, random)(role, plan, give);
      });
      expect(end).toBeLessThan(60_000);
      expect(effects.filter(({ kind }) => kind === 'judged')).toHaveLength(1);
      for (const effect of effects) {
        if (effect.kind !== 'volley') continue;
        const { role, plan } = effect;
        const peer = role === 'asker' ? 'target' : 'asker';
        expect(encode({ kind: 'volley', pairId: 1, ...plan }).length).toBeLessThanOrEqual(1168);
        expect(plan.ips.filter((one) => one !== ADDRESSES[peer].ip)).toEqual([]);
        expect(plan.pace).toBeLessThanOrEqual(200);
        const sockets = plan.from.kind === 'fresh' ? plan.from.sockets : 1;
        const knocks = [...rounds(plan, sockets, false)].filter((one) => one.kind === 'knock');
        expect(knocks.length).toBeLessThanOrEqual(1750);
        expect(Math.min(65_535, ...knocks.map(({ port }) => port))).toBeGreaterThanOrEqual(1024);
        // Never many sockets and many ports.
        const ports = new Set(knocks.map(({ port }) => port)).size;
        if (sockets > 8 && plan.from.kind === 'fresh')
          expect(knocks.length / sockets).toBeLessThanOrEqual(Math.max(8, 0));
        expect(ports).toBeLessThanOrEqual(1750);
      }
    }),
    { numRuns: 300 },
  );
});

describe('an attempt nobody answers', () => {
  it('orders each volley three times at most, and gives up', () => {
    const { effects } = play(conductorOf(nat('preserve'), nat('sequential'), seeded(1)), SILENT);
    const sent = new Map<string, number>();
    for (const effect of effects) {
      if (effect.kind !== 'volley') continue;
      const name = `${effect.role} ${effect.plan.round}`;
      sent.set(name, (sent.get(name) ?? 0) + 1);
    }
    expect(Math.max(...sent.values())).toBe(3);
    expect(effects.at(-1)).toEqual({ kind: 'over' });
  });
});

describe('nobody is told to spray', () => {
  const sprays = (effects: readonly ConductorEffect[]): boolean =>
    effects.some((effect) => effect.kind === 'volley' && effect.plan.shots.some(({ kind }) => kind === 'spray'));

  it('before the side that wants it has opened its mappings where they can be seen', () => {
    for (const kind of ['random', 'block-random'] as const) {
      expect(sprays(play(conductorOf(nat('preserve'), nat(kind), seeded(1)), SILENT).effects)).toBe(false);
      const seen = seenFrom(ADDRESSES.target.ip, seeded(2));
      expect(sprays(play(conductorOf(nat('preserve'), nat(kind), seeded(1)), seen).effects)).toBe(true);
    }
  });

  it('at an address that probes only seem to come from', () => {
    const spoofed = seenFrom(STRANGER, seeded(2));
    expect(sprays(play(conductorOf(nat('preserve'), nat('random'), seeded(1)), spoofed).effects)).toBe(false);
  });

  it('against a limit', () => {
    const seen = seenFrom(ADDRESSES.target.ip, seeded(2));
    const limits = [{ mappings: () => false }, { spray: () => ms(1000) }, { birthday: () => ms(20_000) }];
    for (const limit of limits) {
      const permits = { ...ALLOWED, ...limit };
      expect(sprays(play(conductorOf(nat('preserve'), nat('random'), seeded(1), permits), seen).effects)).toBe(false);
    }
  });
});

it('an attempt that others are in the way of is put off, and does not count', () => {
  const permits = { ...ALLOWED, birthday: () => ms(12_345) };
  const conductor = conductorOf(nat('preserve'), nat('random'), seeded(1), permits);
  const { effects, end } = play(conductor, seenFrom(ADDRESSES.target.ip, seeded(2)));
  const judged = effects.find((effect) => effect.kind === 'judged');
  expect(judged).toMatchObject({ reason: 'random', retryIn: 12_345, score: { attempt: 0 } });
  expect(effects.filter(({ kind }) => kind === 'volley')).toEqual([]);
  expect(end).toBe(0);
});

describe('what an attempt teaches', () => {
  function judged(asker: NatProfile, target: NatProfile, answer: Answer) {
    const { effects } = play(conductorOf(asker, target, seeded(3)), answer);
    const verdict = effects.find((effect) => effect.kind === 'judged');
    if (verdict?.kind !== 'judged') throw new Error('no verdict');
    return verdict;
  }

  /** A counter that gives one port after another, to whatever socket and destination. */
  function counter(start: number): Answer {
    let port = start;
    return (role, plan, give) => {
      const sockets = plan.from.kind === 'fresh' ? plan.from.sockets : 1;
      give({ kind: 'fired', role, round: plan.round, misfire: 'none', localPorts: [2000, 3000, 4000] });
      for (const one of rounds(plan, sockets, false)) {
        port = 1024 + ((port - 1023) % 64_512);
        const external = { ip: ADDRESSES[role].ip, port };
        if (one.kind === 'probe')
          give({
            kind: 'seen',
            role,
            round: plan.round,
            sight: { socket: one.by, shot: one.shot, localPort: 2000, external },
          });
      }
    };
  }

  it('a NAT that was said to count and does not is random from now on, and the next attempt another one', () => {
    const random = seenFrom(ADDRESSES.target.ip, seeded(4));
    const { reason, retryIn, score } = judged(nat('preserve'), nat('sequential'), random);
    expect(reason).toBe('random');
    expect(retryIn).toBe(2000);
    expect(score.parties.target.profile.kind).toBe('random');
  });

  it('two that were said to count, and one does not: there is nothing more to try', () => {
    const random = seenFrom(ADDRESSES.target.ip, seeded(4));
    const counts = counter(30_000);
    const answer: Answer = (role, plan, give) => (role === 'target' ? random : counts)(role, plan, give);
    const { reason, retryIn } = judged(nat('sequential', { drift: 9 }), nat('sequential'), answer);
    expect(reason).toBe('random');
    expect(retryIn).toBe(0);
  });

  it('a NAT that was said to be random and counts has a step from now on', () => {
    const { reason, score } = judged(nat('preserve'), nat('random', { step: 0 }), counter(30_000));
    expect(score.parties.target.profile).toMatchObject({ kind: 'sequential', step: 1 });
    expect(reason).not.toBe('random');
  });

  it('the port was read and knocked at, and nothing came: a filter, or poison where that is known', () => {
    const easy = (poison: 'no' | 'yes') => nat('preserve', { poison });
    expect(judged(easy('no'), nat('sequential'), counter(30_000)).reason).toBe('filter');
    expect(judged(easy('yes'), nat('sequential'), counter(30_000)).reason).toBe('poison');
  });

  it('each attempt waits longer than the one before, and after five there is none', () => {
    const retries: number[] = [];
    let attempt = 0;
    for (let left = true; left; attempt++) {
      const parties = Object.fromEntries(
        ROLES.map((role) => [
          role,
          {
            profile: nat(role === 'asker' ? 'preserve' : 'sequential'),
            address: ADDRESSES[role],
            ips: [ADDRESSES[role].ip],
            rtt: ms(40),
          },
        ]),
      ) as never;
      const score = { parties, attempt, round: 0, seed: 1 };
      const conductor = new Conductor({ score, observers: [0, 1], random: seeded(1), permits: ALLOWED, now: at(0) });
      const { effects } = play(conductor, counter(30_000));
      const verdict = effects.find((effect) => effect.kind === 'judged');
      if (verdict?.kind !== 'judged') throw new Error('no verdict');
      retries.push(verdict.retryIn);
      left = verdict.retryIn > 0;
    }
    expect(retries).toEqual([2000, 8000, 30_000, 120_000, 0]);
  });
});

test('no two pairs guess the same port of a block: where the first has met it stays taken', () => {
  const guesses = [1, 2, 3, 4].map((seed) => {
    const conductor = conductorOf(nat('sequential'), nat('block-random'), seeded(1), ALLOWED, seed);
    const volleys = conductor.step({ kind: 'start' }, at(0)).filter((effect) => effect.kind === 'volley');
    return volleys.flatMap(({ plan }) => plan.shots).find((shot) => shot.kind === 'knock')?.ports[0];
  });
  expect(new Set(guesses).size).toBe(4);
  for (const port of guesses) expect(port).toSatisfy((one: number) => one >= 2048 && one <= 2559);
});

test('a path ends it at once', () => {
  const conductor = conductorOf(nat('preserve'), nat('sequential'), seeded(1));
  conductor.step({ kind: 'start' }, at(0));
  expect(conductor.step({ kind: 'connected' }, after(at(0), ms(100)))).toEqual([{ kind: 'over' }]);
  expect(conductor.wake()).toBeUndefined();
  expect(conductor.step({ kind: 'tick' }, at(500))).toEqual([]);
});

describe('a walk', () => {
  const [walker, anchor] = [nat('sequential', { drift: 1 }), nat('sequential', { drift: 2 })];

  interface Line {
    port: number;
    /** The port of each datagram to the peer, by its destination. */
    readonly towards: Map<number, number>;
  }

  /** Two counters, and strangers who take so many ports of the walker's before each of its volleys. */
  function counting(strangers: readonly number[]): Answer & { readonly lines: Readonly<Record<Role, Line>> } {
    const lines = { asker: { port: 20_000, towards: new Map() }, target: { port: 40_000, towards: new Map() } };
    const left = [...strangers];
    const answer: Answer = (role, plan, give) => {
      const line: Line = lines[role];
      give({ kind: 'fired', role, round: plan.round, misfire: 'none', localPorts: [] });
      if (plan.from.kind !== 'fresh') return;
      if (role === 'asker') line.port += left.shift() ?? 0;
      for (const one of rounds(plan, plan.from.sockets, false)) {
        line.port++;
        if (one.kind === 'knock') {
          line.towards.set(line.port, one.port);
          continue;
        }
        const external = { ip: ADDRESSES[role].ip, port: line.port };
        const sight = { socket: one.by, shot: one.shot, localPort: 2000, external };
        give({ kind: 'seen', role, round: plan.round, sight });
      }
    };
    return Object.assign(answer, { lines });
  }

  /** Does a port of the one open its NAT for a port of the other which does the same? */
  function met({ lines }: ReturnType<typeof counting>): boolean {
    return [...lines.target.towards].some(([hole, to]) => lines.asker.towards.get(to) === hole);
  }

  function volleys(effects: readonly ConductorEffect[]) {
    return effects.flatMap((effect) => (effect.kind === 'volley' ? [effect] : []));
  }

  it('leads two counters to meet, and then both knock once more where they did', () => {
    const answer = counting([0, 1, 3]);
    const { effects } = play(conductorOf(walker, anchor, seeded(1)), answer);
    expect(met(answer)).toBe(true);
    const [read, holes, second, walk, mine, theirs] = volleys(effects);
    expect([read, holes, second, walk].map((one) => one?.role)).toEqual(['asker', 'target', 'asker', 'asker']);
    expect(mine).toMatchObject({ role: 'asker', plan: { from: { kind: 'round', round: walk?.plan.round } } });
    expect(theirs).toMatchObject({ role: 'target', plan: { from: { kind: 'round', round: holes?.plan.round } } });
  });

  it('of a polite household leaves from one socket', () => {
    const free = counting([0, 6, 6, 6, 8]);
    const polite: Answer = (role, plan, give) => {
      if (plan.from.kind !== 'fresh' || plan.from.sockets <= 8) free(role, plan, give);
      else give({ kind: 'fired', role, round: plan.round, misfire: 'polite', localPorts: [] });
    };
    const busy = nat('sequential', { drift: 150 });
    play(conductorOf(busy, nat('sequential', { drift: 200 }), seeded(1)), Object.assign(polite, { lines: free.lines }));
    expect(met(free)).toBe(true);
  });

  it('that strangers made miss is known from its last probe, and the next one begins at once', () => {
    const answer = counting([0, 0, 40, 0, 0]);
    const { effects } = play(conductorOf(walker, anchor, seeded(1)), answer);
    const [, , , walk, next] = volleys(effects);
    expect([walk?.role, next?.role, next?.plan.from.kind]).toEqual(['asker', 'target', 'fresh']);
    expect(met(answer)).toBe(true);
  });
});
