/**
 * What the pairs are worth to a household: the chance that it gets a direct path to at least one of four candidate
 * parents, from the measured success of every pair of NATs and the assumed weights of their classes. A household that has
 * no way to one NAT of a class has none to the next one of that sort either, so the chances of the four are multiplied
 * for each NAT by itself, not for a whole class.
 *
 * Run with: node test/sim/prediction/score.ts [--runs 100] [--threads 2]
 * Bar: at least 99 % of the households that have UDP at all, in each of the assumed worlds.
 */
import { parseArgs } from 'node:util';
import type { Held } from './chance.ts';
import { CLASS_ROWS, type Member, MEMBERS, rowName } from './classes.ts';
import { Crew } from './crew.ts';
import { WORDS } from './print.ts';
import type { Cell } from './rows.ts';
import { percent } from './verdict.ts';
import { CLASSES, WORLDS } from './weights.ts';

const CANDIDATES = 4;
const BAR = 0.99;

type Udp = (typeof CLASSES)[number];
type Success = (own: Member, parent: Member) => number;

/** Those that the rendezvous prefers as parents. */
const EASY: readonly Udp[] = ['O', 'E1', 'E2'];

/**
 * Share of the UDP-capable households with a direct path to one of their candidates. `random`: candidates come by their
 * weights; `chosen`: the rendezvous gives those whose NATs are the easiest.
 */
export function nodeScore(
  success: Success,
  weights: Readonly<Record<Udp, number>>,
  candidates: 'random' | 'chosen',
): number {
  const weightOf = ({ of, share }: Member): number => weights[of] * share;
  const sum = (members: readonly Member[], figure: (member: Member) => number): number =>
    members.reduce((total, member) => total + weightOf(member) * figure(member), 0);
  const parents = candidates === 'chosen' ? MEMBERS.filter(({ of }) => EASY.includes(of)) : MEMBERS;
  const [all, among] = [sum(MEMBERS, () => 1), sum(parents, () => 1)];
  const score = (own: Member): number => {
    const one = sum(parents, (parent) => success(own, parent)) / among;
    return 1 - (1 - one) ** CANDIDATES;
  };
  return sum(MEMBERS, score) / all;
}

/** Measured success of every unordered pair of NATs; 40 ms one way, 1 % loss, 15 foreign flows a second. */
export async function pairSuccess(crew: Crew, runs: number): Promise<Success> {
  const cells = CLASS_ROWS.map(({ name }): Cell => ({
    row: name,
    delay: 40,
    loss: 0.01,
    flows: 15,
    varianceOverMean: 1.5,
  }));
  const trials = await crew.measure(cells, runs, 1);
  const shares = new Map(
    CLASS_ROWS.map(({ name }, i) => [name, (trials[i] ?? []).filter(({ way }) => way === 'direct').length / runs]),
  );
  return (own, parent) => shares.get(rowName(own, parent)) ?? 0;
}

/** The mean over the NATs of two classes. */
function between(success: Success, a: Udp, b: Udp): number {
  const of = (name: Udp): readonly Member[] => MEMBERS.filter((member) => member.of === name);
  return of(a).reduce((sum, x) => sum + of(b).reduce((so, y) => so + success(x, y) * x.share * y.share, 0), 0);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '100' }, threads: { type: 'string', default: '2' } },
  });
  const runs = Number(values.runs);
  const crew = new Crew(Number(values.threads));
  const success = await pairSuccess(crew, runs);
  await crew.dismiss();
  console.log(`direct paths by pair of classes, %; ${CLASS_ROWS.length} pairs of NATs, ${runs} runs each`);
  console.log(`     ${CLASSES.map((name) => name.padStart(8)).join('')}`);
  for (const a of CLASSES) {
    const line = CLASSES.map((b) => (100 * between(success, a, b)).toFixed(1).padStart(8));
    console.log(`  ${a.padEnd(3)}${line.join('')}`);
  }
  let missed = 0;
  console.log(`\nhouseholds with a direct path to one of ${CANDIDATES} parents: bar >= ${percent(BAR)}`);
  for (const [world, weights] of Object.entries(WORLDS)) {
    const line = (['random', 'chosen'] as const).map((candidates) => {
      const found = nodeScore(success, weights, candidates);
      const held: Held = found >= BAR ? 'held' : 'missed';
      if (held === 'missed' && candidates === 'chosen') missed++;
      return `${candidates} ${percent(found)} ${candidates === 'chosen' ? WORDS[held] : ''}`;
    });
    console.log(`  ${world.padEnd(32)} ${line.join('  ')}`);
  }
  console.log(missed === 0 ? 'every bar held' : `${missed} bars missed`);
  process.exitCode = missed === 0 ? 0 : 1;
}
