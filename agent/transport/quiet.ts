import { after, at, type Instant, ms, since } from '../base/time.ts';

/** Silence is looked into between these bounds: blocks of 40 ms leave such holes themselves, and 100 ms is what a viewer may lose. */
const SHORTEST = ms(45);
const LONGEST = ms(80);
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
    return ms(Math.max(SHORTEST, Math.min(LONGEST, 1.5 * this.#pause)));
  }
}
