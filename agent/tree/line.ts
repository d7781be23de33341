import { after, type Instant, seconds } from '../base/time.ts';

/** Who is not back by then has given up. */
const LATE = seconds(10);

interface Place {
  readonly ticket: number;
  readonly until: Instant;
}

/** Those who were told to come back, in the order of their first question. */
export class Line {
  readonly #places = new Map<string, Place>();
  #tickets = 0;
  #served = 0;

  get size(): number {
    return this.#places.size;
  }

  /** How many came before it and still wait; roughly, where some gave up. */
  before(node: string, now: Instant): number {
    for (const [other, { until }] of this.#places) {
      if (after(until, LATE) > now) break;
      this.served(other);
    }
    const { ticket } = this.#places.get(node) ?? { ticket: this.#tickets };
    return Math.max(0, Math.min(this.size, ticket - this.#served));
  }

  enter(node: string, until: Instant): void {
    const ticket = this.#places.get(node)?.ticket ?? this.#tickets++;
    this.#places.set(node, { ticket, until });
  }

  served(node: string): void {
    if (this.#places.delete(node)) this.#served++;
  }
}
