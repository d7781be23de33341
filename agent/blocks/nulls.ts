import { BLOCK_PACKETS, PACKET } from './format.ts';

/** How many places of a 14-byte map are null packets. */
export function nullsIn(map: Uint8Array): number {
  let count = 0;
  for (const byte of map) for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Marks place `index` (0-111) of a block as a null packet. */
export function markNull(map: Uint8Array, index: number): void {
  map[index >> 3] = (map[index >> 3] ?? 0) | (0x80 >> (index & 7));
}

export function isNull(map: Uint8Array, index: number): boolean {
  return ((map[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
}

/** The null packet as multiplexers write it: PID 0x1fff, payload of 0xff. What an original one held in its payload is lost. */
const NULL_PACKET = Uint8Array.from({ length: PACKET }, (_, i) => [0x47, 0x1f, 0xff, 0x10][i] ?? 0xff);

/** Puts the null packets back: the constant-rate stream the encoder sent, for receivers that count on it. */
export function withNulls(bytes: Uint8Array, packets: number, map: Uint8Array): Uint8Array {
  const total = Math.min(packets, BLOCK_PACKETS);
  const whole = new Uint8Array(total * PACKET);
  let from = 0;
  for (let i = 0; i < total; i++) {
    if (isNull(map, i)) {
      whole.set(NULL_PACKET, i * PACKET);
    } else {
      whole.set(bytes.subarray(from, from + PACKET), i * PACKET);
      from += PACKET;
    }
  }
  return whole;
}
