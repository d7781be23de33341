import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../agent/base/bytes.ts';
import type { NatProfile } from '../../agent/base/nat-profile.ts';
import { seconds } from '../../agent/base/time.ts';
import type { Bridge, Carry } from '../../agent/wire/messages.ts';
import { PROFILE, type Resident, Town, type TownOptions } from './town.ts';

const RANDOM: NatProfile = { ...PROFILE, kind: 'random' };
const OPEN: NatProfile = { ...PROFILE, kind: 'open', filtering: 'endpoint-independent' };

interface Scene {
  readonly town: Town;
  readonly x: Resident;
  readonly y: Resident;
  readonly pairId: number;
}

/** X and Y have no knowable port; the others are there before they meet. */
function scene(others: (town: Town) => readonly Resident[], options: TownOptions = {}): Scene {
  const town = new Town(options);
  const around = others(town);
  const [x, y] = [town.resident('random', { profile: RANDOM }), town.resident('random', { profile: RANDOM })];
  expect(town.until(() => [x, y, ...around].every((one) => one.told('registered').length > 0))).toBe(true);
  town.pass(200);
  x.give({ kind: 'introduce', request: 1, node: y.id });
  town.pass(300);
  return { town, x, y, pairId: x.told('introduction')[0]?.pairId ?? 0 };
}

/** A datagram over the rendezvous, and time for what follows. */
function relay({ town, x, pairId }: Scene, span = 200): void {
  x.give({ kind: 'relay', pairId, bytes: bytesOf('a datagram of theirs') });
  town.pass(span);
}

const carryOf = (one: Resident): Carry | undefined => one.told('carry').at(-1);
const bridgeOf = (one: Resident): Bridge | undefined => one.told('bridge').at(-1);

function answer(one: Resident, state: 'yes' | 'no' | 'over'): void {
  const order = carryOf(one);
  if (order === undefined) throw new Error('no order to answer');
  one.give({ kind: 'carrying', pairId: order.pairId, leg: order.legs[0].number, state });
}

function report(one: Resident, up: boolean): void {
  const offer = bridgeOf(one);
  if (offer === undefined) throw new Error('no offer to answer');
  one.give({ kind: 'bridged', pairId: offer.pairId, leg: offer.leg.number, up });
}

const bridging = ({ town }: Scene) => town.server.counters().bridging;

/** Everything up to both sides' word that it works. */
function carried(place: Scene, by: Resident): void {
  relay(place);
  answer(by, 'yes');
  place.town.pass(100);
  report(place.x, true);
  report(place.y, true);
  place.town.pass(100);
  expect(bridging(place).carried).toBe(1);
}

