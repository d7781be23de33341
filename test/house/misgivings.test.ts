import { expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import type { Refusal } from '../../agent/blocks/feed.ts';
import { Misgivings } from '../../agent/house/misgivings.ts';

/** When something was said, of refusals every `every` ms from `from` to `to`. */
function told(misgivings: Misgivings, reason: Refusal, from: number, to: number, every = 40): readonly number[] {
  const moments = Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => from + i * every);
  return moments.filter((now) => misgivings.refused(reason, at(now)).length > 0);
}

test('a fork is told of at once, and once a minute while it lasts', () => {
  expect(told(new Misgivings(), 'fork', 0, 130_000)).toEqual([0, 60_000, 120_000]);
});

test('blocks of an earlier start are no news while the new one spreads, and are when they do not end', () => {
  const misgivings = new Misgivings();
  expect(told(misgivings, 'old-epoch', 0, 4000)).toEqual([]);
  expect(told(misgivings, 'old-epoch', 60_000, 64_000)).toEqual([]);
  expect(told(misgivings, 'old-epoch', 100_000, 140_000)).toEqual([110_000]);
});

test('what is merely late is nothing to worry about', () => {
  expect(told(new Misgivings(), 'too-old', 0, 100_000)).toEqual([]);
});

test('a channel that is private is told of when that is found out or changes', () => {
  const misgivings = new Misgivings();
  const said = (['public', 'open', 'open', 'wrong', undefined, 'wrong', 'missing', 'public'] as const).map((privacy) =>
    misgivings.privacy(privacy).map(({ fields }) => fields['token']),
  );
  expect(said).toEqual([[], ['open'], [], ['wrong'], [], [], ['missing'], []]);
});
