import type { Instant, Millis } from '../base/time.ts';

/** At most so much within a span of time, wherever one lays it. */
export class Rate {
  readonly #most: number;
  readonly #span: Millis;
  #taken: { readonly at: Instant; readonly weight: number }[] = [];
  /** Those before it are out of the span. */
  #first = 0;
  #sum = 0;

  constructor(most: number, span: Millis) {
    this.#most = most;
    this.#span = span;
  }

  /** What may still be taken now. */
  room(now: Instant): number {
    for (let oldest = this.#taken[this.#first]; oldest !== undefined; oldest = this.#taken[++this.#first]) {
      if (now - oldest.at < this.#span) break;
      this.#sum -= oldest.weight;
    }
    if (this.#first > this.#most) {
      this.#taken = this.#taken.slice(this.#first);
      this.#first = 0;
    }
    return this.#most - this.#sum;
  }

  /** Counts it, allowed or not. */
  add(now: Instant, weight = 1): void {
    this.#taken.push({ at: now, weight });
    this.#sum += weight;
  }

  /** Takes it if there is room. */
  take(now: Instant, weight = 1): boolean {
    if (this.room(now) < weight) return false;
    this.add(now, weight);
    return true;
  }
}
