/**
 * The bar table: for each pair of NAT classes what `hearth ping` comes to, beside what is promised. Every run is a whole
 * town of real machines (rendezvous, household, ping) on the virtual clock.
 *
 * Run with: node test/sim/prediction/table.ts [--runs 500] [--only NAME] [--seed 1] [--threads 2] [--cells]
 * `--only` takes any part of a row's name; `--cells` prints each cell as well. Ends with 1 when a bar was missed.
 */
import { parseArgs } from 'node:util';
import { Crew } from './crew.ts';
import { printCell, printRow } from './print.ts';
import { cells, ROWS } from './rows.ts';
import { summarize } from './summary.ts';
import { judge } from './verdict.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    cells: { type: 'boolean', default: false },
  },
});
const rows = ROWS.filter(({ name }) => name.toLowerCase().includes(values.only.toLowerCase()));
const crew = new Crew(Number(values.threads));
let missed = 0;
for (const row of rows) {
  const all = cells(row);
  const trials = await crew.measure(all, Number(values.runs), Number(values.seed));
  const measured = all.map((cell, i) => ({ cell, summary: summarize(trials[i] ?? []) }));
  const verdicts = judge(row, measured);
  missed += verdicts.filter(({ held }) => held === 'missed').length;
  console.log(printRow(row, measured, verdicts));
  if (values.cells) for (const cell of measured) console.log(printCell(cell));
}
await crew.dismiss();
console.log(missed === 0 ? 'every bar held' : `${missed} bars missed`);
process.exitCode = missed === 0 ? 0 : 1;
