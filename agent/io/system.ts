import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { mem } from 'systeminformation';
import { readTable, type Table } from './conntrack.ts';
import { textOf } from './proc.ts';

/** What carries us: sizes in bytes, spans in seconds. What the system does not tell is undefined. */
export interface SystemFacts {
  readonly memory: {
    readonly totalBytes: number;
    /** What programs can have without swapping. */
    readonly availableBytes: number;
    readonly swapBytes: number;
  };
  readonly processor: {
    /** As it names itself; on most arm64 boards that is the board. */
    readonly model: string | undefined;
    readonly cores: number;
    /** Of the last minute: 1 is every core busy. */
    readonly load: number | undefined;
  };
  /** The file system of the state directory. */
  readonly flash: { readonly totalBytes: number; readonly freeBytes: number } | undefined;
  /** The table of connections; undefined where none are tracked. */
  readonly connections: Table | undefined;
  /** Interfaces but loopback, by name. */
  readonly links: readonly LinkFacts[];
  readonly uptimeS: number | undefined;
  /** False where the calendar stands before this program was made: no battery, and nobody has been asked the time. */
  readonly isClockSet: boolean;
}

/** Counters since the interface was made. */
export interface LinkFacts {
  readonly name: string;
  readonly mtuBytes: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Datagrams that came in or were to go out, and found no room. */
  readonly dropped: number;
}

/** A calendar that stands earlier is not set. */
const EARLIEST_YEAR = 2026;

/**
 * Looks at the whole system once, in a few milliseconds, without starting a program: of systeminformation that holds for `mem` alone
 * (measured, docs/decisions/0007-own-gateway.md). `state` is the state directory, `root` where /proc and /sys are.
 */
export async function systemFacts(state: string, root = '/'): Promise<SystemFacts> {
  const text = (path: string): string => textOf(join(root, path));
  const cpu = text('proc/cpuinfo');
  const cores = Math.max(1, cpu.match(/^processor\s*:/gm)?.length ?? 0);
  const load = numberOf(text('proc/loadavg'));
  return {
    memory: await memory(),
    processor: { model: model(cpu, text), cores, load: load === undefined ? undefined : load / cores },
    flash: await flash(state),
    connections: readTable(join(root, 'proc/sys/net/netfilter')),
    links: links(text('proc/net/dev'), (name) => numberOf(text(`sys/class/net/${name}/mtu`)) ?? 0),
    uptimeS: numberOf(text('proc/uptime')),
    isClockSet: new Date().getFullYear() >= EARLIEST_YEAR,
  };
}

/** Loaded on first use, as most runs never ask; and only this part of the package, a seventh of its 320 kB. */
async function memory(): Promise<SystemFacts['memory']> {
  // @ts-expect-error: The types of the package are those of the whole.
  const { default: part } = await import('systeminformation/lib/memory.js');
  const { total, available, swaptotal } = await (part as { readonly mem: typeof mem }).mem();
  return { totalBytes: total, availableBytes: available, swapBytes: swaptotal };
}

function model(cpu: string, text: (path: string) => string): string | undefined {
  const named = /^(?:model name|cpu model|Hardware)\s*:\s*(.+)$/m.exec(cpu)?.[1];
  return (named ?? text('proc/device-tree/model').replaceAll('\0', '').trim()) || undefined;
}

async function flash(folder: string): Promise<SystemFacts['flash']> {
  try {
    const { bsize, blocks, bavail } = await statfs(folder);
    return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
  } catch {
    return undefined;
  }
}

/** A line of /proc/net/dev: name, then eight counters of receiving (bytes, packets, errors, drops, …) and eight of sending. */
function links(text: string, mtuOf: (name: string) => number): readonly LinkFacts[] {
  return text.split('\n').flatMap((line) => {
    const [, name, counters = ''] = /^\s*([^\s:]+):\s*([\d\s]+)$/.exec(line) ?? [];
    const numbers = counters.trim().split(/\s+/).map(Number);
    if (name === undefined || name === 'lo' || numbers.length < 16) return [];
    const [receivedBytes = 0, , , missed = 0, , , , , sentBytes = 0, , , unsent = 0] = numbers;
    return [{ name, mtuBytes: mtuOf(name), receivedBytes, sentBytes, dropped: missed + unsent }];
  });
}

function numberOf(text: string): number | undefined {
  const value = Number.parseFloat(text);
  return Number.isNaN(value) ? undefined : value;
}
