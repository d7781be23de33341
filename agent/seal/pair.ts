import { bytesOf, concat, Reader, sameBytes, Writer } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { Window } from '../base/window.ts';
import type { Aead, BlockCipher, Cipher, KeyPair, Suite } from './cipher.ts';
import { type FirstByte, type Header, KIND } from './header.ts';
import { maskKey, openMasked, sealMasked } from './mask.ts';
import { Noise } from './noise.ts';
import { Session } from './session.ts';
import { choose, chosen, offer } from './suite.ts';

/** Knocks of a wide spray may overtake each other by as many as this. */
const REORDERED = 2048;

export interface PairOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  /** The peer's X25519 public key and header key, as the introduction told. */
  readonly theirKey: Uint8Array;
  readonly theirHeaderKey: Uint8Array;
  /** 32 bytes for this one introduction. */
  readonly secret: Uint8Array;
  /** u32, the index of knocks and handshakes on both sides. */
  readonly pairId: number;
  readonly initiator: boolean;
  /** Our number for the coming session. */
  readonly index: number;
  readonly suites: readonly Suite[];
  readonly firstByte?: FirstByte;
}

export type PairHeard =
  /** The peer is there and a way from it to us is open. */
  | { readonly kind: 'knock' }
  /** The initiator's handshake: answer it to where it came from. The same session however often it is heard. */
  | { readonly kind: 'first'; readonly reply: Uint8Array; readonly session: Session }
  /** The responder's answer. */
  | { readonly kind: 'second'; readonly session: Session }
  | { readonly kind: 'refused'; readonly reason: PairRefusal };

export type PairRefusal =
  /** Not sealed by somebody who holds the pair secret. */
  | 'masked'
  | 'malformed'
  /** Our own bytes, come back. */
  | 'reflected'
  | 'replayed'
  /** The Noise message is not authentic, or its keys are of small order. */
  | 'noise'
  /** Another handshake after the one this introduction was good for. */
  | 'spent';

/** The Noise message last answered or read, and what came of it. */
interface Outcome {
  readonly message: Uint8Array;
  readonly answer: Uint8Array;
  readonly session: Session;
}

/**
 * Two introduced peers become a session: Noise KK with the pair secret as psk0, one round trip, the first datagram
 * authentic already. Every content begins with `role u8 | number u32`; then
 *
 *     knock    nothing
 *     kk1      Noise message 1: e 32, payload 5 + 16: index u32, suites offered u8
 *     kk2      Noise message 2: e 32, payload 5 + 16: index u32, suite chosen u8
 */
export class PairHandshake {
  readonly #options: PairOptions;
  readonly #theirHeader: BlockCipher;
  readonly #mask: Aead;
  readonly #heard = new Window(REORDERED);
  #number = 0;
  #opening: { readonly noise: Noise; readonly message: Uint8Array | undefined } | undefined;
  #outcome: Outcome | undefined;

  constructor(options: PairOptions) {
    this.#options = options;
    this.#theirHeader = options.cipher.block(options.theirHeaderKey);
    this.#mask = maskKey(options.cipher, options.secret);
  }

  /** A datagram that shows we are here; other bytes at every call. At `most` so long, as far as it can be that short. */
  knock(most?: number): Uint8Array {
    return this.#datagram(KIND.knock, new Uint8Array(0), most);
  }

  /** The initiator's knock, which is its handshake at once: the same message in other bytes at every call. */
  first(most?: number): Uint8Array {
    if (this.#opening === undefined) {
      const noise = this.#noise(true);
      this.#opening = { noise, message: noise.write(this.#payload(offer(this.#options.suites))) };
    }
    // A peer key of small order agrees with everybody and gets no handshake: knocks go out and no session comes.
    return this.#opening.message === undefined
      ? this.knock(most)
      : this.#datagram(KIND.kk1, this.#opening.message, most);
  }

