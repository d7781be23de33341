import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import { at, type Instant, ms } from '../../agent/base/time.ts';
import type { Muzzle, Shot, VolleyPlan } from '../../agent/base/volley.ts';
import { Account } from '../../agent/punch/account.ts';
import {
  FLOWS_PER_HOUR,
  KEPT_FOR_ANSWERS,
  MAPPINGS_AT_ONCE,
  MAPPINGS_PER_MINUTE,
  MOST_BYTES_PER_SECOND,
  MOST_FLOWS,
  MOST_MAPPINGS,
  MOST_PER_SECOND,
  MOST_SOCKETS,
  SHOT_BYTES,
} from '../../agent/punch/limits.ts';
import { plan } from '../../agent/punch/plan.ts';
import type { Punch, PunchEffect } from '../../agent/punch/punch.ts';
import type { Manner } from '../../agent/punch/rules.ts';
import { counting, lone } from './lone.ts';

const PEER = { ip: '9.9.9.9', port: 40_000 };
const GROUND = {
  networks: [{ ip: '192.168.1.2', prefix: 24 }],
  rendezvous: [
    { ip: '1.1.1.1', port: 7000 },
    { ip: '9.9.9.9', port: 7000 },
  ],
};
const ROUTER: NatProfile = {
  ...UNKNOWN,
  kind: 'preserve',
  filtering: 'address-and-port-dependent',
  confidence: 0.99,
  external: ['8.8.8.8'],
};
const HARD: NatProfile = { ...ROUTER, kind: 'sequential', step: 1, external: ['9.9.9.9'] };
const KNOCK: Shot = { kind: 'knock', by: 0, ip: 0, ports: [40_000] };
const BRACKET: readonly Shot[] = [{ kind: 'probe', by: 0, observer: 0 }, KNOCK, { kind: 'probe', by: 0, observer: 1 }];
const SPRAY: Shot = { kind: 'spray', by: 0, ip: 0, from: 1024, to: 65_535, seed: 5, skip: 0, count: 1750 };

function volley(round: number, from: Muzzle, shots: readonly Shot[], changes: Partial<VolleyPlan> = {}) {
  const usual = { method: 'bracket', startIn: ms(0), pace: 0, ttl: 0, refresh: ms(0), keep: ms(5000) } as const;
  return { kind: 'volley', volley: { ...usual, round, from, ips: ['9.9.9.9'], shots, ...changes } } as const;
}

const fresh = (sockets: number): Muzzle => ({ kind: 'fresh', sockets });
const MAIN: Muzzle = { kind: 'main' };

interface Setting {
  readonly mine?: NatProfile;
  readonly manner?: Manner;
  readonly account?: Account;
  readonly newSocket?: () => number;
  readonly ips?: readonly string[];
}

/** A conducted pair, with nothing of its own plan in the way. */
function house({ mine = ROUTER, ...rest }: Setting = {}): Household {
  const whole = plan(mine, HARD, { observed: [{ ...PEER, opening: 'none' }], internal: [] }, true, true);
  const options = { ips: ['9.9.9.9'], nat: mine.kind, ground: GROUND, plan: { ...whole, schedule: [] }, ...rest };
  return new Household(lone(options));
}

type Seen = PunchEffect & { readonly at: number };

/** Opens the sockets that are asked for, in the same moment, and lets time pass. */
class Household {
  readonly punch: Punch;
  readonly seen: Seen[] = [];
  readonly open = new Set<number>();
  /** Sockets that the system refuses. */
  broken = 0;
  most = 0;
  #now: Instant = at(0);

  constructor(punch: Punch) {
    this.punch = punch;
    this.give({ kind: 'start' });
  }

  give(input: Parameters<Punch['step']>[0]): Seen[] {
    const from = this.seen.length;
    this.#take(this.punch.step(input, this.#now));
    return this.seen.slice(from);
  }

  /** Until then, tick by tick; what it did meanwhile. */
  until(time: number): Seen[] {
    const from = this.seen.length;
    let [before, did, idle] = [-1, from, 0];
    for (let wake = this.punch.wake(); wake !== undefined && wake <= time; wake = this.punch.wake()) {
      idle = wake === before && this.seen.length === did ? idle + 1 : 0;
      // Asking for the same moment again and again, and doing nothing in it, would keep a processor busy for ever.
      expect(idle).toBeLessThan(1000);
      [before, did] = [wake, this.seen.length];
      this.#now = at(Math.max(wake, this.#now));
      this.#take(this.punch.step({ kind: 'tick' }, this.#now));
    }
    this.#now = at(time);
    return this.seen.slice(from);
  }

