import type { NatProfile } from '../../base/nat-profile.ts';
import { type Instant, type Millis, ms, since } from '../../base/time.ts';
import { countingOf, type Counting, stepsBetween } from '../../punch/brackets.ts';
import { type Pace, type Reach, strangers } from '../../punch/walk.ts';

/** Strangers' mappings between two readings; more is another block of ports, and no drift. */
const FARTHEST = 512;
/** What its household has said of the drift counts as much as having watched it for so long. */
const BELIEVED = 300;
/** Intervals whose variance is believed to have been seen before. */
const INTERVALS = 2;
/** How exactly two datagrams come at the same time. */
const SLACK = 20;

/** Where a household's counter stands, as far as observers have seen it, and how fast strangers move it. */
export class Counter {
  /** The port it gave when it was read first. */
  readonly origin: number;
  readonly counting: Counting;
  #burstiness: number;
  #strangers: number;
  #watched = BELIEVED;
  #steps = 0;
  /** Mappings of the household itself since the last reading. */
  #own = 0;
  #seenAt: Instant;

  constructor(profile: NatProfile, origin: number, seenAt: Instant) {
    this.origin = origin;
    this.counting = countingOf(profile);
    this.#burstiness = profile.burstiness;
    this.#strangers = (profile.drift * BELIEVED) / 1000;
    this.#seenAt = seenAt;
  }

  /** The household is told to make so many mappings. */
  take(mappings: number): void {
    this.#own += mappings;
  }

  /** The last of them got this port: steps since the origin, undefined when that cannot be. */
  read(port: number, at: Instant): number | undefined {
    const steps = stepsBetween(this.origin, port, this.counting);
    if (steps === undefined || steps < this.#steps || steps > this.#steps + this.#own + FARTHEST) return undefined;
    const others = Math.max(0, steps - this.#steps - this.#own);
    this.#strangers += others;
    this.#watched += since(this.#seenAt, at);
    const expected = (this.#strangers / this.#watched) * since(this.#seenAt, at);
    const surprise = (others - expected) ** 2 / Math.max(expected, 1);
    this.#burstiness = Math.max(this.#burstiness, (INTERVALS * this.#burstiness + surprise) / (INTERVALS + 1));
    this.#steps = steps;
    this.#own = 0;
    this.#seenAt = at;
    return steps;
  }

  /** Steps it will have taken when something is done that begins with an order now and takes so long until it is carried out. */
  reach(now: Instant, span: Millis): Reach {
    const { least, most } = strangers(this.pace, ms(since(this.#seenAt, now) + span + SLACK));
    const own = this.#steps + this.#own;
    return { least: own + least, most: own + most };
  }

  /** How many it may then be, of those that are possible so long after it was seen. */
  steps(span: Millis): number {
    const { least, most } = strangers(this.pace, ms(span + SLACK));
    return most - least + 1;
  }

  /** How busy the strangers are. */
  get pace(): Pace {
    return { drift: (1000 * this.#strangers) / this.#watched, burstiness: this.#burstiness };
  }
}
