import { type Instant, type Millis, ms, since } from '../base/time.ts';

/** Shorter than this is a pause between two pictures, or a lost datagram that the transport sends again. */
const WORTH_TELLING = ms(100);

/** A block is at most 40 ms of stream (docs/wire.md). */
const TWO_BLOCKS = ms(80);

export interface Ended {
  /** From the last block to the next. */
  readonly dry: Millis;
  /** From the last block until others were asked. */
  readonly asked: Millis;
}

/** Times in which no block came and others than the parent were asked: how long this household takes to help itself. */
export class Drought {
  #last: Instant | undefined;
  #asked: Instant | undefined;
  #count = 0;
  #longest: Millis = ms(0);

  /** How many there were, and the longest of them. */
  get tally(): { readonly count: number; readonly longest: Millis } {
    return { count: this.#count, longest: this.#longest };
  }

  /** No block has become whole for so long, or for as long as two take: pieces that come all the same are old ones, or too few. */
  isDry(now: Instant, span: Millis = TWO_BLOCKS): boolean {
    return this.#last !== undefined && since(this.#last, now) >= span;
  }

  /** Others are asked for what is missing. */
  asked(now: Instant): void {
    this.#asked ??= now;
  }

  /** A block that nobody had brought yet. Answers with the drought that it ends. */
  block(now: Instant): Ended | undefined {
    const [last, asked] = [this.#last, this.#asked];
    [this.#last, this.#asked] = [now, undefined];
    if (last === undefined || asked === undefined || since(last, now) < WORTH_TELLING) return undefined;
    const dry = since(last, now);
    this.#count++;
    if (dry > this.#longest) this.#longest = dry;
    return { dry, asked: since(last, asked) };
  }
}
