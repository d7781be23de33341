import { concat } from '../base/bytes.ts';
import { after, type Instant, type Millis, ms, since } from '../base/time.ts';
import { PACKET, pidOf } from './packets.ts';
import { PCR_MODULUS, PCR_PER_MS, pcrOf, stepOf } from './pcr.ts';

/** The packets from one clock reference to the next; times in ms of the stream. */
interface Stretch {
  bytes: Uint8Array;
  from: number;
  /** Undefined while the next reference has not come. */
  to: number | undefined;
  /** Bytes handed out. */
  done: number;
}

/** Packets go out in groups at least this far apart: below it timers cost more than they smooth. */
const GROUP = ms(5);
/** References further apart than this, or going back, are another clock. */
const CLOCK_JUMP_MS = 1000;
/** So late that catching up would be a flood: the clock is set anew. */
const TOO_LATE_MS = 10_000;
/** Share by which a live clock may be faster than ours; crystals differ by 0.01 % at most. */
const DRIFT = 0.001;
/** Enough queued that more need not be read: about a second of 8 Mbit/s. */
const PLENTY = 2 ** 20;

/**
 * Lets packets go at the speed of the stream's own clock (PCR). With `ahead` 0 a file plays in real time; with more, a
 * live source passes untouched and only one that runs away from the clock (an encoder without `-re`) is held back.
 */
export class Pacer {
  readonly #ahead: Millis;
  #queue: Stretch[] = [];
  #queued = 0;
  #clockPid: number | undefined;
  #pcr: number | undefined;
  /** Stream time of the newest reference. */
  #time = 0;
  /** When stream time 0 is. */
  #zero: Instant | undefined;
  #last: Instant | undefined;

  constructor(ahead: Millis) {
    this.#ahead = ahead;
  }

  /** Whether more should be read. */
  get hungry(): boolean {
    const newest = this.#queue.at(-1);
    const oldest = this.#queue[0];
    const span = newest === undefined || oldest === undefined ? 0 : newest.from - oldest.from;
    return this.#queued < PLENTY && span < 500;
  }

  get empty(): boolean {
    return this.#queued === 0;
  }

  push(bytes: Uint8Array): void {
    let start = 0;
    for (let position = 0; position + PACKET <= bytes.length; position += PACKET) {
      const pcr = pcrOf(bytes, position);
      if (pcr === undefined) continue;
      this.#clockPid ??= pidOf(bytes, position);
      if (pidOf(bytes, position) !== this.#clockPid) continue;
      this.#append(bytes.subarray(start, position));
      this.#reference(pcr);
      start = position;
    }
    this.#append(bytes.subarray(start));
  }

  /** No more will come: what is left has the length of what came before. */
  finish(): void {
    const newest = this.#queue.at(-1);
    if (newest !== undefined) newest.to ??= newest.from;
  }

  /** Another stream, with another clock. */
  reset(): void {
    this.#queue = [];
    this.#queued = 0;
    this.#clockPid = undefined;
    this.#pcr = undefined;
    this.#zero = undefined;
    this.#last = undefined;
  }

  /** The packets whose time has come. */
  due(now: Instant): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let stretch = this.#queue[0]; stretch !== undefined; stretch = this.#queue[0]) {
      const end = this.#dueEnd(stretch, now);
      if (end > stretch.done) {
        parts.push(stretch.bytes.subarray(stretch.done, end));
        this.#queued -= end - stretch.done;
        stretch.done = end;
      }
      if (end < stretch.bytes.length || stretch.to === undefined) break;
      this.#queue.shift();
    }
    this.#last = now;
    return parts.length === 1 ? (parts[0] ?? new Uint8Array(0)) : concat(parts);
  }

  wake(): Instant | undefined {
    const stretch = this.#queue[0];
    if (stretch === undefined || this.#zero === undefined || this.#queued === 0) return undefined;
    if (stretch.to === undefined && this.#ahead === 0) return undefined;
    const next = after(this.#zero, ms(this.#timeOf(stretch, stretch.done) - this.#ahead));
    return this.#last === undefined || next > this.#last + GROUP ? next : after(this.#last, GROUP);
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const newest = this.#queue.at(-1);
    this.#queued += bytes.length;
    if (newest === undefined || newest.to !== undefined) {
      this.#queue.push({ bytes, from: this.#time, to: undefined, done: 0 });
    } else {
      newest.bytes = newest.done === newest.bytes.length ? bytes : concat([newest.bytes.subarray(newest.done), bytes]);
      newest.done = 0;
    }
  }

  #reference(pcr: number): void {
    const step = this.#pcr === undefined ? 0 : stepOf(this.#pcr, pcr, PCR_MODULUS) / PCR_PER_MS;
    this.#pcr = pcr;
    if (step > 0 && step <= CLOCK_JUMP_MS) this.#time += step;
    const newest = this.#queue.at(-1);
    if (newest !== undefined) newest.to ??= this.#time;
  }

  /** Up to where the packets of a stretch are due. */
  #dueEnd(stretch: Stretch, now: Instant): number {
    if (stretch.to === undefined && this.#ahead === 0) return stretch.done;
    this.#zero ??= after(now, ms(-stretch.from));
    const late = since(this.#zero, now) - stretch.from;
    if (late > TOO_LATE_MS) this.#zero = after(now, ms(-stretch.from));
    else if (this.#ahead > 0 && late < 0 && this.#last !== undefined) {
      this.#zero = after(this.#zero, ms(-DRIFT * Math.max(0, since(this.#last, now))));
    }
    const time = since(this.#zero, now) + this.#ahead;
    const length = (stretch.to ?? stretch.from) - stretch.from;
    if (this.#ahead > 0 || length <= 0) return time >= stretch.from ? stretch.bytes.length : stretch.done;
    const share = Math.min(1, Math.max(0, (time - stretch.from) / length));
    const packets = stretch.bytes.length / PACKET;
    return Math.max(stretch.done, Math.floor(share * packets) * PACKET);
  }

  /** Stream time at which the packet at `position` is due. */
  #timeOf(stretch: Stretch, position: number): number {
    if (this.#ahead > 0 || stretch.to === undefined) return stretch.from;
    const share = (position + PACKET) / stretch.bytes.length;
    return stretch.from + Math.min(1, share) * (stretch.to - stretch.from);
  }
}