  #take(effects: readonly PunchEffect[]): void {
    for (const effect of effects) {
      this.seen.push({ ...effect, at: this.#now });
      if (effect.kind === 'close') expect(this.open.delete(effect.socket)).toBe(true);
      if (effect.kind !== 'open') continue;
      const { socket } = effect;
      this.open.add(socket);
      this.most = Math.max(this.most, this.open.size);
      if (this.broken > 0) {
        this.broken--;
        this.open.delete(socket);
        this.#take(this.punch.step({ kind: 'failed', socket, reason: 'EMFILE' }, this.#now));
      } else {
        const local = { ip: '0.0.0.0', port: 50_000 + socket };
        this.#take(this.punch.step({ kind: 'opened', socket, local }, this.#now));
      }
    }
  }
}

function words(seen: readonly Seen[]): string[] {
  return seen.flatMap((one) => {
    switch (one.kind) {
      case 'knock':
        return `${one.socket} knocks ${one.to.ip}:${one.to.port}${one.ttl === undefined ? '' : ` ttl ${one.ttl}`}`;
      case 'probe-shot': {
        const { round, socket, shot, localPort } = one.shot;
        return `${one.socket} probes ${one.observer}: ${round}.${socket}.${shot} from ${localPort}`;
      }
      case 'fired':
        return `fired ${one.round} ${one.misfire} ${one.localPorts.join(',')}`.trim();
      case 'open':
      case 'close':
        return `${one.kind} ${one.socket}`;
      case 'reached':
        return `reached ${one.socket} ${one.method}`;
      case 'failed':
      case 'gave-up':
        return `${one.kind} ${one.reason}`;
      case 'read-table':
        return [];
    }
  });
}

const fired = (seen: readonly Seen[]): string[] => words(seen).filter((word) => word.startsWith('fired'));
const knocks = (seen: readonly Seen[]) => seen.filter((one) => one.kind === 'knock');

test('a bracket from three fresh sockets: all in one tick, socket after socket, then closed', () => {
  const one = house();
  expect(words(one.give(volley(1, fresh(3), BRACKET)))).toEqual([
    'open 10',
    'open 11',
    'open 12',
    'fired 1 none 50010,50011,50012',
    '10 probes 0: 1.1.0 from 50010',
    '10 knocks 9.9.9.9:40000',
    '10 probes 1: 1.1.2 from 50010',
    '11 probes 0: 1.2.0 from 50011',
    '11 knocks 9.9.9.9:40000',
    '11 probes 1: 1.2.2 from 50011',
    '12 probes 0: 1.3.0 from 50012',
    '12 knocks 9.9.9.9:40000',
    '12 probes 1: 1.3.2 from 50012',
  ]);
  expect(one.until(4999)).toEqual([]);
  expect(words(one.until(5000))).toEqual(['close 10', 'close 11', 'close 12']);
});

test('a volley that comes again is not fired again, only answered again', () => {
  const one = house();
  one.give(volley(1, fresh(3), BRACKET));
  expect(words(one.give(volley(1, fresh(3), BRACKET)))).toEqual(['fired 1 none 50010,50011,50012']);
  // One that was overtaken by its successor is fired.
  one.give(volley(3, MAIN, [KNOCK]));
  expect(words(one.give(volley(2, MAIN, [KNOCK])))).toEqual(['fired 2 none', '0 knocks 9.9.9.9:40000']);
});

test('sockets without shots report their ports, and a later round fires from them', () => {
  const one = house();
  expect(words(one.give(volley(1, fresh(2), [])))).toEqual(['open 10', 'open 11', 'fired 1 none 50010,50011']);
  one.until(100);
  const shots: Shot[] = [
    { kind: 'knock', by: 1, ip: 0, ports: [4001] },
    { kind: 'knock', by: 2, ip: 0, ports: [4002] },
  ];
  expect(words(one.give(volley(2, { kind: 'round', round: 1 }, shots, { ttl: 3 })))).toEqual([
    'fired 2 none 50010,50011',
    '10 knocks 9.9.9.9:4001 ttl 3',
    '11 knocks 9.9.9.9:4002 ttl 3',
  ]);
  // The later shot keeps them longer.
  expect(one.until(5050)).toEqual([]);
  expect(words(one.until(5100))).toEqual(['close 10', 'close 11']);
  expect(fired(one.give(volley(3, { kind: 'round', round: 1 }, shots)))).toEqual(['fired 3 sockets']);
});

test('paced datagrams leave on a grid of 5 ms', () => {
  const one = house();
  one.give(volley(1, MAIN, [{ ...SPRAY, count: 30 }], { pace: 150, startIn: ms(20) }));
  const times = knocks(one.until(1000)).map((knock) => knock.at);
  expect(times.length).toBe(30);
  expect(times.slice(0, 4)).toEqual([20, 30, 35, 40]);
  expect(times.every((time) => time % 5 === 0)).toBe(true);
  expect(times.at(-1)).toBe(215);
});

test('knocks of fresh sockets are repeated, to keep their mappings alive', () => {
  const one = house();
  one.give(volley(1, fresh(2), BRACKET, { refresh: ms(2000), keep: ms(5000) }));
  const again = knocks(one.until(10_000));
  expect(again.map(({ at: when, socket }) => [when, socket])).toEqual([
    [2000, 10],
    [2010, 11],
    [4010, 10],
    [4020, 11],
  ]);
  expect(one.open.size).toBe(0);
});

test('the winner stays open, all others are closed in the same tick, and nothing more is fired', () => {
  const one = house();
  one.give(volley(1, fresh(4), [KNOCK], { method: 'block', refresh: ms(2000) }));
  one.give(volley(2, MAIN, [SPRAY], { method: 'birthday', pace: 100 }));
  one.until(300);
  expect(words(one.give({ kind: 'answered', from: PEER, socket: 12 }))).toEqual([
    'reached 12 block',
    'close 10',
    'close 11',
    'close 13',
  ]);
  expect(one.until(60_000)).toEqual([]);
  expect([...one.open]).toEqual([12]);
  expect(words(one.give(volley(3, fresh(3), BRACKET)))).toEqual(['fired 3 no-target']);
  expect(words(one.give({ kind: 'stop' }))).toEqual(['close 12']);
});

test('a path is called after the volley that named its address', () => {
  const one = house();
  one.give(volley(1, MAIN, [{ kind: 'knock', by: 0, ip: 0, ports: [4711] }], { method: 'walk' }));
  expect(words(one.give({ kind: 'answered', from: { ip: '9.9.9.9', port: 4711 }, socket: 0 }))).toEqual([
    'reached 0 walk',
  ]);
});

test('sockets that the system refuses are left out; with none left it says so', () => {
  const one = house();
  one.broken = 1;
  expect(words(one.give(volley(1, fresh(2), [KNOCK])))).toContain('fired 1 none 50011');
  one.broken = 2;
  expect(fired(one.give(volley(2, fresh(2), [KNOCK])))).toEqual(['fired 2 sockets']);
});

test.each([
  ['a stranger', volley(1, MAIN, [KNOCK], { ips: ['7.7.7.7'] }), 'no-target'],
  ['our own LAN', volley(1, MAIN, [KNOCK], { ips: ['192.168.1.77'] }), 'no-target'],
  ['a private address', volley(1, MAIN, [KNOCK], { ips: ['10.0.0.1'] }), 'no-target'],
  ['multicast', volley(1, MAIN, [KNOCK], { ips: ['224.0.0.1'] }), 'no-target'],
  ['a system port', volley(1, MAIN, [{ kind: 'knock', by: 0, ip: 0, ports: [4000, 53] }]), 'no-target'],
  ['a range of system ports', volley(1, MAIN, [{ ...SPRAY, from: 1 }], { pace: 100 }), 'no-target'],
  ['many sockets times many ports', volley(1, fresh(9), [{ ...SPRAY, count: 9 }]), 'targets'],
  ['more sockets than an attempt has', volley(1, fresh(257), [KNOCK]), 'mappings'],
  ['sockets of a round that never was', volley(2, { kind: 'round', round: 1 }, [KNOCK]), 'sockets'],
] as const)('a volley at %s is refused and nothing leaves', (_, order, misfire) => {
  const one = house({ ips: ['9.9.9.9', '192.168.1.77', '10.0.0.1', '224.0.0.1'] });
  expect(words(one.give(order))).toEqual([`fired ${order.volley.round} ${misfire}`]);
  expect(one.until(10_000).filter(({ kind }) => kind === 'knock' || kind === 'open')).toEqual([]);
});

test('many times many in two steps is refused as well', () => {
  const one = house();
  one.give(volley(1, fresh(9), [{ kind: 'knock', by: 0, ip: 0, ports: [4001, 4002, 4003, 4004] }]));
  const more: Shot = { kind: 'knock', by: 0, ip: 0, ports: [4005, 4006, 4007, 4008, 4009] };
  expect(fired(one.give(volley(2, { kind: 'round', round: 1 }, [more])))).toEqual(['fired 2 targets']);
});

test('the port of a rendezvous that shares the address of the peer is passed over', () => {
  const one = house();
  one.give(volley(1, MAIN, [{ kind: 'knock', by: 0, ip: 0, ports: [6999, 7000, 7001] }]));
  expect(knocks(one.seen).map(({ to }) => to.port)).toEqual([6999, 7001]);
});

test('switched off, nothing is fired; kept polite, no sprays and few sockets', () => {
  expect(fired(house({ manner: 'off' }).give(volley(1, MAIN, [KNOCK])))).toEqual(['fired 1 off']);
  expect(fired(house({ manner: 'polite' }).give(volley(1, fresh(9), [KNOCK])))).toEqual(['fired 1 polite']);
  expect(fired(house({ manner: 'polite' }).give(volley(1, MAIN, [{ ...SPRAY, count: 1 }])))).toEqual([
    'fired 1 polite',
  ]);
  expect(fired(house({ manner: 'polite' }).give(volley(1, fresh(3), BRACKET)))[0]).toMatch(/^fired 1 none/);
});

test('our own table fills up: the spray stops at the next datagram, and no other one begins', () => {
  const account = new Account();
  const one = house({ account });
  one.give(volley(1, MAIN, [SPRAY], { pace: 100 }));
  expect(one.seen.some(({ kind }) => kind === 'read-table')).toBe(true);
  account.seeTable(500, 16_384);
  expect(one.until(3000).filter(({ kind }) => kind === 'read-table').length).toBe(3);
  const before = knocks(one.seen).length;
  account.seeTable(10_000, 16_384);
  expect(fired(one.until(5000))).toEqual(['fired 1 table']);
  expect(knocks(one.seen).length).toBe(before);
  expect(fired(one.give(volley(2, MAIN, [KNOCK])))).toEqual(['fired 2 table']);
});

test('a burst is cut off at the limit of the second, a paced one waits for it', () => {
  const burst = house();
  burst.give(volley(1, MAIN, [{ ...SPRAY, count: 500 }]));
  expect(knocks(burst.until(3000)).length + knocks(burst.seen).length).toBeLessThanOrEqual(MOST_PER_SECOND);
  expect(fired(burst.seen).at(-1)).toBe('fired 1 datagrams');
  const paced = house();
  paced.give(volley(1, MAIN, [{ ...SPRAY, count: 500 }], { pace: 1000 }));
  paced.until(6000);
  expect(knocks(paced.seen).length).toBe(500);
});

test('one birthday at a time in a household, whoever it is with', () => {
  const account = new Account();
  const newSocket = counting();
  const [one, other] = [house({ account, newSocket }), house({ account, newSocket })];
  expect(fired(one.give(volley(1, fresh(128), [KNOCK], { method: 'birthday', pace: 100 })))[0]).toMatch(
    /^fired 1 none/,
  );
  one.until(1000);
  expect(fired(other.give(volley(1, fresh(128), [KNOCK], { method: 'birthday', pace: 100 })))).toEqual([
    'fired 1 mappings',
  ]);
  expect(fired(other.give(volley(2, MAIN, [SPRAY], { method: 'birthday', pace: 100 })))).toEqual(['fired 2 targets']);
  // A bracket is no birthday, nor is a block.
  other.until(1000);
  expect(fired(other.give(volley(3, fresh(3), BRACKET)))[0]).toMatch(/^fired 3 none/);
  expect(fired(other.give(volley(4, MAIN, [{ ...SPRAY, count: 512 }], { pace: 100 })))).toEqual(['fired 4 none']);
});

test('behind a NAT with a port per destination each datagram to somebody new is a mapping', () => {
  const one = house({ mine: HARD });
  one.give(volley(1, MAIN, [{ ...SPRAY, count: 140 }], { method: 'walk' }));
  // A walk's burst is a hundred and twenty-eight at most.
  expect(knocks(one.seen).length).toBe(MAPPINGS_AT_ONCE.most);
  expect(fired(one.seen).at(-1)).toBe('fired 1 mappings');
});

test('256 mappings an attempt, however slowly; 1750 flows', () => {
  const hard = house({ mine: HARD });
  hard.give(volley(1, MAIN, [{ ...SPRAY, count: 600 }], { pace: 50 }));
  hard.until(30_000);
  expect([knocks(hard.seen).length, fired(hard.seen).at(-1)]).toEqual([MOST_MAPPINGS, 'fired 1 mappings']);
  const easy = house();
  easy.give(volley(1, MAIN, [SPRAY], { pace: 150 }));
  easy.until(20_000);
  easy.give(volley(2, MAIN, [{ ...SPRAY, skip: 1750 }], { pace: 150 }));
  easy.until(40_000);
  expect([knocks(easy.seen).length, fired(easy.seen).at(-1)]).toEqual([MOST_FLOWS, 'fired 2 targets']);
});

test('a verdict ends the attempt: it is the reason given, and the next one has its own limits', () => {
  const one = house();
  one.give(volley(1, fresh(100), [KNOCK], { method: 'birthday', pace: 100 }));
  one.until(1000);
  expect(words(one.give({ kind: 'judged', reason: 'quota', retryIn: ms(2000) }))).toEqual(['gave-up quota']);
  // Two seconds later another attempt may begin, but not another birthday.
  one.until(3100);
  expect(fired(one.give(volley(2, fresh(200), [KNOCK], { method: 'birthday', pace: 100 })))).toEqual([
    'fired 2 mappings',
  ]);
  one.until(30_000);
  expect(fired(one.give(volley(3, fresh(200), [KNOCK], { method: 'birthday', pace: 100 })))[0]).toMatch(
    /^fired 3 none/,
  );
});

test('a verdict that is said again does not put the next attempt off', () => {
  const one = house();
  one.give(volley(1, fresh(240), [KNOCK], { method: 'block', pace: 100, keep: ms(1000) }));
  for (const time of [3000, 3100, 3200]) {
    one.until(time);
    one.give({ kind: 'judged', reason: 'random', retryIn: ms(2000) });
  }
  // The order came a little sooner than the verdict did.
  one.until(4900);
  one.give(volley(2, fresh(240), [KNOCK], { method: 'block', pace: 100 }));
  one.until(8000);
  expect(fired(one.seen).at(-1)).toMatch(/^fired 2 none/);
});

test('without a verdict our own word is the reason, a second later; volleys put that off', () => {
  const one = house();
  const giving = (seen: readonly Seen[]): unknown[] =>
    seen.filter(({ kind }) => kind === 'failed' || kind === 'gave-up').map(({ kind, at: when }) => [kind, when]);
  one.until(1500);
  one.give(volley(1, MAIN, [KNOCK]));
  expect(giving(one.until(6000))).toEqual([
    ['failed', 3500],
    ['gave-up', 4500],
  ]);
});

test('a path that is lost is sought again; its socket stays until there is another one', () => {
  const one = house();
  one.give(volley(1, fresh(3), BRACKET));
  one.give({ kind: 'answered', from: PEER, socket: 11 });
  expect(words(one.give({ kind: 'lost' }))).toEqual(['failed timeout']);
  one.until(5000);
  one.give(volley(2, fresh(2), BRACKET));
  expect([...one.open]).toEqual([11, 13, 14]);
  expect(words(one.give({ kind: 'answered', from: PEER, socket: 14 }))).toEqual([
    'reached 14 bracket',
    'close 11',
    'close 13',
  ]);
});

// -- whatever is ordered

const port = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 4000, max: 4010 }));
const place = { by: fc.constantFrom(0, 0, 0, 1, 2, 200), ip: fc.constantFrom(0, 0, 0, 1, 3) };
const shot: fc.Arbitrary<Shot> = fc.oneof(
  fc.record({ kind: fc.constant('probe' as const), by: place.by, observer: fc.integer({ min: 0, max: 23 }) }),
  fc.record({ kind: fc.constant('knock' as const), ...place, ports: fc.array(port, { minLength: 1, maxLength: 40 }) }),
  fc
    .record({
      kind: fc.constant('spray' as const),
      ...place,
      from: fc.constantFrom(1, 1024, 1024, 30_000),
      to: fc.constantFrom(1023, 30_100, 65_535, 65_535),
      seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      skip: fc.constantFrom(0, 100, 65_535),
      count: fc.constantFrom(1, 8, 512, 1750, 65_535),
    })
    .filter(({ from, to }) => from <= to),
);
const order = fc.record({
  round: fc.integer({ min: 1, max: 40 }),
  method: fc.constantFrom('bracket' as const, 'walk' as const, 'birthday' as const),
  startIn: fc.constantFrom(0, 0, 50, 65_535).map(ms),
  from: fc.oneof(
    fc.constant({ kind: 'main' as const }),
    fc.record({ kind: fc.constant('fresh' as const), sockets: fc.constantFrom(1, 3, 8, 9, 64, 128, 256) }),
    fc.record({ kind: fc.constant('round' as const), round: fc.integer({ min: 1, max: 40 }) }),
  ),
  pace: fc.constantFrom(0, 0, 100, 200, 65_535),
  ttl: fc.constantFrom(0, 2),
  refresh: fc.constantFrom(0, 1, 8000).map(ms),
  keep: fc.constantFrom(0, 5000, 65_535).map(ms),
  ips: fc.constantFrom(['9.9.9.9'], ['9.9.9.9', '9.9.9.8'], ['9.9.9.9', '7.7.7.7'], ['192.168.1.77']),
  shots: fc.array(shot, { maxLength: 12 }),
});
const step = fc.record({
  peer: fc.constantFrom(0, 0, 1),
  what: fc.oneof(
    { weight: 12, arbitrary: order },
    { weight: 1, arbitrary: fc.constant('judged' as const) },
    { weight: 1, arbitrary: fc.constant('heard' as const) },
    { weight: 1, arbitrary: fc.constant('won' as const) },
    { weight: 1, arbitrary: fc.constant('lost' as const) },
  ),
  wait: fc.constantFrom(0, 0, 10, 300, 2500, 30_000),
});

