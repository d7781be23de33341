/**
 * Resident memory of a household that relays 8 Mbit/s to two others and serves five viewers, while five more take
 * nothing: once warm it must stay where it is. The packed program where there is one (`make pack`), else the source.
 * `MINUTES=10 node bench/memory.ts`; PROGRAM names another packed program.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { goFirst } from './relay/process.ts';

const MINUTES = Number(process.env['MINUTES'] ?? 10);
const WARM_UP_S = 60;
/** As README and hearth.sh say: one arena and early trimming, or glibc keeps 10 MB that nobody uses. */
const MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' };
const BARS = { rssMb: 90, driftMb: 2 };
const ROOT = join(import.meta.dirname, '..');
const PACKED = process.env['PROGRAM'] ?? join(ROOT, 'out/hearth-linux-x64');
const packed = existsSync(PACKED);
/** The other households: of the same build, but of another file, because processes share what one has read of it. */
const plain = packed ? [process.execPath, join(ROOT, 'out/hearth.cjs')] : [join(ROOT, 'firmware-scripts/hearth.sh')];

goFirst();
const folder = mkdtempSync(join(tmpdir(), 'hearth-memory-'));
const children: ChildProcess[] = [];

/** Starts a role and waits for what the first line that fits says. */
async function role(
  program: readonly string[],
  words: readonly string[],
  line: RegExp,
): Promise<{ pid: number; said: string[] }> {
  const [file = '', ...before] = program;
  const env = { ...process.env, ...MALLOC };
  const child = spawn(file, [...before, ...words], { stdio: ['ignore', 'pipe', 'ignore'], env });
  children.push(child);
  const said: string[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    said.push(text);
    if (line.test(text)) return { pid: child.pid ?? 0, said };
  }
  throw new Error(`${words[0]} ended`);
}

