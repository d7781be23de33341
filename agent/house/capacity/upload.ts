import { after, at, type Instant, type Millis, minutes, ms, seconds, since } from '../../base/time.ts';

/** What is remembered of the line out over a restart: bytes per millisecond. */
export interface UploadKnown {
  /** It carried so much; perhaps it carries more. */
  readonly carried: number;
  /** It was full at so much. */
  readonly full: number | undefined;
}

/** A line that was full is believed to be as it was for so long, twice as long each time it is full again. */
const BELIEVED = seconds(30);
const BELIEVED_MOST: Millis = minutes(10);
/** Then it is believed to carry an eighth more every so often: what took the rest of it may be gone. */
const RISES_EVERY = seconds(10);
const RISES_BY = 1 / 8;
/** A cable that was out for a second let nothing through: an eighth of nothing would stay nothing. */
const RISES_FROM = 1 / 4;
/** Nobody hears of a line being full again sooner: who was told to go needs a moment to go. */
const SETTLES = seconds(3);
/** What it carried once fades by half in a day: lines are changed, and neighbours share them. */
const FADES = 0.5 ** (1 / 86_400_000);

/**
 * What the line out of the house carries, as far as it has shown it; in bytes per millisecond, others' traffic included.
 * Evidence only: what went through it is the least it can do, and what went through while it was full is the most.
 */
export class Upload {
  #declared: number | undefined;
  #carried = 0;
  #carriedAt: Instant | undefined;
  #full: { rate: number; risesAt: Instant } | undefined;
  #deafUntil: Instant | undefined;
  #patience = BELIEVED;
  /** It was full last then. */
  #metAt: Instant | undefined;

  /** The owner, or the provider, says what it is. */
  declare(rate: number | undefined): void {
    this.#declared = rate;
  }

  recall({ carried, full }: UploadKnown, now: Instant): void {
    [this.#carried, this.#carriedAt] = [carried, now];
    if (full !== undefined) this.#full = { rate: full, risesAt: after(now, BELIEVED) };
  }

  /** So much is known to go through; undefined while nothing says where it ends. */
  get most(): number | undefined {
    if (this.#full === undefined) return this.#declared;
    return Math.min(this.#full.rate, this.#declared ?? Infinity);
  }

  /** So much has gone through. */
  get least(): number {
    return this.#carried;
  }

  get known(): UploadKnown {
    return { carried: this.#carried, full: this.#full?.rate };
  }

  /** So much went through it. */
  carried(rate: number, now: Instant): void {
    if (this.#carriedAt !== undefined) this.#carried *= FADES ** since(this.#carriedAt, now);
    this.#carriedAt = now;
    this.#carried = Math.max(this.#carried, rate);
    if (this.#full !== undefined) this.#full.rate = Math.max(this.#full.rate, rate);
  }

  /** Nothing waits in it, or something does: a line that was full is believed to carry more only after a calm time. */
  watch(isCalm: boolean, now: Instant): void {
    const full = this.#full;
    if (full === undefined) return;
    if (!isCalm) full.risesAt = at(Math.max(full.risesAt, after(now, RISES_EVERY)));
    const whole = this.#declared ?? this.#carried;
    while (full.risesAt <= now) {
      full.rate += RISES_BY * Math.max(full.rate, RISES_FROM * whole);
      full.risesAt = after(full.risesAt, RISES_EVERY);
    }
    if (full.rate >= whole * (1 + RISES_BY)) this.#full = undefined;
  }

  /** It was full, and let so much through. True when that is news. */
  full(rate: number, now: Instant): boolean {
    if (this.#deafUntil !== undefined && this.#deafUntil > now) return false;
    this.#deafUntil = after(now, SETTLES);
    const isAgain = this.#metAt !== undefined && since(this.#metAt, now) < BELIEVED_MOST;
    this.#patience = isAgain ? ms(Math.min(BELIEVED_MOST, 2 * this.#patience)) : BELIEVED;
    this.#metAt = now;
    this.#full = { rate: Math.min(rate, this.#full?.rate ?? Infinity), risesAt: after(now, this.#patience) };
    // What it did before it did with less around it, or for a moment only.
    this.#carried = Math.min(this.#carried, Math.max(rate, this.#carried * (1 - RISES_BY)));
    return true;
  }
}
