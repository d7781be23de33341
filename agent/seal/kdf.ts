import { bytesOf, concat } from '../base/bytes.ts';
import type { Cipher } from './cipher.ts';

/** HKDF-SHA-256 (RFC 5869), both steps; `length` up to 255 × 32 bytes. */
export function hkdf(cipher: Cipher, salt: Uint8Array, secret: Uint8Array, info: string, length: number): Uint8Array {
  return expand(cipher, cipher.mac(salt, secret), info, length);
}

/** The second step of HKDF alone, for secrets that are uniform 32-byte keys already. */
export function expand(cipher: Cipher, key: Uint8Array, info: string, length: number): Uint8Array {
  const label = bytesOf(info);
  const out = new Uint8Array(length);
  let block: Uint8Array = new Uint8Array(0);
  for (let filled = 0, round = 1; filled < length; filled += block.length, round++) {
    block = cipher.mac(key, concat([block, label, Uint8Array.of(round)]));
    out.set(block.subarray(0, length - filled), filled);
  }
  return out;
}
