import type { Address } from '../base/address.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import { allowedTarget, type Ground } from '../punch/target.ts';
import type { Cipher } from '../seal/cipher.ts';
import { type FirstByte, HEADER, TAG } from '../seal/header.ts';
import { hkdf } from '../seal/kdf.ts';
import { Session } from '../seal/session.ts';
import type { Leg } from '../wire/messages.ts';

/*
 * Inside a datagram of a leg is a datagram of the pair, whole as it is, or a word of the leg, which is shorter than any
 * datagram can be:
 *
 *  0x01  hello   token 8     household to relay: here I am; the token that came in the last `here`, or zeros
 *  0x02  here    flags u8 (1: both ends are here; 2: return the token) | token 8
 *  0x03  bye                 relay to household: I carry no more
 */

/** A datagram of the pair is at least so long. */
export const LEAST_CARGO = HEADER + TAG;
const TOKEN = 8;
const [HELLO, HERE, BYE] = [0x01, 0x02, 0x03];
const [BOTH, RETURN] = [1, 2];

export type LegWord =
  | { readonly kind: 'hello'; readonly token: Uint8Array }
  /** `both`: what is sent now arrives; `prove`: return the token, so that it is known that you are where you seem to be. */
  | { readonly kind: 'here'; readonly both: boolean; readonly prove: boolean; readonly token: Uint8Array }
  | { readonly kind: 'bye' };

/** Bytes of `hello` and `here` without header and tag: the answer is the longer one by a byte. */
export const HELLO_LENGTH = 1 + TOKEN;
export const HERE_LENGTH = 2 + TOKEN;

export function encodeWord(word: LegWord): Uint8Array {
  switch (word.kind) {
    case 'hello':
      return Uint8Array.of(HELLO, ...word.token);
    case 'here':
      return Uint8Array.of(HERE, (word.both ? BOTH : 0) | (word.prove ? RETURN : 0), ...word.token);
    case 'bye':
      return Uint8Array.of(BYE);
  }
}

/** A word of the leg; undefined for anything else. */
export function decodeWord(body: Uint8Array): LegWord | undefined {
  const [type, flags = 0] = body;
  if (type === HELLO && body.length === HELLO_LENGTH) return { kind: 'hello', token: body.slice(1) };
  if (type === HERE && body.length === HERE_LENGTH && flags <= (BOTH | RETURN)) {
    return { kind: 'here', both: (flags & BOTH) !== 0, prove: (flags & RETURN) !== 0, token: body.slice(2) };
  }
  return type === BYE && body.length === 1 ? { kind: 'bye' } : undefined;
}

export interface LegOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly firstByte: FirstByte;
}

/**
 * The session of a leg, seen from one of its ends: the keys follow from the secret that the rendezvous gave to both. ChaCha20,
 * which everybody has.
 */
export function legSession({ cipher, random, firstByte }: LegOptions, leg: Leg, as: 'household' | 'relay'): Session {
  const chains = hkdf(cipher, new Uint8Array(0), leg.secret, 'hearth leg', 64);
  const [out, back] = [chains.subarray(0, 32), chains.subarray(32)];
  return new Session({
    cipher,
    suite: 'chacha20-poly1305',
    keys: as === 'household' ? { send: out, receive: back } : { send: back, receive: out },
    theirIndex: leg.number,
    theirHeader: cipher.block(leg.headerKey),
    window: 2048,
    random,
    firstByte,
  });
}

/** Legs are of the main socket, which is one of IPv4, and go where knocks may go. */
export function mayWrite(to: Address, ground: Ground): boolean {
  return !to.ip.includes(':') && allowedTarget(to, ground) !== undefined;
}

/** One word as a whole datagram. */
export function sealWord(session: Session, word: LegWord, pad: number, now: Instant): Uint8Array {
  return session.seal(session.nextCounter(), encodeWord(word), pad, now);
}
