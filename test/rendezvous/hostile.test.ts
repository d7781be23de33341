import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Address, key, sameAddress } from '../../agent/base/address.ts';
import type { NetEffect } from '../../agent/base/net.ts';
import { randomBytes, seeded } from '../../agent/base/random.ts';
import { at, type Instant, ms } from '../../agent/base/time.ts';
import { Rendezvous } from '../../agent/rendezvous/server.ts';
import type { Cipher, KeyPair } from '../../agent/seal/cipher.ts';
import { Greeting, type Ticket } from '../../agent/seal/greet.ts';
import { decodeHeader } from '../../agent/seal/header.ts';
import type { Session } from '../../agent/seal/session.ts';
import { decode, encode } from '../../agent/wire/codec.ts';
import type { FromClient, FromRendezvous, Message } from '../../agent/wire/messages.ts';
import { toyCipher } from '../sim/toy-cipher.ts';
import { messages } from '../wire/samples.ts';
import { PROFILE } from './town.ts';

const SECRET = new Uint8Array(0);
const VICTIM: Address = { ip: '192.0.2.66', port: 6666 };

type Sent = Extract<NetEffect, { kind: 'send' }>;

let now: Instant;
let random = seeded(1);
let cipher: Cipher;
let server: Rendezvous;
let identity: KeyPair;

/** Hands the rendezvous one datagram; answers with what it sends, to whomever. */
function give(bytes: Uint8Array, from: Address, socket = 0): Sent[] {
  const effects = server.step({ kind: 'datagram', socket, from, bytes }, now);
  return effects.filter((effect) => effect.kind === 'send');
}

function later(span: number): Sent[] {
  now = at(now + span);
  return server.step({ kind: 'tick' }, now).filter((effect) => effect.kind === 'send');
}

const size = (sent: readonly Sent[]): number => sent.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** A client by hand, which can say anything from anywhere. */
class Hand {
  readonly pair: KeyPair;
  readonly address: Address;
  readonly said: Uint8Array[] = [];
  ticket: Ticket | undefined;
  session: Session | undefined;
  readonly #headerKey: Uint8Array;

  constructor(address: Address, pair = cipher.pair(), headerKey = cipher.random(16)) {
    this.address = address;
    this.pair = pair;
    this.#headerKey = headerKey;
  }

