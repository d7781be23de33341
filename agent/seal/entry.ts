import { Reader, Writer } from '../base/bytes.ts';
import type { Cipher, Suite } from './cipher.ts';
import { hkdf } from './kdf.ts';
import { maskedNeed } from './mask.ts';
import { choose, offer } from './suite.ts';

/**
 * What the six datagrams of entering a rendezvous say inside their mask.
 *
 *     hello    reply key 16
 *     cookie   cookie 16
 *     ik1      cookie 16 | Noise IK message 1: e 32, s 48, claim 21 + 16
 *     ik2      Noise IK message 2: e 32, grant 131 + 16
 *     resume1  cookie 16 | ticket 93 | nonce 16 | claim 21 + 16
 *     resume2  nonce 16 | grant 131 + 16
 *
 *     claim    index u32 | header key 16 | suites offered u8
 *     grant    index u32 | suite chosen u8 | next secret 32 | ticket u8 length + 93
 *
 * Bytes behind a claim or a grant are for later versions and ignored.
 */
export interface Claim {
  /** The client's number for the session. */
  readonly index: number;
  readonly headerKey: Uint8Array;
  /** Bits of suite.ts. */
  readonly suites: number;
}

export interface Grant {
  /** The server's number for the session. */
  readonly index: number;
  /** Bits of suite.ts, one set. */
  readonly suite: number;
  /** What the ticket stands for: 32 bytes that only client and server know. */
  readonly secret: Uint8Array;
  readonly ticket: Uint8Array;
}

export const COOKIE = 16;
export const HEADER_KEY = 16;
export const RESUME_NONCE = 16;
/** Key number, nonce, client key and secret, tag: tickets.ts. */
export const TICKET = 1 + 12 + 64 + 16;

const GRANT = 4 + 1 + 32 + 1 + TICKET + 16;
/** Requests at least this large (bytes) leave room for the answer, which is never longer than its request. */
export const IK2_NEED = maskedNeed(32 + GRANT);
export const RESUME2_NEED = maskedNeed(RESUME_NONCE + GRANT);

/** Binds a Noise handshake to its purpose, so that no message of one kind can serve as another. */
export const IK_PROLOGUE = 'hearth ik 1';

/** The header key of a rendezvous: whoever knows its public key and the network's secret can speak to it. */
export function rendezvousHeaderKey(cipher: Cipher, publicKey: Uint8Array, networkSecret: Uint8Array): Uint8Array {
  return hkdf(cipher, cipher.hash(networkSecret), publicKey, 'hearth header', HEADER_KEY);
}

export function encodeClaim(index: number, headerKey: Uint8Array, suites: readonly Suite[]): Uint8Array {
  return new Writer(5 + HEADER_KEY).u32(index).bytes(headerKey).u8(offer(suites)).done();
}

export function decodeClaim(payload: Uint8Array): Claim | undefined {
  const reader = new Reader(payload);
  const claim = { index: reader.u32(), headerKey: reader.bytes(HEADER_KEY).slice(), suites: reader.u8() };
  return reader.short ? undefined : claim;
}

export function encodeGrant(grant: Grant): Uint8Array {
  const writer = new Writer(GRANT).u32(grant.index).u8(grant.suite).bytes(grant.secret);
  return writer.u8(grant.ticket.length).bytes(grant.ticket).done();
}

export function decodeGrant(payload: Uint8Array): Grant | undefined {
  const reader = new Reader(payload);
  const grant = { index: reader.u32(), suite: reader.u8(), secret: reader.bytes(32).slice() };
  const ticket = reader.bytes(reader.u8()).slice();
  return reader.short ? undefined : { ...grant, ticket };
}

/** The server's side of the suite agreement, as the one bit that goes into the grant. */
export function agreed(claim: Claim, own: readonly Suite[]): { readonly suite: Suite; readonly bit: number } {
  const suite = choose(claim.suites, own);
  return { suite, bit: offer([suite]) };
}
