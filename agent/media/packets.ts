import { concat } from '../base/bytes.ts';

/** ISO/IEC 13818-1: a transport stream packet, its first byte, and the PID of stuffing. */
export const PACKET = 188;
export const SYNC = 0x47;
export const NULL_PID = 0x1fff;

/** Distance from packet to packet: plain, with a 4-byte time in front (M2TS), with 16 Reed-Solomon bytes behind. */
const STRIDES = [188, 192, 204] as const;
type Stride = (typeof STRIDES)[number];

/** Sync bytes in a row before a place is believed: a false start passes by chance once in 2^32. */
const EVIDENCE = 4;
const LOOK_AHEAD = 204 * (EVIDENCE - 1) + 1;

const NOTHING = new Uint8Array(0);

/**
 * Finds the packets in a stream of bytes cut anywhere: 188, 192 or 204 bytes apart, garbage between them.
 * What it answers depends only on the bytes, never on how they were cut.
 */
export class PacketSync {
  #held: Uint8Array = NOTHING;
  #stride: Stride | undefined;
  #lost = 0;
  #skipped = 0;

  /** How often the sync was lost after it had been found. */
  get lost(): number {
    return this.#lost;
  }

  /** Bytes thrown away while searching. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Whole packets of 188 bytes, one after the other; often a view of `bytes`. */
  push(bytes: Uint8Array): Uint8Array {
    const all = this.#held.length === 0 ? bytes : concat([this.#held, bytes]);
    const runs: Uint8Array[] = [];
    let position = 0;
    for (;;) {
      if (this.#stride === undefined) {
        const found = search(all, position);
        this.#skipped += found.at - position;
        position = found.at;
        this.#stride = found.stride;
      }
      const stride = this.#stride;
      if (stride === undefined) break;
      const end = run(all, position, stride);
      if (end > position) runs.push(bare(all, position, end, stride));
      position = end;
      if (all.length <= position || all[position] === SYNC) break;
      this.#stride = undefined;
      this.#lost++;
    }
    // A copy, so that a few left-over bytes do not keep a large piece alive.
    this.#held = position < all.length ? all.slice(position) : NOTHING;
    return runs.length === 1 ? (runs[0] ?? NOTHING) : concat(runs);
  }

  /** Forgets the left-over bytes: what comes next is another stream. */
  reset(): void {
    this.#held = NOTHING;
    this.#stride = undefined;
  }
}

/** The first place from `start` with enough evidence; without one, the first place that more bytes could still prove. */
function search(bytes: Uint8Array, start: number): { at: number; stride: Stride | undefined } {
  let at = start;
  for (; at + LOOK_AHEAD <= bytes.length; at++) {
    if (bytes[at] !== SYNC) continue;
    for (const stride of STRIDES) {
      let hits = 1;
      while (hits < EVIDENCE && bytes[at + hits * stride] === SYNC) hits++;
      if (hits === EVIDENCE) return { at, stride };
    }
  }
  return { at, stride: undefined };
}

/** The end of the whole packets with their sync byte in place; always a whole number of strides further. */
function run(bytes: Uint8Array, start: number, stride: Stride): number {
  let position = start;
  while (position + stride <= bytes.length && bytes[position] === SYNC) position += stride;
  return position;
}

function bare(bytes: Uint8Array, start: number, end: number, stride: Stride): Uint8Array {
  if (stride === PACKET) return bytes.subarray(start, end);
  const packets = new Uint8Array(((end - start) / stride) * PACKET);
  for (let from = start, to = 0; from < end; from += stride, to += PACKET) {
    packets.set(bytes.subarray(from, from + PACKET), to);
  }
  return packets;
}

/*
 * Fields of one packet. `at` is where the packet starts in `bytes`; 188 bytes must be there.
 *
 *   0      1               2      3                4
 *   +------+---------------+------+----------------+---------------------------+
 *   | 0x47 | T S P PID(5)  | PID  | SC(2) A P CC(4)| adaptation field, payload |
 *   +------+---------------+------+----------------+---------------------------+
 *   T transport error, S payload unit start, SC scrambling, A adaptation field, P payload, CC continuity counter
 */
export const pidOf = (bytes: Uint8Array, at: number): number =>
  (((bytes[at + 1] ?? 0) & 0x1f) << 8) | (bytes[at + 2] ?? 0);
export const damaged = (bytes: Uint8Array, at: number): boolean => ((bytes[at + 1] ?? 0) & 0x80) !== 0;
export const startsUnit = (bytes: Uint8Array, at: number): boolean => ((bytes[at + 1] ?? 0) & 0x40) !== 0;
export const scrambled = (bytes: Uint8Array, at: number): boolean => ((bytes[at + 3] ?? 0) & 0xc0) !== 0;
export const hasPayload = (bytes: Uint8Array, at: number): boolean => ((bytes[at + 3] ?? 0) & 0x10) !== 0;
export const continuity = (bytes: Uint8Array, at: number): number => (bytes[at + 3] ?? 0) & 0x0f;

/** The flag byte of the adaptation field; 0 when there is none. */
export function adaptationFlags(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3] ?? 0) & 0x20) !== 0 && (bytes[at + 4] ?? 0) > 0 ? (bytes[at + 5] ?? 0) : 0;
}
export const DISCONTINUITY = 0x80;
export const RANDOM_ACCESS = 0x40;
export const HAS_PCR = 0x10;

/** Where the payload starts, counted from the start of `bytes`; undefined when the packet has none. */
export function payloadAt(bytes: Uint8Array, at: number): number | undefined {
  if (!hasPayload(bytes, at)) return undefined;
  const start = ((bytes[at + 3] ?? 0) & 0x20) !== 0 ? at + 5 + (bytes[at + 4] ?? 0) : at + 4;
  return start < at + PACKET ? start : undefined;
}
