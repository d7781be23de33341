import type { Aead, Cipher, Suite } from './cipher.ts';
import { expand } from './kdf.ts';
import { aeadOf, KEY_LENGTH } from './suite.ts';

/**
 * The keys of one direction, one per phase: each phase's chain gives its AEAD key and the next chain, and cannot be
 * turned back. Keys derived ahead are kept, so that guessing at phases costs a forger's victim the derivation once.
 */
export class Ratchet {
  readonly #cipher: Cipher;
  readonly #suite: Suite;
  readonly #keys = new Map<number, Aead>();
  #chain: Uint8Array;
  /** The phase that #chain belongs to. */
  #phase = 0;

  constructor(cipher: Cipher, suite: Suite, chain: Uint8Array) {
    this.#cipher = cipher;
    this.#suite = suite;
    this.#chain = chain;
  }

  /** The AEAD of a phase. Throws for a phase that was forgotten. */
  key(phase: number): Aead {
    for (; this.#phase < phase; this.#phase++) {
      this.#derive();
      this.#chain = expand(this.#cipher, this.#chain, 'hearth next', 32);
    }
    const key = this.#keys.get(phase) ?? (phase === this.#phase ? this.#derive() : undefined);
    if (key === undefined) throw new Error(`the key of phase ${phase} is gone`);
    return key;
  }

  /** Drops every key older than that of `phase`. */
  forget(phase: number): void {
    for (const old of this.#keys.keys()) if (old < phase) this.#keys.delete(old);
  }

  #derive(): Aead {
    const kept = this.#keys.get(this.#phase);
    if (kept !== undefined) return kept;
    const key = expand(this.#cipher, this.#chain, 'hearth key', KEY_LENGTH[this.#suite]);
    const aead = aeadOf(this.#suite, this.#cipher, key);
    this.#keys.set(this.#phase, aead);
    return aead;
  }
}