function end(): void {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
process.on('exit', end);
process.on('SIGINT', () => process.exit(1));
process.on('SIGTERM', () => process.exit(1));

const clip = join(folder, 'clip.ts');
const source = 'testsrc2=size=1280x720:rate=25,noise=alls=60:allf=t';
const made = spawnSync('ffmpeg', [
  ...['-v', 'error', '-f', 'lavfi', '-i', source, '-f', 'lavfi', '-i', 'sine', '-t', '10', '-pix_fmt', 'yuv420p'],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-b:v', '7400k', '-minrate', '7400k', '-maxrate', '7400k'],
  ...['-bufsize', '3700k', '-nal-hrd', 'cbr', '-c:a', 'aac', '-b:a', '128k', '-f', 'mpegts', clip],
]);
if (made.status !== 0) throw new Error(`ffmpeg: ${made.stderr.toString()}`);

const state = (name: string): readonly string[] => ['--state', join(folder, name)];
const rendezvous = await role(plain, ['rendezvous', '--listen', '127.0.0.1:0', ...state('r')], /^rendezvous ready/);
const [, , place = '', , key = ''] = rendezvous.said.at(-1)?.split(' ') ?? [];
const server = ['--rendezvous', `${place}#${key}`];
const origin = await role(
  plain,
  ['origin', ...server, '--channel', 'memory', '--in', clip, '--loop', '--children', '1', ...state('o')],
  /^channel ready/,
);
const channel = origin.said.at(-1)?.split(' ')[2] ?? '';
if (packed) forget(PACKED);
const home = await role(
  packed ? [PACKED] : plain,
  ['agent', ...server, '--channel', channel, '--lan', '127.0.0.1:0', ...state('a')],
  /^agent ready/,
);
const url = new URL(home.said.find((text) => text.startsWith('lan ready'))?.split(' ')[2] ?? '');
await pause(3);
for (const name of ['b', 'c']) {
  await role(plain, ['agent', ...server, '--channel', channel, '--lan', 'off', ...state(name)], /^agent ready/);
}
const fed = await statusOf();

/** A viewer; one that takes nothing comes again whenever it is cut. */
function viewer(reads: boolean): void {
  const socket: Socket = connect(Number(url.port), url.hostname, () => {
    socket.write(`GET /live/${channel}.ts HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
    if (reads) socket.resume();
    else socket.pause();
  });
  socket.on('error', () => {});
  socket.on('close', () => setTimeout(() => viewer(reads), 100));
  // A paused socket does not see its end: its lifetime is that of the household's patience and a little more.
  if (!reads) setTimeout(() => socket.destroy(), 17_000);
}
for (let i = 0; i < 5; i++) {
  viewer(true);
  viewer(false);
}

const how = Object.entries(MALLOC).map((pair) => pair.join('='));
console.log(
  `${packed ? 'packed program, read from disk' : 'from source (no out/hearth-linux-x64: make pack)'}, ${how.join(' ')}; ` +
    `${fed.channels[0]?.children.length ?? 0} of 2 children at the start; ${WARM_UP_S} s of warm-up, then ${MINUTES} minutes`,
);
const samples: number[] = [];
for (let second = 0; second < WARM_UP_S + MINUTES * 60; second++) {
  await pause(1);
  samples.push(rssMb(home.pid));
}
const status = await statusOf();
const warm = samples.slice(WARM_UP_S);
const window = Math.max(10, Math.floor(warm.length / 10));
const first = mean(warm.slice(0, window));
const last = mean(warm.slice(-window));
const most = Math.max(...samples);
const [stream] = status.channels;
if (stream === undefined) throw new Error('the household follows no channel');
console.log(
  `children ${stream.children.length}, viewers now ${stream.viewers.length}, received ${(stream.received_bytes / 1e6).toFixed(0)} MB ` +
    `(${((stream.received_bytes * 8) / 1e6 / status.uptime_s).toFixed(1)} Mbit/s), lost blocks ${stream.lost_blocks}`,
);
console.log(
  `RSS MB: most ${most.toFixed(1)}; first tenth ${first.toFixed(1)}, last tenth ${last.toFixed(1)}; by minute ` +
    Array.from({ length: MINUTES }, (_, i) => mean(warm.slice(i * 60, i * 60 + 60)).toFixed(1)).join(' '),
);
const { own, program, libraries } = mapped(home.pid);
console.log(
  `at the end: ${own.toFixed(1)} MB its own, ${program.toFixed(1)} of the program's file, ${libraries.toFixed(1)} of libraries`,
);
verdict(`most RSS ${most.toFixed(1)} MB`, most <= BARS.rssMb, `≤ ${BARS.rssMb} MB`);
verdict(`drift ${(last - first).toFixed(1)} MB`, Math.abs(last - first) <= BARS.driftMb, `± ${BARS.driftMb} MB`);
process.exit(process.exitCode ?? 0);

interface Status {
  readonly uptime_s: number;
  readonly channels: readonly {
    readonly children: readonly unknown[];
    readonly viewers: readonly unknown[];
    readonly received_bytes: number;
    readonly lost_blocks: number;
  }[];
}

async function statusOf(): Promise<Status> {
  return (await (await fetch(new URL('/api/v1/status', url))).json()) as Status;
}

function verdict(what: string, held: boolean, bar: string): void {
  console.log(`${held ? 'held  ' : 'MISSED'} ${what} (bar ${bar})`);
  if (!held) process.exitCode = 1;
}

function rssMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN) / 1024;
}

/** Resident MB by what they are; those of files are the kernel's to take back. */
function mapped(pid: number): { own: number; program: number; libraries: number } {
  const program = readlinkSync(`/proc/${pid}/exe`);
  const found = { own: 0, program: 0, libraries: 0 };
  let file = '';
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    file = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line)?.[1] ?? file;
    const [, what, kb] = /^(Rss|Anonymous): +(\d+) kB/.exec(line) ?? [];
    const of = file === program ? 'program' : 'libraries';
    if (what === 'Rss') found[of] += Number(kb) / 1024;
    if (what !== 'Anonymous') continue;
    found.own += Number(kb) / 1024;
    found[of] -= Number(kb) / 1024;
  }
  return found;
}

/**
 * Makes the kernel forget a file, as after a boot. One that was just written stands in memory in pieces of up to 2 MB,
 * and a recent kernel maps such a piece whole where one page of it is touched: 15 MB that a router does not have.
 */
function forget(file: string): void {
  spawnSync('sync', [file]);
  const { status: code } = spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  if (code !== 0) console.log('the program could not be taken out of the page cache; its file counts for more');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
