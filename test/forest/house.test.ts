import { expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { seconds } from '../../agent/base/time.ts';
import { House } from '../../agent/forest/house.ts';
import { Net } from '../../agent/forest/net.ts';
import { Stream } from '../../agent/forest/stream.ts';
import { Tally } from '../../agent/forest/tally.ts';

test('two households that are below each other for a moment are each counted once', () => {
  const [one, other] = [1, 2].map((id) => new House(id, 2, 2, 'p1', seeded(id), seconds(60), 'honest', 0));
  if (one === undefined || other === undefined) throw new Error('two were built');
  for (const [child, parent] of [
    [one, other],
    [other, one],
  ] as const) {
    child.source = parent;
    parent.under.add(child);
  }
  expect([...one.all()]).toEqual([one, other]);
  expect(one.depth).toBe(undefined);
  expect(new Stream(new Net(seeded(1)), new Tally()).lag(one)).toBeGreaterThan(0);
});
