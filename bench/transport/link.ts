import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { builtBox } from '../../test/net/box.ts';

/** A link between two namespaces; `box` settings as in test/net/box.c, or a bare veth pair without them. */
export interface LinkPlan {
  readonly a: number;
  readonly b: number;
  readonly box?: string;
}

/** Namespaces `hb-*` joined by links. Everything is taken down when the process ends, however it ends. */
export class Lab {
  readonly #spaces: string[] = [];
  readonly #children: ChildProcess[] = [];
  #box: ChildProcess | undefined;
  readonly #leave = (): void => this.close();
  readonly #stop = (): void => process.exit(1);

  static async open(count: number, links: readonly LinkPlan[]): Promise<Lab> {
    sweep();
    const lab = new Lab();
    process.once('exit', lab.#leave);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, lab.#stop);
    for (let i = 0; i < count; i++) {
      const space = `hb-${process.pid}-${i}`;
      ip('netns', 'add', space);
      lab.#spaces.push(space);
      ip('-n', space, 'link', 'set', 'lo', 'up');
    }
    await lab.#startBox(links);
    for (const [i, link] of links.entries()) lab.#join(i, link);
    return lab;
  }

  /** The address of one end of a link. */
  static address(link: number, end: 'a' | 'b'): string {
    return `10.89.${link}.${end === 'a' ? 1 : 2}`;
  }

  /** Runs a module of this project inside a namespace, with a message channel to it. */
  run(space: number, module: string, args: readonly string[], flags: readonly string[] = []): ChildProcess {
    const child = fork(module, args, {
      execPath: 'ip',
      execArgv: ['netns', 'exec', this.#spaces[space] ?? '', process.execPath, ...flags],
      serialization: 'advanced',
    });
    this.#children.push(child);
    return child;
  }

  close(): void {
    process.off('exit', this.#leave).off('SIGINT', this.#stop).off('SIGTERM', this.#stop);
    for (const child of this.#children.splice(0)) child.kill('SIGKILL');
    this.#box?.kill('SIGKILL');
    for (const space of this.#spaces.splice(0)) {
      try {
        ip('netns', 'del', space);
      } catch {
        // Gone already; the next sweep looks again.
      }
    }
  }

  async #startBox(links: readonly LinkPlan[]): Promise<void> {
    const boxed = [...links.entries()].filter(([, link]) => link.box !== undefined);
    if (boxed.length === 0) return;
    const args = boxed.map(([i, link]) => `${device(i, 'a')},${device(i, 'b')},${link.box}`);
    this.#box = spawn(builtBox(), args, { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: this.#box.stdout as NodeJS.ReadableStream })) {
      if (line === 'ready') return;
    }
    throw new Error('the box did not start: is this root, and is there /dev/net/tun?');
  }

  #join(index: number, link: LinkPlan): void {
    if (link.box === undefined)
      ip('link', 'add', device(index, 'a'), 'type', 'veth', 'peer', 'name', device(index, 'b'));
    for (const end of ['a', 'b'] as const) {
      const name = device(index, end);
      const space = this.#spaces[link[end]] ?? '';
      ip('link', 'set', name, 'netns', space);
      ip('-n', space, 'addr', 'add', `${Lab.address(index, end)}/24`, 'dev', name);
      ip('-n', space, 'link', 'set', name, 'up', 'txqueuelen', '4000');
    }
  }
}

function device(link: number, end: 'a' | 'b'): string {
  return `hb${process.pid.toString(36)}${end}${link}`;
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Takes down what killed benches left behind. */
function sweep(): void {
  if (!existsSync('/run/netns')) return;
  for (const space of readdirSync('/run/netns')) {
    const owner = /^hb-(\d+)-\d+$/.exec(space)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) ip('netns', 'del', space);
  }
}
