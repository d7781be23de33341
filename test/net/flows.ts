import type { Child } from './child.ts';
import { command } from './netns.ts';

/** How many of something there were. */
export interface Tally {
  readonly living: number;
  /** At most at a time. */
  readonly most: number;
  readonly made: number;
  /** Made in the busiest second. */
  readonly fastest: number;
}

/** A kernel router's table as the kernel itself tells of it, every change with its time: `conntrack -E`. */
export class Flows {
  readonly #child: Child;
  readonly #flows = new Set<string>();
  /** Flows of each inside socket with its outside port. */
  readonly #mappings = new Map<string, number>();
  readonly #flowsMade = new Made();
  readonly #mappingsMade = new Made();
  #read = 0;

  /** What to run in the router's namespace; it is ready when `listens`. */
  static readonly ARGV = ['conntrack', '-E', '-p', 'udp', '-e', 'NEW,DESTROY', '-o', 'timestamp', '-b', '8388608'];

  constructor(child: Child) {
    this.#child = child;
  }

  /** Resolves when the kernel tells this namespace's changes to somebody. */
  static async listens(netns: string): Promise<void> {
    const NETFILTER = 12;
    for (let tries = 0; tries < 100; tries++) {
      const table = command(['ip', 'netns', 'exec', netns, 'cat', '/proc/net/netlink']);
      const sockets = table.split('\n').map((line) => line.trim().split(/\s+/));
      if (sockets.some(([, protocol, , groups]) => Number(protocol) === NETFILTER && Number(`0x${groups}`) > 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${netns}: nobody listens to its flows`);
  }

  /** Flows, one for each inside socket and destination, and mappings, one for each inside socket and outside port. */
  read(): { readonly flows: Tally; readonly mappings: Tally } {
    if (this.#child.errors.includes('ENOBUFS')) throw new Error('more flows than could be told');
    const { lines } = this.#child;
    for (; this.#read < lines.length; this.#read++) this.#take(lines[this.#read] ?? '');
    return {
      flows: this.#flowsMade.tally(this.#flows.size),
      mappings: this.#mappingsMade.tally(this.#mappings.size),
    };
  }

  async stop(): Promise<void> {
    await this.#child.stop('SIGINT');
  }

  #take(line: string): void {
    const found = LINE.exec(line);
    if (found === null) return;
    const [, time, event, source, to, port, toPort, outside] = found;
    const [flow, mapping] = [`${source}:${port} ${to}:${toPort}`, `${source}:${port} ${outside}`];
    const uses = this.#mappings.get(mapping) ?? 0;
    if (event === 'NEW') {
      this.#flows.add(flow);
      this.#flowsMade.mark(Number(time), this.#flows.size);
      this.#mappings.set(mapping, uses + 1);
      if (uses === 0) this.#mappingsMade.mark(Number(time), this.#mappings.size);
    } else if (this.#flows.delete(flow)) {
      if (uses > 1) this.#mappings.set(mapping, uses - 1);
      else this.#mappings.delete(mapping);
    }
  }
}

/** `[1763.25]  [NEW] udp  17 30 src=A dst=B sport=1 dport=2 [UNREPLIED] src=B dst=C sport=2 dport=3`: 3 is the outside port. */
const END = String.raw`src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)`;
const LINE = new RegExp(
  String.raw`^\[([\d.]+)\s*\]\s+\[(NEW|DESTROY)\] udp .*?${END} .*?src=\S+ dst=\S+ sport=\d+ dport=(\d+)`,
);

class Made {
  #times: number[] = [];
  #made = 0;
  #most = 0;
  #fastest = 0;

  /** At this second; `living` with it. */
  mark(time: number, living: number): void {
    this.#made++;
    this.#most = Math.max(this.#most, living);
    this.#times = [...this.#times.filter((earlier) => time - earlier < 1), time];
    this.#fastest = Math.max(this.#fastest, this.#times.length);
  }

  tally(living: number): Tally {
    return { living, most: this.#most, made: this.#made, fastest: this.#fastest };
  }
}