test('a refresh that is due while a later volley of the same sockets still waits is made when that is over', () => {
  const one = house();
  const shots = [{ kind: 'knock' as const, by: 0, ip: 0, ports: [4000] }];
  one.give(volley(1, fresh(1), shots, { refresh: ms(1000) }));
  one.give(volley(2, { kind: 'round', round: 1 }, shots, { startIn: ms(4000) }));
  one.until(4500);
  const knocks = one.seen.filter(({ kind }) => kind === 'knock');
  expect(knocks.map(({ at: when }) => when)).toEqual([0, 4000, 4000]);
});

test('no sequence of orders makes a household pass a limit or write to a stranger', () => {
  const kinds = fc.constantFrom(ROUTER, HARD);
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), kinds, (steps, mine) => {
      const account = new Account();
      const newSocket = counting();
      const ips = ['9.9.9.9', '9.9.9.8', '192.168.1.77'];
      const peers = [house({ account, newSocket, mine, ips }), house({ account, newSocket, mine, ips })];
      let now = 0;
      const orders: Ordered[] = [];
      for (const { peer: which, what, wait } of steps) {
        const peer = peers[which];
        if (typeof what === 'object') orders.push({ peer: which, at: now, start: now + what.startIn });
        if (what === 'judged') peer?.give({ kind: 'judged', reason: 'random', retryIn: ms(0) });
        else if (what === 'heard') peer?.give({ kind: 'heard', from: PEER, socket: 0 });
        else if (what === 'won') peer?.give({ kind: 'answered', from: PEER, socket: [...(peer.open ?? [])][0] ?? 0 });
        else if (what === 'lost') peer?.give({ kind: 'lost' });
        else peer?.give({ kind: 'volley', volley: what });
        now += wait;
        together(peers, now - wait, now);
        expect((peers[0]?.open.size ?? 0) + (peers[1]?.open.size ?? 0)).toBeLessThanOrEqual(MOST_SOCKETS);
      }
      within(peers, mine, orders);
      for (const one of peers) {
        one.give({ kind: 'stop' });
        expect(one.open.size).toBe(0);
      }
    }),
    { numRuns: 60 },
  );
});

