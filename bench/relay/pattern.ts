/**
 * What every transport carries: the messages of a hearth stream. A block is 112 packets of 188 bytes and leaves at once,
 * as a signed manifest of 450 bytes and 19 chunks; at 20 Mbit/s that is every 8.4 ms.
 */
export const BLOCK_BYTES = 112 * 188;
export const SIZES = [450, ...Array.from({ length: 18 }, () => 1140), 764] as const;

/** All processes of a bench share this clock, in ms. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Calls `due` at the pace of the stream, `each` bytes of it at a time, as near to the moment as timers come. */
export function pace(mbit: number, each: number, due: () => void): void {
  const gap = (each * 8) / (mbit * 1000);
  const start = clock();
  let count = 0;
  setInterval(() => {
    for (; start + count * gap <= clock(); count++) due();
  }, 1);
}

/** A growing list of pairs, cheap to add to. */
export class Pairs {
  #values = new Float64Array(1 << 14);
  #length = 0;

  add(number: number, at: number): void {
    if (this.#length + 2 > this.#values.length) {
      const grown = new Float64Array(2 * this.#values.length);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#length++] = number;
    this.#values[this.#length++] = at;
  }

  clear(): void {
    this.#length = 0;
  }

  take(): Float64Array {
    return this.#values.slice(0, this.#length);
  }
}
