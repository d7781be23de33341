import type { Suite } from './cipher.ts';

/** Bits of a suite offer; a choice is an offer of one. Unknown bits are for later versions. */
const BITS = { 'chacha20-poly1305': 1, 'aes-128-gcm': 2 } as const satisfies Record<Suite, number>;

export const KEY_LENGTH = { 'chacha20-poly1305': 32, 'aes-128-gcm': 16 } as const satisfies Record<Suite, number>;

export function offer(suites: readonly Suite[]): number {
  return suites.reduce((bits, suite) => bits | BITS[suite], 0);
}

/** AES where both sides have it in hardware; ChaCha20, which everybody must know, otherwise. */
export function choose(offered: number, own: readonly Suite[]): Suite {
  return (offered & BITS['aes-128-gcm']) !== 0 && own.includes('aes-128-gcm') ? 'aes-128-gcm' : 'chacha20-poly1305';
}

/** The suite of a choice byte; undefined when it names none or several, or one we did not offer. */
export function chosen(bits: number, own: readonly Suite[]): Suite | undefined {
  if (bits === BITS['aes-128-gcm']) return own.includes('aes-128-gcm') ? 'aes-128-gcm' : undefined;
  return bits === BITS['chacha20-poly1305'] ? 'chacha20-poly1305' : undefined;
}
