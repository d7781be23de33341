import { type Address, ipBytes } from '../base/address.ts';
import { concat, sameBytes, Writer } from '../base/bytes.ts';
import { type Instant, seconds } from '../base/time.ts';
import type { Cipher } from './cipher.ts';
import { COOKIE } from './entry.ts';

/** A cookie opens the door in its epoch and the next: 120 to 240 s, longer than any try to enter lasts. */
const EPOCH = seconds(120);

/**
 * Proof that a client receives at the address it writes from, without remembering it: the MAC of that address under a
 * secret only this server has, new at each start.
 */
export class Cookies {
  readonly #cipher: Cipher;
  readonly #secret: Uint8Array;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
    this.#secret = cipher.random(32);
  }

  /** 16 bytes. */
  bake(from: Address, now: Instant): Uint8Array {
    return this.#of(from, epoch(now));
  }

  good(cookie: Uint8Array, from: Address, now: Instant): boolean {
    const present = epoch(now);
    return sameBytes(cookie, this.#of(from, present)) || sameBytes(cookie, this.#of(from, present - 1));
  }

  #of(from: Address, of: number): Uint8Array {
    const ip = ipBytes(from.ip) ?? new Uint8Array(0);
    const place = new Writer(16).u8(ip.length).bytes(ip).u16(from.port).done();
    return this.#cipher.mac(this.#secret, concat([place, new Writer(6).u48(of).done()])).subarray(0, COOKIE);
  }
}

/** Counted from 1, so that the epoch before the first is a number too. */
const epoch = (now: Instant): number => Math.floor(now / EPOCH) + 1;
