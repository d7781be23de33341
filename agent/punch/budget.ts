import type { Instant } from '../base/time.ts';
import { MOST_DATAGRAMS, MOST_PER_SECOND } from './limits.ts';

/** Counts what one introduction sends; says no before a limit is passed, whichever second one looks at. */
export class Budget {
  #sent = 0;
  /** When the datagrams of the last second went, oldest first. */
  #recent: Instant[] = [];

  get sent(): number {
    return this.#sent;
  }

  /** Takes one datagram out of the budget; false when there is none left. */
  take(now: Instant): boolean {
    this.#recent = this.#recent.filter((when) => now - when < 1000);
    if (this.#sent >= MOST_DATAGRAMS || this.#recent.length >= MOST_PER_SECOND) return false;
    this.#sent++;
    this.#recent.push(now);
    return true;
  }
}
