/** 27 full datagrams. */
const DATAGRAMS = 32 * 1024;

/**
 * Cuts small arrays out of large ones: memory of its own for each datagram, and its end, cost more than half the
 * sealing. A page lives as long as anything cut from it is held, so this is for what is soon forgotten, or forgotten in
 * the order in which it was taken.
 */
export class Slab {
  readonly #size: number;
  #page = new Uint8Array(0);
  #used = 0;

  /** `size`: bytes of a page. */
  constructor(size = DATAGRAMS) {
    this.#size = size;
  }

  /** `length` zero bytes that nobody else has. */
  take(length: number): Uint8Array {
    if (this.#used + length > this.#page.length) {
      this.#page = new Uint8Array(Math.max(this.#size, length));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return this.#page.subarray(start, this.#used);
  }
}