  /** Takes a datagram whose header opened under our key with kind knock, kk1 or kk2 and this pair's index. */
  receive(header: Header, datagram: Uint8Array): PairHeard {
    const content = openMasked(datagram, this.#mask);
    if (content === undefined || header.index !== this.#options.pairId) return refused('masked');
    const reader = new Reader(content);
    const [fromInitiator, number] = [reader.u8() === 1, reader.u32()];
    if (reader.short) return refused('malformed');
    if (fromInitiator === this.#options.initiator) return refused('reflected');
    if (!this.#heard.fresh(number)) return refused('replayed');
    const message = reader.rest();
    const heard = this.#hear(header.kind, fromInitiator, message, datagram.length);
    if (heard.kind !== 'refused') this.#heard.mark(number);
    return heard;
  }

  #hear(kind: number, fromInitiator: boolean, message: Uint8Array, most: number): PairHeard {
    if (kind === KIND.knock) return { kind: 'knock' };
    if (kind === KIND.kk1 && fromInitiator) return this.#hearFirst(message, most);
    if (kind === KIND.kk2 && !fromInitiator) return this.#hearSecond(message);
    return refused('malformed');
  }

  #hearFirst(message: Uint8Array, most: number): PairHeard {
    if (this.#outcome !== undefined && !sameBytes(this.#outcome.message, message)) return refused('spent');
    const outcome = this.#outcome ?? this.#respond(message);
    if (outcome === undefined) return refused('noise');
    this.#outcome = outcome;
    return { kind: 'first', reply: this.#datagram(KIND.kk2, outcome.answer, most), session: outcome.session };
  }

  #respond(message: Uint8Array): Outcome | undefined {
    const noise = this.#noise(false);
    const payload = noise.read(message);
    const theirs = payload && decodePayload(payload);
    if (theirs === undefined) return undefined;
    const suite = choose(theirs.suites, this.#options.suites);
    const answer = noise.write(this.#payload(offer([suite])));
    return answer && { message: message.slice(), answer, session: this.#session(noise, suite, theirs.index) };
  }

  #hearSecond(message: Uint8Array): PairHeard {
    if (this.#outcome !== undefined) {
      return sameBytes(this.#outcome.message, message)
        ? { kind: 'second', session: this.#outcome.session }
        : refused('spent');
    }
    const payload = this.#opening?.noise.read(message);
    const theirs = payload && decodePayload(payload);
    const suite = theirs && chosen(theirs.suites, this.#options.suites);
    if (this.#opening === undefined || theirs === undefined || suite === undefined) return refused('noise');
    const session = this.#session(this.#opening.noise, suite, theirs.index);
    this.#outcome = { message: message.slice(), answer: new Uint8Array(0), session };
    return { kind: 'second', session };
  }

  #session(noise: Noise, suite: Suite, theirIndex: number): Session {
    const { cipher, random, firstByte = 'any' } = this.#options;
    const theirHeader = this.#theirHeader;
    return new Session({
      cipher,
      suite,
      keys: noise.split(),
      theirIndex,
      theirHeader,
      window: 2048,
      random,
      firstByte,
    });
  }

  #noise(initiator: boolean): Noise {
    const { cipher, identity, theirKey, secret, pairId } = this.#options;
    return new Noise({
      cipher,
      pattern: 'KKpsk0',
      suite: 'chacha20-poly1305',
      initiator,
      prologue: concat([bytesOf('hearth kk 1'), new Writer(4).u32(pairId).done()]),
      identity,
      theirs: theirKey,
      psk: secret,
    });
  }

  #payload(suites: number): Uint8Array {
    return new Writer(5).u32(this.#options.index).u8(suites).done();
  }

  #datagram(kind: number, message: Uint8Array, most?: number): Uint8Array {
    const { initiator, pairId, random, firstByte = 'any' } = this.#options;
    const content = new Writer(5 + message.length)
      .u8(initiator ? 1 : 0)
      .u32(this.#number++)
      .bytes(message)
      .done();
    return sealMasked({
      block: this.#theirHeader,
      mask: this.#mask,
      index: pairId,
      kind,
      content,
      random,
      firstByte,
      ...(most === undefined ? {} : { most }),
    });
  }
}

function decodePayload(payload: Uint8Array): { readonly index: number; readonly suites: number } | undefined {
  const reader = new Reader(payload);
  const decoded = { index: reader.u32(), suites: reader.u8() };
  return reader.short ? undefined : decoded;
}

const refused = (reason: PairRefusal): PairHeard => ({ kind: 'refused', reason });
