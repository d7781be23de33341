import { type ChildProcess, fork, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { bundle } from '../../firmware-scripts/bundle.ts';

/** Core 0 is for what is measured, core 1 for the load. */
export type Core = 0 | 1;

const TICK_MS = 10;

const ROOT = join(import.meta.dirname, '../..');

/**
 * A module as one file of JavaScript, packages left out: what strips types at the start of a program costs memory that
 * none of those compared needs. `hearth` itself as it is shipped.
 */
export async function built(module: 'hearth' | 'node' | 'house'): Promise<string> {
  const file = join(ROOT, `out/bench/${module}.${module === 'hearth' ? 'cjs' : 'mjs'}`);
  if (module === 'hearth') await bundle(join(ROOT, 'agent/main.ts'), file);
  else {
    const entryPoints = [join(import.meta.dirname, `${module}.ts`)];
    await build({
      entryPoints,
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      target: 'node24',
    });
  }
  return file;
}

/** Everything started here ends with this process, however it ends. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/**
 * One core, and before whatever else wants it: a process that waits 50 ms for its turn tells nothing of a transport. Only root
 * may ask for that; without, it needs a machine with nothing else to do.
 */
function place(core: Core): readonly [string, ...string[]] {
  const pinned = ['taskset', '-c', String(core)] as const;
  return process.getuid?.() === 0 ? ['nice', '-n', '-20', ...pinned] : pinned;
}

/** Linux shares time out between sessions first: ours, with all that it starts, goes before others until this process ends. */
export function goFirst(): void {
  const rank = (nice: number): void => {
    try {
      writeFileSync('/proc/self/autogroup', String(nice));
    } catch {
      // Not root, or a kernel without it: `nice` is all there is.
    }
  };
  rank(-20);
  process.once('exit', () => rank(0));
}

/** A module of the bench as a process of its own on one core, with a message channel to it. */
export function player(
  core: Core,
  module: string,
  flags: readonly string[],
  args: readonly string[] = [],
): ChildProcess {
  const [execPath, ...words] = place(core);
  return kept(
    fork(module, args, { execPath, execArgv: [...words, process.execPath, ...flags], serialization: 'advanced' }),
  );
}

/** A program with its ready lines on standard output; `log` says where standard error goes. */
export function program(
  core: Core,
  words: readonly string[],
  env: Record<string, string> = {},
  log: 'inherit' | 'ignore' = 'ignore',
): ChildProcess {
  const [command, ...first] = place(core);
  return kept(
    spawn(command, [...first, ...words], {
      stdio: ['ignore', 'pipe', log],
      env: { ...process.env, ...env },
    }),
  );
}

function kept(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Waits for a line of standard output. */
export async function line(child: ChildProcess, pattern: RegExp, patienceMs = 20_000): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
  const timer = setTimeout(() => reject(new Error(`no line like ${pattern}`)), patienceMs);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  lines.on('line', (text) => {
    const found = pattern.exec(text);
    if (found !== null) resolve(found);
  });
  child.once('exit', (code) => reject(new Error(`ended with ${code} before ${pattern}`)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    lines.close();
    child.stdout?.resume();
  }
}

/** The next message of a kind from a player. */
export async function word<Word extends { kind: string }, Kind extends Word['kind']>(
  child: ChildProcess,
  kind: Kind,
  patienceMs = 20_000,
): Promise<Extract<Word, { kind: Kind }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<Word, { kind: Kind }>>();
  const timer = setTimeout(() => reject(new Error(`a player never said ${kind}`)), patienceMs);
  const hear = (message: unknown): void => {
    if ((message as Word).kind === kind) resolve(message as Extract<Word, { kind: Kind }>);
  };
  const fail = (): void => reject(new Error(`a player ended before it said ${kind}`));
  child.on('message', hear).once('exit', fail);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.off('message', hear).off('exit', fail);
  }
}

/** Ends a process and waits until it is gone; in order where it knows how, so that a profile gets written. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await gone;
  clearTimeout(timer);
}

/** User and system time of a process with all its threads, in ms. */
export function cpuMs(pid: number): { readonly user: number; readonly system: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return { user: Number(fields[11]) * TICK_MS, system: Number(fields[12]) * TICK_MS };
}

export interface Memory {
  readonly rssMb: number;
  readonly peakMb: number;
  readonly anonymousMb: number;
}

export function memory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { rssMb: mb('VmRSS'), peakMb: mb('VmHWM'), anonymousMb: mb('RssAnon') };
}

/** From here on the peak is counted anew; where that is not allowed it stays that of the whole run. */
export function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Another user's, or a kernel without it.
  }
}

/** How long each core was busy with anything, in ms; time that the host took away counts as busy. */
export function busyMs(core: Core): number {
  const text = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = text.trim().split(/ +/).map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

/** Every process and thread of this machine that is not given here, on one core, as a share of it. */
export class Foreign {
  readonly #core: Core;
  readonly #ours: readonly number[];
  readonly #at = performance.now();
  readonly #busy: number;
  readonly #used: number;

  constructor(core: Core, ours: readonly number[]) {
    this.#core = core;
    this.#ours = ours;
    this.#busy = busyMs(core);
    this.#used = this.#sum();
  }

  percent(): number {
    const others = busyMs(this.#core) - this.#busy - (this.#sum() - this.#used);
    return Math.max(0, (100 * others) / (performance.now() - this.#at));
  }

  #sum(): number {
    let sum = 0;
    for (const pid of this.#ours) {
      const { user, system } = cpuMs(pid);
      sum += user + system;
    }
    return sum;
  }
}

/** The middle of several windows: one that was disturbed does not decide. */
export function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[half] ?? NaN) : ((sorted[half - 1] ?? NaN) + (sorted[half] ?? NaN)) / 2;
}

export function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
  });
}
