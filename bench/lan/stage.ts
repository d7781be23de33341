import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '../..');
const OUT = join(ROOT, 'out/bench');
const DRAIN = join(OUT, 'drain');
/** Where one core is all there is, nothing is pinned and the figures say less. */
const PINNED = process.platform === 'linux' && navigator.hardwareConcurrency > 1;

/** A process of the bench on one core: 0 for what is measured, 1 for the load. */
export class Program {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(core: 0 | 1, command: string, args: readonly string[]) {
    const [file, ...all] = PINNED ? ['taskset', '-c', String(core), command, ...args] : [command, ...args];
    this.process = spawn(file ?? command, all, { stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = this.process;
    if (stdout === null) throw new Error('no stdout');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('ended early');
    return value;
  }

  /** CPU time so far in ms and memory in MB; from /proc. */
  use(): { readonly cpuMs: number; readonly rssMb: number; readonly ussMb: number } {
    const file = (name: string): string => readFileSync(`/proc/${this.process.pid}/${name}`, 'utf8');
    const fields = file('stat')
      .replace(/^.*\) /, '')
      .split(' ');
    const smaps = file('smaps_rollup');
    const kb = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(smaps)?.[1] ?? 0);
    return {
      // User and system time in ticks of 10 ms.
      cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
      rssMb: kb('Rss') / 1024,
      ussMb: (kb('Private_Clean') + kb('Private_Dirty')) / 1024,
    };
  }

  stop(): void {
    this.process.kill();
  }
}

export interface Server {
  readonly program: Program;
  readonly udp: number;
  readonly tcp: number;
  readonly path: string;
}

export async function startServer(kind: 'hearth' | 'naive'): Promise<Server> {
  const program = new Program(0, process.execPath, [join(import.meta.dirname, 'server.ts'), kind]);
  const [udp = '', tcp = '', path = ''] = (await program.line()).split(' ');
  return { program, udp: Number(udp), tcp: Number(tcp), path };
}

/** Compiles the load generator when it is not there or older than its source. */
export function buildDrain(): void {
  mkdirSync(OUT, { recursive: true });
  const source = join(import.meta.dirname, 'drain.c');
  const age = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (age(DRAIN) < age(source)) execFileSync('cc', ['-O2', '-Wall', '-o', DRAIN, source], { stdio: 'inherit' });
}

export function pace(server: Server, file: string, kbit: number, seconds: number): Program {
  return new Program(1, DRAIN, ['pace', String(server.udp), file, String(kbit), String(seconds)]);
}

export interface Load {
  readonly clients: number;
  /** Those that read their bytes and measure. */
  readonly sampled: number;
  readonly warmS: number;
  readonly windowS: number;
  readonly windows: number;
}

export function watch(server: Server, load: Load): Program {
  const { clients, sampled, warmS, windowS, windows } = load;
  const numbers = [clients, sampled, warmS, windowS, windows].map(String);
  return new Program(1, DRAIN, ['watch', String(server.tcp), server.path, ...numbers]);
}

/**
 * The test picture, filled up to `kbit` with packets of PID 0x1ffe, one of seven of all packets at least, which the
 * pacer stamps. Answers with the file's name.
 */
export function makeStream(kbit: number): string {
  const picture = readFileSync(join(ROOT, 'agent/web/testcard.mpegts'));
  const seconds = 8;
  const filler = Buffer.alloc(188, 0xff);
  filler.set([0x47, 0x1f, 0xfe, 0x10]);
  const total = Math.floor((kbit * 1000 * seconds) / 8 / 188);
  const count = Math.floor(picture.length / 188);
  const packets: Buffer[] = [];
  for (let i = 0, used = 0; i < total; i++) {
    const due = Math.floor((i * count) / total);
    if (used < due && i % 7 !== 0) packets.push(picture.subarray(used * 188, ++used * 188));
    else packets.push(filler);
  }
  const file = join(OUT, `stream-${kbit}.mpegts`);
  writeFileSync(file, Buffer.concat(packets));
  return file;
}
