import { CUSHION_MS, damageSince, type Grove, QUESTIONS_MS } from '../grove.ts';
import type { Bar } from '../matrix-bars.ts';
import { pause } from '../programs.ts';
import { atMost, told } from './figures.ts';
import { story } from './trace.ts';

/** One that feeds others is told to stop, as for an upgrade: nobody loses a block. */
export async function leaves(grove: Grove, times: number, say: (line: string) => void): Promise<readonly Bar[]> {
  let [lost, errors] = [0, 0];
  const lates: number[] = [];
  const gone: number[] = [];
  for (let turn = 1; turn <= times; turn++) {
    const { victim, children, others } = await grove.inner(turn);
    await pause(1500);
    const before = await grove.damage(others);
    await pause(QUESTIONS_MS);
    const [at, wall] = [performance.now(), Date.now()];
    await victim.child.stop();
    const took = performance.now() - at;
    gone.push(took);
    await pause(1500);
    const all = others.map((home) => ({ home, late: home.player.lateness(at, performance.now()) }));
    const latest = all.reduce((worst, one) => (one.late > worst.late ? one : worst));
    const { late } = latest;
    lates.push(late);
    const harm = damageSince(before, await grove.damage(others));
    lost += harm.lost + harm.skipped;
    errors += harm.errors;
    const fed = children.map(({ name }) => name).join(', ');
    say(
      `leave ${turn}: ${victim.name} with ${fed} gone after ${took.toFixed(0)} ms; ${harm.lost + harm.skipped} blocks lost, ${harm.errors} errors, latest ${late.toFixed(0)} ms`,
    );
    if (late > CUSHION_MS / 2)
      say(`  ${latest.home.name} was the latest\n${story(latest.home.child, wall, -100, 4000)}`);
    if (harm.lost + harm.skipped + harm.errors > 0)
      for (const { name, child } of children) say(`  ${name}\n${story(child, wall, -100, 4000)}`);
    await grove.restart(victim);
    await grove.plays(victim);
  }
  return [
    atMost(`leave, ${times} times: blocks lost anywhere`, lost, 0),
    atMost(`leave, ${times} times: errors at televisions`, errors, 0),
    told('leave: the latest bytes at any television', `${Math.max(...lates).toFixed(0)} ms`),
    told('leave: the longest until it was gone', `${Math.max(...gone).toFixed(0)} ms`),
  ];
}
