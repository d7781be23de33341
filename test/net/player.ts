import type { Child } from './child.ts';
import { clockOf, Continuity } from './continuity.ts';
import type { Lab, Space } from './lab.ts';

/** Arrivals older than this are of no interest to anybody, ms. */
const KEPT_MS = 120_000;
/** What is usual is taken from so long before a moment, ms. */
const USUAL_MS = 3000;
/** A random access point: here a picture can begin. */
const RANDOM_ACCESS = 0x40;

interface Arrival {
  /** `performance.now()`. */
  readonly at: number;
  /** How much later this is than the stream's own clock says, by an unknown but constant amount; undefined without a clock in it. */
  readonly offset: number | undefined;
}

/** A television: reads a household's stream, judges every packet and notes when it came. */
export class Player {
  readonly child: Child;
  readonly continuity = new Continuity();
  /** All of it, where it is to be compared. */
  readonly bytes: Buffer[] = [];
  /** When the first picture could begin, by `Date.now()`. */
  pictureAt: number | undefined;
  #arrivals: Arrival[] = [];

  /** `heard` gets each reading of the stream's clock, in ms, as it comes. */
  constructor(lab: Lab, space: Space, url: string, options: { keep?: boolean; heard?: (clock: number) => void } = {}) {
    const { keep = false, heard } = options;
    this.child = lab.run(space, ['curl', '-sSN', '--retry', '20', '--retry-connrefused', '--retry-delay', '1', url], {
      onBytes: (bytes) => {
        const at = performance.now();
        let offset: number | undefined;
        this.continuity.take(bytes, (packet) => {
          const clock = clockOf(packet);
          if (((packet[3] ?? 0) & 0x20) !== 0 && (packet[4] ?? 0) > 0 && ((packet[5] ?? 0) & RANDOM_ACCESS) !== 0)
            this.pictureAt ??= Date.now();
          if (clock === undefined) return;
          offset ??= at - clock;
          heard?.(clock);
        });
        this.#arrivals.push({ at, offset });
        if (keep) this.bytes.push(bytes);
      },
    });
  }

  /** How many errors it has shown so far. */
  get errors(): number {
    return this.continuity.errors.length + this.continuity.marks;
  }

  /** When the pause that began around this moment ended, in ms after it: the longest of those that began by then. */
  mendedAfter(moment: number, begunWithin: number): number {
    let [longest, end] = [0, Infinity];
    for (const [i, { at }] of this.#arrivals.entries()) {
      if (at > moment + begunWithin) break;
      const next = this.#arrivals[i + 1]?.at ?? Infinity;
      if (next < moment || next - at <= longest) continue;
      [longest, end] = [next - at, next];
    }
    return end - moment;
  }

  /** How much later than usual anything came between these moments; what had not come by the end counts as well. */
  lateness(from: number, to: number): number {
    const offsets = (since: number, until: number): number[] =>
      this.#arrivals.flatMap(({ at, offset }) => (at >= since && at < until && offset !== undefined ? [offset] : []));
    const before = offsets(from - USUAL_MS, from).toSorted((a, b) => a - b);
    const usual = before[Math.floor(before.length / 2)];
    if (usual === undefined) return Infinity;
    const last = this.#arrivals.findLast(({ at }) => at < to)?.at ?? 0;
    return Math.max(to - last, ...offsets(from, to).map((offset) => offset - usual));
  }

  /** Long runs need not remember everything. */
  forget(): void {
    const from = performance.now() - KEPT_MS;
    this.#arrivals = this.#arrivals.filter(({ at }) => at >= from);
  }
}
