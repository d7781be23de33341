import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Address, key, sameAddress } from '../../agent/base/address.ts';
import { type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import { randomBytes, seeded } from '../../agent/base/random.ts';
import { at, type Instant } from '../../agent/base/time.ts';
import { Bridges, type BridgesEffect } from '../../agent/house/bridges.ts';
import { Carriages, type CarriagesEffect, type CarryLimits } from '../../agent/house/carriages.ts';
import { decodeWord, encodeWord, type LegOptions, legSession } from '../../agent/house/leg.ts';
import type { Ground } from '../../agent/punch/target.ts';
import { decodeHeader } from '../../agent/seal/header.ts';
import type { Leg } from '../../agent/wire/messages.ts';
import { toyCipher } from '../sim/toy-cipher.ts';

const RELAY: Address = { ip: '203.0.113.1', port: 40_001 };
const VICTIM: Address = { ip: '192.0.2.66', port: 6666 };
const PAIR = 7;
const NO_GROUND: Ground = { networks: [], rendezvous: [] };
const PROFILE: NatProfile = { ...UNKNOWN, kind: 'preserve', filtering: 'endpoint-independent', confidence: 1 };

let now: Instant;
let random = seeded(1);
let options: LegOptions;

/** One of the two that are carried between. */
class Side {
  address: Address;
  readonly headerKey: Uint8Array;
  readonly bridges: Bridges;
  readonly leg: number;
  readonly secret: Uint8Array;
  readonly got: Uint8Array[] = [];
  readonly news: BridgesEffect[] = [];

  constructor(ip: string, leg: number) {
    this.address = { ip, port: 50_000 };
    this.leg = leg;
    this.headerKey = options.cipher.random(16);
    this.secret = options.cipher.random(32);
    this.bridges = new Bridges(options, () => false);
  }
}

/** A relay, its two ends, and the wire between, which a test may watch and cut. */
class Crossing {
  readonly x = new Side('198.51.100.10', 101);
  readonly y = new Side('198.51.100.20', 202);
  readonly relayKey = options.cipher.random(16);
  readonly carriages: Carriages;
  readonly said: CarriagesEffect[] = [];
  /** Every datagram that went by, with its length. */
  readonly wire: { readonly from: Address; readonly to: Address; readonly bytes: Uint8Array }[] = [];
  cut: (from: Address, to: Address) => boolean = () => false;

  constructor(limits: CarryLimits = { kbits: 8000, pairs: 4 }) {
    this.carriages = new Carriages(options, limits, () => false);
  }

  leg(side: Side, to: 'relay' | 'side'): Leg {
    const { leg: number, secret } = side;
    return to === 'relay'
      ? { number, secret, headerKey: this.relayKey, addresses: [RELAY] }
      : { number, secret, headerKey: side.headerKey, addresses: [side.address] };
  }

  order(profile = PROFILE): void {
    const legs = [this.leg(this.x, 'side'), this.leg(this.y, 'side')] as const;
    const order = { kind: 'carry', pairId: PAIR, kbits: 12_000, legs } as const;
    this.fromRelay(this.carriages.carry(order, { ground: NO_GROUND, profile }, now));
  }

  offer(...sides: Side[]): void {
    for (const side of sides) {
      const offer = { kind: 'bridge', pairId: PAIR, leg: this.leg(side, 'relay') } as const;
      this.fromSide(side, side.bridges.offer(offer, NO_GROUND, now));
    }
  }

  begin(): this {
    this.order();
    this.offer(this.x, this.y);
    expect(this.up()).toEqual([true, true]);
    return this;
  }

  up(): boolean[] {
    return [this.x, this.y].map(({ news }) => {
      const last = news.filter(({ kind }) => kind === 'bridged').at(-1);
      return last?.kind === 'bridged' && last.up;
    });
  }

  send(side: Side, bytes: Uint8Array): void {
    this.fromSide(side, side.bridges.cross(PAIR, bytes, now));
  }

  /** Time goes by in steps, everybody's timers with it. */
  pass(span: number): void {
    for (const end = now + span; now < end;) {
      now = at(Math.min(end, now + 10));
      this.fromRelay(this.carriages.tick(now));
      for (const side of [this.x, this.y]) this.fromSide(side, side.bridges.tick(now));
    }
  }

  fromSide(side: Side, effects: readonly BridgesEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.carry(side.address, effect.to, effect.bytes);
      else if (effect.kind === 'crossed') side.got.push(effect.bytes.slice());
      else side.news.push(effect);
    }
  }

  fromRelay(effects: readonly CarriagesEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.carry(RELAY, effect.to, effect.bytes);
      else this.said.push(effect);
    }
  }

  carry(from: Address, to: Address, bytes: Uint8Array): void {
    this.wire.push({ from, to, bytes });
    if (this.cut(from, to)) return;
    if (sameAddress(to, RELAY)) {
      const header = decodeHeader(bytes, options.cipher.block(this.relayKey));
      if (header !== undefined) this.fromRelay(this.carriages.datagram(header, bytes, from, now));
    }
    for (const side of [this.x, this.y]) {
      if (!sameAddress(to, side.address)) continue;
      const header = decodeHeader(bytes, options.cipher.block(side.headerKey));
      if (header !== undefined) this.fromSide(side, side.bridges.datagram(header, bytes, from, now));
    }
  }

  states(): string[] {
    return this.said.flatMap((one) => (one.kind === 'say' ? [one.message.state] : []));
  }
}

