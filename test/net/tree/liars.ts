import { findExcerpt, withoutNulls } from '../continuity.ts';
import { CUSHION_MS, damageSince, type Grove, QUESTIONS_MS } from '../grove.ts';
import type { Bar } from '../matrix-bars.ts';
import { pause } from '../programs.ts';
import { atMost, spansText, within } from './figures.ts';
import { sayingAfter, story } from './trace.ts';

const LIES = [
  { what: 'corrupts', signal: 'SIGUSR2', event: 'bad-block' },
  { what: 'gives nothing', signal: 'SIGWINCH', event: 'drought' },
] as const;
/** By then everybody has noticed that a spare is gone, and has another: the next lie is a matter of its own. */
const SPARES_MS = 20_000;
/** Tables that a new viewer is given first. */
const TABLES = 8;

/** A parent begins to change what it passes on, another to beat and pass on nothing. The grove keeps all bytes. */
export async function liars(grove: Grove, say: (line: string) => void): Promise<readonly Bar[]> {
  const bars: Bar[] = [];
  const used = new Set<string>();
  for (const { what, signal, event } of LIES) {
    const { victim, others } = await grove.inner(0, ({ isLiar, name }) => isLiar && !used.has(name));
    used.add(victim.name);
    await pause(1500);
    const before = await grove.damage(others);
    // Somebody may have gone to another parent in the meantime.
    const children = await grove.childrenOf(victim);
    const refusals = (await grove.views(children)).map((view) => view.refused_blocks);
    await pause(QUESTIONS_MS);
    const [at, wall] = [performance.now(), Date.now()];
    victim.child.signal(signal);
    await pause(4000);
    const left = children.map(({ child }) => sayingAfter(child, wall, 'parent') ?? Infinity);
    const counted = children.map(({ child }) => sayingAfter(child, wall, event));
    const views = await grove.views(children);
    const late = Math.max(...others.map(({ player }) => player.lateness(at, at + 3500)));
    const damage = damageSince(before, await grove.damage(others));
    say(
      `liar: ${victim.name} ${what}; its children have another parent after ${spansText(left)} ms; ${damage.errors} errors, ${damage.skipped} skipped, latest ${late.toFixed(0)} ms`,
    );
    for (const [i, { name, child }] of children.entries())
      if ((left[i] ?? Infinity) > 500) say(`  ${name}\n${story(child, wall)}`);
    bars.push(
      within(`a parent that ${what}: another one after`, left, 1, 500),
      atMost(`a parent that ${what}: latest at any television`, late, CUSHION_MS, ' ms'),
      atMost(`a parent that ${what}: errors and skipped blocks`, damage.errors + damage.skipped, 0),
      atMost(
        `a parent that ${what}: children that do not say so`,
        counted.filter((span) => span === undefined).length,
        0,
      ),
    );
    const unseen = views.filter((view, i) => view.refused_blocks <= (refusals[i] ?? 0)).length;
    if (event === 'bad-block') bars.push(atMost('children that count no refused block', unseen, 0));
    victim.child.signal('SIGKILL');
    await victim.child.ended;
    victim.player.child.signal('SIGKILL');
    grove.homes.splice(grove.homes.indexOf(victim), 1);
    if (what !== LIES.at(-1)?.what) await pause(SPARES_MS);
  }
  const whole = withoutNulls(Buffer.concat(grove.fed));
  const strange = grove.homes.flatMap(({ name, player }) => {
    const found = findExcerpt(whole, withoutNulls(Buffer.concat(player.bytes)), TABLES);
    return typeof found === 'string' ? [`${name}: ${found}`] : [];
  });
  for (const one of strange) say(`  ${one}`);
  return [...bars, atMost('televisions that show anything but what the origin was given', strange.length, 0)];
}
