import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const PIECE = 4 * 2 ** 20;

/**
 * How many of these excerpts (64 bytes and more each) stand anywhere in the writable memory of a living process. Needs root. What
 * it moves while it is read may be missed.
 */
export function foundInMemory(pid: number, excerpts: readonly Buffer[]): number {
  const file = openSync(`/proc/${pid}/mem`, 'r');
  const found = new Set<number>();
  const overlap = Math.max(...excerpts.map(({ length }) => length));
  const buffer = Buffer.alloc(PIECE + overlap);
  try {
    for (const [from, to] of writable(pid)) {
      for (let at = from; at < to; at += PIECE) {
        const read = readAt(file, buffer, at, Math.min(buffer.length, to - at));
        const piece = buffer.subarray(0, read);
        for (const [i, excerpt] of excerpts.entries()) if (!found.has(i) && piece.includes(excerpt)) found.add(i);
      }
    }
  } finally {
    closeSync(file);
  }
  return found.size;
}

function writable(pid: number): readonly (readonly [number, number])[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    return from === '' ? [] : [[Number.parseInt(from, 16), Number.parseInt(to, 16)] as const];
  });
}

/** Reserved and never touched memory cannot be read: it holds nothing. */
function readAt(file: number, buffer: Buffer, at: number, length: number): number {
  try {
    return readSync(file, buffer, 0, length, at);
  } catch {
    return 0;
  }
}