  /** Through the door; the datagrams it took are kept in `said`. */
  enter(): this {
    const own = { cipher, random, identity: this.pair, networkSecret: SECRET, headerKey: this.#headerKey, index: 77 };
    const with_ = { ...own, serverKey: identity.publicKey, suites: ['chacha20-poly1305'] as const };
    const greeting = new Greeting(this.ticket === undefined ? with_ : { ...with_, ticket: this.ticket });
    let effects = greeting.step({ kind: 'start' }, now);
    for (let round = 0; round < 4 && this.session === undefined; round++) {
      const answers: Uint8Array[] = [];
      for (const effect of effects) {
        if (effect.kind === 'done') [this.session, this.ticket] = [effect.session, effect.ticket];
        if (effect.kind !== 'send') continue;
        this.said.push(effect.bytes);
        answers.push(...give(effect.bytes, this.address).map(({ bytes }) => bytes));
      }
      effects = answers.flatMap((bytes) => greeting.step({ kind: 'datagram', bytes }, now));
    }
    for (const effect of effects)
      if (effect.kind === 'done') [this.session, this.ticket] = [effect.session, effect.ticket];
    return this;
  }

  seal(message: Message, pad = 0): Uint8Array {
    if (this.session === undefined) throw new Error('not entered');
    return this.session.seal(this.session.nextCounter(), encode(message), pad, now);
  }

  say(message: FromClient, from = this.address): Sent[] {
    return give(this.seal(message), from);
  }

  hear(sent: readonly Sent[]): FromRendezvous[] {
    return sent.flatMap(({ bytes }) => {
      const header = decodeHeader(bytes, cipher.block(this.#headerKey));
      const opened = header && this.session?.open(header, bytes, now);
      const read = opened === undefined || typeof opened === 'string' ? [] : decode(opened.body);
      return typeof read === 'string' ? [] : (read as FromRendezvous[]);
    });
  }

  /** In, registered, and proven to be where it is. */
  settle(): this {
    this.enter();
    const register = {
      kind: 'register',
      request: 1,
      role: 'agent',
      streams: 2,
      most: 2,
      internal: [],
      proven: [],
    } as const;
    for (const heard of this.hear(this.say({ ...register, profile: PROFILE }))) {
      if (heard.kind === 'challenge') this.say({ kind: 'response', token: heard.token });
    }
    return this;
  }
}

const place = (number: number): Address => ({
  ip: `198.18.${number >> 8}.${number & 255}`,
  port: 40000 + (number % 20000),
});

beforeEach(() => {
  random = seeded(7);
  cipher = toyCipher(random);
  identity = cipher.pair();
  now = at(1000);
  const listen = [
    { ip: '198.51.100.1', port: 3478 },
    { ip: '198.51.100.2', port: 3478 },
  ];
  const suites = ['chacha20-poly1305'] as const;
  server = new Rendezvous({ cipher, random, identity, networkSecret: SECRET, suites, listen, now });
  server.step({ kind: 'tick' }, now);
  for (const [socket, local] of listen.entries()) server.step({ kind: 'opened', socket, local }, now);
});

describe('a stranger', () => {
  it.each([
    ['nothing', new Uint8Array(0)],
    ['STUN', Uint8Array.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12)])],
    ['QUIC', Uint8Array.from([0xc3, 0, 0, 0, 1, 8, ...new Uint8Array(1194)])],
    ['DTLS', Uint8Array.from([22, 254, 253, ...new Uint8Array(200)])],
    ['WireGuard', Uint8Array.from([1, 0, 0, 0, ...new Uint8Array(144)])],
    ['a giant', new Uint8Array(65507)],
  ])('with %s gets no answer and is counted', (_name, bytes) => {
    expect(give(bytes, VICTIM)).toEqual([]);
    expect(server.counters().refused['stranger']).toBe(1);
  });

  it('gets no answer to random bytes of any length', () => {
    for (let i = 0; i < 5000; i++) expect(give(randomBytes(random, random(1500)), VICTIM)).toEqual([]);
  });

  it('leaves no trace with any number of first messages from made-up sources', () => {
    const hello = new Hand(place(0)).enter().said[0] ?? new Uint8Array(0);
    const before = server.counters();
    for (let i = 0; i < 20_000; i++) expect(size(give(hello, place(i)))).toBeLessThanOrEqual(hello.length);
    const after = server.counters();
    expect([after.present, after.pending, after.known]).toEqual([before.present, before.pending, before.known]);
  });

  it('cannot enter from where its cookie was not sent', () => {
    const [, proof = new Uint8Array(0)] = new Hand(place(0)).enter().said;
    expect(give(proof, VICTIM)).toEqual([]);
    expect(server.counters().refused['cookie']).toBe(1);
  });

  it('never gets more than it sent: every datagram of a way in, cut at every length', () => {
    const hand = new Hand(place(0)).enter();
    const resumed = new Hand(place(0), hand.pair);
    resumed.ticket = hand.ticket;
    const all = [...hand.said, ...resumed.enter().said];
    expect(all).toHaveLength(4);
    for (const bytes of all) {
      for (let cut = 0; cut <= bytes.length; cut++) {
        for (const from of [place(0), VICTIM]) {
          expect(size(give(bytes.subarray(0, cut), from))).toBeLessThanOrEqual(cut);
        }
      }
    }
  });

  it('that repeats a recorded way in disturbs nobody', () => {
    const hand = new Hand(place(0)).settle();
    for (const bytes of hand.said) give(bytes, place(0));
    expect(hand.hear(hand.say({ kind: 'beat', stamp: 5, rtt: undefined, room: 0 }))).toMatchObject([
      { kind: 'pong', stamp: 5 },
    ]);
  });
});

