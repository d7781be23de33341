import { after, type Instant, type Millis } from '../base/time.ts';
import type { Block } from './block.ts';
import { FLAG } from './format.ts';

/** A block in its turn. `gap`: it does not follow the one before. */
export interface InOrder {
  readonly block: Block;
  readonly gap: boolean;
}

/** Blocks kept back at most, about 10 s: after that the oldest go out whatever is missing. */
const BACK_MOST = 512;

/**
 * Puts blocks in the order of their numbers. A missing one holds the others up for `hold` at most. The beginning waits
 * the same way for a block that a viewer can start with, because the first to be whole need not be the first sent.
 */
export class Order {
  readonly #hold: Millis;
  /** In the order they came, so the first one has waited longest. */
  readonly #back = new Map<number, { readonly block: Block; readonly at: Instant }>();
  #epoch = -1;
  /** The number whose turn it is; undefined before the first block of an epoch has gone out. */
  #next: number | undefined;
  #late = 0;
  #skipped = 0;
  #anything = false;

  constructor(hold: Millis) {
    this.#hold = hold;
  }

  /** Blocks that came after their turn had passed. */
  get late(): number {
    return this.#late;
  }

  /** Numbers that were not waited for any longer. */
  get skipped(): number {
    return this.#skipped;
  }

  /** A block that is here but not yet in its turn. */
  kept(number: number): Block | undefined {
    return this.#back.get(number)?.block;
  }

  /** Takes a block in any order; answers with those whose turn has come. */
  push(block: Block, now: Instant): readonly InOrder[] {
    const out: InOrder[] = [];
    if (block.epoch < this.#epoch) {
      this.#late++;
      return out;
    }
    if (block.epoch > this.#epoch) {
      while (this.#back.size > 0) this.#skip(out);
      this.#epoch = block.epoch;
      this.#next = undefined;
    }
    if (this.#next !== undefined && block.number < this.#next) {
      this.#late++;
      return out;
    }
    if (!this.#back.has(block.number)) this.#back.set(block.number, { block, at: now });
    if (this.#next === undefined && (block.number === 0 || this.#startsAt(block))) this.#skip(out);
    this.#release(out);
    return out;
  }

  tick(now: Instant): readonly InOrder[] {
    const out: InOrder[] = [];
    for (let wake = this.wake(); wake !== undefined && wake <= now; wake = this.wake()) {
      this.#skip(out);
      this.#release(out);
    }
    return out;
  }

  /** All that is kept back lies behind what is missing, so the first that came tells since when it is missing. */
  wake(): Instant | undefined {
    const oldest = this.#back.values().next().value;
    return oldest === undefined ? undefined : after(oldest.at, this.#hold);
  }

  /** A key block with nothing before it here. */
  #startsAt(block: Block): boolean {
    return (block.flags & FLAG.key) !== 0 && this.#lowest() === block.number;
  }

  #release(out: InOrder[]): void {
    for (;;) {
      const kept = this.#next === undefined ? undefined : this.#back.get(this.#next);
      if (kept !== undefined) this.#give(kept.block, out);
      else if (this.#back.size > BACK_MOST) this.#skip(out);
      else return;
    }
  }

  /** The lowest kept back goes out, missing or not what was before it. */
  #skip(out: InOrder[]): void {
    const block = this.#back.get(this.#lowest())?.block;
    if (block === undefined) return;
    if (this.#next !== undefined) this.#skipped += block.number - this.#next;
    this.#give(block, out);
  }

  #lowest(): number {
    let lowest = Infinity;
    for (const number of this.#back.keys()) if (number < lowest) lowest = number;
    return lowest;
  }

  #give(block: Block, out: InOrder[]): void {
    const gap = this.#anything && block.number !== this.#next;
    this.#anything = true;
    this.#back.delete(block.number);
    this.#next = block.number + 1;
    out.push({ block, gap });
  }
}
