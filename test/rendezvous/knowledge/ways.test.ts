import { expect, test } from 'vitest';
import { UNKNOWN, type NatProfile } from '../../../agent/base/nat-profile.ts';
import { prospect } from '../../../agent/punch/prospect.ts';
import { isInverse, isWay, waysOf, wins } from '../../../agent/rendezvous/knowledge/ways.ts';

const nat = (facts: Partial<NatProfile>): NatProfile => ({
  ...UNKNOWN,
  filtering: 'address-and-port-dependent',
  confidence: 0.99,
  ...facts,
});
const KNOWN = nat({ kind: 'preserve' });
const COUNTING = nat({ kind: 'sequential', step: 1 });
const BLOCK = nat({ kind: 'block-random', ports: { from: 1024, to: 1535 } });
const RANDOM = nat({ kind: 'random' });

test.each([
  ['a known port and a block', KNOWN, BLOCK, ['block', 'block-inverse']],
  ['a known port and any port', RANDOM, KNOWN, ['birthday', 'birthday-inverse']],
  ['a known port and a counter', KNOWN, COUNTING, ['bracket']],
  ['two counters', COUNTING, COUNTING, ['walk']],
  ['a counter and a block', COUNTING, BLOCK, ['lottery']],
  ['two blocks', BLOCK, BLOCK, ['fill']],
  ['two known ports', KNOWN, KNOWN, ['simultaneous']],
] as const)('%s: the ways to choose from', (_pair, mine, theirs, ways) => {
  expect(waysOf(prospect(mine, theirs))).toEqual(ways);
});

test('a path counts for the way that was led, also where that is a game of chance', () => {
  expect(wins('lottery', 'block') && wins('fill', 'block') && wins('block-inverse', 'block')).toBe(true);
  expect(wins('lottery', 'simultaneous') || wins('birthday', 'block')).toBe(false);
});

test('a way is known by its word', () => {
  expect(['block', 'block-inverse', 'birthday-inverse', 'sideways', 'inverse'].map(isWay)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(['block', 'block-inverse'].map((way) => isInverse(way as 'block'))).toEqual([false, true]);
});
