import { readFileSync } from 'node:fs';

/** The text of a file under /proc or /sys, which costs microseconds and no disk; empty where there is none. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
