/**
 * What every transport carries: the messages of a hearth stream, a signed manifest of 450 bytes and 19 chunks for each
 * block of 112 packets of 188 bytes. A block is cut at once, but a household's line hands its messages over one after
 * the other, so they are spread evenly: at 20 Mbit/s one every 0.42 ms. PATTERN=burst sends each block in one go.
 */
const BLOCK_BYTES = 112 * 188;
const SIZES = [450, ...Array.from({ length: 18 }, () => 1140), 764] as const;

export const BURST = process.env['PATTERN'] === 'burst';

/** All processes of a bench share this clock, in ms. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Calls `due` `perSecond` times a second, as near to the moment as timers come. */
export function pace(perSecond: number, due: () => void): void {
  const gap = 1000 / perSecond;
  const start = clock();
  let count = 0;
  setInterval(() => {
    for (; start + count * gap <= clock(); count++) due();
  }, 1);
}

/** Calls `send` with the number and the size of each message of a stream of `mbit`. */
export function stream(mbit: number, send: (number: number, size: number) => void): void {
  const blocks = (mbit * 1e6) / 8 / BLOCK_BYTES;
  let number = 0;
  const next = (): void => send(number, SIZES[number++ % SIZES.length] ?? 0);
  if (!BURST) pace(blocks * SIZES.length, next);
  else pace(blocks, () => SIZES.forEach(next));
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
