import type { Sample } from '../nat/sample.ts';
import { allocatorWords } from './nat-words.ts';
import { type Glyphs, plot, type Point } from './plot.ts';
import type { Sight } from './sight.ts';

/** Outside ports, from the first probe to the last: a level line is one port for all, a slope is a counter, a cloud is chance. */
export interface PortPicture {
  readonly lines: readonly string[];
  readonly words: string;
}

/** Fewer say nothing to the eye. */
const ENOUGH = 4;
const ROWS = 5;
/** `65535 ` and a bar. */
const MARGIN = 8;

/** Where the outside port of each probe lay, in the order of sending. */
export function portsOf(samples: readonly Sample[]): readonly Point[] {
  const ordered = samples.toSorted((a, b) => a.sentAt - b.sentAt || a.socket - b.socket || a.index - b.index);
  return ordered.map(({ external }, x) => ({ x, y: external.port }));
}

/** Undefined where there is too little to draw, or no NAT. */
export function portPicture(nat: Sight['nat'], columns: number, glyphs: Glyphs): PortPicture | undefined {
  if (nat === undefined || nat.samples.length < ENOUGH || nat.profile.kind === 'open') return undefined;
  const points = portsOf(nat.samples);
  const ports = points.map(({ y }) => y);
  const [low, high] = [Math.min(...ports), Math.max(...ports)];
  const drawn = plot(points, columns - MARGIN, ROWS, glyphs);
  const bar = glyphs === 'braille' ? '│' : '|';
  const label = (row: number): string => {
    if (high === low) return row === Math.floor(ROWS / 2) ? String(high) : '';
    return row === 0 ? String(high) : row === ROWS - 1 ? String(low) : '';
  };
  const lines = drawn.map((line, row) => `${label(row).padStart(5)} ${bar}${line.replace(/[ \u2800]+$/, '')}`);
  const sockets = new Set(nat.samples.map(({ socket }) => socket)).size;
  const from = sockets === 1 ? 'one socket' : `${sockets} sockets, one after the other`;
  return { lines, words: `${allocatorWords(nat.profile)}; ${points.length} probes from ${from}` };
}
