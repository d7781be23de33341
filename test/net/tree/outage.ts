import type { Child } from '../child.ts';
import { CUSHION_MS, type Grove, type Tree } from '../grove.ts';
import type { Bar } from '../matrix-bars.ts';
import { pause, until } from '../programs.ts';
import { atMost, spread, told } from './figures.ts';
import { sayingAfter, story } from './trace.ts';

/** Somebody goes, or is switched on and finds no rendezvous, so often. */
const CHURN_MS = 15_000;
/** No more than this share is away at the end: there has to be a tree. */
const AWAY_MOST = 0.4;
const PLACED_WITHIN_MS = 60_000;

/** The rendezvous dies for so long, while households go with and without a word and others are switched on in vain. */
export async function outage(grove: Grove, minutes: number, say: (line: string) => void): Promise<readonly Bar[]> {
  await grove.settled();
  await pause(3000);
  const away: Tree[] = [];
  const waiting: Child[] = [];
  let [without, late, errors] = [0, 0, 0];
  grove.rendezvous.child.signal('SIGKILL');
  const ends = performance.now() + minutes * 60_000;
  const most = Math.floor(AWAY_MOST * grove.homes.length);
  const churn = Math.min(CHURN_MS, (minutes * 60_000) / Math.max(1, most));
  for (let turn = 0; performance.now() < ends; turn++) {
    const staying = grove.homes.filter((home) => !away.includes(home));
    const began = staying.map(({ player }) => player.errors);
    const [at, wall] = [performance.now(), Date.now()];
    const victim = away.length < most ? staying[(turn * 7) % staying.length] : undefined;
    if (victim !== undefined) {
      away.push(victim);
      victim.player.child.signal('SIGKILL');
      await victim.child.stop(turn % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    }
    await pause(Math.min(churn, Math.max(0, ends - performance.now())));
    const [now, rest] = [performance.now(), staying.filter((home) => home !== victim)];
    const lates = rest.map(({ player }) => player.lateness(at, now));
    const failing = rest.filter((_, i) => (lates[i] ?? 0) > CUSHION_MS);
    late += failing.length;
    without += rest.filter(({ player }) => player.lateness(now - 3000, now) > 2000).length;
    errors += staying.reduce((sum, home, i) => sum + (home === victim ? 0 : home.player.errors - (began[i] ?? 0)), 0);
    say(
      `outage, ${((now - ends) / 60_000 + minutes).toFixed(1)} min: ${victim?.name ?? 'nobody'} ${turn % 2 === 0 ? 'killed' : 'stopped'}; latest of ${rest.length} ${Math.max(...lates).toFixed(0)} ms`,
    );
    for (const { name, child } of failing) say(`  ${name}\n${story(child, wall, -100, 5000)}`);
    for (const { player } of rest) player.forget();
    // Back as a newcomer, which knows nobody.
    if (victim !== undefined) waiting.push(grove.relight(victim));
  }
  const staying = grove.homes.filter((home) => !away.includes(home));
  const back = Date.now();
  await grove.rendezvous.again();
  const says = async (child: Child, event: string, facts?: RegExp): Promise<number> =>
    until(async () => sayingAfter(child, back, event, facts) ?? Infinity, isFinite, PLACED_WITHIN_MS).catch(
      () => Infinity,
    );
  const [registered, placed] = await Promise.all([
    Promise.all(staying.map(async ({ child }) => says(child, 'rendezvous', /state=registered/))),
    Promise.all(waiting.map(async (child) => says(child, 'parent'))),
  ]);
  await pause(3000);
  const damage = staying.filter(
    ({ player }) => player.lateness(performance.now() - 2000, performance.now()) > CUSHION_MS,
  );
  return [
    atMost(
      `no rendezvous for ${minutes} min: times that a television was without the stream at the end of a turn`,
      without,
      0,
    ),
    atMost(`the same: times that anybody was later than ${CUSHION_MS} ms`, late, 0),
    atMost('the same: errors at televisions', errors, 0),
    told('rendezvous back: those who stayed are registered after', spread(registered)),
    told(
      `rendezvous back: the ${placed.length} that waited have a parent after`,
      placed.length === 0 ? 'none' : spread(placed),
    ),
    atMost(
      'rendezvous back: households without a place after a minute',
      [...placed, ...registered].filter((span) => span === Infinity).length,
      0,
    ),
    atMost('rendezvous back: televisions without the stream', damage.length, 0),
  ];
}
