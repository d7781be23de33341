/**
 * Are failures called by their names? Each cause is brought about in the middle of a run, and the word that the product
 * finds for its first failed punch is counted. Runs that found a way all the same do not count.
 *
 * Run with: node test/sim/prediction/labels.ts [--runs 500] [--only LABEL]
 * Bars: 95 % named right; drift taken for random, or random for drift, in at most 0.1 %.
 */
import { parseArgs } from 'node:util';
import { type Cause, CAUSES } from './causes.ts';
import { trial } from './trial.ts';
import { percent } from './verdict.ts';

const BAR = 0.95;
const CONFUSED = 0.001;

export interface Naming {
  readonly cause: Cause;
  /** Failed runs by the word that was found. */
  readonly found: ReadonlyMap<string, number>;
  readonly failed: number;
}

export function name(cause: Cause, runs: number, seed: number): Naming {
  const found = new Map<string, number>();
  let failed = 0;
  for (let run = seed; run < seed + runs; run++) {
    const { verdict, way } = trial(cause.scene(run), run);
    const word = verdict === '' && way !== 'direct' ? 'nothing' : verdict;
    if (word === '') continue;
    failed++;
    found.set(word, (found.get(word) ?? 0) + 1);
  }
  return { cause, found, failed };
}

export function right(namings: readonly Naming[]): { readonly named: number; readonly confused: number } {
  const [failed, named] = [
    sum(namings, ({ failed: count }) => count),
    sum(namings, ({ cause, found }) => found.get(cause.label) ?? 0),
  ];
  const pair: Readonly<Record<string, string>> = { drift: 'random', random: 'drift' };
  const confusable = namings.filter(({ cause }) => cause.label in pair);
  const confused = sum(confusable, ({ cause, found }) => found.get(pair[cause.label] ?? '') ?? 0);
  return {
    named: named / Math.max(1, failed),
    confused:
      confused /
      Math.max(
        1,
        sum(confusable, ({ failed: count }) => count),
      ),
  };
}

function sum(namings: readonly Naming[], figure: (naming: Naming) => number): number {
  return namings.reduce((total, naming) => total + figure(naming), 0);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '500' },
      only: { type: 'string', default: '' },
      seed: { type: 'string', default: '1' },
    },
  });
  const namings: Naming[] = [];
  for (const cause of CAUSES.filter(({ label }) => label.includes(values.only))) {
    const naming = name(cause, Number(values.runs), Number(values.seed));
    namings.push(naming);
    const words = [...naming.found].toSorted(([, a], [, b]) => b - a).map(([word, count]) => `${word} ${count}`);
    console.log(`${cause.label.padEnd(10)} ${cause.words}`);
    console.log(
      `${''.padEnd(10)} ${naming.failed} of ${values.runs} failed: ${percent(right([naming]).named)} named right (${words.join(', ')})`,
    );
  }
  const { named, confused } = right(namings);
  console.log(
    `named right ${percent(named)} (bar ${percent(BAR)}); drift and random confused ${percent(confused)} (bar ${percent(CONFUSED)})`,
  );
  process.exitCode = named >= BAR && confused <= CONFUSED ? 0 : 1;
}
