/** Memory for the bodies of one step, used again by the next. */
export class Scratch {
  #bytes: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** `room`: bytes; it grows when a step takes more. */
  constructor(room: number) {
    this.#bytes = new Uint8Array(room);
  }

  /** Whatever was taken is over. */
  clear(): void {
    this.#used = 0;
  }

  /** Room for a body, wiped by nobody: whoever takes it fills it. */
  take(length: number): Uint8Array {
    if (this.#used + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 * this.#bytes.length);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return this.#bytes.subarray(start, start + length);
  }
}