beforeEach(() => {
  now = at(1000);
  random = seeded(1);
  options = { cipher: toyCipher(random), random, firstByte: 'any' };
});

const cargo = (length = 1200): Uint8Array => randomBytes(random, length);

describe('a household that carries between two others', () => {
  it('carries what the one sends to the other, as it is, once both have come', () => {
    const crossing = new Crossing().begin();
    const [there, back] = [cargo(), cargo(40)];
    crossing.send(crossing.x, there);
    crossing.send(crossing.y, back);
    expect(crossing.y.got).toEqual([there]);
    expect(crossing.x.got).toEqual([back]);
    expect(crossing.carriages.counters).toEqual({ pairs: 1, begun: 1, datagrams: 2, bytes: 1304, refused: 0 });
    expect(crossing.states()).toEqual(['yes']);
  });

  it('sends one datagram for one, never a longer one', () => {
    const crossing = new Crossing().begin();
    crossing.wire.length = 0;
    for (let i = 0; i < 200; i++) crossing.send(i % 2 === 0 ? crossing.x : crossing.y, cargo(32 + 6 * i));
    expect(crossing.wire).toHaveLength(400);
    for (let i = 0; i < 400; i += 2) {
      const [came, went] = [crossing.wire[i], crossing.wire[i + 1]];
      expect([came?.to, went?.from]).toEqual([RELAY, RELAY]);
      expect(went?.bytes.length).toBeLessThanOrEqual(came?.bytes.length ?? 0);
    }
  });

  it('says nothing before it is spoken to, and answers with no more than came', () => {
    const crossing = new Crossing();
    crossing.order();
    expect(crossing.wire).toEqual([]);
    crossing.offer(crossing.x);
    crossing.pass(3000);
    expect(crossing.wire.length).toBeGreaterThan(10);
    const bytes = (which: 'from' | 'to'): number =>
      crossing.wire.filter((one) => sameAddress(one[which], RELAY)).reduce((sum, one) => sum + one.bytes.length, 0);
    expect(bytes('from')).toBeLessThanOrEqual(bytes('to'));
  });

  it('a datagram of 1,200 bytes fits into 1,280 with IPv6 and UDP', () => {
    const crossing = new Crossing().begin();
    crossing.wire.length = 0;
    crossing.send(crossing.x, cargo(1200));
    for (const { bytes } of crossing.wire) expect(bytes.length + 48).toBeLessThanOrEqual(1280);
  });

  it('what it forwards looks like nothing that came: no two datagrams share eight bytes', () => {
    const crossing = new Crossing().begin();
    crossing.wire.length = 0;
    crossing.send(crossing.x, cargo());
    const [came, went] = crossing.wire.map(({ bytes }) => Buffer.from(bytes));
    const pieces = (bytes = Buffer.alloc(0)): Set<string> =>
      new Set(Array.from({ length: bytes.length - 7 }, (_, i) => bytes.toString('hex', i, i + 8)));
    const seen = pieces(came);
    expect([...pieces(went)].filter((piece) => seen.has(piece))).toEqual([]);
  });

  it('replays, forgeries and strangers get silence and are counted', () => {
    const crossing = new Crossing().begin();
    crossing.send(crossing.x, cargo());
    const [recorded] = crossing.wire.filter(({ bytes }) => bytes.length === 1232);
    if (recorded === undefined) throw new Error('nothing recorded');
    const before = crossing.wire.length;
    crossing.carry(VICTIM, RELAY, recorded.bytes);
    const forged = recorded.bytes.slice();
    forged[600] = (forged[600] ?? 0) ^ 1;
    crossing.carry(recorded.from, RELAY, forged);
    crossing.carry(VICTIM, RELAY, cargo());
    expect(crossing.wire).toHaveLength(before + 3);
    expect(crossing.carriages.counters.refused).toBe(2);
    expect(crossing.y.got).toHaveLength(1);
  });

  it('nobody makes it send a stream to a stranger by writing in his name', () => {
    const crossing = new Crossing();
    crossing.order();
    crossing.offer(crossing.y);
    // X writes from where it is not: the token goes there, and X never sees it.
    crossing.x.address = VICTIM;
    crossing.cut = (_from, to) => sameAddress(to, VICTIM);
    crossing.offer(crossing.x);
    crossing.pass(3000);
    for (let i = 0; i < 50; i++) crossing.send(crossing.y, cargo());
    const [came, went] = [0, 1].map((way) =>
      crossing.wire
        .filter(({ from, to }) => sameAddress(way === 0 ? from : to, VICTIM))
        .reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
    expect(went).toBeLessThanOrEqual(came ?? 0);
    expect(crossing.up()).toEqual([false, false]);
  });

  it('a side whose NAT moves it goes on sending, and is sent to again when the new address is proven', () => {
    const crossing = new Crossing().begin();
    const old = crossing.x.address;
    crossing.x.address = { ip: old.ip, port: 50_001 };
    crossing.send(crossing.x, cargo());
    crossing.send(crossing.y, cargo());
    expect(crossing.y.got).toHaveLength(1);
    expect(crossing.x.got).toHaveLength(1);
    expect(crossing.wire.filter(({ to }) => sameAddress(to, old)).length).toBeLessThan(4);
  });

  it('writes first where its own NAT lets in only whom it has written to', () => {
    const crossing = new Crossing();
    const met = new Set<string>();
    crossing.cut = (from, to) => {
      if (sameAddress(from, RELAY)) met.add(key(to));
      return sameAddress(to, RELAY) && !met.has(key(from));
    };
    crossing.order({ ...PROFILE, filtering: 'address-and-port-dependent' });
    crossing.offer(crossing.x, crossing.y);
    crossing.pass(500);
    expect(crossing.up()).toEqual([true, true]);
  });

  it('is asked thrice and does it once; two more orders than it has places get a no', () => {
    const crossing = new Crossing({ kbits: 8000, pairs: 1 }).begin();
    crossing.order();
    expect(crossing.states()).toEqual(['yes', 'yes']);
    const legs = [crossing.leg(new Side('198.51.100.30', 303), 'side'), crossing.leg(crossing.y, 'side')] as const;
    const place = { ground: NO_GROUND, profile: PROFILE };
    crossing.fromRelay(crossing.carriages.carry({ kind: 'carry', pairId: 8, kbits: 1, legs }, place, now));
    expect(crossing.states()).toEqual(['yes', 'yes', 'no']);
  });

  it.each([
    ['its owner does not want it', { kbits: 0, pairs: 4 }, PROFILE],
    ['its own ports are anybody’s guess', { kbits: 8000, pairs: 4 }, { ...PROFILE, kind: 'random' }],
    ['its own NAT is not known yet', { kbits: 8000, pairs: 4 }, UNKNOWN],
  ] as const)('says no, and offers no room, where %s', (_why, limits, profile) => {
    const crossing = new Crossing(limits);
    expect(crossing.carriages.room(profile, now)).toBe(0);
    crossing.order(profile);
    expect(crossing.states()).toEqual(['no']);
    expect(crossing.carriages.counters.pairs).toBe(0);
  });

  it('offers less room the more it carries', () => {
    const crossing = new Crossing().begin();
    expect(crossing.carriages.room(PROFILE, now)).toBe(8000);
    for (let i = 0; i < 100; i++) {
      crossing.send(crossing.x, cargo());
      crossing.pass(10);
    }
    const room = crossing.carriages.room(PROFILE, now);
    expect(room).toBeGreaterThan(6900);
    expect(room).toBeLessThan(7100);
  });

  it('says goodbye to a pair that needs more than its owner gives, rather than thin it out', () => {
    const crossing = new Crossing({ kbits: 500, pairs: 4 }).begin();
    for (let i = 0; i < 200; i++) crossing.send(crossing.x, cargo());
    expect(crossing.up()).toEqual([false, false]);
    expect(crossing.states()).toEqual(['yes', 'over']);
    expect(crossing.carriages.counters.bytes).toBeLessThan(500 * 125 * 1.1);
  });

  it('forgets a pair that does not come, and one that has fallen silent', () => {
    const crossing = new Crossing();
    crossing.order();
    crossing.pass(11_000);
    expect(crossing.states()).toEqual(['yes', 'over']);
    const other = new Crossing().begin();
    other.pass(16_000);
    expect(other.states()).toEqual(['yes', 'over']);
    expect(other.carriages.counters).toMatchObject({ pairs: 0, begun: 1 });
    expect(other.up()).toEqual([false, false]);
    expect(other.carriages.wake()).toBeUndefined();
  });

  it('may not be sent around by a rendezvous gone mad', () => {
    const crossing = new Crossing({ kbits: 8000, pairs: 64 });
    for (let pairId = 1; pairId <= 100; pairId++) {
      const legs = [crossing.leg(new Side('198.51.100.1', pairId), 'side'), crossing.leg(crossing.y, 'side')] as const;
      const own = [legs[0], { ...legs[1], number: 1000 + pairId }] as const;
      const place = { ground: NO_GROUND, profile: PROFILE };
      crossing.fromRelay(crossing.carriages.carry({ kind: 'carry', pairId, kbits: 1000, legs: own }, place, now));
    }
    expect(crossing.states().filter((state) => state === 'yes')).toHaveLength(30);
    expect(crossing.wire).toEqual([]);
  });
});

describe('a household that another one carries for', () => {
  it('tells the rendezvous at once, and every 20 s while it is used', () => {
    const crossing = new Crossing().begin();
    const told = (): number => crossing.x.news.filter(({ kind }) => kind === 'say').length;
    expect(told()).toBe(1);
    for (let i = 0; i < 120; i++) {
      crossing.pass(500);
      crossing.send(crossing.x, cargo(40));
    }
    expect(told()).toBeGreaterThan(2);
    expect(told()).toBeLessThan(6);
  });

  it('gives up on one that does not answer within four seconds', () => {
    const crossing = new Crossing();
    crossing.offer(crossing.x);
    crossing.pass(4100);
    expect(crossing.x.news).toEqual([
      { kind: 'say', message: { kind: 'bridged', pairId: PAIR, leg: 101, up: false } },
      { kind: 'bridged', pairId: PAIR, up: false },
    ]);
    expect(crossing.wire.length).toBeLessThan(15);
    expect(crossing.x.bridges.wake()).toBeUndefined();
  });

  it('comes through where every second datagram is lost', () => {
    const crossing = new Crossing();
    crossing.cut = () => random(2) === 0;
    crossing.order();
    crossing.offer(crossing.x, crossing.y);
    crossing.pass(4000);
    expect(crossing.up()).toEqual([true, true]);
  });

  it('writes nowhere but to public addresses that the rendezvous has named', () => {
    const crossing = new Crossing();
    const leg = { ...crossing.leg(crossing.x, 'relay'), addresses: [{ ip: '192.168.1.1', port: 5000 }, VICTIM] };
    const bad = { ...leg, addresses: [...leg.addresses, { ip: '203.0.113.1', port: 53 }] };
    crossing.fromSide(crossing.x, crossing.x.bridges.offer({ kind: 'bridge', pairId: PAIR, leg: bad }, NO_GROUND, now));
    expect(crossing.wire.map(({ to }) => key(to))).toEqual([key(VICTIM)]);
  });

  it('has one at a time: another offer replaces it', () => {
    const crossing = new Crossing().begin();
    const leg = { ...crossing.leg(crossing.x, 'relay'), number: 404 };
    crossing.fromSide(crossing.x, crossing.x.bridges.offer({ kind: 'bridge', pairId: PAIR, leg }, NO_GROUND, now));
    expect(crossing.up()).toEqual([false, true]);
    expect([crossing.x.bridges.has(101), crossing.x.bridges.has(404)]).toEqual([false, true]);
  });
});

describe('bytes that an end of a leg may send, being allowed to', () => {
  it('whatever they are, they are carried or counted, never thrown at', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 1300 }), { maxLength: 8 }), (bodies) => {
        const crossing = new Crossing().begin();
        const session = legSession(options, crossing.leg(crossing.x, 'relay'), 'household');
        // Numbers that its bridge has not used.
        let counter = 1000;
        const before = crossing.wire.length;
        for (const body of bodies) {
          crossing.carry(crossing.x.address, RELAY, session.seal(counter++, body, 0, now));
          const garbled = session.seal(counter++, body, 0, now).map((byte, i) => (i % 7 === 3 ? byte ^ 64 : byte));
          crossing.carry(crossing.x.address, RELAY, garbled);
        }
        const { datagrams, refused } = crossing.carriages.counters;
        expect(datagrams).toBe(bodies.filter(({ length }) => length >= 32).length);
        expect(datagrams + refused).toBeLessThanOrEqual(2 * bodies.length);
        expect(crossing.wire.length).toBeLessThanOrEqual(before + 3 * bodies.length);
      }),
      { numRuns: 100 },
    );
  });
});

describe('words of a leg', () => {
  it.each([
    { kind: 'hello', token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
    { kind: 'here', both: true, prove: false, token: Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1) },
    { kind: 'bye' },
  ] as const)('$kind comes out as it went in', (word) => {
    expect(decodeWord(encodeWord(word))).toEqual(word);
  });

  it('anything else is none', () => {
    for (let length = 0; length < 32; length++) {
      const word = decodeWord(randomBytes(random, length));
      if (word !== undefined) expect(encodeWord(word)).toHaveLength(length);
    }
    expect(decodeWord(Uint8Array.of(2, 4, 0, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
    expect(decodeWord(Uint8Array.of(3, 0))).toBeUndefined();
  });
});
