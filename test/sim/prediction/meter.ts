import type { Note } from '../../../agent/sim/ground.ts';

/** What one household's punch cost its line and its NAT. */
export interface Cost {
  /** Knocks, and probes other than on the control channel: what was sent because of the introduction. */
  readonly packets: number;
  /** Different pairs of own socket and destination: what a router's table grows by. */
  readonly flows: number;
  /** Most of these packets in any one second, and most bytes, as UDP counts them without its headers. */
  readonly perSecond: number;
  readonly bytesPerSecond: number;
}

const WINDOW = 1000;

/** Counts what one host sends, apart from what goes between `control` and `main` port: its talk with the rendezvous and the relay. */
export class Meter {
  readonly #host: string;
  readonly #control: string;
  readonly #main: () => number | undefined;
  readonly #flows = new Set<string>();
  readonly #recent: { readonly at: number; readonly bytes: number }[] = [];
  #recentBytes = 0;
  #packets = 0;
  #perSecond = 0;
  #bytesPerSecond = 0;

  constructor(host: string, control: string, main: () => number | undefined) {
    this.#host = host;
    this.#control = control;
    this.#main = main;
  }

  note({ at, what, where, from, to, length }: Note): void {
    if (what !== 'sent' || where !== this.#host) return;
    if (to === this.#control && from.endsWith(`:${this.#main()}`)) return;
    this.#packets++;
    this.#flows.add(`${from} ${to}`);
    this.#recent.push({ at, bytes: length });
    this.#recentBytes += length;
    for (let oldest = this.#recent[0]; oldest !== undefined && oldest.at <= at - WINDOW; oldest = this.#recent[0]) {
      this.#recentBytes -= oldest.bytes;
      this.#recent.shift();
    }
    this.#perSecond = Math.max(this.#perSecond, this.#recent.length);
    this.#bytesPerSecond = Math.max(this.#bytesPerSecond, this.#recentBytes);
  }

  get cost(): Cost {
    return {
      packets: this.#packets,
      flows: this.#flows.size,
      perSecond: this.#perSecond,
      bytesPerSecond: this.#bytesPerSecond,
    };
  }
}
