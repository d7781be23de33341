import { adaptationFlags, HAS_PCR } from './packets.ts';

/** Ticks of 27 MHz in a millisecond. */
export const PCR_PER_MS = 27_000;
/** 33 bits of 90 kHz times 300: the programme clock comes round every 26.5 hours. */
export const PCR_MODULUS = 2 ** 33 * 300;

/** The programme clock reference of a packet in ticks of 27 MHz, or undefined. */
export function pcrOf(bytes: Uint8Array, at: number): number | undefined {
  if ((adaptationFlags(bytes, at) & HAS_PCR) === 0 || (bytes[at + 4] ?? 0) < 7) return undefined;
  const b = (i: number): number => bytes[at + 6 + i] ?? 0;
  const base = b(0) * 2 ** 25 + b(1) * 2 ** 17 + b(2) * 2 ** 9 + b(3) * 2 + (b(4) >> 7);
  return base * 300 + (((b(4) & 1) << 8) | b(5));
}

/** Writes a clock over the one that stands there; only for a packet that has one. */
export function writePcr(bytes: Uint8Array, at: number, pcr: number): void {
  const base = Math.floor(pcr / 300);
  const extension = pcr % 300;
  bytes[at + 6] = Math.floor(base / 2 ** 25) & 255;
  bytes[at + 7] = Math.floor(base / 2 ** 17) & 255;
  bytes[at + 8] = Math.floor(base / 2 ** 9) & 255;
  bytes[at + 9] = Math.floor(base / 2) & 255;
  bytes[at + 10] = ((base % 2) << 7) | 0x7e | (extension >> 8);
  bytes[at + 11] = extension & 255;
}

/** From `a` to `b` on a clock that comes round at `modulus`: the short way, so it may be negative. */
export function stepOf(a: number, b: number, modulus: number): number {
  const step = (((b - a) % modulus) + modulus) % modulus;
  return step > modulus / 2 ? step - modulus : step;
}
