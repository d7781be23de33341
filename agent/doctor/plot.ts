/** A point of a picture: probe number to the right, port number up. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export type Glyphs = 'braille' | 'ascii';

/** Dots of one character: columns and rows, and the bit of each dot in braille (Unicode, block U+2800). */
const BRAILLE = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;
/** By lower dot and upper dot. */
const ASCII = [' ', '.', "'", ':'] as const;

/** A point is at most so many dots wide, with a gap to the next. */
const WIDEST = 4;

/** Points drawn with characters, each a short dash: `rows` lines of at most `columns` each, the lowest y at the bottom. */
export function plot(points: readonly Point[], columns: number, rows: number, glyphs: Glyphs): readonly string[] {
  const [across, down] = glyphs === 'braille' ? [2, 4] : [1, 2];
  const count = Math.max(1, ...points.map(({ x }) => x + 1));
  const pitch = Math.min(WIDEST, (columns * across) / count);
  const dash = Math.max(1, Math.floor(pitch) - 1);
  const [low, high] = [Math.min(...points.map(({ y }) => y)), Math.max(...points.map(({ y }) => y))];
  const height = rows * down;
  const width = Math.ceil((count * pitch) / across);
  const cells = Array.from({ length: rows }, () => Array.from<number>({ length: width }).fill(0));
  for (const { x, y } of points) {
    // All the same: a line in the middle, not at the bottom.
    const row = high === low ? Math.floor(height / 2) : Math.round(((high - y) / (high - low)) * (height - 1));
    const line = cells[Math.floor(row / down)] ?? [];
    const start = Math.floor(x * pitch);
    for (let column = start; column < start + dash; column++) {
      const cell = Math.floor(column / across);
      line[cell] = (line[cell] ?? 0) | bitOf(row % down, column % across, glyphs);
    }
  }
  return cells.map((line) => line.map((bits) => character(bits, glyphs)).join(''));
}

function bitOf(row: number, column: number, glyphs: Glyphs): number {
  return glyphs === 'braille' ? (BRAILLE[row]?.[column] ?? 0) : row === 0 ? 2 : 1;
}

function character(bits: number, glyphs: Glyphs): string {
  return glyphs === 'braille' ? String.fromCodePoint(0x2800 + bits) : (ASCII[bits] ?? ' ');
}
