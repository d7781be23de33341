import type { Aead, Cipher, Suite } from './cipher.ts';
import { ocb } from './ocb.ts';

/** Bits of a suite offer; a choice is an offer of one. Unknown bits are for later versions. */
const BITS = { 'chacha20-poly1305': 1, 'aes-128-gcm': 2, 'aes-128-ocb': 4 } as const satisfies Record<Suite, number>;

/** Quickest first; the last is the one that everybody must know. */
const PREFERRED = ['aes-128-ocb', 'aes-128-gcm', 'chacha20-poly1305'] as const satisfies readonly Suite[];

export const KEY_LENGTH = {
  'chacha20-poly1305': 32,
  'aes-128-gcm': 16,
  'aes-128-ocb': 16,
} as const satisfies Record<Suite, number>;

export function offer(suites: readonly Suite[]): number {
  return suites.reduce((bits, suite) => bits | BITS[suite], 0);
}

/** The best that both sides have; ChaCha20 otherwise. */
export function choose(offered: number, own: readonly Suite[]): Suite {
  const both = PREFERRED.find((suite) => (offered & BITS[suite]) !== 0 && own.includes(suite));
  return both ?? 'chacha20-poly1305';
}

/** The suite of a choice byte; undefined when it names none or several, or one we did not offer. */
export function chosen(bits: number, own: readonly Suite[]): Suite | undefined {
  const suite = PREFERRED.find((each) => bits === BITS[each]);
  return suite === undefined || suite === 'chacha20-poly1305' || own.includes(suite) ? suite : undefined;
}

/** `key` has KEY_LENGTH of the suite. */
export function aeadOf(suite: Suite, cipher: Cipher, key: Uint8Array): Aead {
  return suite === 'aes-128-ocb' ? ocb(cipher.block(key)) : cipher.aead(suite, key);
}
