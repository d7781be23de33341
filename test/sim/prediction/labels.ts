/**
 * Are failures called by their names? Each cause is brought about in the middle of a run, and the word that the product
 * finds for its first failed punch is counted: where it finds none, the word that `hearth ping` ends with. Runs that
 * found a way at once all the same do not count.
 *
 * Run with: node test/sim/prediction/labels.ts [--runs 500] [--only LABEL]
 * Bars: of each label 95 % named right; drift taken for random, or random for drift, in at most 0.1 %.
 */
import { parseArgs } from 'node:util';
import { type Held, holds } from './chance.ts';
import { type Cause, CAUSES } from './causes.ts';
import { WORDS } from './print.ts';
import { trial } from './trial.ts';
import { percent } from './verdict.ts';

const BAR = 0.95;
const CONFUSED = 0.001;

interface Naming {
  readonly cause: Cause;
  /** Failed runs by the word that was found. */
  readonly found: ReadonlyMap<string, number>;
  readonly failed: number;
}

/** Runs one cause so often, with seeds from `seed` on. */
function name(cause: Cause, runs: number, seed: number): Naming {
  const found = new Map<string, number>();
  let failed = 0;
  for (let run = seed; run < seed + runs; run++) {
    const { verdict, way, label } = trial(cause.scene(run), run);
    const word = verdict === '' && way !== 'direct' ? label : verdict;
    if (word === '') continue;
    failed++;
    found.set(word, (found.get(word) ?? 0) + 1);
  }
  return { cause, found, failed };
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
  },
});
const runs = Number(values.runs);
let missed = 0;
const say = (what: string, bar: string, figure: string, held: Held, more = ''): void => {
  if (held === 'missed') missed++;
  console.log(`${what.padEnd(28)} ${bar.padEnd(10)} ${figure.padEnd(20)} ${WORDS[held].padEnd(8)} ${more}`);
};
const sum = (all: readonly Naming[], figure: (one: Naming) => number): number =>
  all.reduce((total, one) => total + figure(one), 0);

const namings = CAUSES.filter(({ label }) => label.includes(values.only)).map((cause) =>
  name(cause, runs, Number(values.seed)),
);
const total = { named: 0, failed: 0 };
for (const label of new Set(namings.map(({ cause }) => cause.label))) {
  const own = namings.filter(({ cause }) => cause.label === label);
  const [failed, named] = [sum(own, (one) => one.failed), sum(own, ({ found }) => found.get(label) ?? 0)];
  total.named += named;
  total.failed += failed;
  const figure = failed === 0 ? 'always overcome' : `${percent(named / failed)} of ${failed}`;
  say(label, `>= ${100 * BAR} %`, figure, holds(named, failed, BAR, runs));
  for (const { cause, found, failed: count } of own) {
    const words = [...found].toSorted(([, a], [, b]) => b - a).map(([word, times]) => `${word} ${times}`);
    console.log(`    ${cause.words}: ${count} of ${runs} failed: ${words.join(', ')}`);
  }
}
const pair: Readonly<Record<string, string>> = { drift: 'random', random: 'drift' };
const confusable = namings.filter(({ cause }) => cause.label in pair);
const failed = sum(confusable, (one) => one.failed);
const confused = sum(confusable, ({ cause, found }) => found.get(pair[cause.label] ?? '') ?? 0);
const { named } = total;
say(
  'all labels',
  `>= ${100 * BAR} %`,
  `${percent(named / total.failed)} of ${total.failed}`,
  holds(named, total.failed, BAR, runs),
);
if (failed > 0) {
  const held = holds(failed - confused, failed, 1 - CONFUSED, runs);
  say('drift and random confused', `<= ${100 * CONFUSED} %`, `${percent(confused / failed)} of ${failed}`, held);
}
console.log(missed === 0 ? 'every bar held' : `${missed} bars missed`);
process.exitCode = missed === 0 ? 0 : 1;
