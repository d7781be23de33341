import type { Block } from '../../blocks/block.ts';

/** A second of the stream, by the origin's clock: catching up changes nothing. */
const WINDOW_MS = 1000;
/** A busier second counts at once and fades by half in half a minute: what a child needs is what the stream asks at its most. */
const FADES = 0.98;

/** What one channel takes, of its blocks and their manifests, without what datagrams add. */
export class StreamRate {
  #rate: number | undefined;
  #epoch = -1;
  #from = 0;
  #bytes = 0;

  /** Bytes per millisecond; undefined in the first second. */
  get rate(): number | undefined {
    return this.#rate;
  }

  /** A whole block has come; one that came late counts where it is. */
  took({ epoch, time, bytes, manifest }: Pick<Block, 'epoch' | 'time' | 'bytes' | 'manifest'>): void {
    const span = time - this.#from;
    if (epoch !== this.#epoch || span >= 2 * WINDOW_MS) {
      [this.#epoch, this.#from, this.#bytes] = [epoch, time, 0];
    } else if (span >= WINDOW_MS) {
      this.#rate = Math.max(this.#bytes / span, FADES * (this.#rate ?? 0));
      [this.#from, this.#bytes] = [time, 0];
    }
    this.#bytes += bytes.length + manifest.length;
  }
}
