import { clockOf, Continuity } from '../continuity.ts';
import { Grove } from '../grove.ts';
import type { Lab } from '../lab.ts';
import { type Bar, quantile } from '../matrix-bars.ts';
import { Player } from '../player.ts';
import { pause, type States } from '../programs.ts';
import { atMost, told } from './figures.ts';

const DEPTH = 5;
/** Two of them are between two households: 20 ms one way. */
const LINE = { delayMs: 10 };
const WATCHED_MS = 20_000;
/** What a block of so little stream waits for company (docs/wire.md; a fast one fills it sooner), and what a household takes to pass it on. */
const [BLOCK_MS, HOP_MS] = [40, 2];

/** A chain of households that feed one each: how much later the stream's clock is on the LAN than it was at the origin. */
export async function glass(lab: Lab, states: States, say: (line: string) => void): Promise<readonly Bar[]> {
  const grove = await Grove.plant(lab, states, {
    nats: ['masquerade', 'full-cone', 'masquerade', 'offset', 'masquerade'],
    line: LINE,
    children: 1,
  });
  const given = new Map<number, number>();
  const taken = new Continuity();
  grove.given = (bytes) => {
    const at = performance.now();
    taken.take(bytes, (packet) => {
      const clock = clockOf(packet);
      if (clock !== undefined) given.set(clock, at);
    });
  };
  for (const nat of grove.options.nats) await grove.plays(await grove.settle(await grove.lay(nat)));
  await pause(3000);
  const bars: Bar[] = [];
  const views = await grove.settled(5000);
  const chain = grove.homes
    .map((home, i) => ({ home, depth: views[i]?.depth ?? 0 }))
    .toSorted((a, b) => a.depth - b.depth);
  const lags = chain.map((): number[] => []);
  const players = chain.map(
    ({ home }, i) =>
      new Player(lab, home.house.host, `${home.url}live/${grove.channel}.ts`, {
        heard: (clock) => {
          const at = given.get(clock);
          if (at !== undefined) lags[i]?.push(performance.now() - at);
        },
      }),
  );
  // The first second is what the household has kept for whoever comes.
  await pause(3000);
  for (const lag of lags) lag.length = 0;
  await pause(WATCHED_MS);
  for (const { child } of players) child.signal('SIGKILL');
  for (const [i, { home, depth }] of chain.entries()) {
    const [half, most] = [0.5, 0.99].map((share) => quantile(lags[i] ?? [], share));
    say(
      `glass: ${home.name} at depth ${depth}: p50 ${half?.toFixed(0)}, p99 ${most?.toFixed(0)} ms of ${lags[i]?.length}`,
    );
    const limit = BLOCK_MS + depth * (2 * LINE.delayMs + HOP_MS);
    if (depth === DEPTH)
      bars.push(atMost(`added from origin to LAN at depth ${depth}, p50`, Math.round(half ?? Infinity), limit, ' ms'));
    if (depth === DEPTH) bars.push(told(`added from origin to LAN at depth ${depth}, p99`, `${most?.toFixed(0)} ms`));
  }
  if (bars.length === 0)
    bars.push(atMost('steps that the chain lacks', DEPTH - Math.max(...chain.map(({ depth }) => depth)), 0));
  return bars;
}
