import { after, at, type Instant, ms, since } from '../base/time.ts';

/** Timers fire a millisecond apart at best, so that much and as much again for a late one may leave at once. */
const BURST = 2;
/** Whoever waited for a timer that came later still gets what the wait was worth, or a busy machine would pace below the path. */
const LATE = 8;
/** Ten packets are RFC 9002's initial window: no path is hurt by them, and a slow one needs no timer per packet. */
const LEAST_BURST = 10 * 1200;
const TICK = 1;

/** A token bucket: spreads packets in time at a given rate. */
export class Pacer {
  #tokens = LEAST_BURST;
  #filled: Instant = at(0);
  /** The last question was answered with no: something waits. */
  #holding = false;

  /** Whether a packet may leave now; `rate` in bytes per millisecond. */
  allows(rate: number, now: Instant): boolean {
    if (now > this.#filled) {
      const most = Math.max(rate * (this.#holding ? LATE : BURST), LEAST_BURST);
      this.#tokens = Math.min(most, this.#tokens + rate * since(this.#filled, now));
      this.#filled = now;
    }
    this.#holding = this.#tokens <= 0;
    return !this.#holding;
  }

  /** May go below zero by one packet, which the next ones wait for. */
  spend(size: number): void {
    this.#tokens -= size;
  }

  /** When the next millisecond's worth, or a packet, will be allowed. */
  opens(rate: number): Instant {
    const wanted = Math.min(rate * TICK, LEAST_BURST);
    return after(this.#filled, ms(Math.max(wanted - this.#tokens, 1) / rate));
  }
}
