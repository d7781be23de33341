/**
 * One household that takes a stream of 20 Mbit/s once and gives it to two others, beside programs that only hand messages
 * of the same sizes on over udx-native + secret-stream and over WebRTC data channels. The relay has core 0 to itself;
 * source, sinks and this program share core 1. Processor time is of the relay alone, all its threads.
 * `node bench/relay.ts [SECONDS MEASURED] [ROUNDS] [MBIT]`; STACKS=hearth,udx chooses; OTHER=FILE puts another bundle of
 * hearth beside it.
 */
import { FLAGS } from '../firmware-scripts/flags.ts';
import { goFirst, middle } from './relay/process.ts';
import { type Contender, type Result, run, type Times } from './relay/run.ts';

const seconds = Number(process.argv[2] ?? 12);
const rounds = Number(process.argv[3] ?? 2);
const mbit = Number(process.argv[4] ?? 20);
const WINDOWS = 3;
const times: Times = { mbit, warmUpS: Math.min(8, seconds), windows: WINDOWS, windowS: seconds / WINDOWS };
const bare: Times = { mbit, warmUpS: Math.min(3, seconds), windows: 1, windowS: Math.min(4, seconds) };
const BARS = { udx: 1.3, datachannel: 0.6, addedMs: 2 };

/** As it is packed; the others get the same flags. */
const ALL: readonly Contender[] = [
  { name: 'hearth', stack: 'hearth', flags: FLAGS },
  { name: 'udx', stack: 'udx', flags: FLAGS },
  { name: 'datachannel', stack: 'datachannel', flags: FLAGS },
  { name: 'hearth, default flags', stack: 'hearth', flags: [] },
  { name: 'own', stack: 'own', flags: FLAGS },
  { name: 'other', stack: 'hearth', flags: FLAGS, main: process.env['OTHER'] ?? '' },
];
const preset = `hearth,udx,datachannel,hearth - default flags${process.env['OTHER'] === undefined ? '' : ',other'}`;
const chosen = (process.env['STACKS'] ?? preset).replaceAll(' -', ',');
const contenders = ALL.filter(({ name }) => `,${chosen},`.includes(`,${name},`));

interface Pair {
  readonly relayed: Result;
  readonly direct: Result;
}

goFirst();
const results = new Map<string, Pair[]>(contenders.map(({ name }) => [name, []]));
process.stdout.write(
  `relay 1-in/2-out at ${mbit} Mbit/s: ${rounds} rounds of ${seconds} s in ${WINDOWS} windows after ${times.warmUpS} s of warm-up; middle of all\n`,
);
for (let round = 0; round < rounds; round++) {
  for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
    try {
      const direct = await run(contender, false, bare);
      const relayed = await run(contender, true, times);
      results.get(contender.name)?.push({ direct, relayed });
    } catch (error) {
      process.stdout.write(`${contender.name}: no result: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

process.stdout.write(
  `${''.padEnd(24)}${['CPU %', 'least', 'most', 'system', 'RSS MB', 'peak', 'p50 ms', 'p99 ms', 'added50', 'added99', 'others on core 0/1 %'].map((head) => head.padStart(8)).join('')}\n`,
);
for (const [name, pairs] of results) row(name, pairs);
verdicts();

function row(name: string, pairs: readonly Pair[]): void {
  if (pairs.length === 0) return;
  const windows = pairs.flatMap(({ relayed }) => relayed.windows);
  const cpu = windows.map((window) => window.cpu);
  const cells = [
    middle(cpu).toFixed(1),
    Math.min(...cpu).toFixed(1),
    Math.max(...cpu).toFixed(1),
    middle(windows.map(({ system }) => system)).toFixed(1),
    middle(pairs.map(({ relayed }) => relayed.rssMb)).toFixed(0),
    Math.max(...pairs.map(({ relayed }) => relayed.peakMb)).toFixed(0),
    middle(pairs.map(({ relayed }) => relayed.p50)).toFixed(2),
    middle(pairs.map(({ relayed }) => relayed.p99)).toFixed(2),
    added(pairs, 'p50').toFixed(2),
    added(pairs, 'p99').toFixed(2),
    `${middle(windows.map(({ foreign }) => foreign[0])).toFixed(0)} / ${middle(windows.map(({ foreign }) => foreign[1])).toFixed(0)}`,
  ];
  process.stdout.write(`${name.padEnd(24)}${cells.map((cell) => cell.padStart(8)).join('')}\n`);
}

function added(pairs: readonly Pair[], which: 'p50' | 'p99'): number {
  return middle(pairs.map(({ relayed, direct }) => relayed[which] - direct[which]));
}

function cpuOf(name: string): number {
  return middle((results.get(name) ?? []).flatMap(({ relayed }) => relayed.windows.map(({ cpu }) => cpu)));
}

function verdicts(): void {
  const own = cpuOf('hearth');
  const p99 = added(results.get('hearth') ?? [], 'p99');
  for (const other of ['udx', 'datachannel'] as const) {
    if ((results.get(other) ?? []).length === 0) continue;
    const ratio = own / cpuOf(other);
    process.stdout.write(
      `CPU ratio to ${other}: ${ratio.toFixed(2)}   bar: <= ${BARS[other]}: ${verdict(ratio <= BARS[other])}\n`,
    );
  }
  // A path that is slower without the relay than with it was disturbed: that difference says nothing.
  const judged = p99 < -BARS.addedMs ? 'not judged, the direct run was disturbed' : verdict(p99 <= BARS.addedMs);
  process.stdout.write(`p99 added: ${p99.toFixed(2)} ms   bar: <= ${BARS.addedMs} ms: ${judged}\n`);
}

function verdict(held: boolean): string {
  return held ? 'held' : 'NOT HELD';
}