describe('an address that is not proven', () => {
  it('is never sent more than three times what came from it, whatever an authentic client says there', () => {
    fc.assert(
      fc.property(fc.array(messages, { minLength: 1, maxLength: 12 }), (said) => {
        const hand = new Hand(place(1)).settle();
        later(2000);
        let received = 0;
        let sent = 0;
        for (const message of said) {
          const bytes = hand.seal(message);
          received += bytes.length;
          sent += size([...give(bytes, VICTIM), ...later(400)].filter(({ to }) => sameAddress(to, VICTIM)));
          expect(sent).toBeLessThanOrEqual(3 * received);
        }
        hand.say({ kind: 'leave' });
      }),
      { numRuns: 150 },
    );
  });

  it('is not buried under what is relayed to it', () => {
    const [a, b] = [new Hand(place(1)).settle(), new Hand(place(2)).settle()];
    const [told] = a.hear(a.say({ kind: 'introduce', request: 1, node: b.pair.publicKey }));
    if (told?.kind !== 'introduction') throw new Error('not introduced');
    b.say({ kind: 'accept', pairId: told.pairId });
    later(2000);
    const beat = b.seal({ kind: 'beat', stamp: 1, rtt: undefined, room: 0 });
    const sent = give(beat, VICTIM);
    for (let i = 0; i < 100; i++)
      sent.push(...a.say({ kind: 'relay', pairId: told.pairId, bytes: new Uint8Array(20) }));
    expect(sent.every(({ to }) => sameAddress(to, VICTIM))).toBe(true);
    expect(size(sent)).toBeGreaterThan(beat.length);
    expect(size(sent)).toBeLessThanOrEqual(3 * beat.length);
  });

  it('is sent no longer answer to a probe than the probe, and none to one too short', () => {
    const hand = new Hand(place(1)).settle();
    for (let pad = 0; pad < 100; pad++) {
      const probe = hand.seal({ kind: 'probe', id: 1, index: 0, volley: undefined }, pad);
      expect(size(give(probe, VICTIM, pad % 2))).toBeLessThanOrEqual(probe.length);
    }
    expect(server.counters().refused['too-short']).toBeGreaterThan(0);
  });

  it('moves nobody with shots of a pair it has no part in', () => {
    const hand = new Hand(place(1)).settle();
    const shot = { pairId: 7, round: 1, socket: 1, localPort: 4000, shot: 0 };
    const probe = hand.seal({ kind: 'probe', id: 1, index: 0, volley: shot }, 60);
    expect(hand.hear(give(probe, hand.address)).map(({ kind }) => kind)).toEqual(['observed']);
    const fired = { kind: 'fired', pairId: 7, round: 1, misfire: 'none', localPorts: [4000] } as const;
    expect(give(hand.seal(fired), hand.address)).toEqual([]);
    expect(server.counters().conducting).toMatchObject({ underWay: 0, resting: 0 });
  });

  it('is not written to by another observer without the token that was sent to it', () => {
    const hand = new Hand(place(1)).settle();
    const probe = hand.seal({ kind: 'probe', id: 1, index: 0, volley: undefined }, 60);
    const [observed] = hand.hear(give(probe, hand.address));
    if (observed?.kind !== 'observed') throw new Error('no answer');
    const test = { kind: 'filter-test', id: 1, index: 0, observer: 1, token: observed.token } as const;
    expect(give(hand.seal(test), VICTIM)).toEqual([]);
    expect(give(hand.seal(test), hand.address)).toMatchObject([{ socket: 1, to: hand.address }]);
    later(300_000);
    const again = new Hand(place(1), hand.pair).settle();
    expect(give(again.seal(test), again.address)).toEqual([]);
  });

  it('is not knocked at: an observer does that only at IPs that were proven, at no service, and not before', () => {
    const tryDoor = (hand: Hand, at: Address, observer = 1, pad = 30): Sent[] =>
      give(hand.seal({ kind: 'try-door', id: 0, index: 3, observer, at }, pad), hand.address);
    const mapped = { ip: place(1).ip, port: 50_000 };
    expect(tryDoor(new Hand(place(1)).enter(), mapped)).toEqual([]);
    const hand = new Hand(place(1)).settle();
    const knocks = tryDoor(hand, mapped);
    expect(knocks).toMatchObject([{ socket: 1, to: mapped }]);
    expect(hand.hear(knocks)).toMatchObject([{ kind: 'knocked', index: 3, observer: 1 }]);
    for (const at of [VICTIM, { ...mapped, port: 53 }]) expect(tryDoor(hand, at)).toEqual([]);
    expect(tryDoor(hand, mapped, 2)).toEqual([]);
    expect(server.counters().refused).toMatchObject({ unproven: 3, 'no-observer': 1 });
  });

  it('has no door for having asked an observer where it is: only a knock shows that strangers come in', () => {
    const [hand, other] = [new Hand(place(1)).settle(), new Hand(place(2)).settle()];
    const at = hand.address;
    const heard = [
      ...hand.hear(give(hand.seal({ kind: 'probe', id: 1, index: 0, volley: undefined }, 60), at)),
      ...hand.hear(give(hand.seal({ kind: 'try-door', id: 0, index: 0, observer: 1, at }, 60), at)),
    ];
    const facts = { kind: 'register', request: 2, role: 'agent', streams: 2, most: 2, internal: [] } as const;
    const doors = heard.map((message, i) => {
      if (message.kind !== 'observed' && message.kind !== 'knocked') throw new Error('no token');
      const proven = [{ address: at, token: message.token, opening: 'dial' } as const];
      hand.say({ ...facts, proven, profile: { ...PROFILE, door: 'dial' } });
      later(2000);
      const sent = other.say({ kind: 'introduce', request: 10 + i, node: hand.pair.publicKey });
      const told = [...sent, ...later(500)].filter(({ to }) => sameAddress(to, other.address));
      const [introduction] = other.hear(told).filter(({ kind }) => kind === 'introduction');
      if (introduction?.kind !== 'introduction') throw new Error('not introduced');
      return [introduction.profile.door, introduction.candidates[0]?.opening];
    });
    expect(doors).toEqual([
      ['none', 'none'],
      ['dial', 'dial'],
    ]);
  });

  it('is knocked at with no more bytes than the question had', () => {
    const hand = new Hand(place(1)).settle();
    for (let pad = 0; pad < 100; pad++) {
      const at = { ip: place(1).ip, port: 50_000 };
      const question = hand.seal({ kind: 'try-door', id: 0, index: pad, observer: 1, at }, pad);
      expect(size(give(question, hand.address))).toBeLessThanOrEqual(question.length);
    }
    expect(server.counters().refused['too-short']).toBeGreaterThan(0);
  });

  it('is given to nobody as a candidate', () => {
    const [liar, honest] = [new Hand(place(1)).settle(), new Hand(place(2)).settle()];
    later(2000);
    liar.say({ kind: 'beat', stamp: 1, rtt: undefined, room: 0 }, VICTIM);
    const told = [
      ...liar.say({ kind: 'introduce', request: 1, node: honest.pair.publicKey }, VICTIM),
      ...honest.say({ kind: 'introduce', request: 1, node: liar.pair.publicKey }),
      ...later(500),
    ];
    expect(honest.hear(told.filter(({ to }) => sameAddress(to, honest.address)))).toEqual([]);
    expect(server.counters().refused['unproven']).toBeGreaterThan(1);
    expect(server.counters().introductions).toBe(0);
  });

  it('claimed as internal or as proven is given to nobody either', () => {
    const [liar, honest] = [new Hand(place(1)).settle(), new Hand(place(2)).settle()];
    const proven = [{ address: VICTIM, token: new Uint8Array(8), opening: 'mapped-pcp' } as const];
    liar.say({
      kind: 'register',
      request: 2,
      role: 'agent',
      streams: 0,
      most: 0,
      internal: [VICTIM],
      proven,
      profile: PROFILE,
    });
    const heard = honest.hear(honest.say({ kind: 'introduce', request: 1, node: liar.pair.publicKey }));
    expect(heard).toMatchObject([{ kind: 'introduction', candidates: [{ ...liar.address, opening: 'none' }] }]);
  });

  it('becomes proven by the answer to the challenge, from there and from nowhere else', () => {
    const hand = new Hand(place(1)).settle();
    later(2000);
    const [pong, challenge] = hand.hear(hand.say({ kind: 'beat', stamp: 1, rtt: undefined, room: 0 }, place(9)));
    expect(pong?.kind).toBe('pong');
    if (challenge?.kind !== 'challenge') throw new Error('no challenge');
    const other = new Hand(place(2)).settle();
    other.say({ kind: 'response', token: challenge.token });
    const asked = { kind: 'introduce', request: 1, node: hand.pair.publicKey } as const;
    expect(other.hear(other.say(asked))).toEqual([]);
    hand.say({ kind: 'response', token: challenge.token }, place(9));
    expect(other.hear(other.say(asked))).toMatchObject([{ candidates: [place(9)] }]);
  });
});

