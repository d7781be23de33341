import { type Instant, type Millis, ms, seconds, since, at } from '../../base/time.ts';
import type { Claim } from './orders.ts';
import type { Share } from './sharing.ts';

/** What one channel was promised: whole streams, and whole ones while others have nobody. */
export interface Promised {
  readonly slots: number;
  readonly most: number;
}

/** Other devices' traffic comes and goes; what stays so long is theirs. */
const STAYS = seconds(3);
/** More is promised only when it has been there for so long. */
const GROWS_AFTER = seconds(5);
/** What is told to the rendezvous, unless whole streams come or go. */
const TELL_EVERY = seconds(60);
const TELL_STEP = 0.25;
const MOST = 8;

/** What a household has promised: it gives way at once where it must, takes back slowly, and says so seldom. */
export class Promises {
  #promised: readonly Promised[];
  #streams: readonly number[];
  #told: { readonly streams: readonly number[]; readonly at: Instant };
  /** Since when the line would carry more, or less, than is promised. */
  #differs: { readonly way: 'more' | 'less'; readonly since: Instant } | undefined;

  constructor(channels: number, slots: number) {
    this.#promised = Array.from({ length: channels }, () => ({ slots, most: slots }));
    this.#streams = this.#promised.map((one) => one.slots);
    this.#told = { streams: this.#streams, at: at(-Infinity) };
  }

  /** Of each channel, fractions included. */
  get streams(): readonly number[] {
    return this.#streams;
  }

  /** Whole streams in all. */
  get slots(): number {
    return this.#promised.reduce((sum, { slots }) => sum + slots, 0);
  }

  /**
   * Takes what the line carries now; answers with what each channel is promised, where that has changed. `children`: the owner's number.
   * Less counts at once where it is urgent, and after a moment otherwise; more only when that has lasted.
   */
  settle(
    shares: readonly Share[],
    children: number,
    isUrgent: boolean,
    now: Instant,
  ): { readonly way: 'more' | 'less'; readonly promised: readonly Promised[] } | undefined {
    const wanted = shares.map((share) => promiseOf(share, shares.length, children));
    const isSame = wanted.every(({ slots, most }, i) => {
      const before = this.#promised[i];
      return slots === before?.slots && most === before.most;
    });
    const way = total(wanted) < total(this.#promised) ? 'less' : 'more';
    if (isSame) this.#differs = undefined;
    else if (this.#differs?.way !== way) this.#differs = { way, since: now };
    const patience: Millis = isUrgent ? ms(0) : way === 'less' ? STAYS : GROWS_AFTER;
    if (this.#differs !== undefined && since(this.#differs.since, now) < patience) return undefined;
    this.#streams = shares.map(({ streams }) => Math.min(MOST, children, streams));
    if (isSame) return undefined;
    [this.#promised, this.#differs] = [wanted, undefined];
    return { way, promised: wanted };
  }

  /** What the rendezvous is to be told, if it is time for that. */
  news(isChanged: boolean, now: Instant): readonly Claim[] | undefined {
    const { streams, at: then } = this.#told;
    const step = Math.max(0, ...this.#streams.map((many, i) => Math.abs(many - (streams[i] ?? 0))));
    if (!isChanged && (step < TELL_STEP || since(then, now) < TELL_EVERY)) return undefined;
    this.#told = { streams: this.#streams, at: now };
    return this.#streams.map((many, i) => ({ streams: many, most: this.#promised[i]?.most ?? 0 }));
  }
}

/** In need more than the owner's number: whoever feeds at all helps as far as the line goes, as the others would help him. */
function promiseOf({ slots, spare }: Share, channels: number, children: number): Promised {
  const helps = children === 0 ? 0 : Math.floor(spare / channels);
  return { slots, most: Math.min(MOST, slots + helps) };
}

function total(promises: readonly Promised[]): number {
  return promises.reduce((sum, { slots, most }) => sum + slots + most, 0);
}
