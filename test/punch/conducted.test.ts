import { expect, test } from 'vitest';
import type { NatProfile } from '../../agent/base/nat-profile.ts';
import { type Millis, ms } from '../../agent/base/time.ts';
import type { VolleyPlan } from '../../agent/base/volley.ts';
import type { KindName } from '../../agent/sim/kinds.ts';
import { HOME, meet, type Meeting, type Outcome, type Sight, type Stage, truth } from './meeting.ts';

/** What every volley below has unless it says something else. */
const USUAL = { startIn: ms(0), pace: 0, ttl: 0, refresh: ms(0), keep: ms(5000) } as const;
const PROBE = { kind: 'probe', by: 0 } as const;

function reached({ events }: Outcome): { at: number; method: string; socket: number } | undefined {
  for (const { at: when, event } of events) if (event.kind === 'reached') return { at: when, ...event };
  return undefined;
}

/** Three brackets of the hard side; the other one knocks at what lies between their probes. */
function bracketing(hard: 0 | 1, changes: Partial<VolleyPlan> = {}): NonNullable<Meeting['conduct']> {
  return ({ seenAt, order }: Stage) => {
    const sights = new Map<number, Sight[]>();
    const easy = hard === 0 ? 1 : 0;
    let round = 0;
    return {
      begin: () => {
        const { ip, port } = seenAt[easy];
        const shots = [
          { ...PROBE, observer: 0 },
          { kind: 'knock', by: 0, ip: 0, ports: [port] } as const,
          { ...PROBE, observer: 1 },
        ];
        const from = { kind: 'fresh', sockets: 3 } as const;
        order(hard, {
          kind: 'volley',
          volley: { ...USUAL, round: 1, method: 'bracket', from, ips: [ip], shots, ...changes },
        });
      },
      seen: (sight) => {
        const both = [...(sights.get(sight.socket) ?? []), sight];
        sights.set(sight.socket, both);
        if (both.length < 2) return;
        const [low = 0, high = 0] = both.map(({ external }) => external.port).sort((a, b) => a - b);
        const ports = Array.from({ length: high - low - 1 }, (_, i) => low + 1 + i).slice(0, 8);
        if (ports.length === 0) return;
        const shots = [{ kind: 'knock', by: 0, ip: 0, ports } as const];
        const volley = {
          ...USUAL,
          method: 'bracket',
          from: { kind: 'main' },
          ips: [sight.external.ip],
          shots,
        } as const;
        round++;
        order(easy, { kind: 'volley', volley: { ...volley, round } });
      },
    };
  };
}

const EASY = ['port-restricted', 'offset', 'firewall', 'double'] as const;
const STEPPING = ['sequential', 'descending', 'stride', 'sequential-block', 'quota'] as const;

test.each(EASY.flatMap((easy) => STEPPING.map((hard): [KindName, KindName] => [easy, hard])))(
  '%s and %s: a bracket shows the port, and both sides are through on the socket it came from',
  (easy, hard) => {
    for (const [kinds, side] of [
      [[easy, hard], 1],
      [[hard, easy], 0],
    ] as const) {
      for (let seed = 1; seed <= 5; seed++) {
        const outcomes = meet(kinds[0], kinds[1], { seed, conduct: bracketing(side) });
        for (const outcome of outcomes) {
          expect(reached(outcome)?.method).toBe('bracket');
          expect(reached(outcome)?.at).toBeLessThanOrEqual(220);
          expect(outcome.sent).toBeLessThanOrEqual(40);
        }
        // The hard side's path is one of its fresh sockets.
        expect(reached(outcomes[side])?.socket).toBeGreaterThanOrEqual(10);
        expect(reached(outcomes[side === 0 ? 1 : 0])?.socket).toBe(0);
      }
    }
  },
);

test('a home whose NAT gives its port away is knocked at with datagrams that die on the way', () => {
  for (const [ttl, through] of [
    [3, true],
    [0, false],
  ] as const) {
    for (const outcome of meet('poison', 'sequential', { conduct: bracketing(1, { ttl }) })) {
      expect(reached(outcome) !== undefined).toBe(through);
    }
  }
});

