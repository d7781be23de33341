import { type Address, sameAddress } from '../base/address.ts';
import { after, earliest, type Instant, isDue, ms } from '../base/time.ts';

/** To be asked of the rendezvous: have that observer knock there. */
export interface TryOrder {
  readonly kind: 'try-door';
  readonly observer: number;
  readonly index: number;
  readonly at: Address;
}

/** Somebody came in at this address, and brought the proof that it is ours. */
export interface Entered {
  readonly at: Address;
  readonly token: Uint8Array;
}

interface Trial {
  readonly at: Address;
  readonly begun: Instant;
  /** Of the knocks asked for so far. */
  readonly indices: number[];
  due: Instant;
}

/** A knock is three datagrams long: one to the rendezvous, one to us, and both may be lost. */
const TRIES = 3;
const PACE = ms(100);
/** After the last question: longer than any round trip that is worth having. */
const PATIENCE = ms(700);

/** How trials came to their end without a knock. */
export interface Waited {
  /** To be asked once more. */
  readonly orders: readonly TryOrder[];
  /** The rendezvous was asked, and nobody came in. */
  readonly silent: readonly Address[];
  /** Something was tried in vain, for the rendezvous is away. */
  readonly isUnheard: boolean;
}

/**
 * Has strangers knock at addresses of ours: observers that the socket behind never wrote to. Silence is a finding, too, where the
 * rendezvous has heard the question.
 */
export class Knocking {
  #strangers: readonly number[] = [];
  #trials: Trial[] = [];
  #answeredAt: Instant | undefined;
  #lastIndex = 0;
  #turn = 0;

  /** Places of observers that would be strangers to our socket; without any, nothing can be tried. */
  set strangers(places: readonly number[]) {
    this.#strangers = places;
  }

  get isPossible(): boolean {
    return this.#strangers.length > 0;
  }

  /** Has somebody knock there; nothing new begins while it is being tried. */
  try(at: Address, now: Instant): readonly TryOrder[] {
    if (!this.isPossible || this.#trials.some((trial) => sameAddress(trial.at, at))) return [];
    const trial: Trial = { at, begun: now, indices: [], due: now };
    this.#trials.push(trial);
    return this.#ask(trial, now);
  }

  /** The rendezvous has heard what was asked last. */
  answered(now: Instant): void {
    this.#answeredAt = now;
  }

  /** A knock came in; undefined where it answers nothing that is being tried. */
  knocked(index: number, token: Uint8Array): Entered | undefined {
    const trial = this.#trials.find(({ indices }) => indices.includes(index));
    if (trial === undefined) return undefined;
    this.#trials = this.#trials.filter((one) => one !== trial);
    return { at: trial.at, token };
  }

  /** What is to be asked again, and where nobody came in. */
  tick(now: Instant): Waited {
    const due = this.#trials.filter((trial) => isDue(trial.due, now));
    const over = due.filter(({ indices }) => indices.length >= TRIES);
    this.#trials = this.#trials.filter((trial) => !over.includes(trial));
    const orders = due.filter((trial) => !over.includes(trial)).flatMap((trial) => this.#ask(trial, now));
    const silent = over.filter(({ begun }) => this.#answeredAt !== undefined && this.#answeredAt >= begun);
    return { orders, silent: silent.map(({ at }) => at), isUnheard: silent.length < over.length };
  }

  wake(): Instant | undefined {
    return this.#trials.reduce<Instant | undefined>((wake, { due }) => earliest(wake, due), undefined);
  }

  #ask(trial: Trial, now: Instant): readonly TryOrder[] {
    const observer = this.#strangers[this.#turn++ % this.#strangers.length];
    if (observer === undefined) return [];
    this.#lastIndex = (this.#lastIndex + 1) & 0xff;
    trial.indices.push(this.#lastIndex);
    trial.due = after(now, trial.indices.length < TRIES ? PACE : PATIENCE);
    return [{ kind: 'try-door', observer, index: this.#lastIndex, at: trial.at }];
  }
}
