/**
 * What the pairs are worth to a household: the chance that it gets a direct path to at least one of four candidate
 * parents, from the measured success of every pair of classes and the assumed weights of the classes.
 *
 * Run with: node test/sim/prediction/score.ts [--runs 100] [--threads 2]
 * Bar: at least 99 % of the households that have UDP at all, in each of the assumed worlds.
 */
import { parseArgs } from 'node:util';
import { Crew } from './crew.ts';
import { classRow } from './classes.ts';
import type { Cell } from './rows.ts';
import { percent } from './verdict.ts';
import { CLASSES, WORLDS } from './weights.ts';

const CANDIDATES = 4;
const BAR = 0.99;

type Udp = (typeof CLASSES)[number];
type Success = Readonly<Record<Udp, Readonly<Record<Udp, number>>>>;

/**
 * Share of the UDP-capable households with a direct path to one of their candidates. `random`: candidates come by their
 * weights; `chosen`: the rendezvous gives those whose NATs are the easiest, as far as such households exist at all.
 */
export function nodeScore(success: Success, weights: Readonly<Record<Udp, number>>, pick: 'random' | 'chosen'): number {
  const whole = CLASSES.reduce((sum, name) => sum + weights[name], 0);
  const parents =
    pick === 'chosen' ? CLASSES.filter((name) => name === 'O' || name === 'E1' || name === 'E2') : CLASSES;
  const among = parents.reduce((sum, name) => sum + weights[name], 0);
  return CLASSES.reduce((score, own) => {
    const one = parents.reduce((sum, parent) => sum + (weights[parent] / among) * success[own][parent], 0);
    return score + (weights[own] / whole) * (1 - (1 - one) ** CANDIDATES);
  }, 0);
}

/** Measured success of every unordered pair of classes; 40 ms one way, 1 % loss, 15 foreign flows a second. */
export async function pairSuccess(crew: Crew, runs: number): Promise<Success> {
  const pairs = CLASSES.flatMap((a, i) => CLASSES.slice(i).map((b) => [a, b] as const));
  const cells = pairs.map(([a, b]): Cell => ({
    row: classRow(a, b).name,
    delay: 40,
    loss: 0.01,
    flows: 15,
    varianceOverMean: 1.5,
  }));
  const trials = await crew.measure(cells, runs, 1);
  const shares = new Map(
    pairs.flatMap(([a, b], i) => {
      const direct = (trials[i] ?? []).filter(({ way }) => way === 'direct').length / runs;
      return [[`${a} ${b}`, direct] as const, [`${b} ${a}`, direct] as const];
    }),
  );
  const line = (a: Udp): Record<Udp, number> =>
    Object.fromEntries(CLASSES.map((b) => [b, shares.get(`${a} ${b}`) ?? 0])) as Record<Udp, number>;
  return Object.fromEntries(CLASSES.map((a) => [a, line(a)])) as Record<Udp, Record<Udp, number>>;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '100' }, threads: { type: 'string', default: '2' } },
  });
  const crew = new Crew(Number(values.threads));
  const success = await pairSuccess(crew, Number(values.runs));
  await crew.dismiss();
  console.log(
    `direct paths by pair of classes, ${values.runs} runs each, 40 ms one way, 1 % loss, 15 foreign flows/s:`,
  );
  console.log(`     ${CLASSES.map((name) => name.padStart(8)).join('')}`);
  for (const a of CLASSES)
    console.log(`  ${a.padEnd(3)}${CLASSES.map((b) => (100 * success[a][b]).toFixed(1).padStart(8)).join('')}`);
  let held = true;
  for (const [world, weights] of Object.entries(WORLDS)) {
    const [random, chosen] = (['random', 'chosen'] as const).map((pick) => nodeScore(success, weights, pick)) as [
      number,
      number,
    ];
    held &&= chosen >= BAR;
    console.log(
      `  ${world.padEnd(32)} 4 random candidates ${percent(random)}, 4 that the rendezvous chooses ${percent(chosen)} (bar ${percent(BAR)})`,
    );
  }
  process.exitCode = held ? 0 : 1;
}
