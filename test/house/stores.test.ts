import { describe, expect, it } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { Feed } from '../../agent/blocks/feed.ts';
import { Ring } from '../../agent/blocks/ring.ts';
import type { Standing } from '../../agent/house/children.ts';
import { Stores } from '../../agent/house/stores.ts';
import { Entry } from '../../agent/media/entry.ts';
import { blocksOf, cipher, messagesOf, pair } from '../blocks/channel.ts';
import { show } from '../media/stream.ts';

const TOKEN = new Uint8Array(32).fill(3);
const stream = show({ seconds: 2, pictures: 25, gop: 25, size: 30 });

/** What a household with the token can give others after these messages. */
function storesAfter(
  messages: readonly Uint8Array[],
  token?: Uint8Array,
): { readonly stores: Stores; readonly feed: Feed } {
  const feed = new Feed({ cipher, channel: pair.publicKey, token });
  const ring = new Ring({ entry: new Entry() });
  const stores = new Stores({ ring, feed, lock: feed.lock, standing: () => standingOf(feed) });
  for (const message of messages) {
    for (const effect of feed.take(message, 1, at(0))) if (effect.kind === 'block') ring.push(effect, at(0));
  }
  return { stores, feed };
}

function standingOf({ channel, epoch, tag, newest }: Feed): Standing | undefined {
  if (epoch === undefined || tag === undefined) return undefined;
  return { channel, epoch, tag, newest, name: 'TV', depth: 1, lag: 0 as Standing['lag'] };
}

describe('what a household has for others', () => {
  const old = blocksOf(stream, 1);
  const [manifest = new Uint8Array(), ...chunks] = messagesOf(blocksOf(stream, 2).slice(0, 1));

  it('is nothing of an earlier start of the origin, from the first piece of the new one on', () => {
    const { stores } = storesAfter(messagesOf(old));
    expect(stores.get(0)?.epoch).toBe(1);
    expect(stores.from('newest-key').length).toBeGreaterThan(0);
    const later = storesAfter([...messagesOf(old), manifest, ...chunks.slice(1)]).stores;
    expect(later.get(0)).toBeUndefined();
    expect(later.get(5)).toBeUndefined();
    expect(later.from('newest-key')).toEqual([]);
    expect(later.partial(0, 0)).toHaveLength(chunks.length);
  });

  it('is a private channel as it came, though it is kept in the clear', () => {
    const sealed = blocksOf(stream, 1, 8, TOKEN);
    const { stores, feed } = storesAfter(messagesOf(sealed), TOKEN);
    expect(feed.lock.privacy).toBe('open');
    const blind = storesAfter(messagesOf(sealed)).stores;
    for (const { number, bytes } of sealed) {
      expect(stores.get(number)?.bytes).toEqual(blind.get(number)?.bytes);
      expect(stores.get(number)?.bytes).not.toEqual(bytes);
    }
    expect(stores.from('newest-key').map(({ bytes }) => bytes)).toEqual(
      blind.from('newest-key').map(({ bytes }) => bytes),
    );
  });
});
