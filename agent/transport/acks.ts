import { between, type Random } from '../base/random.ts';
import { after, type Instant, ms, since } from '../base/time.ts';
import { RANGE_LIMIT } from './frames.ts';

/** An ACK waits for this many packets or for about this long, whichever comes first; both as measured (docs/decisions/0002). */
const PACKETS = 16;
const SHORTEST = ms(3);
const LONGEST = ms(6);
/** What the other side may expect of us at worst: LONGEST and a late timer. It is part of its PTO (RFC 9002 section 6.2.1). */
export const ACK_PATIENCE = ms(10);
/** Gaps are reported at once, but a path that reorders everything must not turn every packet into an ACK. */
const AT_ONCE_APART = ms(1);
/** The packet number that many above a gap makes the sender's packet threshold act on it (RFC 9002 section 6.1.1). */
const ABOVE_GAP = 2;

/** Which packets arrived, and when to say so. */
export class Acks {
  /** highest, lowest, ...: newest first, as frames.ts writes it. */
  readonly #ranges: number[] = [];
  readonly #random: Random;
  #waiting = 0;
  #due: Instant | undefined;
  #newest = -1;
  #newestAt: Instant | undefined;
  #lastSent: Instant | undefined;
  /** When this number arrives, the sender can act on a gap. */
  #watch = Infinity;

  constructor(random: Random) {
    this.#random = random;
  }

  /** One packet arrived; `eliciting` when it holds more than ACK, PADDING and CLOSE. */
  heard(counter: number, eliciting: boolean, now: Instant): void {
    const gap = this.#newest >= 0 && counter > this.#newest + 1;
    if (counter > this.#newest) {
      this.#newest = counter;
      this.#newestAt = now;
    }
    this.#insert(counter);
    if (gap && this.#watch === Infinity) this.#watch = counter + ABOVE_GAP;
    if (!eliciting) return;
    this.#waiting++;
    if (counter >= this.#watch) {
      this.#watch = Infinity;
      const least = this.#lastSent === undefined ? now : after(this.#lastSent, AT_ONCE_APART);
      this.#dueBy(least > now ? least : now);
    } else if (this.#waiting >= PACKETS) this.#dueBy(now);
    else if (this.#due === undefined) this.#due = after(now, ms(between(this.#random, SHORTEST, LONGEST)));
  }

  /** When an ACK must leave; undefined while nothing waits for one. */
  due(): Instant | undefined {
    return this.#due;
  }

  /** What an ACK would say now; empty when there is nothing to say. Not a copy. */
  ranges(): readonly number[] {
    return this.#ranges;
  }

  /** How long the newest packet has been held back. */
  delay(now: Instant): number {
    return this.#newestAt === undefined ? 0 : since(this.#newestAt, now);
  }

  sent(now: Instant): void {
    this.#waiting = 0;
    this.#due = undefined;
    this.#lastSent = now;
  }

  /** The other side has an ACK of ours that reached up to `largest`: nothing below need be said again (RFC 9000 section 13.2.4). */
  settle(largest: number): void {
    const ranges = this.#ranges;
    while (ranges.length > 0 && (ranges[ranges.length - 2] ?? 0) <= largest) ranges.length -= 2;
    if ((ranges.at(-1) ?? Infinity) <= largest) ranges[ranges.length - 1] = largest + 1;
  }

  #dueBy(when: Instant): void {
    if (this.#due === undefined || when < this.#due) this.#due = when;
  }

  #insert(counter: number): void {
    const ranges = this.#ranges;
    let i = 0;
    // From the newest down to the first range that does not lie wholly above the counter; nearly always the first.
    while (i < ranges.length && counter < (ranges[i + 1] ?? 0)) i += 2;
    const high = ranges[i];
    const joinsBelow = high !== undefined && counter <= high + 1;
    if (joinsBelow) ranges[i] = Math.max(high, counter);
    const joinsAbove = i > 0 && (ranges[i - 1] ?? 0) === counter + 1;
    if (joinsAbove && joinsBelow) {
      ranges[i - 1] = ranges[i + 1] ?? 0;
      ranges.splice(i, 2);
    } else if (joinsAbove) ranges[i - 1] = counter;
    else if (!joinsBelow) {
      ranges.splice(i, 0, counter, counter);
      if (ranges.length > 2 * RANGE_LIMIT) ranges.length = 2 * RANGE_LIMIT;
    }
  }
}