/** Up to that moment, from one thing that either does to the next: their account is one, and its time does not go back. */
function together(peers: readonly Household[], from: number, to: number): void {
  for (let time = from; ;) {
    const wakes = peers.flatMap(({ punch }) => punch.wake() ?? []);
    time = Math.min(to, Math.max(time, Math.min(...wakes, to)));
    for (const one of peers) one.until(time);
    if (time >= to) return;
  }
}

interface Ordered {
  readonly peer: number;
  readonly at: number;
  /** When the first shot was to leave. */
  readonly start: number;
}

/** Holds everything two peers of one household did against the limits. */
function within(peers: readonly Household[], mine: NatProfile, orders: readonly Ordered[]): void {
  const all = peers
    .flatMap(({ seen }, peer) => seen.map((one) => ({ ...one, peer })))
    .filter((one) => one.kind === 'knock' || one.kind === 'probe-shot')
    .sort((a, b) => a.at - b.at);
  const shots = all.filter((one) => one.kind === 'probe-shot' || one.terse === 'shot');
  for (const one of all) {
    if (one.kind !== 'knock') continue;
    expect(['9.9.9.9', '9.9.9.8']).toContain(one.to.ip);
    expect(one.to.port).toBeGreaterThanOrEqual(1024);
    expect(one.to).not.toEqual({ ip: '9.9.9.9', port: 7000 });
  }
  const flows = new Map<string, number>();
  const mappings = new Map<string, number>();
  for (const one of shots) {
    const to = one.kind === 'knock' ? `${one.to.ip}:${one.to.port}` : String(one.observer);
    const flow = `${one.peer} ${one.socket} ${to}`;
    if (!flows.has(flow)) flows.set(flow, one.at);
    const mapping = mine === HARD ? flow : `${one.peer} ${one.socket}`;
    if ((mine === HARD || one.socket !== 0) && !mappings.has(mapping)) mappings.set(mapping, one.at);
  }
  atMost(
    all.map((one) => one.at),
    MOST_PER_SECOND,
    1000,
  );
  atMost(
    shots.map((one) => one.at),
    MOST_PER_SECOND - KEPT_FOR_ANSWERS,
    1000,
  );
  atMost(
    shots.map((one) => one.at),
    Math.floor(MOST_BYTES_PER_SECOND / SHOT_BYTES),
    1000,
  );
  atMost([...mappings.values()], MAPPINGS_AT_ONCE.most, MAPPINGS_AT_ONCE.within);
  atMost([...mappings.values()], MAPPINGS_PER_MINUTE.most, MAPPINGS_PER_MINUTE.within);
  expect(flows.size).toBeLessThanOrEqual(FLOWS_PER_HOUR.most);
  for (const { peer, from, to } of attempts(peers)) {
    const ofIt = (times: Map<string, number>): number =>
      [...times].filter(([name, when]) => name.startsWith(`${peer} `) && when >= from && when < to).length;
    // What was under way when the verdict came goes on, at the cost of the attempt before.
    const isLate = orders.some((one) => one.peer === peer && one.at <= from && one.start >= from);
    const goesOn = isLate || shots.some((one) => one.peer === peer && one.at >= from && one.at < from + SOONEST);
    const shares = goesOn && from > 0 ? 2 : 1;
    expect(ofIt(flows)).toBeLessThanOrEqual(shares * MOST_FLOWS);
    expect(ofIt(mappings)).toBeLessThanOrEqual(shares * MOST_MAPPINGS);
  }
}

/** From one verdict to the next; a verdict is the only thing that ends an attempt. */
function attempts(peers: readonly Household[]): { peer: number; from: number; to: number }[] {
  return peers.flatMap(({ seen }, peer) => {
    const ends = seen.filter(({ kind }) => kind === 'gave-up' || kind === 'failed').map(({ at: when }) => when);
    const borders = [0, ...ends, Infinity];
    return borders.slice(1).map((to, i) => ({ peer, from: borders[i] ?? 0, to }));
  });
}

/** From a verdict to the next attempt. */
const SOONEST = 2000;

function atMost(times: readonly number[], most: number, span: number): void {
  const sorted = [...times].sort((a, b) => a - b);
  for (const [i, when] of sorted.entries()) {
    expect(when - (sorted[i - most] ?? -Infinity)).toBeGreaterThanOrEqual(span);
  }
}
