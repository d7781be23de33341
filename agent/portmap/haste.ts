import { between, type Random } from '../base/random.ts';
import { after, type Instant, ms, seconds } from '../base/time.ts';

/** After a word from the gateway everybody in the house asks at once; so not quite at once. */
const SOON = ms(500);
/** Announcements are repeated ten times, and anybody on the LAN can forge one. */
const BETWEEN = seconds(10);

/** When to ask again out of turn, because something happened to the gateway: soon, and not too often. */
export class Haste {
  readonly #random: Random;
  #last: Instant | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  next(now: Instant): Instant {
    const soon = after(now, ms(between(this.#random, 0, SOON)));
    const allowed = this.#last === undefined ? soon : after(this.#last, BETWEEN);
    return soon > allowed ? soon : allowed;
  }

  /** It was asked out of turn now. */
  made(now: Instant): void {
    this.#last = now;
  }
}
