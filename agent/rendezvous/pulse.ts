import { type Backoff, interval } from '../base/backoff.ts';
import { between, type Random } from '../base/random.ts';
import { after, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Beat, Pong } from '../wire/messages.ts';

/** A beat without an answer is repeated after this, or three round trips; then slower. */
const UNANSWERED: Backoff = { first: seconds(1), factor: 1.5, most: seconds(3), jitter: 0.33 };
/** After so many beats without an answer the session is renewed (docs/security.md, rule 10). */
const MISSES = 3;
/** Beats are spread by a third either way, so that no period shows (docs/security.md, rule 19). */
const SPREAD = 0.33;

/** The heartbeat towards one rendezvous: when to beat, whether it still answers, and how far away it is. */
export class Pulse {
  readonly #random: Random;
  readonly #room: (now: Instant) => number;
  #stamp: number;
  #at: Instant | undefined;
  #waiting: { readonly stamp: number; readonly sentAt: Instant } | undefined;
  #missed = 0;
  #rtt: Millis | undefined;

  /** `room`: kbit/s that we would carry for others. */
  constructor(random: Random, room: (now: Instant) => number) {
    this.#random = random;
    this.#room = room;
    this.#stamp = random(2 ** 32);
  }

  /** Smoothed round trip. */
  get rtt(): Millis | undefined {
    return this.#rtt;
  }

  /** A beat to be sent now, answered or not the one before. */
  beat(now: Instant): Beat {
    this.#stamp = (this.#stamp + 1) % 2 ** 32;
    this.#waiting = { stamp: this.#stamp, sentAt: now };
    const wait = interval(UNANSWERED, this.#missed, this.#random);
    this.#at = after(now, ms(Math.max(wait, 3 * (this.#rtt ?? 0))));
    return { kind: 'beat', stamp: this.#stamp, rtt: this.#rtt, room: this.#room(now) };
  }

  /** What the time asks for. */
  due(now: Instant): Beat | 'lost' | undefined {
    if (this.#at === undefined || now < this.#at) return undefined;
    if (this.#waiting !== undefined) this.#missed++;
    return this.#missed >= MISSES ? 'lost' : this.beat(now);
  }

  /** False for an answer to anything but the last beat. */
  ponged({ stamp, interval: next }: Pong, now: Instant): boolean {
    if (this.#waiting?.stamp !== stamp) return false;
    this.measured(ms(now - this.#waiting.sentAt));
    this.#waiting = undefined;
    this.#missed = 0;
    this.#at = after(now, ms(next * between(this.#random, 1 - SPREAD, 1 + SPREAD)));
    return true;
  }

  /** One round trip, however it was found. */
  measured(trip: Millis): void {
    this.#rtt = this.#rtt === undefined ? trip : ms((7 * this.#rtt + trip) / 8);
  }

  /** No beats until the next call of beat(). */
  rest(): void {
    this.#at = undefined;
    this.#waiting = undefined;
    this.#missed = 0;
  }

  wake(): Instant | undefined {
    return this.#at;
  }
}
