/**
 * What is to happen, earliest first; equal instants in the order they were asked for.
 * That second rule is what makes a run repeatable.
 */
export class Heap<Item> {
  readonly #when: number[] = [];
  readonly #order: number[] = [];
  readonly #items: Item[] = [];
  #asked = 0;

  get size(): number {
    return this.#items.length;
  }

  /** The instant of the next item, or undefined when nothing is to happen. */
  next(): number | undefined {
    return this.#when[0];
  }

  /** The item that `next` is about. */
  peek(): Item | undefined {
    return this.#items[0];
  }

  push(when: number, item: Item): void {
    const order = this.#asked++;
    let hole = this.#items.length;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if ((this.#when[parent] ?? 0) <= when) break;
      this.#copy(parent, hole);
      hole = parent;
    }
    this.#set(hole, when, order, item);
  }

  pop(): Item | undefined {
    const first = this.#items[0];
    const when = this.#when.pop();
    const order = this.#order.pop();
    const item = this.#items.pop();
    if (this.#items.length > 0 && when !== undefined && order !== undefined && item !== undefined) {
      this.#sink(when, order, item);
    }
    return first;
  }

  #sink(when: number, order: number, item: Item): void {
    const size = this.#items.length;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(child + 1, child)) child++;
      const at = this.#when[child] ?? 0;
      if (at > when || (at === when && (this.#order[child] ?? 0) > order)) break;
      this.#copy(child, hole);
      hole = child;
    }
    this.#set(hole, when, order, item);
  }

  #before(a: number, b: number): boolean {
    const difference = (this.#when[a] ?? 0) - (this.#when[b] ?? 0);
    return difference < 0 || (difference === 0 && (this.#order[a] ?? 0) < (this.#order[b] ?? 0));
  }

  #copy(from: number, to: number): void {
    this.#set(to, this.#when[from] ?? 0, this.#order[from] ?? 0, this.#items[from] as Item);
  }

  #set(index: number, when: number, order: number, item: Item): void {
    this.#when[index] = when;
    this.#order[index] = order;
    this.#items[index] = item;
  }
}
