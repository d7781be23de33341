import { describe, expect, test } from 'vitest';

import { seeded } from '../../agent/base/random.ts';
import type { Suite } from '../../agent/seal/cipher.ts';
import { decodeHeader, KIND } from '../../agent/seal/header.ts';
import { PairHandshake, type PairHeard, type PairOptions } from '../../agent/seal/pair.ts';
import { BOTH, fixedCipher, START } from './entering.ts';

const cipher = fixedCipher(40);
const [alice, bob] = [cipher.pair(), cipher.pair()];
const [aliceKey, bobKey] = [cipher.random(16), cipher.random(16)];
const [aliceBlock, bobBlock] = [cipher.block(aliceKey), cipher.block(bobKey)];
const secret = cipher.random(32);
const PAIR = 0xdead_beef;

const common = { cipher, secret, pairId: PAIR, suites: BOTH };
const initiator = (options: Partial<PairOptions> = {}) =>
  new PairHandshake({
    ...common,
    random: seeded(1),
    identity: alice,
    theirKey: bob.publicKey,
    theirHeaderKey: bobKey,
    initiator: true,
    index: 11,
    ...options,
  });
const responder = (options: Partial<PairOptions> = {}) =>
  new PairHandshake({
    ...common,
    random: seeded(2),
    identity: bob,
    theirKey: alice.publicKey,
    theirHeaderKey: aliceKey,
    initiator: false,
    index: 22,
    ...options,
  });

/** What one side makes of raw bytes. */
function hear(side: PairHandshake, block: typeof aliceBlock, bytes: Uint8Array): PairHeard | 'stranger' {
  const header = decodeHeader(bytes, block);
  return header === undefined ? 'stranger' : side.receive(header, bytes);
}
const atAlice = (side: PairHandshake, bytes: Uint8Array) => hear(side, aliceBlock, bytes);
const atBob = (side: PairHandshake, bytes: Uint8Array) => hear(side, bobBlock, bytes);

function first(heard: PairHeard | 'stranger') {
  if (heard === 'stranger' || heard.kind !== 'first') throw new Error(`not a first message: ${JSON.stringify(heard)}`);
  return heard;
}

function meet(a = initiator(), b = responder()) {
  const heard = first(atBob(b, a.first()));
  const second = atAlice(a, heard.reply);
  if (second === 'stranger' || second.kind !== 'second') throw new Error(`not answered: ${JSON.stringify(second)}`);
  return { a: second.session, b: heard.session };
}

describe('two introduced peers', () => {
  test('have a session after one round trip, and talk both ways', () => {
    const { a, b } = meet();
    expect([a.theirIndex, b.theirIndex]).toEqual([22, 11]);
    for (const [from, to, block] of [
      [a, b, bobBlock],
      [b, a, aliceBlock],
    ] as const) {
      const datagram = from.seal(0, Uint8Array.of(5), 3, START);
      const header = decodeHeader(datagram, block);
      const opened = header && to.open(header, datagram, START);
      if (opened === undefined || typeof opened === 'string') throw new Error(`did not open: ${opened}`);
      expect([...opened.body]).toEqual([5]);
    }
  });

  test('take AES only when both have it, and OCB before GCM', () => {
    const chacha: readonly Suite[] = ['chacha20-poly1305'];
    const suites: readonly Suite[] = ['aes-128-ocb', ...BOTH];
    expect(meet(initiator({ suites }), responder({ suites })).a.suite).toBe('aes-128-ocb');
    expect(meet(initiator({ suites })).b.suite).toBe('aes-128-gcm');
    expect(meet().a.suite).toBe('aes-128-gcm');
    expect(meet(initiator({ suites: chacha })).b.suite).toBe('chacha20-poly1305');
    expect(meet(initiator(), responder({ suites: chacha })).a.suite).toBe('chacha20-poly1305');
  });

  test('hear each other knock, with other bytes every time', () => {
    const [a, b] = [initiator(), responder()];
    const knocks = [b.knock(), b.knock()];
    expect(knocks[0]).not.toEqual(knocks[1]);
    for (const knock of knocks) expect(atAlice(a, knock)).toEqual({ kind: 'knock' });
    expect(atBob(b, a.knock())).toEqual({ kind: 'knock' });
  });

  test('get the same session from every repetition of the handshake', () => {
    const [a, b] = [initiator(), responder()];
    const heard = [a.first(), a.first(), a.first()].map((bytes) => first(atBob(b, bytes)));
    expect(new Set(heard.map(({ session }) => session)).size).toBe(1);
    const sessions = heard.map(({ reply }) => atAlice(a, reply));
    expect(sessions).toMatchObject([{ kind: 'second' }, { kind: 'second' }, { kind: 'second' }]);
    expect(new Set(sessions.map((each) => each !== 'stranger' && each.kind === 'second' && each.session)).size).toBe(1);
    expect(new Set(heard.map(({ reply }) => reply.join())).size).toBe(3);
  });

  test('go on hearing knocks after the session stands', () => {
    const [a, b] = [initiator(), responder()];
    meet(a, b);
    expect(atAlice(a, b.knock())).toEqual({ kind: 'knock' });
    expect(atBob(b, a.knock())).toEqual({ kind: 'knock' });
  });

  test('are never answered at greater length', () => {
    for (let seed = 0; seed < 300; seed++) {
      const opening = initiator({ random: seeded(seed) }).first();
      const { reply } = first(atBob(responder({ random: seeded(1000 + seed) }), opening));
      expect(reply.length).toBeLessThanOrEqual(opening.length);
    }
  });
});

