import { between, type Random } from '../base/random.ts';
import { after, at, type Instant, ms, since } from '../base/time.ts';

/** Silence is looked into between these bounds: the sender hums in the holes of its stream, and 100 ms is what a viewer may lose. */
const SHORTEST = ms(30);
const LONGEST = ms(80);
/** How much longer than the longest pause lately is silence. */
const MARGIN = 1.2;
/** So many packets within a second make a stream. */
const STREAM = 16;
const PINGS = 4;

/**
 * Notices that a steady stream has fallen silent. Our own NAT may have given us another port: nobody can reach us
 * then until we send something, and a mere receiver would have nothing to say.
 */
export class Quiet {
  #last: Instant = at(-Infinity);
  #count = 0;
  #counted: Instant = at(-Infinity);
  #steady = false;
  /** The longest pause between two packets lately; fades. */
  #pause = 0;
  #pings = 0;
  #due: Instant | undefined;

  /** Something that asks for an ACK arrived. */
  heard(now: Instant): void {
    const pause = Math.min(since(this.#last, now), LONGEST);
    if (this.#pings === 0) this.#pause = Math.max(this.#pause * 0.995, pause);
    this.#last = now;
    this.#count++;
    if (since(this.#counted, now) > 1000) {
      this.#steady = this.#count > STREAM && since(this.#counted, now) < 2000;
      this.#count = 0;
      this.#counted = now;
    }
    this.#pings = 0;
    this.#due = this.#steady ? after(now, this.#patience()) : undefined;
  }

  wake(): Instant | undefined {
    return this.#due;
  }

  /** True when a ping should go out to be seen. */
  tick(now: Instant): boolean {
    if (this.#due === undefined || this.#due > now) return false;
    this.#pings++;
    if (this.#pings === PINGS) this.#steady = false;
    this.#due = this.#pings < PINGS ? after(now, ms(this.#patience() * 2 ** this.#pings)) : undefined;
    return true;
  }

  #patience() {
    return ms(Math.max(SHORTEST, Math.min(LONGEST, MARGIN * this.#pause)));
  }
}

/** A hole in a stream gets a hum so often: what the receiver allows a pause is half as much again, and grows when one is lost. */
const HUM_EVERY = ms(20);
/** No period shows. */
const HUM_SPREAD = 0.2;
/** A stream that makes longer holes than this is over. */
const HUMS = 20;

/**
 * The sender's part: in the holes between pictures a steady stream hums, so that the other side can tell a hole from a
 * path that has gone within a few of them. A smooth stream has no holes and never hums.
 */
export class Hum {
  #count = 0;
  #counted: Instant = at(-Infinity);
  #steady = false;
  #hums = 0;
  #due: Instant | undefined;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A message went out. */
  sent(now: Instant): void {
    this.#count++;
    if (since(this.#counted, now) > 1000) {
      this.#steady = this.#count > STREAM && since(this.#counted, now) < 2000;
      this.#count = 0;
      this.#counted = now;
    }
    this.#hums = 0;
    this.#due = this.#steady ? this.#next(now) : undefined;
  }

  wake(): Instant | undefined {
    return this.#due;
  }

  /** True when it is time for a word that means nothing. */
  tick(now: Instant): boolean {
    if (this.#due === undefined || this.#due > now) return false;
    this.#due = ++this.#hums < HUMS ? this.#next(now) : undefined;
    return true;
  }

  #next(now: Instant): Instant {
    return after(now, ms(HUM_EVERY * between(this.#random, 1 - HUM_SPREAD, 1 + HUM_SPREAD)));
  }
}
