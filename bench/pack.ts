/**
 * What a packed program weighs, raw and as .xz, and how soon it is there: `version` from start to end, and an agent from
 * start to its ready line (the reading of its NAT included), packed, as a bundle and from source, in turns on one core.
 * `STARTS=10 node bench/pack.ts`; after `make pack`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { line, middle, program, stop } from './relay/process.ts';

const STARTS = Number(process.env['STARTS'] ?? 10);
const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'out');
const MAIN = join(ROOT, 'agent/main.ts');

const packed = join(OUT, `hearth-linux-${process.arch}`);
const bundled = join(OUT, 'hearth.cjs');
const all = [
  { name: 'packed', file: packed, words: [packed] },
  { name: 'bundled', file: bundled, words: [process.execPath, bundled] },
  { name: 'source', file: MAIN, words: [process.execPath, MAIN] },
];
const ways = all.filter(({ file }) => existsSync(file));
if (ways.length < all.length) console.log('not everything is there to be measured: make pack makes it');

for (const arch of ['x64', 'arm64']) {
  const name = `hearth-linux-${arch}`;
  const file = join(OUT, name);
  if (!existsSync(file)) continue;
  console.log(`${name.padEnd(20)} ${mega(statSync(file).size)} MB raw, ${mega(xzSize(file))} MB as .xz`);
}

const folder = mkdtempSync(join(tmpdir(), 'hearth-pack-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const state = (name: string): readonly string[] => ['--state', join(folder, name)];
const rendezvous = program(1, [process.execPath, MAIN, 'rendezvous', '--listen', '127.0.0.1:0', ...state('r')]);
const { input: said } = await line(rendezvous, /^rendezvous ready .*$/);
const [, , place = '', , key = ''] = said.split(' ');
const server = ['--rendezvous', `${place}#${key}`, '--lan', 'off'];

const starts = ways.map(({ name, words }) => ({ name, words, version: [] as number[], agent: [] as number[] }));
// The first round makes keys and fills caches; it does not count.
for (let round = 0; round <= STARTS; round++) {
  for (const { name, words, version, agent } of starts) {
    const [ended, ready] = [await versionMs(words), await agentMs([...words, 'agent', ...server, ...state(name)])];
    if (round === 0) continue;
    version.push(ended);
    agent.push(ready);
  }
}
await stop(rendezvous);

console.log(
  `\nms from start, middle (least) of ${STARTS}`.padEnd(36) + 'version'.padStart(16) + 'agent ready'.padStart(16),
);
for (const { name, version, agent } of starts) {
  console.log(name.padEnd(35) + shown(version).padStart(16) + shown(agent).padStart(16));
}

async function versionMs(words: readonly string[]): Promise<number> {
  const start = performance.now();
  const child = program(0, [...words, 'version']);
  child.stdout?.resume();
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${words.join(' ')} version ended with ${String(code)}`);
  return performance.now() - start;
}

async function agentMs(words: readonly string[]): Promise<number> {
  const start = performance.now();
  const child = program(0, words);
  await line(child, /^agent ready /);
  const took = performance.now() - start;
  await stop(child);
  return took;
}

function xzSize(file: string): number {
  const script = 'xz -6 --threads=0 --stdout "$1" | wc -c';
  return Number(execFileSync('sh', ['-c', script, 'sh', file], { encoding: 'utf8' }));
}

function shown(times: readonly number[]): string {
  return `${middle(times).toFixed(0)} (${Math.min(...times).toFixed(0)})`;
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(1).padStart(6);
}
