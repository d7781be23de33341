import { at, ms } from '../base/time.ts';
import type { Block } from '../blocks/block.ts';
import type { Feed } from '../blocks/feed.ts';
import type { Lock } from '../blocks/lock.ts';
import type { Ring } from '../blocks/ring.ts';
import type { Standing } from './children.ts';
import type { Larder } from './kinship.ts';

export interface StoresOptions {
  readonly ring: Ring;
  readonly lock: Lock;
  /** Where the stream comes from others: what is here of blocks that are not whole. */
  readonly feed?: Feed;
  readonly standing: () => Standing | undefined;
}

/**
 * What other households are given of the stream: the blocks of the ring as they travel. What has come into the clear here is
 * sealed again for those few that ask late, so that nothing is kept twice; the same bytes come out.
 */
export class Stores implements Larder {
  readonly #options: StoresOptions;

  constructor(options: StoresOptions) {
    this.#options = options;
  }

  standing(): Standing | undefined {
    return this.#options.standing();
  }

  get(number: number): Block | undefined {
    const block = this.#options.ring.get(number);
    return block !== undefined && this.#isOfNow(block) ? this.#options.lock.close(block) : undefined;
  }

  from(number: number | 'newest-key'): readonly Block[] {
    const blocks = this.#options.ring.from(number).filter((block) => this.#isOfNow(block));
    return blocks.map((block) => this.#options.lock.close(block));
  }

  partial(number: number, wanted: number): readonly Uint8Array[] {
    return this.#options.feed?.answer(number, wanted) ?? [];
  }

  wanted(number: number): number {
    const missing = this.#options.feed?.missing(at(Infinity), ms(0)) ?? [];
    return missing.find((one) => one.number === number)?.wanted ?? 0;
  }

  /** Until the first block of a new epoch is whole, the ring ends with the old one: nobody gets that any more. */
  #isOfNow({ epoch }: Block): boolean {
    return epoch === this.standing()?.epoch;
  }
}
