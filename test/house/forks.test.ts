import { expect, test } from 'vitest';
import { at, ms, seconds } from '../../agent/base/time.ts';
import { Watch, type WatchEffect } from '../../agent/house/watch.ts';
import { isFork } from '../../agent/rendezvous/forks.ts';
import { blocksOf, cipher, messagesOf, pair } from '../blocks/channel.ts';
import { TESTCARD } from '../sim/neighbourhood.ts';

const CARD = TESTCARD.subarray(0, 188 * 2000);
const ours = blocksOf(CARD);
const theirs = blocksOf(TESTCARD.subarray(188 * 700, 188 * 2700));
const first = ours[5]?.manifest ?? new Uint8Array(0);
const second = theirs[5]?.manifest ?? new Uint8Array(0);

test('a household that gets two streams under one key shows both to the rendezvous, once', () => {
  const watch = new Watch({
    cipher,
    random: () => 0,
    channel: pair.publicKey,
    token: undefined,
    node: new Uint8Array(32).fill(1),
    children: 0,
    ringSpan: seconds(8),
    ringBytes: 2 ** 23,
    hold: ms(1000),
    silence: () => ms(0),
    trip: () => ms(20),
  });
  const now = at(1000);
  const node = new Uint8Array(32).fill(2);
  const name = { name: '', epoch: undefined };
  watch.step({ kind: 'introduced', pairId: 1, node, purpose: 'spare', instead: undefined, ...name }, now);
  const take = (bytes: Uint8Array): readonly WatchEffect[] => watch.step({ kind: 'message', pairId: 1, bytes }, now);
  for (const bytes of messagesOf(ours)) take(bytes);
  const shown = messagesOf(theirs)
    .flatMap(take)
    .flatMap((effect) => (effect.kind === 'forked' ? [effect.manifests] : []));
  expect(shown).toHaveLength(1);
  expect(shown.every((manifests) => isFork(manifests, pair.publicKey, cipher))).toBe(true);
});

const other = cipher.signingPair(new Uint8Array(32).fill(8)).publicKey;
const changed = (at_: number): Uint8Array => second.map((byte, i) => (i === at_ ? byte ^ 1 : byte));

test.each([
  ['two blocks of one number', [first, second], pair.publicKey, true],
  ['the same block twice', [first, first], pair.publicKey, false],
  [
    'one text with two signatures',
    [first, first.map((byte, i) => (i === first.length - 1 ? byte ^ 1 : byte))],
    pair.publicKey,
    false,
  ],
  ['blocks of two numbers', [first, ours[6]?.manifest ?? first], pair.publicKey, false],
  ['a block that its key has not signed', [first, changed(50)], pair.publicKey, false],
  ['a false signature', [first, changed(second.length - 1)], pair.publicKey, false],
  ['blocks of another channel', [first, second], other, false],
  ['nothing', [new Uint8Array(0), new Uint8Array(0)], pair.publicKey, false],
] as const)('proof that a key signs two streams: %s', (_what, manifests, channel, isProof) => {
  expect(isFork(manifests, channel, cipher)).toBe(isProof);
});
