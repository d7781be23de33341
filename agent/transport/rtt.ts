import { type Millis, ms } from '../base/time.ts';

/** Before anything is measured: RFC 9002 says 333; punched paths have just answered, and a live stream cannot wait a second. */
const FIRST: Millis = ms(200);
/** RFC 9002 section 6.1.2: timers below this would only measure the timers. */
const GRANULARITY = 1;

/** Round-trip time after RFC 9002 section 5. */
export class Rtt {
  #smoothed: number;
  #variation: number;
  #latest: number;
  #least = Infinity;
  #measured = false;

  constructor(first: Millis = FIRST) {
    this.#smoothed = first;
    this.#variation = first / 2;
    this.#latest = first;
  }

  get smoothed(): Millis {
    return ms(this.#smoothed);
  }

  get latest(): Millis {
    return ms(this.#latest);
  }

  /** One packet's way there and back; `delay` is what the other side says it held the ACK back, `patience` the most it may. */
  sample(latest: Millis, delay: number, patience: Millis): void {
    this.#latest = latest;
    this.#least = Math.min(this.#least, latest);
    const held = Math.min(delay, patience);
    const path = latest - held >= this.#least ? latest - held : latest;
    if (!this.#measured) {
      this.#measured = true;
      this.#smoothed = path;
      this.#variation = path / 2;
      return;
    }
    this.#variation += (Math.abs(this.#smoothed - path) - this.#variation) / 4;
    this.#smoothed += (path - this.#smoothed) / 8;
  }

  /** The path is another one: the old figures only bound what to expect until it is measured. */
  reset(): void {
    this.#variation = Math.max(this.#variation, this.#smoothed / 2);
    this.#least = Infinity;
    this.#measured = false;
  }

  /** How long a packet may lag behind a later one that was acknowledged; `factor` is 9/8 (RFC 9002 section 6.1.2) or more. */
  lossDelay(factor: number): Millis {
    return ms(Math.max(factor * Math.max(this.#smoothed, this.#latest), GRANULARITY));
  }

  /** Probe timeout before back-off (RFC 9002 section 6.2.1). */
  probeTimeout(patience: Millis): Millis {
    return ms(this.#smoothed + Math.max(4 * this.#variation, GRANULARITY) + patience);
  }
}
