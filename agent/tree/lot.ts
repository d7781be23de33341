import type { Random } from '../base/random.ts';

/** Things of which one is drawn by lot: entering, leaving and drawing cost the same for ten and for a million. */
export class Lot<Item> {
  readonly #items: Item[] = [];
  readonly #at = new Map<Item, number>();

  get size(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    if (this.#at.has(item)) return;
    this.#at.set(item, this.#items.length);
    this.#items.push(item);
  }

  delete(item: Item): void {
    const index = this.#at.get(item);
    if (index === undefined) return;
    this.#at.delete(item);
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[index] = last;
    this.#at.set(last, index);
  }

  draw(random: Random): Item | undefined {
    return this.#items.length === 0 ? undefined : this.#items[random(this.#items.length)];
  }
}
