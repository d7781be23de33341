import type { BlockCipher } from './cipher.ts';

/**
 * The first 16 bytes of every datagram: one AES-128 block under the receiver's header key.
 *
 *     0       4               10     11    12          16
 *     | index | veil, counter | kind | pad | zero check |
 *
 * A permutation of a block that never repeats is unique and uniform (docs/security.md).
 */
export interface Header {
  /** u32: the receiver's number of the session or introduction. */
  readonly index: number;
  /** 44 bits: the packet number, or random in a handshake datagram. */
  readonly counter: number;
  /** 5 bits: one of KIND. */
  readonly kind: number;
  /** 3 bits: how often the sender's key was renewed, modulo 8. */
  readonly phase: number;
  /** u8: zero bytes at the end of the plain body. */
  readonly pad: number;
}

export const HEADER = 16;
export const TAG = 16;
/** More than an Ethernet frame carries is not ours. */
export const LARGEST = 1500;
/** Counters stay below this: 44 bits, 278 years at 2,000 datagrams a second. */
export const COUNTERS = 2 ** 44;

export const KIND = {
  data: 0,
  hello: 1,
  cookie: 2,
  ik1: 3,
  ik2: 4,
  resume1: 5,
  resume2: 6,
  knock: 7,
  kk1: 8,
  kk2: 9,
} as const;

/** How a datagram may begin: anyhow, or never with 10 in the top bits, which DPI tools take for RTP. */
export type FirstByte = 'any' | 'shy';

const VEILS = 16;

/** Filled anew by each call; its last four bytes, the check, stay zero. */
const PLAIN = new Uint8Array(HEADER);

/**
 * 16 bytes ready to send. A shy first byte is found by trying the 16 values of the veil, four bits that mean nothing:
 * each fails with 1/4, so all fail once in 2^32.
 */
export function encodeHeader(header: Header, block: BlockCipher, firstByte: FirstByte = 'any'): Uint8Array {
  const plain = PLAIN;
  writeHeader(plain, 0, header);
  let sealed = block.encrypt(plain);
  const high = plain[4] ?? 0;
  for (let veil = 1; !fits(sealed, firstByte) && veil < VEILS; veil++) {
    plain[4] = (veil << 4) | high;
    sealed = block.encrypt(plain);
  }
  return sealed;
}

/** Whether bytes may begin a datagram. */
export function fits(sealed: Uint8Array, firstByte: FirstByte): boolean {
  return firstByte === 'any' || ((sealed[0] ?? 0) & 0xc0) !== 0x80;
}

/** The plain header at a place, its veil zero; the four bytes of the check are left as they are. */
export function writeHeader(plain: Uint8Array, at: number, header: Header): void {
  const { index, counter } = header;
  const high = Math.floor(counter / 0x1_0000_0000);
  plain[at] = index >>> 24;
  plain[at + 1] = index >>> 16;
  plain[at + 2] = index >>> 8;
  plain[at + 3] = index;
  plain[at + 4] = high >>> 8;
  plain[at + 5] = high;
  plain[at + 6] = counter >>> 24;
  plain[at + 7] = counter >>> 16;
  plain[at + 8] = counter >>> 8;
  plain[at + 9] = counter;
  plain[at + 10] = (header.phase << 5) | header.kind;
  plain[at + 11] = header.pad;
}

/** What the datagram says under this receiver's key; undefined for a stranger's bytes. */
export function decodeHeader(datagram: Uint8Array, block: BlockCipher): Header | undefined {
  if (datagram.length < HEADER + TAG || datagram.length > LARGEST) return undefined;
  const plain = block.decrypt(datagram.subarray(0, HEADER));
  if (u32(plain, 12) !== 0) return undefined;
  const kind = plain[10] ?? 0;
  return {
    index: u32(plain, 0),
    counter: ((((plain[4] ?? 0) & 15) << 8) | (plain[5] ?? 0)) * 0x1_0000_0000 + u32(plain, 6),
    kind: kind & 31,
    phase: kind >>> 5,
    pad: plain[11] ?? 0,
  };
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}
