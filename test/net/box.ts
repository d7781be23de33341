import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const OUT = fileURLToPath(new URL('../../out/', import.meta.url));
const SOURCES = ['box.c', 'nat.c', 'ports.c'];

/** Where the program of lines and NATs is, compiled when one of its sources is newer. */
export function builtBox(): string {
  const program = `${OUT}link-box`;
  const made = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const parts = readdirSync(HERE).filter((name) => /\.[ch]$/.test(name));
  if (parts.every((name) => statSync(HERE + name).mtimeMs < made)) return program;
  mkdirSync(OUT, { recursive: true });
  // Whoever runs the old one at this moment goes on running it.
  const fresh = `${program}-${process.pid}`;
  const words = ['-O2', '-Wall', '-Wextra', '-o', fresh, ...SOURCES.map((name) => HERE + name), '-lm'];
  execFileSync('cc', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  renameSync(fresh, program);
  return program;
}
