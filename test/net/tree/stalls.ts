import { CUSHION_MS, damageSince, QUESTIONS_MS, type Grove, type Tree } from '../grove.ts';
import type { Bar } from '../matrix-bars.ts';
import { pause } from '../programs.ts';
import { atLeast, spansText, told } from './figures.ts';
import { sayingAfter, story } from './trace.ts';

type Say = (line: string) => void;

const HANGS_MS = 3000;
const SLOW_MS = 12_000;
/** Less than one child's stream, of the 0.37 Mbit/s that there are. */
const SLOW_BPS = 300_000;
const BEGUN_MS = 150;

/** One that feeds others hangs for three seconds: its children go on, and it finds its way back. */
export async function stalls(grove: Grove, times: number, say: Say): Promise<readonly Bar[]> {
  const mended: number[] = [];
  const backs: number[] = [];
  const clean = await repeatedly(grove, times, 'stall', say, async ({ victim, children }) => {
    const [at, wall] = [performance.now(), Date.now()];
    victim.child.signal('SIGSTOP');
    await pause(HANGS_MS);
    victim.child.signal('SIGCONT');
    await grove.plays(victim);
    await pause(2000);
    const spans = children.map(({ player }) => player.mendedAfter(at, BEGUN_MS));
    mended.push(...spans);
    const back = sayingAfter(victim.child, wall + HANGS_MS, 'parent');
    if (back !== undefined) backs.push(back);
    // What it missed itself shows at its own television, and only there.
    grove.rewatch(victim);
    return `children mended after ${spansText(spans)} ms, itself has a parent again ${back ?? '?'} ms after it went on`;
  });
  return [
    atLeast('stalls of 3 s that no other television shows', clean, times, 0.99),
    told('stall: first repaired block at a child', `${spansText(mended.toSorted((a, b) => a - b))} ms`),
    told('stall: it has a parent again after', `${spansText(backs)} ms`),
  ];
}

/** The line of one that feeds others gets slower than the stream it sends: its children find another parent. */
export async function slow(grove: Grove, times: number, say: Say): Promise<readonly Bar[]> {
  const changed: number[] = [];
  const clean = await repeatedly(grove, times, 'slow', say, async ({ victim, children }) => {
    const { line } = grove.options;
    const wall = Date.now();
    victim.house.line?.change({ ...line, rateBps: SLOW_BPS }, line);
    await pause(SLOW_MS);
    victim.house.line?.change(line);
    const moved = children.map(({ child }) => sayingAfter(child, wall, 'parent') ?? Infinity);
    changed.push(...moved);
    await pause(1000);
    return `children are fed by another after ${spansText(moved)} ms`;
  });
  return [
    atLeast(
      `lines slower than the stream that no other television shows (cushion ${CUSHION_MS} ms)`,
      clean,
      times,
      0.99,
    ),
    told('slow: a child is fed by another after', `${spansText(changed.toSorted((a, b) => a - b))} ms`),
  ];
}

/** How often nobody else's television showed anything. */
async function repeatedly(
  grove: Grove,
  times: number,
  what: string,
  say: Say,
  harm: (chosen: { readonly victim: Tree; readonly children: readonly Tree[] }) => Promise<string>,
): Promise<number> {
  let clean = 0;
  for (let turn = 1; turn <= times; turn++) {
    const chosen = await grove.inner(turn, ({ house }) => house.line !== undefined);
    await pause(1500);
    const before = await grove.damage(chosen.others);
    await pause(QUESTIONS_MS);
    const [at, wall] = [performance.now(), Date.now()];
    const saw = await harm(chosen);
    const late = chosen.others.map(({ player }) => player.lateness(at, performance.now()));
    const damage = damageSince(before, await grove.damage(chosen.others));
    const isClean = damage.errors + damage.skipped === 0 && Math.max(...late) <= CUSHION_MS;
    if (isClean) clean++;
    say(
      `${what} ${turn}: ${chosen.victim.name}, ${saw}; ${damage.errors} errors, ${damage.skipped} blocks skipped, latest ${Math.max(...late).toFixed(0)} ms${isClean ? '' : '  NOT CLEAN'}`,
    );
    if (!isClean) for (const { name, child } of chosen.children) say(`  ${name}\n${story(child, wall, -100, 6000)}`);
    for (const { player } of grove.homes) player.forget();
  }
  return clean;
}
