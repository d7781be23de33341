import { at, type Instant, type Millis } from '../base/time.ts';

/**
 * Expiry of very many things without a timer for each: a ring of slots, one per `grain` of time.
 *
 * Lazy: an item that was kept alive meanwhile comes up all the same, and its owner puts it back. So being heard
 * costs nothing here, and each item is touched once per life time.
 */
export class Wheel<Item> {
  readonly #slots: Item[][];
  readonly #grain: Millis;
  #turned: number | undefined;
  #size = 0;

  /** Remembers up to slots × grain ahead; what is due later comes up at the end of that and is put back. */
  constructor(grain: Millis, slots: number) {
    this.#grain = grain;
    this.#slots = Array.from({ length: slots }, () => []);
  }

  get size(): number {
    return this.#size;
  }

  add(item: Item, due: Instant, now: Instant): void {
    const present = this.#turned ?? this.#number(now);
    this.#turned = present;
    const wanted = Math.max(present + 1, Math.ceil(due / this.#grain));
    const slot = Math.min(wanted, present + this.#slots.length - 1);
    this.#slots[slot % this.#slots.length]?.push(item);
    this.#size++;
  }

  /** What came up since the last call; each item is out of the wheel unless its owner puts it back. */
  due(now: Instant): Item[] {
    const due: Item[] = [];
    const until = this.#number(now);
    let slot = this.#turned ?? until;
    if (until - slot > this.#slots.length) slot = until - this.#slots.length;
    while (slot < until) {
      slot++;
      const items = this.#slots[slot % this.#slots.length];
      if (items !== undefined && items.length > 0) due.push(...items.splice(0));
    }
    this.#turned = Math.max(until, this.#turned ?? until);
    this.#size -= due.length;
    if (this.#size === 0) this.#turned = undefined;
    return due;
  }

  /** The next turn of the ring, while there is anything in it. */
  wake(): Instant | undefined {
    return this.#size === 0 || this.#turned === undefined ? undefined : at((this.#turned + 1) * this.#grain);
  }

  #number(now: Instant): number {
    return Math.floor(now / this.#grain);
  }
}
