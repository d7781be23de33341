import { expect, it } from 'vitest';
import { at, ms } from '../../agent/base/time.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { watchOf } from './wood.ts';

const DEPTH = 15;
/** One way between two households: two lines. */
const LINK = 30;
const APART = 2000;
const PER_TICK = 188 * 40;
const WATCHED = 5000;

it(`a household ${DEPTH} steps below the origin, on links of ${LINK} ms, has the stream half a second after the encoder`, () => {
  const town = new Neighbourhood({ seed: 3, originChildren: 1, access: { delay: ms(LINK / 2) } });
  const span = DEPTH * APART + 10_000;
  town.play(at(0), span + WATCHED, PER_TICK);
  town.world.run(at(1500));
  for (let i = 0; i < DEPTH; i++) {
    town.home(`home ${i}`, 'open', 1);
    town.world.run(at(1500 + (i + 1) * APART));
  }
  town.world.run(at(span));
  const last = town.homes.find(({ household }) => household.watches[0]?.depth === DEPTH);
  if (last === undefined)
    throw new Error(`the chain is ${town.homes.map((home) => watchOf(home).depth).join(', ')} deep`);
  const writtenAt = new Map<number, number>();
  const lags: number[] = [];
  let [written, shown] = [town.written.length, last.blocks.length];
  for (let now = span; now < span + WATCHED; now++) {
    town.world.run(at(now));
    for (; written < town.written.length; written++) writtenAt.set(town.written[written]?.number ?? -1, now);
    for (; shown < last.blocks.length; shown++) {
      const since = writtenAt.get(last.blocks[shown]?.number ?? -1);
      if (since !== undefined) lags.push(now - since);
    }
  }
  expect(lags.length).toBeGreaterThan(50);
  // A picture every 40 ms waits for the next one before its block is whole.
  const worst = Math.max(...lags) + 40;
  console.log(
    `depth ${DEPTH}: ${Math.min(...lags)} to ${Math.max(...lags)} ms from block to block, ${worst} ms with the writing of it`,
  );
  expect(worst).toBeLessThanOrEqual(500);
});
