import { expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { asset } from '../../agent/io/assets.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import { Town } from '../../agent/roles/town.ts';

/** About what the built-in picture has in 40 ms. */
const PIECE = 188 * 8;

test('when a parent is cut off, the town tells how long viewers waited for a block, not for another parent', () => {
  const town = new Town({ seed: 1, cipher: nodeCipher(), originChildren: 1, watcher: { news: () => undefined } });
  const picture = asset('testcard.mpegts');
  let given = 0;
  const play = (until: number): void => {
    for (let now = town.now + 40; now <= until; now += 40) {
      town.source({ kind: 'packets', bytes: picture.subarray(given, given + PIECE) });
      given = (given + PIECE) % (picture.length - PIECE);
      town.run(at(now));
    }
  };
  for (const name of ['A', 'B', 'C']) town.add(name, 'full-cone');
  play(15_000);
  const parents = new Set(town.residents.map((resident) => town.portrait(resident).parent));
  const fed = town.residents.find(({ id }) => parents.has(id));
  if (fed === undefined) throw new Error('nobody feeds anybody');
  const seq = town.events.at(-1)?.seq ?? 0;
  town.cut(fed);
  play(20_000);
  const moved = town.events.flatMap((event) => (event.seq > seq && event.kind === 'moved' ? [event.gapMs] : []));
  expect(moved.length).toBeGreaterThan(0);
  // Silence is noticed after 120 ms; another parent is there after 300 ms and more.
  for (const gap of moved) {
    expect(gap).toBeGreaterThan(100);
    expect(gap).toBeLessThan(400);
  }
});