describe('the address of a session', () => {
  it('is not moved by a copy of an old datagram from elsewhere', () => {
    const hand = new Hand(place(1)).settle();
    later(2000);
    const recorded = hand.seal({ kind: 'beat', stamp: 1, rtt: undefined, room: 0 });
    give(recorded, hand.address);
    later(2000);
    expect(give(recorded, VICTIM)).toEqual([]);
    expect(server.counters().refused['replayed']).toBe(1);
  });

  it('is not moved by an authentic datagram that was overtaken', () => {
    const hand = new Hand(place(1)).settle();
    later(2000);
    const held = hand.seal({ kind: 'beat', stamp: 1, rtt: undefined, room: 0 });
    hand.say({ kind: 'beat', stamp: 2, rtt: undefined, room: 0 });
    for (const { to } of give(held, VICTIM)) expect(key(to)).toBe(key(hand.address));
  });

  it('moves at most once a second', () => {
    const hand = new Hand(place(1)).settle();
    later(2000);
    const [a, b] = [place(3), place(4)];
    expect(hand.say({ kind: 'beat', stamp: 1, rtt: undefined, room: 0 }, a)[0]?.to).toEqual(a);
    expect(hand.say({ kind: 'beat', stamp: 2, rtt: undefined, room: 0 }, b).every(({ to }) => sameAddress(to, a))).toBe(
      true,
    );
    later(1100);
    expect(hand.say({ kind: 'beat', stamp: 3, rtt: undefined, room: 0 }, b)[0]?.to).toEqual(b);
  });
});

