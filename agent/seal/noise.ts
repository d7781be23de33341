import { concat } from '../base/bytes.ts';
import type { Cipher, KeyPair, NoiseSuite } from './cipher.ts';
import { Symmetric } from './symmetric.ts';

type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk';

/**
 * The two patterns this house speaks (Noise specification 7.5 and 9). The responder's static key is known in both; in KK
 * the initiator's is too.
 */
const PATTERNS = {
  IK: {
    initiatorKnown: false,
    messages: [
      ['e', 'es', 's', 'ss'],
      ['e', 'ee', 'se'],
    ],
  },
  KKpsk0: {
    initiatorKnown: true,
    messages: [
      ['psk', 'e', 'es', 'ss'],
      ['e', 'ee', 'se'],
    ],
  },
} as const satisfies Record<string, { initiatorKnown: boolean; messages: readonly (readonly Token[])[] }>;

export type Pattern = keyof typeof PATTERNS;

export interface NoiseOptions {
  readonly cipher: Cipher;
  readonly pattern: Pattern;
  readonly suite: NoiseSuite;
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  readonly identity: KeyPair;
  /** The other side's static key; a responder of IK learns it from the first message. */
  readonly theirs?: Uint8Array;
  /** 32 bytes, for KKpsk0. */
  readonly psk?: Uint8Array;
  /** Only tests give one: published vectors have fixed ephemeral keys. */
  readonly ephemeral?: KeyPair;
}

const KEY = 32;

/** One handshake of the Noise protocol framework, revision 34: HandshakeState of section 5.3 over 25519 and SHA-256. */
export class Noise {
  readonly #cipher: Cipher;
  readonly #initiator: boolean;
  readonly #identity: KeyPair;
  readonly #psk: Uint8Array | undefined;
  readonly #symmetric: Symmetric;
  readonly #messages: readonly (readonly Token[])[];
  #done = 0;
  #ephemeral: KeyPair | undefined;
  #theirs: Uint8Array | undefined;
  #theirEphemeral: Uint8Array | undefined;

  constructor(options: NoiseOptions) {
    this.#cipher = options.cipher;
    this.#initiator = options.initiator;
    this.#identity = options.identity;
    this.#theirs = options.theirs;
    this.#psk = options.psk;
    this.#ephemeral = options.ephemeral;
    const pattern = PATTERNS[options.pattern];
    this.#messages = pattern.messages;
    this.#symmetric = new Symmetric(options.cipher, options.pattern, options.suite);
    this.#symmetric.mixHash(options.prologue);
    const mine = options.identity.publicKey;
    const [initiator, responder] = options.initiator ? [mine, options.theirs] : [options.theirs, mine];
    if (pattern.initiatorKnown) this.#symmetric.mixHash(known(initiator));
    this.#symmetric.mixHash(known(responder));
  }

  /** The other side's static key, once it is known. */
  get theirs(): Uint8Array | undefined {
    return this.#theirs;
  }

  /** Binds anything outside to this very handshake (section 11.2). */
  get transcript(): Uint8Array {
    return this.#symmetric.transcript;
  }

  /** The next message; undefined when the other side's key is of small order, which agrees with everybody. */
  write(payload: Uint8Array): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    for (const token of this.#messages[this.#done] ?? []) {
      switch (token) {
        case 'e': {
          this.#ephemeral ??= this.#cipher.pair();
          parts.push(this.#ephemeral.publicKey);
          this.#mixEphemeral(this.#ephemeral.publicKey);
          break;
        }
        case 's':
          parts.push(this.#symmetric.encryptAndHash(this.#identity.publicKey));
          break;
        case 'psk':
          this.#symmetric.mixKeyAndHash(known(this.#psk));
          break;
        case 'ee':
        case 'es':
        case 'se':
        case 'ss':
          if (!this.#mixAgreed(token)) return undefined;
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    this.#done++;
    return concat(parts);
  }

  /** The payload; undefined when the message is not authentic, which leaves the handshake as it was. */
  read(message: Uint8Array): Uint8Array | undefined {
    const mark = this.#symmetric.mark();
    const theirs = this.#theirs;
    const payload = this.#readAll(message);
    if (payload === undefined) {
      this.#symmetric.restore(mark);
      this.#theirs = theirs;
      this.#theirEphemeral = undefined;
    } else {
      this.#done++;
    }
    return payload;
  }

  /** After both messages: the 32-byte keys of the two directions, as this side uses them. */
  split(): { readonly send: Uint8Array; readonly receive: Uint8Array } {
    const [initiator, responder] = this.#symmetric.split();
    return this.#initiator ? { send: initiator, receive: responder } : { send: responder, receive: initiator };
  }

  #readAll(message: Uint8Array): Uint8Array | undefined {
    let rest = message;
    for (const token of this.#messages[this.#done] ?? []) {
      switch (token) {
        case 'e':
          if (rest.length < KEY) return undefined;
          this.#theirEphemeral = rest.slice(0, KEY);
          this.#mixEphemeral(this.#theirEphemeral);
          rest = rest.subarray(KEY);
          break;
        case 's': {
          const length = KEY + (this.#symmetric.keyed ? 16 : 0);
          if (rest.length < length) return undefined;
          this.#theirs = this.#symmetric.decryptAndHash(rest.subarray(0, length))?.slice();
          if (this.#theirs === undefined) return undefined;
          rest = rest.subarray(length);
          break;
        }
        case 'psk':
          this.#symmetric.mixKeyAndHash(known(this.#psk));
          break;
        case 'ee':
        case 'es':
        case 'se':
        case 'ss':
          if (!this.#mixAgreed(token)) return undefined;
      }
    }
    return this.#symmetric.decryptAndHash(rest);
  }

  #mixEphemeral(key: Uint8Array): void {
    this.#symmetric.mixHash(key);
    // Section 9.2: with a pre-shared key the ephemeral goes into the keys too, so that they differ in every handshake.
    if (this.#psk !== undefined) this.#symmetric.mixKey(key);
  }

  /** The first letter names the initiator's key, the second the responder's. */
  #mixAgreed(token: 'ee' | 'es' | 'se' | 'ss'): boolean {
    const [mine, theirs] = this.#initiator ? [token[0], token[1]] : [token[1], token[0]];
    const pair = mine === 'e' ? this.#ephemeral : this.#identity;
    const secret = this.#cipher.agree(known(pair), known(theirs === 'e' ? this.#theirEphemeral : this.#theirs));
    if (secret !== undefined) this.#symmetric.mixKey(secret);
    return secret !== undefined;
  }
}

/** A key the pattern promises: missing means that our own code misuses it. */
function known<Key>(key: Key | undefined): Key {
  if (key === undefined) throw new Error('this Noise pattern needs a key that was not given');
  return key;
}
