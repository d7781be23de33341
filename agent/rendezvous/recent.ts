const REMEMBERED = 64;

/** The last few numbers seen: recognises what comes twice. */
export class Recent {
  readonly #seen = new Set<number>();

  has(number: number): boolean {
    return this.#seen.has(number);
  }

  /** Remembers it; false when it was seen before. */
  isNew(number: number): boolean {
    if (this.#seen.has(number)) return false;
    this.#seen.add(number);
    if (this.#seen.size > REMEMBERED) forgetOldest(this.#seen);
    return true;
  }
}

function forgetOldest<K>(collection: { keys(): IterableIterator<K>; delete(key: K): boolean }): void {
  const oldest = collection.keys().next();
  if (oldest.done !== true) collection.delete(oldest.value);
}
