import { join } from 'node:path';
import type { MachineCounters } from '../house/capacity/change.ts';
import { textOf } from './proc.ts';

/**
 * Looks at the machine: four small files, a tenth of a millisecond, and no program is started. (Of systeminformation only `mem` starts none,
 * and it reads the same file.) `uplink`: the interface that leads out; `root` is where /proc and /sys are.
 */
export function readLoad(uplink: string | undefined, root = '/'): MachineCounters {
  const text = (path: string): string => textOf(join(root, path));
  const { user, system } = process.cpuUsage();
  const speed = uplink === undefined ? NaN : Number(text(`sys/class/net/${uplink}/speed`).trim() || NaN);
  const free = /^MemAvailable:\s+(\d+) kB$/m.exec(text('proc/meminfo'))?.[1];
  return {
    sentBytes: uplink === undefined ? undefined : sentBy(uplink, text('proc/net/dev')),
    linkMbits: speed > 0 ? speed : undefined,
    ticks: ticksOf(text('proc/stat')),
    ownMs: (user + system) / 1000,
    freeBytes: free === undefined ? undefined : Number(free) * 1024,
  };
}

/** After the name eight counters of receiving, then eight of sending, bytes first. */
function sentBy(name: string, table: string): number | undefined {
  for (const line of table.split('\n')) {
    const [own, counters] = line.split(':');
    if (own?.trim() !== name || counters === undefined) continue;
    const bytes = Number(counters.trim().split(/\s+/)[8]);
    return Number.isNaN(bytes) ? undefined : bytes;
  }
  return undefined;
}

/** `cpu` user nice system idle iowait irq softirq steal: all but idle and waiting for disks is work, also another guest's. */
function ticksOf(table: string): MachineCounters['ticks'] {
  const numbers = /^cpu\s+([\d ]+)$/m.exec(table)?.[1]?.split(' ').map(Number);
  if (numbers === undefined || numbers.length < 5) return undefined;
  const all = numbers.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0);
  return { busy: all - (numbers[3] ?? 0) - (numbers[4] ?? 0), all };
}
