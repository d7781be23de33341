import { readFileSync } from 'node:fs';
import type { Child } from '../child.ts';
import { readLoad } from '../../../agent/io/load.ts';
import { pause } from '../programs.ts';

/** What one program has used so far. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** How long it stood in the machine's queue with something to do: that is the laboratory's doing, not the program's. */
  readonly waitedMs: number;
}

/** A tick of /proc is a hundredth of a second on every Linux that we run on. */
const TICK_MS = 10;

export function usageOf({ pid }: Child): Usage {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [, waited = '0'] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    rssBytes: Number(resident) * 1024,
    waitedMs: Number(waited) / 1e6,
  };
}

/** Bytes and datagrams that a program's namespace has sent on its wires. */
export function sentBy({ pid }: Child): { readonly bytes: number; readonly packets: number } {
  const text = readFileSync(`/proc/${pid}/net/dev`, 'utf8');
  const wires = [...text.matchAll(/^ *(?:wan|eth0):(.*)$/gm)].map(([, fields = '']) =>
    fields.trim().split(/\s+/).map(Number),
  );
  const sum = (column: number): number => wires.reduce((all, fields) => all + (fields[column] ?? 0), 0);
  return { bytes: sum(8), packets: sum(9) };
}

/** Looked at for so long, ms; a tree of programs that have just started is busy compiling itself. */
const LOOKED_MS = 3000;
const CALM_SHARE = 0.1;

/** Waits until so much of the machine is idle that programs get their turn, for a while; answers with the idle share. */
export async function calm(patienceMs = 90_000): Promise<number> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const before = readLoad(undefined).ticks;
    await pause(LOOKED_MS);
    const after = readLoad(undefined).ticks;
    if (before === undefined || after === undefined) throw new Error('/proc/stat does not tell');
    const idle = 1 - (after.busy - before.busy) / (after.all - before.all);
    if (idle >= CALM_SHARE || performance.now() > until) return idle;
  }
}
