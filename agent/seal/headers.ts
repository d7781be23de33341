import type { Random } from '../base/random.ts';
import type { BlockCipher } from './cipher.ts';
import { COUNTERS, encodeHeader, fits, type FirstByte, HEADER, KIND, writeHeader } from './header.ts';

/** So many are made by one call of the cipher, which takes little longer than for one; fewer at first, for short sessions. */
const FIRST_LOT = 8;
const LARGEST_LOT = 64;

/** The headers of one session's datagrams, made ahead in lots with the padding that each is to announce. */
export class Headers {
  readonly #index: number;
  readonly #block: BlockCipher;
  readonly #firstByte: FirstByte;
  readonly #random: Random;

  /** Of #count numbers from #first on, sealed under #phase, with 0 to #most bytes of padding each. */
  #sealed: Uint8Array = new Uint8Array(0);
  readonly #pads = new Uint8Array(LARGEST_LOT);
  #first = 0;
  #count = 0;
  #phase = 0;
  #most = 0;
  /** What was asked for last. */
  #asked = Infinity;

  constructor(theirIndex: number, theirHeader: BlockCipher, firstByte: FirstByte, random: Random) {
    this.#index = theirIndex;
    this.#block = theirHeader;
    this.#firstByte = firstByte;
    this.#random = random;
  }

  /** How much padding the datagram of this number should have, each from 0 to `most` equally likely. */
  pad(counter: number, most: number, phase: number): number {
    if (!this.#has(counter, phase)) this.#make(counter, Math.min(most, this.#asked), phase);
    this.#asked = most;
    const ready = this.#pads[counter - this.#first] ?? 0;
    // Evenly drawn from a larger range, and evenly drawn where it happens to lie in the smaller one.
    return most <= this.#most && ready <= most ? ready : this.#random(most + 1);
  }

  /** The sealed header of a datagram. */
  take(counter: number, pad: number, phase: number): Uint8Array {
    const place = counter - this.#first;
    if (this.#has(counter, phase) && this.#pads[place] === pad) {
      const header = this.#sealed.subarray(place * HEADER, (place + 1) * HEADER);
      if (fits(header, this.#firstByte)) return header;
    }
    return encodeHeader(this.#header(counter, pad, phase), this.#block, this.#firstByte);
  }

  #has(counter: number, phase: number): boolean {
    return counter >= this.#first && counter < this.#first + this.#count && phase === this.#phase;
  }

  #make(counter: number, most: number, phase: number): void {
    const wanted = this.#count === 0 ? FIRST_LOT : Math.min(2 * this.#count, LARGEST_LOT);
    this.#count = Math.min(wanted, COUNTERS - counter);
    this.#first = counter;
    this.#phase = phase;
    this.#most = most;
    const plain = new Uint8Array(this.#count * HEADER);
    for (let i = 0; i < this.#count; i++) {
      const pad = this.#random(most + 1);
      this.#pads[i] = pad;
      writeHeader(plain, i * HEADER, this.#header(counter + i, pad, phase));
    }
    this.#sealed = this.#block.encrypt(plain);
  }

  #header(counter: number, pad: number, phase: number) {
    return { index: this.#index, counter, kind: KIND.data, phase, pad };
  }
}
