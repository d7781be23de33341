import { expect, it } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { Roll } from '../../agent/tree/roll.ts';

const OWN = 1;
const near = (): boolean => true;
const unmet = (): boolean => false;

function all(roll: Roll, now: number): readonly number[] {
  const found: number[] = [];
  for (let known = roll.take(near, unmet, at(now)); known !== undefined; known = roll.take(near, unmet, at(now)))
    found.push(known.short);
  return found.toSorted((a, b) => a - b);
}

const entry = (short: number, free = 1) => ({ short, free, depth: 3 });

it('of one teller no more is kept than it says in two tellings, however much it says', () => {
  const roll = new Roll();
  roll.enter(100, [entry(10), entry(11)], OWN, at(0));
  for (let i = 0; i < 100; i++)
    roll.enter(
      200,
      [1000, 2000, 3000, 4000].map((short) => entry(short + i)),
      OWN,
      at(i),
    );
  const known = all(roll, 200);
  expect(known.slice(0, 2)).toEqual([10, 11]);
  expect(known).toHaveLength(10);
});

it('who speaks of households that another one knows does not come between', () => {
  const roll = new Roll();
  roll.enter(100, [entry(10)], OWN, at(0));
  roll.enter(200, [entry(10, 8)], OWN, at(1));
  expect(roll.take(near, unmet, at(2))).toMatchObject({ short: 10, via: 100 });
  roll.enter(300, [entry(11)], OWN, at(3));
  roll.enter(200, [entry(11)], OWN, at(3 + 180_000));
  expect(roll.take(near, unmet, at(4 + 180_000))).toMatchObject({ short: 11, via: 200 });
});

it('ourselves, and who was met already, are nobody to be met', () => {
  const roll = new Roll();
  roll.enter(100, [entry(OWN), entry(10)], OWN, at(0));
  expect(all(roll, 1)).toEqual([10]);
  roll.enter(100, [entry(10)], OWN, at(2));
  expect(all(roll, 3)).toEqual([]);
});
