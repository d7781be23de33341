import { buildDrain, makeStream, pace, startServer, watch } from './lan/stage.ts';

/**
 * LAN fan-out: 200 players of an 8 Mbit/s stream from one agent on one core, beside a server that writes each datagram
 * to each player through node:http, in the same run. `node bench/fanout.ts [CLIENTS] [KBIT]`
 */
const clients = Number(process.argv[2] ?? 200);
const kbit = Number(process.argv[3] ?? 8000);
const WINDOWS = 3;
const WINDOW_S = 5;
const BARS = { cpu: 12, p99Ms: 25 };

interface Window {
  readonly clients: number;
  readonly least_mbit: number;
  readonly mean_mbit: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  readonly gaps: number;
}

interface Result extends Window {
  readonly cpu: number;
  readonly rssMb: number;
  readonly ussMb: number;
}

async function run(kind: 'hearth' | 'naive', file: string): Promise<readonly Result[]> {
  const server = await startServer(kind);
  const pacer = pace(server, file, kbit, 120);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const load = watch(server, {
    clients,
    sampled: Math.min(10, clients),
    warmS: 4,
    windowS: WINDOW_S,
    windows: WINDOWS,
  });
  const results: Result[] = [];
  await load.line();
  for (let i = 0; i < WINDOWS; i++) {
    const before = { ...server.program.use(), at: performance.now() };
    const window = JSON.parse(await load.line()) as Window;
    const { cpuMs, rssMb, ussMb } = server.program.use();
    results.push({ ...window, cpu: ((cpuMs - before.cpuMs) / (performance.now() - before.at)) * 100, rssMb, ussMb });
  }
  for (const program of [load, pacer, server.program]) program.stop();
  return results;
}

/** The middle of three windows: one disturbed window does not decide. */
function middle(results: readonly Result[], of: (result: Result) => number): number {
  return results.map(of).toSorted((a, b) => a - b)[Math.floor(results.length / 2)] ?? NaN;
}

function row(name: string, results: readonly Result[]): void {
  const of = (field: (result: Result) => number, digits = 1): string =>
    middle(results, field).toFixed(digits).padStart(8);
  process.stdout.write(
    `${name.padEnd(44)}${of((r) => r.cpu)}${of((r) => r.p50_ms)}${of((r) => r.p99_ms)}${of((r) => r.max_ms)}` +
      `${of((r) => r.least_mbit, 2)}${of((r) => r.rssMb, 0)}${of((r) => r.ussMb, 0)}${of((r) => r.gaps, 0)}\n`,
  );
}

buildDrain();
const file = makeStream(kbit);
process.stdout.write(
  `LAN fan-out, ${clients} players of ${kbit / 1000} Mbit/s, server on core 0, load on core 1; middle of ${WINDOWS} windows of ${WINDOW_S} s\n` +
    `${''.padEnd(44)}${['CPU %', 'p50 ms', 'p99 ms', 'max ms', 'Mbit/s', 'RSS MB', 'USS MB', 'gaps'].map((h) => h.padStart(8)).join('')}\n`,
);
const hearth = await run('hearth', file);
row('hearth', hearth);
const naive = await run('naive', file);
row('node:http, one write per datagram', naive);
if (clients === 200 && kbit === 8000) {
  process.stdout.write(
    [
      'reference, another machine, not this run:',
      '  msd_lite                                     4.9    58.7   108.0   116.0',
      '  rtp2httpd                                   27.1    33.0    65.5    67.0',
      '  udpxy (fails)                               75.0    14.7   148.0   208.0',
      '  Node raw socket, one write per block        10.4    10.7    21.4    29.0',
      '  Node http, one write per datagram           96.6   330.0   648.0   661.0',
      '',
    ].join('\n'),
  );
}
const cpu = middle(hearth, (r) => r.cpu);
const p99 = middle(hearth, (r) => r.p99_ms);
process.stdout.write(
  `ratios to node:http: CPU ${(cpu / middle(naive, (r) => r.cpu)).toFixed(3)}, p99 ${(p99 / middle(naive, (r) => r.p99_ms)).toFixed(3)}\n` +
    `bars: CPU <= ${BARS.cpu} % of a core: ${verdict(cpu <= BARS.cpu)}; p99 <= ${BARS.p99Ms} ms: ${verdict(p99 <= BARS.p99Ms)}\n`,
);

function verdict(held: boolean): string {
  return held ? 'held' : 'NOT HELD';
}