describe('a client that means harm', () => {
  it('cannot be introduced more than its share, however often it comes anew', () => {
    const targets = Array.from({ length: 12 }, (_, i) => new Hand(place(100 + i)).settle());
    const pair = cipher.pair();
    for (const [i, target] of targets.entries()) {
      const hand = new Hand(place(1), pair).settle();
      hand.say({ kind: 'introduce', request: i + 1, node: target.pair.publicKey });
    }
    expect(server.counters().introductions).toBe(6);
  });

  it("is not let into another's pair for claiming its header key and repeating its question", () => {
    const target = new Hand(place(2)).settle();
    const headerKey = cipher.random(16);
    const asker = new Hand(place(1), cipher.pair(), headerKey).settle();
    const asked = { kind: 'introduce', request: 1, node: target.pair.publicKey } as const;
    const [mine] = asker.hear(asker.say(asked));
    const thief = new Hand(place(3), cipher.pair(), headerKey).settle();
    const [theirs] = thief.hear(thief.say(asked));
    if (mine?.kind !== 'introduction' || theirs?.kind !== 'introduction') throw new Error('not introduced');
    expect(theirs.secret).not.toEqual(mine.secret);
    expect(theirs.pairId).not.toBe(mine.pairId);
  });

  it('learns nothing from messages that only a rendezvous says', () => {
    const hand = new Hand(place(1)).settle();
    fc.assert(
      fc.property(messages, (message) => {
        if (message.kind === 'leave' || message.kind === 'response') return;
        give(hand.seal(message), hand.address);
      }),
      { numRuns: 300 },
    );
    later(ms(1000));
    expect(server.counters().refused['unexpected']).toBeGreaterThan(50);
    expect(hand.hear(hand.say({ kind: 'beat', stamp: 9, rtt: undefined, room: 0 }))).toMatchObject([{ kind: 'pong' }]);
  });

  it('finds no room where there is none, and those inside stay', () => {
    const limits = { clients: 3 };
    const listen = [{ ip: '198.51.100.1', port: 3478 }];
    const suites = ['chacha20-poly1305'] as const;
    server = new Rendezvous({ cipher, random, identity, networkSecret: SECRET, suites, listen, now, limits });
    server.step({ kind: 'tick' }, now);
    server.step({ kind: 'opened', socket: 0, local: { ip: '198.51.100.1', port: 3478 } }, now);
    const hands = Array.from({ length: 5 }, (_, i) => new Hand(place(i)).settle());
    expect(server.counters().present).toBe(3);
    expect(server.counters().refused['full']).toBeGreaterThan(0);
    const again = new Hand(place(0), hands[0]?.pair).settle();
    expect(again.hear(again.say({ kind: 'beat', stamp: 1, rtt: undefined, room: 0 }))).toMatchObject([
      { kind: 'pong' },
    ]);
  });
});