describe('two that are relayed get a household between them', () => {
  it('it is told where both are, and each of them where it is: three secrets are never one', () => {
    let r: Resident | undefined;
    const place = scene((town) => [(r = town.resident('open', { profile: OPEN, room: 8000 }))]);
    if (r === undefined) throw new Error('nobody');
    expect(r.told('carry')).toEqual([]);
    relay(place);
    const order = carryOf(r);
    const [first, second] = order?.legs ?? [];
    expect(order).toMatchObject({ pairId: place.pairId, kbits: 12_000 });
    expect(first?.addresses).toHaveLength(1);
    expect(first?.secret).not.toEqual(second?.secret);
    expect(first?.number).not.toBe(second?.number);
    expect([bridgeOf(place.x), bridgeOf(place.y)]).toEqual([undefined, undefined]);
    answer(r, 'yes');
    place.town.pass(100);
    for (const [side, leg] of [
      [place.x, first],
      [place.y, second],
    ] as const) {
      const offer = bridgeOf(side);
      expect(offer?.leg.number).toBe(leg?.number);
      expect(offer?.leg.secret).toEqual(leg?.secret);
      expect(offer?.leg.headerKey).not.toEqual(leg?.headerKey);
      expect(offer?.leg.addresses[0]?.ip).toBe(r.household.host.ip);
      expect(leg?.addresses[0]).toEqual(side.told('registered')[0]?.observed);
    }
    expect(first?.secret).not.toEqual(place.x.told('introduction')[0]?.secret);
    report(place.x, true);
    report(place.y, true);
    place.town.pass(100);
    expect(bridging(place)).toEqual({ offered: 1, carried: 1, begun: 1, failed: 0 });
  });

  it('an order that is lost is given again, an offer as well, and nothing is begun twice', () => {
    let r: Resident | undefined;
    const place = scene((town) => [(r = town.resident('open', { profile: OPEN, room: 8000 }))]);
    if (r === undefined) throw new Error('nobody');
    const { access } = r.household;
    const whole = access.downlink.shape;
    access.downlink.shape = { ...whole, loss: 1 };
    relay(place, 500);
    expect(r.told('carry')).toEqual([]);
    access.downlink.shape = whole;
    place.town.pass(700);
    expect(r.told('carry').length).toBeGreaterThan(1);
    expect(new Set(r.told('carry').map(({ legs }) => legs[0].number)).size).toBe(1);
    answer(r, 'yes');
    answer(r, 'yes');
    place.town.pass(50);
    report(place.x, true);
    place.town.pass(1000);
    expect(place.x.told('bridge')).toHaveLength(1);
    expect(place.y.told('bridge').length).toBeGreaterThan(1);
    report(place.y, true);
    report(place.y, true);
    place.town.pass(100);
    expect(bridging(place)).toMatchObject({ carried: 1, begun: 1 });
  });

  it('two that may still meet are left to it for two seconds', () => {
    let r: Resident | undefined;
    const town = new Town();
    r = town.resident('open', { profile: OPEN, room: 8000 });
    const [x, y] = [town.resident(), town.resident()];
    town.until(() => [x, y].every((one) => one.told('registered').length > 0));
    town.pass(200);
    x.give({ kind: 'introduce', request: 1, node: y.id });
    town.pass(300);
    const pairId = x.told('introduction')[0]?.pairId ?? 0;
    const place = { town, x, y, pairId };
    relay(place, 1500);
    expect(r.told('carry')).toEqual([]);
    town.pass(1000);
    expect(r.told('carry').length).toBeGreaterThan(0);
  });

  it('and those that have met meanwhile get none', () => {
    const town = new Town();
    const r = town.resident('open', { profile: OPEN, room: 8000 });
    const [x, y] = [town.resident(), town.resident()];
    town.until(() => [x, y].every((one) => one.told('registered').length > 0));
    town.pass(200);
    x.give({ kind: 'introduce', request: 1, node: y.id });
    town.pass(300);
    const pairId = x.told('introduction')[0]?.pairId ?? 0;
    relay({ town, x, y, pairId }, 500);
    x.give({ kind: 'report', pairId, outcome: { kind: 'connected', method: 'simultaneous' } });
    town.pass(3000);
    expect(r.told('carry')).toEqual([]);
  });

  it('the pair is known as long as they say that they are carried, and forgotten a minute after', () => {
    const around: Resident[] = [];
    const place = scene((town) => (around.push(town.resident('open', { profile: OPEN, room: 8000 })), around));
    const [r] = around;
    if (r === undefined) throw new Error('nobody');
    carried(place, r);
    for (let i = 0; i < 10; i++) {
      place.town.pass(20_000);
      report(place.x, true);
    }
    place.town.pass(1000);
    expect(place.town.server.counters().pairs).toBe(1);
    relay(place);
    expect(place.y.told('relayed')).toHaveLength(2);
    place.town.pass(65_000);
    expect(place.town.server.counters().pairs).toBe(0);
    expect(bridging(place).carried).toBe(0);
  });
});