/** A block of 512: 64 sockets on one side, and every port of it on the other. */
test('a block is scanned with many sockets on one side and many ports on the other', () => {
  const times: number[] = [];
  for (let seed = 1; seed <= 20; seed++) {
    const conduct: Meeting['conduct'] = ({ seenAt, order }) => {
      let block: { from: number; to: number } | undefined;
      const probes = [1, 2, 3, 4, 5, 6, 7, 8].map((by) => ({ ...PROBE, by, observer: by % 4 }));
      const ports: number[] = [];
      return {
        begin: () => {
          const knock = { kind: 'knock', by: 0, ip: 0, ports: [seenAt[0].port] } as const;
          const from = { kind: 'fresh', sockets: 64 } as const;
          const volley = {
            ...USUAL,
            round: 1,
            method: 'block',
            from,
            ips: [seenAt[0].ip],
            shots: [knock, ...probes],
          } as const;
          order(1, { kind: 'volley', volley });
        },
        seen: ({ external }) => {
          ports.push(external.port);
          if (ports.length < 8 || block !== undefined) return;
          const from = 1024 + Math.floor((Math.min(...ports) - 1024) / 512) * 512;
          block = { from, to: from + 511 };
          const spray = { kind: 'spray', by: 0, ip: 0, ...block, seed, skip: 0, count: 512 } as const;
          const main = { kind: 'main' } as const;
          const volley = {
            ...USUAL,
            round: 1,
            method: 'block',
            from: main,
            pace: 100,
            ips: [external.ip],
            shots: [spray],
          } as const;
          order(0, { kind: 'volley', volley });
        },
      };
    };
    for (const outcome of meet('port-restricted', 'random-block', { seed, conduct, until: 8000 })) {
      expect(reached(outcome)?.method).toBe('block');
      times.push(reached(outcome)?.at ?? Infinity);
    }
  }
  times.sort((a, b) => a - b);
  // 8 ports at 100 a second in the mean.
  expect(times[times.length / 2]).toBeLessThan(400);
});

test('nothing comes of it: the verdict is the reason, and without one our own word', () => {
  const silent: Meeting['conduct'] = () => ({ begin: () => {} });
  const judging: Meeting['conduct'] = ({ order }) => ({
    begin: () => {},
    said: (side, event) => {
      if (event.kind === 'failed') order(side, { kind: 'judged', reason: 'block-hop', retryIn: ms(0) });
    },
  });
  const words = ({ events }: Outcome): string[] =>
    events.flatMap(({ event }) => (event.kind === 'gave-up' ? [`${event.reason} ${event.retryIn ?? 'over'}`] : []));
  for (const outcome of meet('port-restricted', 'sequential', { conduct: silent, until: 4000 })) {
    expect(words(outcome)).toEqual(['drift 2000']);
  }
  for (const outcome of meet('port-restricted', 'sequential', { conduct: judging, until: 4000 })) {
    expect(words(outcome)).toEqual(['block-hop over']);
  }
});

// -- who may be written to first

const NO: Partial<NatProfile> = { poison: 'no' };
const YES: Partial<NatProfile> = { poison: 'yes' };

function traits(kinds: readonly [KindName, KindName], poisons: readonly [Partial<NatProfile>, Partial<NatProfile>]) {
  return [
    { ...truth(kinds[0], ['198.18.0.2']), ...poisons[0] },
    { ...truth(kinds[1], ['198.18.0.3']), ...poisons[1] },
  ] as const;
}

const SKEWS = [0, 30, 60, 100, 200, 300].map(ms);

test.each([
  ['poison', 'port-restricted', YES, NO],
  ['port-restricted', 'poison', NO, YES],
  ['poison', 'offset', YES, NO],
  ['poison', 'double', YES, NO],
  ['poison', 'poison', YES, YES],
] as const)('%s and %s: nobody is written to before he has written himself, whoever is late', (a, b, mine, theirs) => {
  for (const skew of SKEWS) {
    const believed = traits([a, b], [mine, theirs]);
    for (const [first, second, known] of [
      [a, b, believed],
      [b, a, [believed[1], believed[0]] as const],
    ] as const) {
      for (const outcome of meet(first, second, { skew, believed: known })) {
        expect(`${skew} ${reached(outcome)?.method}`).toBe(`${skew} simultaneous`);
      }
    }
  }
});

test('without that knowledge the late one loses its port', () => {
  const unaware = traits(['port-restricted', 'poison'], [NO, NO]);
  const late = (skew: Millis): boolean =>
    meet('port-restricted', 'poison', { skew, believed: unaware, access: HOME }).every(
      (outcome) => reached(outcome) !== undefined,
    );
  expect([late(ms(0)), late(ms(100))]).toEqual([true, false]);
});
