import { after, type Instant, seconds } from '../base/time.ts';

/**
 * What was under way when an epoch began, and what a new child is sent of the one before, has come by then: blocks are given
 * up four seconds after they were sent.
 */
const LATE = seconds(6);
/** Senders remembered: a household has a dozen in a channel. */
const SENDERS_MOST = 64;

/** Who brought the present epoch: one that goes back behind it knows better, and plays old blocks. */
export class Rollback {
  readonly #since = new Map<number, Instant>();

  /** The sender brought something signed of the present epoch. */
  current(from: number, now: Instant): void {
    if (this.#since.has(from)) return;
    if (this.#since.size >= SENDERS_MOST) this.#since.clear();
    this.#since.set(from, now);
  }

  /** The sender brought a manifest of an older one: whether that is its own doing. */
  isFault(from: number, now: Instant): boolean {
    const since = this.#since.get(from);
    return since !== undefined && after(since, LATE) <= now;
  }

  /** A higher epoch begins. */
  begin(): void {
    this.#since.clear();
  }
}
