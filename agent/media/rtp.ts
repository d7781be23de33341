import { after, type Instant, ms } from '../base/time.ts';

/*
 * RFC 3550 5.1:
 *   0        1        2          4          8        12
 *   +--------+--------+----------+----------+--------+---------------+-----------------+---------+---------+
 *   | V P X CC | M PT | sequence | timestamp| SSRC   | 4 x CC bytes  | extension if X  | payload | padding |
 *   +--------+--------+----------+----------+--------+---------------+-----------------+---------+---------+
 */
export interface RtpPacket {
  readonly sequence: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
}

/** Undefined for anything that is no RTP packet with a payload. */
export function readRtp(datagram: Uint8Array): RtpPacket | undefined {
  const byte = (i: number): number => datagram[i] ?? 0;
  if (datagram.length < 13 || byte(0) >> 6 !== 2) return undefined;
  let start = 12 + 4 * (byte(0) & 15);
  if ((byte(0) & 0x10) !== 0) start += 4 + 4 * ((byte(start + 2) << 8) | byte(start + 3));
  const padding = (byte(0) & 0x20) !== 0 ? byte(datagram.length - 1) : 0;
  const end = datagram.length - padding;
  if (start >= end) return undefined;
  const ssrc = ((byte(8) << 24) | (byte(9) << 16) | (byte(10) << 8) | byte(11)) >>> 0;
  return { sequence: (byte(2) << 8) | byte(3), ssrc, payload: datagram.subarray(start, end) };
}

/** How long a missing packet is waited for: a switch or a bonded line swaps packets within a few ms. */
const HOLD = ms(50);
const HELD_MOST = 1024;
/** Further back than this is not late but a new beginning. */
const RESTART = 3000;

/** Puts RTP packets into the order of their sequence numbers, 16 bits that come round. */
export class Reorder {
  readonly #held = new Map<number, { readonly payload: Uint8Array; readonly at: Instant }>();
  #next: number | undefined;
  #ssrc: number | undefined;
  #lost = 0;
  #late = 0;

  /** Packets not waited for any longer. */
  get lost(): number {
    return this.#lost;
  }

  /** Packets that came after that, or twice. */
  get late(): number {
    return this.#late;
  }

  push(packet: RtpPacket, now: Instant): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    if (packet.ssrc !== this.#ssrc) {
      this.#restart(out);
      this.#ssrc = packet.ssrc;
    }
    const distance = this.#distance(packet.sequence);
    if (distance < 0 && distance > -RESTART) {
      this.#late++;
      return out;
    }
    if (distance <= -RESTART || distance > RESTART) this.#restart(out);
    this.#next ??= packet.sequence;
    if (this.#held.has(packet.sequence)) this.#late++;
    else this.#held.set(packet.sequence, { payload: packet.payload, at: now });
    this.#release(out);
    while (this.#held.size > HELD_MOST) this.#skip(out);
    return out;
  }

  tick(now: Instant): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    for (let wake = this.wake(); wake !== undefined && wake <= now; wake = this.wake()) this.#skip(out);
    return out;
  }

  /** All that is held lies behind what is missing; the first that came has waited longest. */
  wake(): Instant | undefined {
    const oldest = this.#held.values().next().value;
    return oldest === undefined ? undefined : after(oldest.at, HOLD);
  }

  #distance(sequence: number): number {
    if (this.#next === undefined) return 0;
    return ((sequence - this.#next + 0x18000) & 0xffff) - 0x8000;
  }

  #release(out: Uint8Array[]): void {
    for (;;) {
      const held = this.#next === undefined ? undefined : this.#held.get(this.#next);
      if (held === undefined || this.#next === undefined) return;
      out.push(held.payload);
      this.#held.delete(this.#next);
      this.#next = (this.#next + 1) & 0xffff;
    }
  }

  /** Gives up what is missing before the nearest packet. */
  #skip(out: Uint8Array[]): void {
    let nearest = Infinity;
    for (const sequence of this.#held.keys()) nearest = Math.min(nearest, this.#distance(sequence));
    if (nearest === Infinity || this.#next === undefined) return;
    this.#lost += nearest;
    this.#next = (this.#next + nearest) & 0xffff;
    this.#release(out);
  }

  #restart(out: Uint8Array[]): void {
    while (this.#held.size > 0) this.#skip(out);
    this.#next = undefined;
  }
}
