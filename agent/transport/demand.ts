import { at, type Instant, ms, since } from '../base/time.ts';
import type { Bbr } from './bbr.ts';
import type { Effect } from './orders.ts';
import type { Outbox } from './outbox.ts';
import type { Parts } from './parts.ts';

/** A new message that has waited so long shows that the path does not keep up. */
const SLOW_AFTER = ms(250);
const SLOW_APART = ms(1000);

/** What is offered against what the path takes: whoever offers too much is told. */
export class Demand {
  readonly #outbox: Outbox;
  readonly #bbr: Bbr;
  #slowAt: Instant = at(-Infinity);
  #offered = 0;
  #since: Instant | undefined;
  /** Bytes a second. */
  #rate = 0;
  #expired = 0;

  constructor({ outbox, bbr }: Pick<Parts, 'outbox' | 'bbr'>) {
    this.#outbox = outbox;
    this.#bbr = bbr;
  }

  /** Messages so far that were too late or had no room. */
  get expired(): number {
    return this.#expired;
  }

  offered(bytes: number, now: Instant): void {
    this.#since ??= now;
    this.#offered += bytes;
    const span = since(this.#since, now);
    if (span < 1000) return;
    this.#rate = (this.#offered * 1000) / span;
    this.#offered = 0;
    this.#since = now;
  }

  /** Looks at what is left once everything that may leave has left. */
  watch(effects: Effect[], now: Instant): void {
    const expired = this.#outbox.takeExpired();
    if (expired > 0) {
      this.#expired += expired;
      effects.push({ kind: 'expired', count: expired });
    }
    if (since(this.#slowAt, now) < SLOW_APART || this.#outbox.delay(now) < SLOW_AFTER) return;
    this.#slowAt = now;
    effects.push({ kind: 'slow', rate: this.#bbr.bandwidth * 1000, wanted: this.#rate });
  }
}