describe('who is asked to carry', () => {
  it.each([
    ['offers no room', { profile: OPEN, room: 0 }],
    ['has too little of it', { profile: OPEN, room: 300 }],
    ['lets in only whom it has written to, and is a stranger to both', { profile: PROFILE, room: 8000 }],
    ['is not sure of its own NAT', { profile: { ...OPEN, confidence: 0.6 }, room: 8000 }],
    ['has ports that nobody knows', { profile: RANDOM, room: 8000 }],
  ])('not one that %s', (_what, own) => {
    const around: Resident[] = [];
    const place = scene((town) => (around.push(town.resident('open', own)), around));
    relay(place, 1000);
    expect(around[0]?.told('carry')).toEqual([]);
  });

  it('the nearest, and after it the one that carries less', () => {
    const around: Resident[] = [];
    const place = scene((town) => {
      for (const delayMs of [60, 20, 35]) around.push(town.resident('open', { profile: OPEN, room: 8000, delayMs }));
      return around;
    });
    const orders = (): number[] => around.map((one) => new Set(one.told('carry').map(({ pairId }) => pairId)).size);
    relay(place);
    expect(orders()).toEqual([0, 1, 0]);
    const [far, near, middle] = around;
    if (far === undefined || near === undefined || middle === undefined) throw new Error('three are around');
    answer(near, 'yes');
    place.town.pass(100);
    const [u, v] = [0, 1].map(() => place.town.resident('random', { profile: RANDOM }));
    if (u === undefined || v === undefined) throw new Error('two more');
    place.town.until(() => [u, v].every((one) => one.told('registered').length > 0));
    place.town.pass(200);
    u.give({ kind: 'introduce', request: 1, node: v.id });
    place.town.pass(300);
    relay({ town: place.town, x: u, y: v, pairId: u.told('introduction')[0]?.pairId ?? 0 });
    expect(orders()).toEqual([0, 1, 1]);
  });

  it('one that says no is followed by another, and asked again only after its next beat', () => {
    const around: Resident[] = [];
    const place = scene((town) => {
      for (const delayMs of [20, 35]) around.push(town.resident('open', { profile: OPEN, room: 8000, delayMs }));
      return around;
    });
    const [near, far] = around;
    if (near === undefined || far === undefined) throw new Error('two are around');
    relay(place);
    answer(near, 'no');
    place.town.pass(1500);
    expect(far.told('carry')).toEqual([]);
    relay(place);
    expect(far.told('carry').length).toBeGreaterThan(0);
  });

  it('one that does not answer is given up, and so is one that the two do not reach', () => {
    const around: Resident[] = [];
    const place = scene((town) => {
      for (const delayMs of [20, 35]) around.push(town.resident('open', { profile: OPEN, room: 8000, delayMs }));
      return around;
    });
    const [near, far] = around;
    if (near === undefined || far === undefined) throw new Error('two are around');
    near.stop();
    relay(place, 3000);
    relay(place);
    answer(far, 'yes');
    place.town.pass(100);
    report(place.x, false);
    place.town.pass(5000);
    expect(bridging(place)).toMatchObject({ carried: 0, failed: 2 });
    const before = far.told('carry').length;
    relay(place, 500);
    expect(far.told('carry')).toHaveLength(before);
  });

  it('one with less room than the two have needed so far is not', () => {
    const around: Resident[] = [];
    const place = scene((town) => {
      around.push(town.resident('open', { profile: OPEN, room: 2000, delayMs: 20 }));
      around.push(town.resident('open', { profile: OPEN, room: 8000, delayMs: 40 }));
      return around;
    });
    const [small, large] = around;
    if (small === undefined || large === undefined) throw new Error('two are around');
    relay(place);
    answer(small, 'no');
    small.room = 2000;
    // 400 datagrams of 1,000 bytes in 1.5 s are 2.1 Mbit/s.
    for (let i = 0; i < 300; i++) {
      place.x.give({ kind: 'relay', pairId: place.pairId, bytes: new Uint8Array(1000) });
      place.town.pass(5);
    }
    expect(large.told('carry').length).toBeGreaterThan(0);
    expect(new Set(small.told('carry').map(({ legs }) => legs[0].number)).size).toBe(1);
  });

  it('never one whose own picture comes through the asker', () => {
    const town = new Town();
    const origin = town.resident('open', { children: 1 });
    town.until(() => origin.told('registered').length > 0);
    town.pass(100);
    const channel = town.cipher.signingPair();
    origin.give({ kind: 'publish', channel, epoch: 1, name: 'TV' });
    town.pass(100);
    const joined = (one: Resident, request: number): number => {
      one.give({ kind: 'join', request, channel: channel.publicKey, avoid: [], patience: seconds(10) });
      town.until(() => one.told('introduction').some((told) => told.request === request));
      return one.told('introduction').find((told) => told.request === request)?.pairId ?? 0;
    };
    const [top, x, r, s] = [
      town.resident('random', { profile: RANDOM, children: 1 }),
      town.resident('random', { profile: RANDOM, children: 1 }),
      town.resident('open', { profile: OPEN, children: 1, room: 8000 }),
      town.resident('open', { profile: OPEN, children: 1, delayMs: 90 }),
    ];
    town.until(() => [top, x, r, s].every((one) => one.told('registered').length > 0));
    town.pass(200);
    let pairId = 0;
    const line = [origin, top, x, r];
    for (const [i, one] of line.entries()) {
      const parent = line[i - 1];
      if (parent === undefined) continue;
      const pair = joined(one, 1);
      if (one === x) pairId = pair;
      one.give({ kind: 'report', pairId: pair, outcome: { kind: 'connected', method: 'dial' } });
      const above = line[i - 2];
      const fed = above && { node: above.id, method: 'dial' as const };
      one.give({
        kind: 'position',
        channel: channel.publicKey,
        parent: { node: parent.id, method: 'dial' },
        children: [],
      });
      parent.give({ kind: 'position', channel: channel.publicKey, parent: fed, children: [one.id] });
      // It gives others nothing before it has a second of the stream.
      town.pass(1200);
    }
    expect(town.server.tree(channel.publicKey).map(({ depth }) => depth)).toEqual([0, 1, 2, 3]);
    // X, fed by the top one, falls back to the relay.
    x.give({ kind: 'report', pairId, outcome: { kind: 'failed', reason: 'timeout' } });
    town.pass(100);
    const place = { town, x, y: top, pairId };
    relay(place, 4000);
    expect(r.told('carry')).toEqual([]);
    // One that has nothing to do with the channel is asked, although it is further away.
    s.room = 8000;
    town.pass(12_000);
    relay(place);
    expect(s.told('carry').length).toBeGreaterThan(0);
    expect(r.told('carry')).toEqual([]);
  });
});

describe('a stranger to a pair', () => {
  it('may neither say that it carries it nor that it is carried', () => {
    const around: Resident[] = [];
    const place = scene((town) => {
      around.push(town.resident('open', { profile: OPEN, room: 8000, delayMs: 20 }));
      around.push(town.resident('open', { profile: OPEN, delayMs: 20 }));
      return around;
    });
    const [r, thief] = around;
    if (r === undefined || thief === undefined) throw new Error('two are around');
    relay(place);
    const leg = carryOf(r)?.legs[0].number ?? 0;
    thief.give({ kind: 'carrying', pairId: place.pairId, leg, state: 'yes' });
    place.town.pass(100);
    expect(bridgeOf(place.x)).toBeUndefined();
    answer(r, 'yes');
    place.town.pass(100);
    thief.give({ kind: 'bridged', pairId: place.pairId, leg, up: false });
    // Nor one of the two for the other, or for an older order.
    place.y.give({ kind: 'bridged', pairId: place.pairId, leg, up: false });
    place.x.give({ kind: 'bridged', pairId: place.pairId, leg: leg + 1, up: false });
    place.town.pass(100);
    expect(bridging(place).failed).toBe(0);
    expect(place.town.server.counters().refused['no-pair']).toBe(4);
  });
});
