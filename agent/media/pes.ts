import { PACKET, payloadAt } from './packets.ts';
import { H264, H265, MPEG2_VIDEO } from './tables.ts';

/** Presentation and decoding times of 90 kHz, 33 bits. */
export const TIME_MODULUS = 2 ** 33;

/** Where the elementary stream starts behind the PES header of a unit start; undefined when the header is not whole here. */
export function elementaryAt(bytes: Uint8Array, at: number): number | undefined {
  const pes = pesAt(bytes, at);
  if (pes === undefined || pes + 9 > at + PACKET) return undefined;
  const start = pes + 9 + (bytes[pes + 8] ?? 0);
  return start <= at + PACKET ? start : undefined;
}

/** Where PTS and DTS stand in a unit start, as positions in `bytes`; undefined where there is none. */
export function timesAt(bytes: Uint8Array, at: number): { pts: number | undefined; dts: number | undefined } {
  const pes = pesAt(bytes, at);
  const end = at + PACKET;
  if (pes === undefined || pes + 9 > end) return { pts: undefined, dts: undefined };
  const flags = (bytes[pes + 7] ?? 0) >> 6;
  const pts = (flags & 2) !== 0 && pes + 14 <= end ? pes + 9 : undefined;
  const dts = flags === 3 && pes + 19 <= end ? pes + 14 : undefined;
  return { pts, dts };
}

/** The 33-bit time in the 5 bytes at `position`. */
export function readTime(bytes: Uint8Array, position: number): number {
  const high = ((bytes[position] ?? 0) >> 1) & 7;
  const middle = (((bytes[position + 1] ?? 0) << 8) | (bytes[position + 2] ?? 0)) >> 1;
  const low = (((bytes[position + 3] ?? 0) << 8) | (bytes[position + 4] ?? 0)) >> 1;
  return high * 2 ** 30 + middle * 2 ** 15 + low;
}

/** Writes a 33-bit time over the one that stands there, keeping its marker and prefix bits. */
export function writeTime(bytes: Uint8Array, position: number, time: number): void {
  const high = Math.floor(time / 2 ** 30) & 7;
  const middle = Math.floor(time / 2 ** 15) & 0x7fff;
  const low = time & 0x7fff;
  bytes[position] = ((bytes[position] ?? 0) & 0xf1) | (high << 1);
  bytes[position + 1] = middle >> 7;
  bytes[position + 2] = ((middle << 1) & 0xfe) | 1;
  bytes[position + 3] = low >> 7;
  bytes[position + 4] = ((low << 1) & 0xfe) | 1;
}

/** Only stream ids with the long header (ISO/IEC 13818-1 2.4.3.7); padding and maps have none. */
function pesAt(bytes: Uint8Array, at: number): number | undefined {
  const start = payloadAt(bytes, at);
  if (start === undefined || start + 6 > at + PACKET) return undefined;
  if (bytes[start] !== 0 || bytes[start + 1] !== 0 || bytes[start + 2] !== 1) return undefined;
  const id = bytes[start + 3] ?? 0;
  const long = id === 0xbd || (id >= 0xc0 && id <= 0xef) || id === 0xfd;
  return long ? start : undefined;
}

/** What a piece of an access unit says of it: decoding can start here, or not, or it is not yet said. */
export type Verdict = 'key' | 'not-key' | 'unsaid';

/**
 * Reads start codes until one decides. `carry` is the last three bytes before `from`, newest lowest, 0xffffff at first;
 * it comes back so that a start code over two packets is seen.
 */
export function judge(
  type: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  carry: number,
): { verdict: Verdict; carry: number } {
  let last = carry;
  for (let i = from; i < to; i++) {
    const byte = bytes[i] ?? 0;
    if (last === 1) {
      const verdict = ofStartCode(type, byte);
      if (verdict !== 'unsaid') return { verdict, carry: 0xffffff };
    }
    last = ((last << 8) | byte) & 0xffffff;
  }
  return { verdict: 'unsaid', carry: last };
}

/** Parameter sets come only where decoding can start; before any slice they decide as well as the slice. */
function ofStartCode(type: number, byte: number): Verdict {
  if (type === H264) {
    const unit = byte & 31;
    if (unit === 5 || unit === 7) return 'key';
    return unit >= 1 && unit <= 4 ? 'not-key' : 'unsaid';
  }
  if (type === H265) {
    const unit = (byte >> 1) & 63;
    // 16-21: pictures of random access; 32, 33: video and sequence parameter sets (H.265 table 7-1).
    if ((unit >= 16 && unit <= 21) || unit === 32 || unit === 33) return 'key';
    return unit < 32 ? 'not-key' : 'unsaid';
  }
  if (type === MPEG2_VIDEO || type === 1) {
    if (byte === 0xb3) return 'key';
    return byte === 0 ? 'not-key' : 'unsaid';
  }
  return 'not-key';
}
