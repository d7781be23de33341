/** Samples in an AAC frame, and the sampling rates by index (ISO/IEC 13818-7 table 35). */
const SAMPLES = 1024;
const RATES = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];
const HEADER = 7;

/** Counts AAC frames in an ADTS stream cut anywhere, to know how long the sound of a piece lasts. */
export class AdtsCounter {
  /** Bytes of the present frame still to come. */
  #left = 0;
  #header: number[] = [];
  #ticks = 0;

  /** How long all frames that began since the last `restart` last, in ticks of 90 kHz. */
  get ticks(): number {
    return this.#ticks;
  }

  restart(): void {
    this.#ticks = 0;
  }

  push(bytes: Uint8Array): void {
    let position = 0;
    while (position < bytes.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - position);
        this.#left -= step;
        position += step;
      } else {
        this.#header.push(bytes[position++] ?? 0);
        if (this.#header.length === HEADER) this.#frame();
      }
    }
  }

  #frame(): void {
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0, seventh = 0] = this.#header;
    const length = ((fourth & 3) << 11) | (fifth << 3) | (sixth >> 5);
    const rate = RATES[(third >> 2) & 15];
    if (first !== 0xff || (second & 0xf6) !== 0xf0 || length < HEADER || rate === undefined) {
      this.#header.shift();
      return;
    }
    this.#header = [];
    this.#left = length - HEADER;
    this.#ticks += (SAMPLES * 90_000 * ((seventh & 3) + 1)) / rate;
  }
}
