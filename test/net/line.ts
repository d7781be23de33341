import { builtBox } from './box.ts';
import { Child } from './child.ts';
import { ip } from './netns.ts';

/** One direction of a line; what is left out does not happen. */
export interface LineShape {
  readonly delayMs?: number;
  /** Added to the delay, evenly spread from 0; may change the order. */
  readonly jitterMs?: number;
  /** Share of datagrams lost. */
  readonly loss?: number;
  /** Number of losses in a row. */
  readonly burst?: number;
  /** Share of datagrams that arrive twice. */
  readonly duplicate?: number;
  readonly rateBps?: number;
  /** How long a datagram may wait for the rate; default 100. */
  readonly queueMs?: number;
  /** Of all its dice, and of those of a NAT on it, when it is laid; each line has its own when left out. */
  readonly seed?: number;
}

/** What a line has carried, each [there, back]; `there` is away from the household. */
export interface LineCount {
  readonly passed: readonly [number, number];
  readonly lost: readonly [number, number];
  readonly full: readonly [number, number];
  /** Datagrams in the busiest second of all. */
  readonly fastest: readonly [number, number];
  /** What the NAT on the line has done, if one is there. */
  readonly nat: NatCount | undefined;
}

/** Figures of a NAT of nat.c. */
export interface NatCount {
  /** Mappings: alive now, at most at a time, made in all, made in the busiest second. */
  readonly living: number;
  readonly most: number;
  readonly made: number;
  readonly fastest: number;
  readonly out: number;
  readonly in: number;
  /** Turned away from outside; refused to somebody inside. */
  readonly filtered: number;
  readonly refused: number;
  readonly hairpinned: number;
  readonly poisoned: number;
  readonly other: number;
}

/** Packets that wait for the box to read them: more than any burst of ours. */
const QUEUE = 4000;

/** A line with delay and loss between two namespaces: TUN devices joined by box.c, since a plain kernel has no netem. */
export class Line {
  readonly #box: Child;
  readonly #nat: boolean;

  /**
   * `name` is one of a kind in the hub's namespace; the far end becomes device `wan`, the hub's end `to` + name. `nat` are
   * words for a NAT (nats.ts) whose inside is the far end.
   */
  static async lay(hub: string, netns: string, name: number, shape: LineShape, nat = ''): Promise<Line> {
    const [far, near] = [`far${name}`, `to${name}`];
    const words = [far, near, `seed=${shape.seed ?? name}`, settings(shape, shape), ...(nat === '' ? [] : [nat])].join(
      ',',
    );
    const line = new Line(new Child(['ip', 'netns', 'exec', hub, builtBox(), words]), nat !== '');
    await line.#box.line(/^ready$/);
    ip(hub, [
      `link set ${far} txqueuelen ${QUEUE}`,
      `link set ${near} txqueuelen ${QUEUE}`,
      `link set ${far} netns ${netns} name wan`,
    ]);
    return line;
  }

  private constructor(box: Child, nat: boolean) {
    this.#box = box;
    this.#nat = nat;
  }

  /** Changes the weather: `there` is away from the household, `back` is towards it. */
  change(there: LineShape, back: LineShape = there): void {
    this.#box.write(`0 ${settings(there, back)}\n`);
  }

  /** What it has carried since it was laid or last reset. */
  async count(): Promise<LineCount> {
    this.#box.lines.length = 0;
    this.#box.write('stats\n');
    const [, ...counts] = await this.#box.line(/^0 (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = counts.map(Number);
    return { passed: [a, b], lost: [c, d], full: [e, f], fastest: [g, h], nat: await this.#natCount() };
  }

  /** Counts begin anew; what lives goes on. */
  async reset(): Promise<void> {
    await this.#done('reset');
  }

  /** Every mapping of its NAT moves to another outside port with its next datagram out. */
  async rebind(): Promise<void> {
    await this.#done('rebind');
  }

  async close(): Promise<void> {
    await this.#box.stop();
  }

  async #natCount(): Promise<NatCount | undefined> {
    if (!this.#nat) return undefined;
    const [, text = ''] = await this.#box.line(/^0 nat (.*)$/);
    const count = Object.fromEntries(
      text
        .split(' ')
        .map((word) => word.split('='))
        .map(([k, v]) => [k, Number(v)]),
    );
    return count;
  }

  async #done(what: 'reset' | 'rebind'): Promise<void> {
    this.#box.lines.length = 0;
    this.#box.write(`0 ${what}\n`);
    await this.#box.line(/^0 done$/);
  }
}

/** As box.c takes them: name=there/back, loss in percent, rate in kbit/s. */
function settings(there: LineShape, back: LineShape): string {
  const both = (value: (shape: LineShape) => number): string => `${value(there)}/${value(back)}`;
  return [
    `delay=${both((shape) => shape.delayMs ?? 0)}`,
    `jitter=${both((shape) => shape.jitterMs ?? 0)}`,
    `loss=${both((shape) => 100 * (shape.loss ?? 0))}`,
    `burst=${both((shape) => shape.burst ?? 1)}`,
    `twice=${both((shape) => 100 * (shape.duplicate ?? 0))}`,
    `rate=${both((shape) => (shape.rateBps ?? 0) / 1000)}`,
    `queue=${both((shape) => shape.queueMs ?? 100)}`,
  ].join(',');
}
