/**
 * The laboratory table of P2PSP (six kinds of NAT, 250 runs, lines of 30 ms with 1 % loss and of 10 ms with 10 %), beside
 * the same pairs here. Of theirs only the figures below were to be had; a dash where not.
 *
 * Run with: node test/sim/prediction/six.ts [--runs 250] [--threads 2]
 * Bar: every pair at least 98 % direct, except random with anything that has a port per destination.
 */
import { parseArgs } from 'node:util';
import { type Held, holds } from './chance.ts';
import { Crew } from './crew.ts';
import { NAMES, owed, P2PSP_ROWS, theirs } from './p2psp.ts';
import { WORDS } from './print.ts';
import type { Cell } from './rows.ts';

const BAR = 0.98;
/** Their sample. */
const WHOLE = 250;
const CONDITIONS = [
  { delay: 30, loss: 0.01 },
  { delay: 10, loss: 0.1 },
] as const;

const { values } = parseArgs({
  options: { runs: { type: 'string', default: String(WHOLE) }, threads: { type: 'string', default: '2' } },
});
const crew = new Crew(Number(values.threads));
const runs = Number(values.runs);
const counts: Record<Held, number> = { held: 0, open: 0, missed: 0 };
let least = 1;
for (const { delay, loss } of CONDITIONS) {
  const cells = P2PSP_ROWS.map(({ name }): Cell => ({ row: name, delay, loss, flows: 0.4, varianceOverMean: 1.5 }));
  const trials = await crew.measure(cells, runs, 1);
  console.log(`\n${delay} ms, ${100 * loss} % loss, ${runs} runs: direct % (theirs)`);
  console.log(`      ${NAMES.map((name) => name.padStart(16)).join('')}`);
  for (const [i, a] of NAMES.entries()) {
    const line = NAMES.map((b, j) => {
      const direct = (trials[i * NAMES.length + j] ?? []).filter(({ way }) => way === 'direct').length;
      const known = owed(a, b);
      if (known) {
        least = Math.min(least, direct / runs);
        counts[holds(direct, runs, BAR, runs < WHOLE ? runs : Infinity)]++;
      }
      return `${((100 * direct) / runs).toFixed(1)} (${theirs(a, b, loss)})${known ? '' : '*'}`.padStart(16);
    });
    console.log(`${a.padEnd(6)}${line.join('')}`);
  }
}
await crew.dismiss();
console.log('* no port can be known: relayed\n');
const held: Held = counts.missed > 0 ? 'missed' : counts.open > 0 ? 'open' : 'held';
const below = counts.missed + counts.open;
console.log(
  `least of ${counts.held + below} cells with a knowable port: ${(100 * least).toFixed(1)} %, ${below} below (bar >= ${100 * BAR} % each)  ${WORDS[held]}`,
);
process.exitCode = held === 'missed' ? 1 : 0;
