import type { PortRange } from '../base/nat-profile.ts';
import { ALL_PORTS } from './brackets.ts';

/** Blocks that carriers give out: 64 to 4096 ports, counted from 1024 in whole blocks. */
const SIZES = [64, 128, 256, 512, 1024, 2048, 4096];

/**
 * The block that these ports come from: the smallest aligned one that holds them all; undefined when they lie further
 * apart than a block. Of 16 ports in one half of a block the smaller half would be believed: once in 2^15.
 */
export function inferBlock(ports: readonly number[]): PortRange | undefined {
  const low = Math.min(...ports);
  const high = Math.max(...ports);
  for (const size of SIZES) {
    const from = ALL_PORTS.from + Math.floor((low - ALL_PORTS.from) / size) * size;
    if (low >= ALL_PORTS.from && high < from + size) return { from, to: Math.min(ALL_PORTS.to, from + size - 1) };
  }
  return undefined;
}

/** Where they may come from if nothing is aligned: the range seen, widened by what so few samples miss on average. */
export function widen(ports: readonly number[]): PortRange {
  const [low, high] = [Math.min(...ports), Math.max(...ports)];
  const count = Math.max(2, ports.length);
  const extra = Math.ceil((((high - low + 1) * (count + 1)) / (count - 1) - (high - low + 1)) / 2);
  return { from: Math.max(ALL_PORTS.from, low - extra), to: Math.min(ALL_PORTS.to, high + extra) };
}

/** What to scan, one after the other: the block, then those beside it. */
export function scanOrder({ from, to }: PortRange): readonly PortRange[] {
  const size = to - from + 1;
  const all = [
    { from, to },
    { from: from - size, to: from - 1 },
    { from: to + 1, to: to + size },
  ];
  return all
    .map((one) => ({ from: Math.max(ALL_PORTS.from, one.from), to: Math.min(ALL_PORTS.to, one.to) }))
    .filter((one) => one.from <= one.to);
}

export const sizeOf = ({ from, to }: PortRange): number => to - from + 1;
