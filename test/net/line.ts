import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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
}

const SOURCE = fileURLToPath(new URL('box.c', import.meta.url));
const OUT = fileURLToPath(new URL('../../out/', import.meta.url));

/** A line with delay and loss between two namespaces: TUN devices joined by box.c, since a plain kernel has no netem. */
export class Line {
  readonly #box: Child;

  /** `name` is one of a kind in the hub's namespace; the far end becomes device `wan`, the hub's end `to` + name. */
  static async lay(hub: string, netns: string, name: number, shape: LineShape): Promise<Line> {
    const [far, near] = [`far${name}`, `to${name}`];
    const words = `${far},${near},seed=${name},${settings(shape, shape)}`;
    const line = new Line(new Child(['ip', 'netns', 'exec', hub, built(), words]));
    await line.#box.line(/^ready$/);
    ip(hub, [`link set ${far} netns ${netns} name wan`]);
    return line;
  }

  private constructor(box: Child) {
    this.#box = box;
  }

  /** Changes the weather: `there` is away from the household, `back` is towards it. */
  change(there: LineShape, back: LineShape = there): void {
    this.#box.write(`0 ${settings(there, back)}\n`);
  }

  /** Datagrams so far, each [there, back]. */
  async count(): Promise<{ passed: [number, number]; lost: [number, number]; full: [number, number] }> {
    this.#box.lines.length = 0;
    this.#box.write('stats\n');
    const [, ...counts] = await this.#box.line(/^0 (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = counts.map(Number);
    return { passed: [a, b], lost: [c, d], full: [e, f] };
  }

  async close(): Promise<void> {
    await this.#box.stop();
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

/** The program, compiled when its source is newer. */
function built(): string {
  const program = `${OUT}link-box`;
  const made = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (made > statSync(SOURCE).mtimeMs) return program;
  mkdirSync(OUT, { recursive: true });
  const { status, stderr } = spawnSync('cc', ['-O2', '-o', program, SOURCE], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  return program;
}
