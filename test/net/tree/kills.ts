import { CUSHION_MS, damageSince, QUESTIONS_MS, type Grove, type Tree } from '../grove.ts';
import { type Bar, quantile } from '../matrix-bars.ts';
import { pause } from '../programs.ts';
import { atLeast, spansText, told, within } from './figures.ts';
import { usageOf } from './load.ts';
import { sayingAfter, story } from './trace.ts';

type Say = (line: string) => void;

/** What happens within this of a kill is the kill's. */
const AFTER_MS = 3000;
/** Pauses that begin by then are made by it: what its socket held, two lines, a picture's worth of pause. */
const BEGUN_MS = 150;
/** So many of the worst are told with what their households did. */
const WORST = 3;

interface Kill {
  readonly child: string;
  readonly mendedMs: number;
  readonly why: string;
}

/**
 * One that feeds others is killed, again and again, and comes back as a newcomer. Repaired: the first bytes at a child's
 * television after the pause, at which point that child's blocks are in order again.
 */
export async function kills(grove: Grove, times: number, say: Say): Promise<readonly Bar[]> {
  const all: Kill[] = [];
  const latest: number[] = [];
  let clean = 0;
  let waited = 0;
  for (let turn = 1; turn <= times; turn++) {
    const { victim, children, others } = await grove.inner(turn);
    await pause(1500);
    const before = await grove.damage(others);
    await pause(QUESTIONS_MS);
    const loads = new Map(others.map(({ name, child }) => [name, usageOf(child).waitedMs]));
    const waitOf = ({ name, child }: Tree): number => usageOf(child).waitedMs - (loads.get(name) ?? 0);
    const [at, wall] = [performance.now(), Date.now()];
    victim.child.signal('SIGKILL');
    await pause(AFTER_MS);
    const waits = new Map(others.map((home) => [home.name, waitOf(home)]));
    const mended = children.map(({ player }) => player.mendedAfter(at, BEGUN_MS));
    const late = others.map(({ player }) => player.lateness(at, at + AFTER_MS));
    const damage = damageSince(before, await grove.damage(others));
    const worst = Math.max(...late);
    const isClean = damage.errors + damage.skipped === 0 && worst <= CUSHION_MS;
    if (isClean) clean++;
    latest.push(worst);
    for (const [i, { name, child }] of children.entries()) {
      const wait = waits.get(name) ?? 0;
      const steps = ['drought', 'parent-lost', 'parent']
        .map((event) => [event, sayingAfter(child, wall, event)] as const)
        .flatMap(([event, after]) => (after === undefined ? [] : [`${event} at ${after}`]));
      const why = `kill ${turn}, ${name}: ${steps.join(', ')} ms; ${wait.toFixed(0)} ms of ${AFTER_MS} in the machine's queue\n${story(child, wall)}`;
      all.push({ child: name, mendedMs: mended[i] ?? Infinity, why });
    }
    const harm = `${damage.errors} errors, ${damage.skipped} blocks skipped, ${damage.lost} lost; latest ${worst.toFixed(0)} ms`;
    say(
      `kill ${turn}: ${victim.name} (${victim.nat}), children mended after ${spansText(mended)} ms; ${harm}${isClean ? '' : '  NOT CLEAN'}`,
    );
    waited = Math.max(waited, ...waits.values());
    for (const [i, home] of others.entries()) {
      if ((late[i] ?? 0) <= CUSHION_MS) continue;
      const wait = (waits.get(home.name) ?? 0).toFixed(0);
      say(
        `  ${home.name} was ${late[i]?.toFixed(0)} ms late, and ${wait} ms in the machine's queue\n${story(home.child, wall)}`,
      );
    }
    await victim.child.ended;
    await grove.restart(victim);
    await grove.plays(victim);
    for (const { player } of grove.homes) player.forget();
  }
  for (const { why } of all.toSorted((a, b) => b.mendedMs - a.mendedMs).slice(0, WORST)) say(why);
  const spans = all.map(({ mendedMs }) => mendedMs);
  return [
    within('kill: first repaired block at a child', spans, 0.5, 200),
    within('kill: first repaired block at a child', spans, 0.99, 500),
    atLeast(`kills after which no television misses anything with a cushion of ${CUSHION_MS} ms`, clean, times, 0.99),
    told(
      'kill: the latest bytes at any television',
      `p50 ${quantile(latest, 0.5).toFixed(0)}, most ${Math.max(...latest).toFixed(0)} ms`,
    ),
    told('kill: longest that a household stood in the machine’s queue within 3 s', `${waited.toFixed(0)} ms`),
  ];
}