describe('refused is', () => {
  test('our own knock or handshake, come back', () => {
    // Under our own header key, as if both had the same: otherwise the header alone refuses it.
    const a = initiator({ theirHeaderKey: aliceKey });
    expect(atAlice(a, a.knock())).toEqual({ kind: 'refused', reason: 'reflected' });
    expect(atAlice(a, a.first())).toEqual({ kind: 'refused', reason: 'reflected' });
    expect(atAlice(initiator(), initiator().knock())).toBe('stranger');
  });

  test('a knock or handshake played again', () => {
    const [a, b] = [initiator(), responder()];
    const [knock, opening] = [b.knock(), a.first()];
    atAlice(a, knock);
    atBob(b, opening);
    expect(atAlice(a, knock)).toEqual({ kind: 'refused', reason: 'replayed' });
    expect(atBob(b, opening)).toEqual({ kind: 'refused', reason: 'replayed' });
  });

  test('everything under another pair secret', () => {
    const a = initiator({ secret: cipher.random(32) });
    expect(atBob(responder(), a.first())).toEqual({ kind: 'refused', reason: 'masked' });
    expect(atBob(responder(), a.knock())).toEqual({ kind: 'refused', reason: 'masked' });
  });

  test('a peer with another key than the introduction named', () => {
    const mallory = initiator({ identity: cipher.pair() });
    expect(atBob(responder(), mallory.first())).toEqual({ kind: 'refused', reason: 'noise' });
    const [a, b] = [initiator(), responder({ identity: cipher.pair() })];
    expect(atBob(b, a.first())).toEqual({ kind: 'refused', reason: 'noise' });
  });

  test('another handshake after the one the introduction was good for', () => {
    const b = responder();
    meet(initiator(), b);
    const later = initiator({ random: seeded(9) });
    // The numbers of the first were seen already: only a message ahead of them gets as far as the handshake.
    later.knock();
    expect(atBob(b, later.first())).toEqual({ kind: 'refused', reason: 'spent' });
  });

  test('a handshake of another pair, also under the same secret', () => {
    const other = initiator({ pairId: 1 });
    expect(atBob(responder(), other.first())).toEqual({ kind: 'refused', reason: 'masked' });
  });

  test('every datagram with a bit changed or a byte missing, and nothing is lost by it', () => {
    const [a, b] = [initiator(), responder()];
    const opening = a.first();
    meddle(opening, (bytes) => atBob(b, bytes));
    const { reply } = first(atBob(b, opening));
    meddle(reply, (bytes) => atAlice(a, bytes));
    expect(atAlice(a, reply)).toMatchObject({ kind: 'second' });
  });

  test('an answer of the wrong kind for one’s part', () => {
    const [a, b] = [initiator(), responder()];
    const opening = a.first();
    const header = decodeHeader(opening, bobBlock);
    if (header === undefined) throw new Error('stranger');
    expect(b.receive({ ...header, kind: KIND.kk2 }, opening)).toEqual({ kind: 'refused', reason: 'malformed' });
    expect(b.receive({ ...header, kind: KIND.data }, opening)).toEqual({ kind: 'refused', reason: 'malformed' });
    expect(first(atBob(b, opening)).kind).toBe('first');
  });

  test('an answer nobody asked for', () => {
    const { reply } = first(atBob(responder(), initiator().first()));
    expect(atAlice(initiator(), reply)).toEqual({ kind: 'refused', reason: 'noise' });
  });
});

test('towards a peer key of small order only knocks go out', () => {
  const a = initiator({ theirKey: new Uint8Array(32) });
  expect(atBob(responder(), a.first())).toEqual({ kind: 'knock' });
  const b = responder({ theirKey: new Uint8Array(32) });
  expect(atBob(b, initiator().first())).toEqual({ kind: 'refused', reason: 'noise' });
});

function meddle(bytes: Uint8Array, hearing: (bytes: Uint8Array) => PairHeard | 'stranger'): void {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const heard = hearing(flipped);
    expect(heard === 'stranger' ? 'refused' : heard.kind).toBe('refused');
  }
  for (let length = 0; length < bytes.length; length++) {
    const heard = hearing(bytes.subarray(0, length));
    expect(heard === 'stranger' ? 'refused' : heard.kind).toBe('refused');
  }
}
