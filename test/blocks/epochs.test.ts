import { expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { Feed } from '../../agent/blocks/feed.ts';
import { show } from '../media/stream.ts';
import { blocksOf, cipher, messagesOf, pair } from './channel.ts';

const stream = show({ seconds: 2, pictures: 25, gop: 25, size: 30 });
const old = messagesOf(blocksOf(stream, 1));
const present = messagesOf(blocksOf(stream, 2));
const [oldManifest = new Uint8Array()] = old;

function feedAt(epoch: readonly Uint8Array[], from: number): Feed {
  const feed = new Feed({ cipher, channel: pair.publicKey });
  for (const message of epoch) feed.take(message, from, at(0));
  return feed;
}

test('whoever brought an epoch and goes back behind it later plays old blocks, and is named', () => {
  const feed = feedAt(present, 1);
  expect(feed.take(oldManifest, 1, at(1000))).toEqual([{ kind: 'refused', from: 1, reason: 'old-epoch' }]);
  expect(feed.take(oldManifest, 1, at(6000))).toEqual([{ kind: 'bad', from: 1, reason: 'rollback' }]);
});

test('whoever never had the new epoch is not blamed for the old one', () => {
  const feed = feedAt(present, 1);
  expect(feed.take(oldManifest, 2, at(60_000))).toEqual([{ kind: 'refused', from: 2, reason: 'old-epoch' }]);
});

test('repeating the new epoch counts as having it', () => {
  const feed = feedAt(present, 1);
  feed.take(present[0] ?? oldManifest, 2, at(0));
  expect(feed.take(oldManifest, 2, at(6000))).toMatchObject([{ kind: 'bad' }]);
});

test('a household that was told of the present epoch begins with nothing older', () => {
  const feed = new Feed({ cipher, channel: pair.publicKey });
  feed.expect(2);
  for (const message of old) for (const { kind } of feed.take(message, 1, at(0))) expect(kind).toBe('refused');
  expect(feed.epoch).toBeUndefined();
  feed.take(present[0] ?? oldManifest, 1, at(0));
  expect(feed.epoch).toBe(2);
});

test('one that plays is not stopped by word of an epoch that has not come yet', () => {
  const feed = feedAt(old.slice(0, 20), 1);
  feed.expect(2);
  expect(
    old
      .slice(20)
      .flatMap((message) => feed.take(message, 1, at(0)))
      .some(({ kind }) => kind === 'block'),
  ).toBe(true);
});
