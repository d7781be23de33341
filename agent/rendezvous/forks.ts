import { sameBytes } from '../base/bytes.ts';
import type { Cipher } from '../seal/cipher.ts';

/** Of a manifest (blocks/manifest.ts): type, channel, epoch and number, which say what block it is of; at its end the signature. */
const [NAME, CHANNEL_AT, CHANNEL, SIGNATURE] = [43, 1, 32, 64];

/**
 * Whether these are two different blocks of one number, both signed by the channel's key: nobody else can have made that. Only what is
 * signed is compared, as one text may have several signatures.
 */
export function isFork([a, b]: readonly [Uint8Array, Uint8Array], channel: Uint8Array, cipher: Cipher): boolean {
  if (Math.min(a.length, b.length) < NAME + SIGNATURE) return false;
  const [first, second] = [a.subarray(0, -SIGNATURE), b.subarray(0, -SIGNATURE)];
  if (!sameBytes(a.subarray(0, NAME), b.subarray(0, NAME)) || sameBytes(first, second)) return false;
  if (!sameBytes(a.subarray(CHANNEL_AT, CHANNEL_AT + CHANNEL), channel)) return false;
  return (
    cipher.verify(channel, first, a.subarray(-SIGNATURE)) && cipher.verify(channel, second, b.subarray(-SIGNATURE))
  );
}
