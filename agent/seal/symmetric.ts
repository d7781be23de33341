import { bytesOf, concat } from '../base/bytes.ts';
import type { Aead, Cipher, NoiseSuite } from './cipher.ts';

const SUITE_NAME = { 'chacha20-poly1305': 'ChaChaPoly', 'aes-256-gcm': 'AESGCM' } as const;
const EMPTY = new Uint8Array(0);

/** What a symmetric state was at one moment; every part is replaced, never changed, so a mark costs nothing. */
export interface Mark {
  readonly chain: Uint8Array;
  readonly transcript: Uint8Array;
  readonly key: Aead | undefined;
  readonly used: number;
}

/** SymmetricState and CipherState of the Noise specification (revision 34, 5.1 and 5.2), with SHA-256. */
export class Symmetric {
  readonly #cipher: Cipher;
  readonly #suite: NoiseSuite;
  #chain: Uint8Array;
  #transcript: Uint8Array;
  #key: Aead | undefined;
  #used = 0;

  constructor(cipher: Cipher, pattern: string, suite: NoiseSuite) {
    const name = bytesOf(`Noise_${pattern}_25519_${SUITE_NAME[suite]}_SHA256`);
    this.#cipher = cipher;
    this.#suite = suite;
    this.#chain = name.length <= 32 ? concat([name, new Uint8Array(32 - name.length)]) : cipher.hash(name);
    this.#transcript = this.#chain;
  }

  /** The hash of everything both sides said and knew so far. */
  get transcript(): Uint8Array {
    return this.#transcript;
  }

  get keyed(): boolean {
    return this.#key !== undefined;
  }

  mark(): Mark {
    return { chain: this.#chain, transcript: this.#transcript, key: this.#key, used: this.#used };
  }

  /** Back to a mark: a message that did not open leaves no trace. */
  restore(mark: Mark): void {
    this.#chain = mark.chain;
    this.#transcript = mark.transcript;
    this.#key = mark.key;
    this.#used = mark.used;
  }

  mixHash(data: Uint8Array): void {
    this.#transcript = this.#cipher.hash(this.#transcript, data);
  }

  mixKey(secret: Uint8Array): void {
    const [chain, key] = this.#derive(secret, 2);
    this.#chain = chain ?? EMPTY;
    this.#setKey(key ?? EMPTY);
  }

  mixKeyAndHash(secret: Uint8Array): void {
    const [chain, hash, key] = this.#derive(secret, 3);
    this.#chain = chain ?? EMPTY;
    this.mixHash(hash ?? EMPTY);
    this.#setKey(key ?? EMPTY);
  }

  /** Ciphertext with tag, or the plaintext itself while there is no key yet. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    let sealed = plaintext;
    if (this.#key !== undefined) {
      sealed = new Uint8Array(plaintext.length + 16);
      this.#key.seal(noiseNonce(this.#suite, this.#used++), this.#transcript, plaintext, sealed);
    }
    this.mixHash(sealed);
    return sealed;
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext =
      this.#key === undefined
        ? sealed
        : sealed.length < 16
          ? undefined
          : this.#key.open(noiseNonce(this.#suite, this.#used++), this.#transcript, sealed);
    if (plaintext !== undefined) this.mixHash(sealed);
    return plaintext;
  }

  /** The 32-byte keys of the two directions: first that of the initiator's datagrams. */
  split(): readonly [Uint8Array, Uint8Array] {
    const [first, second] = this.#derive(EMPTY, 2);
    return [first ?? EMPTY, second ?? EMPTY];
  }

  #setKey(key: Uint8Array): void {
    this.#key = this.#cipher.aead(this.#suite, key);
    this.#used = 0;
  }

  /** HKDF of the specification's section 4.3. */
  #derive(secret: Uint8Array, count: number): readonly Uint8Array[] {
    const key = this.#cipher.mac(this.#chain, secret);
    const outputs: Uint8Array[] = [];
    let last: Uint8Array = EMPTY;
    for (let round = 1; round <= count; round++) {
      last = this.#cipher.mac(key, concat([last, Uint8Array.of(round)]));
      outputs.push(last);
    }
    return outputs;
  }
}

/** Four zero bytes and the 64-bit message number: little-endian for ChaChaPoly, big-endian for AESGCM. */
export function noiseNonce(suite: NoiseSuite, number: number): Uint8Array {
  const nonce = new Uint8Array(12);
  for (let i = 0, rest = number; i < 8; i++, rest = Math.floor(rest / 256)) {
    nonce[suite === 'chacha20-poly1305' ? 4 + i : 11 - i] = rest % 256;
  }
  return nonce;
}
