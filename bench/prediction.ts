/**
 * How two published programs fare in the worlds of the bar table: frp's range window and EasyTier's sequential method,
 * written anew from their descriptions, against the same NATs with the same luck as our own machines.
 *
 * They get a connection to their server that loses nothing and the time that `hearth ping` has; ours has only the time.
 * Bar: in every line at least as many direct paths as the better one of them. Ends with 1 when it was missed.
 * Run with: node bench/prediction.ts [runs per line, default 100] [part of a row's name]
 */
import { Arena, type Rival } from './rivals/arena.ts';
import { easyTier } from './rivals/easytier.ts';
import { frp } from './rivals/frp.ts';
import { type Cell, ROWS, type Row, scene } from '../test/sim/prediction/rows.ts';
import { percentile } from '../test/sim/prediction/summary.ts';
import { type Trial, trial } from '../test/sim/prediction/trial.ts';

const RUNS = Number(process.argv[2] ?? 100);
const ONLY = process.argv[3] ?? '';

/** Which cells of the bar table; 1 % loss throughout. */
const LINES: readonly {
  readonly row: string;
  readonly delays: readonly number[];
  readonly flows: readonly number[];
}[] = [
  { row: 'O x any', delays: [50], flows: [50] },
  { row: 'E1 x hard', delays: [50], flows: [50] },
  { row: 'E2 x E2', delays: [50], flows: [0.4] },
  { row: 'preserve/offset, poison', delays: [50], flows: [0.4] },
  { row: 'E2 x Sq', delays: [20, 50, 150], flows: [4, 50, 250, 1000] },
  { row: 'E2 x stride, per-core', delays: [50], flows: [4, 50] },
  { row: 'Sq x Sq', delays: [20, 50, 150], flows: [4, 15, 50] },
  { row: 'Sq x Sq 250/s', delays: [50], flows: [250] },
  { row: 'E2 x B', delays: [50], flows: [0.4] },
  { row: 'E2 x R 16 k', delays: [50], flows: [0.4] },
  { row: 'E2 x R full', delays: [50], flows: [0.4] },
  { row: 'R x R, Sq x R', delays: [50], flows: [4] },
];

type Run = Pick<Trial, 'after' | 'sides'> & { readonly direct: boolean; readonly predicted: boolean };
type Contender = (row: Row, cell: Cell, seed: number) => Run;

/** Methods that read the port rather than try many. */
const PREDICTED = new Set(['bracket', 'walk']);

const ours: Contender = (row, cell, seed) => {
  const run = trial(scene(row, cell, seed), seed);
  return { ...run, direct: run.way === 'direct', predicted: PREDICTED.has(run.method) };
};
const theirs =
  (rival: Rival): Contender =>
  (row, cell, seed) => {
    const setting = scene(row, cell, seed);
    const bout = new Arena(setting, seed).run(rival, setting.patience);
    return { ...bout, predicted: bout.direct && bout.phase === 'predicted' };
  };
const CONTENDERS: Readonly<Record<string, Contender>> = { hearth: ours, frp: theirs(frp), EasyTier: theirs(easyTier) };

/** Direct share, that by a predicted port, median time; per run the mean of both sides' packets and of the more burdened side's mappings. */
function measure(contender: Contender, row: Row, cell: Cell): { readonly share: number; readonly words: string } {
  const runs = Array.from({ length: RUNS }, (_, i) => contender(row, cell, i + 1));
  const direct = runs.filter((run) => run.direct);
  const mean = (figure: (run: Run) => number): number => runs.reduce((sum, run) => sum + figure(run), 0) / RUNS;
  const median = percentile(
    direct.map((run) => run.after).sort((a, b) => a - b),
    0.5,
  );
  const packets = mean(({ sides: [a, b] }) => a.packets + b.packets);
  const mappings = mean(({ sides: [a, b] }) => Math.max(a.mapped, b.mapped));
  const time = direct.length === 0 ? '-' : `${(median / 1000).toFixed(2)} s`;
  const share = direct.length / RUNS;
  const read = runs.filter(({ predicted }) => predicted).length / RUNS;
  const words = [
    percent(share),
    `(${percent(read).trim()})`.padStart(9),
    time.padStart(7),
    packets.toFixed(0).padStart(5),
    mappings.toFixed(0).padStart(4),
  ];
  return { share, words: words.join(' ') };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`.padStart(8);
}

const names = Object.keys(CONTENDERS);
console.log(
  `${RUNS} runs each, 1 % loss: direct share (by a predicted port), median time from asking, packets of both sides, mappings of the busier side`,
);
console.log(`${''.padEnd(42)}${names.map((name) => name.padEnd(38)).join('')}bar          measured`);
let [lines, beaten] = [0, 0];
for (const { row: name, delays, flows } of LINES) {
  const row = ROWS.find((other) => other.name === name);
  if (row === undefined || !name.toLowerCase().includes(ONLY.toLowerCase())) continue;
  for (const delay of delays) {
    for (const flow of flows) {
      const cell: Cell = { row: name, delay, loss: 0.01, flows: flow, varianceOverMean: 1.5 };
      const found = Object.values(CONTENDERS).map((contender) => measure(contender, row, cell));
      const [own = 0, ...others] = found.map(({ share }) => share);
      const bar = Math.max(...others);
      lines++;
      if (own < bar) beaten++;
      const verdict =
        `>= ${percent(bar).trim()}`.padEnd(13) + percent(own).trim().padEnd(9) + (own < bar ? 'MISSED' : 'held');
      console.log(
        `${`${name}, ${delay} ms, ${flow}/s`.padEnd(42)}${found.map(({ words }) => words.padEnd(38)).join('')}${verdict}`,
      );
    }
  }
}
console.log(beaten === 0 ? `bar held in all of ${lines} lines` : `bar missed in ${beaten} of ${lines} lines`);
process.exitCode = beaten === 0 ? 0 : 1;
