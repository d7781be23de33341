import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasFfmpeg = ['ffmpeg', 'ffprobe'].every((name) => spawnSync(name, ['-version']).status === 0);

/** Whether tests against ffmpeg are left out. In CI they are not: without ffmpeg they fail there. */
export const withoutFfmpeg = !hasFfmpeg && process.env['CI'] === undefined;
if (withoutFfmpeg) console.log('not run: checks against ffmpeg and ffprobe, which are not installed here');

export function run(
  program: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
): { out: string; log: string; bytes: Buffer } {
  const { stdout, stderr, status } = spawnSync(program, ['-hide_banner', ...args], { maxBuffer: 64 * 2 ** 20 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.toString().slice(-500)}`);
  return { out: stdout.toString(), log: stderr.toString(), bytes: stdout };
}

/** A folder for the files of one test; `remove` when done. */
export function scratch(): { at: (name: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-'));
  return { at: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true }) };
}

/** What ffmpeg says of a file when it reads and decodes every packet; empty when nothing is wrong with it. */
export function complaints(file: string): string {
  const decoded = run('ffmpeg', ['-v', 'warning', '-i', file, '-f', 'null', '-']).log;
  const demuxed = run('ffmpeg', ['-v', 'debug', '-i', file, '-map', '0', '-c', 'copy', '-f', 'null', '-']).log;
  const found = demuxed.split('\n').filter((line) => /continuity|non.?monoton|discontinuity|corrupt/i.test(line));
  return [decoded.trim(), ...found].filter((line) => line !== '').join('\n');
}
