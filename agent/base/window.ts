/**
 * Which of the last `size` counters were seen: the replay filter of RFC 6479, as a ring of 32-bit words.
 * Ask `fresh` before authentication, `mark` only after it.
 */
export class Window {
  readonly #words: Uint32Array;
  readonly #size: number;
  #newest = -1;

  /** `size` in counters, a multiple of 32; one word more is kept so that the whole size is always usable. */
  constructor(size: number) {
    this.#size = size;
    this.#words = new Uint32Array(size / 32 + 1);
  }

  /** The highest counter marked, or -1. */
  get newest(): number {
    return this.#newest;
  }

  fresh(counter: number): boolean {
    if (counter > this.#newest) return true;
    if (counter <= this.#newest - this.#size) return false;
    return (((this.#words[this.#slot(counter)] ?? 0) >>> (counter % 32)) & 1) === 0;
  }

  mark(counter: number): void {
    if (counter > this.#newest) this.#advance(counter);
    const slot = this.#slot(counter);
    this.#words[slot] = (this.#words[slot] ?? 0) | (1 << (counter % 32));
  }

  #slot(counter: number): number {
    return Math.floor(counter / 32) % this.#words.length;
  }

  #advance(counter: number): void {
    const from = this.#newest < 0 ? -1 : Math.floor(this.#newest / 32);
    const steps = Math.min(Math.floor(counter / 32) - from, this.#words.length);
    for (let i = 0; i < steps; i++) this.#words[(Math.floor(counter / 32) - i) % this.#words.length] = 0;
    this.#newest = counter;
  }
}
