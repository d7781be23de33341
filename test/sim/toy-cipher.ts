import { type Random, randomBytes } from '../../agent/base/random.ts';
import type { Aead, BlockCipher, Cipher, KeyPair, StreamCipher } from '../../agent/seal/cipher.ts';

/**
 * Primitives for simulations that measure something else: no secrecy at all, but the same algebra as the real ones.
 * Both sides agree on a secret, tags fail on a flipped bit, blocks permute, signatures fit one key and one message.
 * Everything follows from `random`, so a run with a seed can be repeated; roughly ten times as fast as node:crypto.
 */
export function toyCipher(random: Random): Cipher {
  const pair = (privateKey: Uint8Array = randomBytes(random, 32)): KeyPair => ({
    privateKey,
    publicKey: times(privateKey, BASE),
  });
  const signingPair = (seed: Uint8Array = randomBytes(random, 32)): KeyPair => ({
    privateKey: seed,
    publicKey: digest(SIGNING, [seed]),
  });
  const signature = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
    const whole = new Uint8Array(64);
    whole.set(digest(publicKey, [message]));
    whole.set(digest(publicKey, [message, publicKey]), 32);
    return whole;
  };
  return {
    hash: (...parts) => digest(NOTHING, parts),
    mac: (key, data) => digest(key, [data]),
    agree: (mine, theirs) => (theirs.every((byte) => byte === 0) ? undefined : times(mine.privateKey, theirs)),
    pair,
    signingPair,
    sign: (mine, message) => signature(mine.publicKey, message),
    verify: (publicKey, message, given) => same(signature(publicKey, message), given),
    aead: (suite, key) => new ToyAead(digest(key, [Uint8Array.of(suite.length)])),
    block: (key) => new ToyBlock(key),
    stream: (key) => new ToyStream(key),
    random: (length) => randomBytes(random, length),
  };
}

const NOTHING = new Uint8Array(0);
const SIGNING = Uint8Array.of(83);
/** The generator: odd in each 32-bit lane, so that no two private keys share a public one. */
const BASE = Uint8Array.from({ length: 32 }, (_, i) => (i % 4 === 0 ? 0x35 : 0x6d + i));

/** Lane by lane modulo 2^32: commutative and associative, which is all that agreeing on a secret needs. */
function times(a: Uint8Array, b: Uint8Array): Uint8Array {
  const product = new Uint8Array(32);
  for (let lane = 0; lane < 32; lane += 4) write(product, lane, Math.imul(word(a, lane), word(b, lane)));
  return product;
}

class ToyAead implements Aead {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    const tag = this.#tag(nonce, associated, plaintext);
    xor(this.#key, nonce, plaintext, out);
    out.set(tag, plaintext.length);
  }

  open(nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < 16) return undefined;
    const plaintext = new Uint8Array(sealed.length - 16);
    xor(this.#key, nonce, sealed.subarray(0, plaintext.length), plaintext);
    return same(this.#tag(nonce, associated, plaintext), sealed.subarray(plaintext.length)) ? plaintext : undefined;
  }

  #tag(nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return digest(this.#key, [nonce, associated, plaintext]).subarray(0, 16);
  }
}

class ToyStream implements StreamCipher {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  turn(nonce: Uint8Array, bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(bytes.length);
    xor(this.#key, nonce, bytes, out);
    return out;
  }
}

/** A keystream of xorshift32, four bytes at a time. */
function xor(key: Uint8Array, nonce: Uint8Array, from: Uint8Array, to: Uint8Array): void {
  let state = (word(key, 0) ^ word(nonce, 0) ^ mix(word(nonce, 4) ^ mix(word(nonce, 8)))) | 1;
  for (let i = 0; i < from.length; i++) {
    if (i % 4 === 0) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
    }
    to[i] = (from[i] ?? 0) ^ (mix(state) >>> (8 * (i % 4)));
  }
}

/** Four rounds of a Feistel network over the two halves: a permutation by construction. */
class ToyBlock implements BlockCipher {
  readonly #keys: readonly number[];

  constructor(key: Uint8Array) {
    const long = digest(key, []);
    this.#keys = [0, 4, 8, 12, 16, 20].map((position) => word(long, position));
  }

  encrypt(blocks: Uint8Array): Uint8Array {
    return this.#rounds(blocks, this.#keys, 0);
  }

  decrypt(blocks: Uint8Array): Uint8Array {
    return this.#rounds(blocks, this.#keys.toReversed(), 8);
  }

  /** `first`: where the half of a block is that the first round reads. */
  #rounds(blocks: Uint8Array, keys: readonly number[], first: number): Uint8Array {
    const out = blocks.slice();
    for (let block = 0; block < out.length; block += 16) {
      let [read, written] = [block + 8 - first, block + first];
      for (const key of keys) {
        const [low, high] = [word(out, read), word(out, read + 4)];
        const mask = mix(low ^ mix(high ^ key));
        write(out, written, word(out, written) ^ mask);
        write(out, written + 4, word(out, written + 4) ^ mix(mask ^ key ^ low));
        [read, written] = [written, read];
      }
    }
    return out;
  }
}

/** 32 bytes in which each depends on every bit of the key, the parts and their lengths (mixing of MurmurHash3). */
function digest(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  let [a, b] = [0x9e3779b9, 0x243f6a88];
  for (const part of [key, ...parts]) {
    let i = 0;
    for (; i + 4 <= part.length; i += 4) {
      a = mix(a ^ word(part, i));
      b = (Math.imul(b, 0x85ebca6b) + a) | 0;
    }
    for (; i < part.length; i++) {
      a = mix(a ^ (part[i] ?? 0) ^ 0x100);
      b = (Math.imul(b, 0xc2b2ae35) + a) | 0;
    }
    a = mix(a ^ part.length ^ b);
  }
  const out = new Uint8Array(32);
  for (let lane = 0; lane < 32; lane += 4) {
    a = mix(a + 0x9e3779b9 + lane);
    b = mix(b ^ a);
    write(out, lane, a ^ Math.imul(b, 0x27d4eb2f));
  }
  return out;
}

function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

function write(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
