import { expect, test } from 'vitest';
import { fromHex, hex } from '../../agent/base/bytes.ts';
import { at } from '../../agent/base/time.ts';
import type { Block } from '../../agent/blocks/block.ts';
import { Feed } from '../../agent/blocks/feed.ts';
import { FLAG } from '../../agent/blocks/format.ts';
import { Lock } from '../../agent/blocks/lock.ts';
import { readManifest } from '../../agent/blocks/manifest.ts';
import { Ring } from '../../agent/blocks/ring.ts';
import { Entry } from '../../agent/media/entry.ts';
import { join, show } from '../media/stream.ts';
import { blocksOf, cipher, messagesOf, pair } from './channel.ts';

const TOKEN = new Uint8Array(32).fill(3);
const stream = show({ seconds: 2, pictures: 25, gop: 25, size: 30 });
const sealed = blocksOf(stream, 1, 8, TOKEN);

/** What a household with that token has of it, and the messages it passes on. */
function received(token: Uint8Array | undefined, messages = messagesOf(sealed)) {
  const feed = new Feed({ cipher, channel: pair.publicKey, token });
  const effects = messages.flatMap((message) => feed.take(message, 1, at(0)));
  const blocks = effects.filter((effect) => effect.kind === 'block');
  const forwarded = effects.flatMap((effect) => (effect.kind === 'forward' ? [effect.bytes] : []));
  return { feed, blocks, forwarded };
}

test('a household with the token has the stream, byte for byte', () => {
  const { feed, blocks } = received(TOKEN);
  expect(join(blocks.map(({ bytes }) => bytes))).toEqual(stream);
  expect(blocks.every(({ isClear }) => isClear)).toBe(true);
  expect(feed.lock.privacy).toBe('open');
});

test.each([
  ['without the token', undefined, 'missing'],
  ['with another token', new Uint8Array(32).fill(4), 'wrong'],
])('a household %s verifies and passes on the same bytes, and says that it cannot read them', (_, token, privacy) => {
  const { feed, blocks, forwarded } = received(token);
  expect(forwarded).toEqual(messagesOf(sealed));
  expect(feed.stats.bad).toBe(0);
  expect(feed.lock.privacy).toBe(privacy);
  expect(blocks.some(({ isClear }) => isClear)).toBe(false);
  const passed = Buffer.from(join(blocks.map(({ bytes }) => bytes)));
  expect(passed).toHaveLength(stream.length);
  // No more sync bytes than chance gives, and nothing of the stream in one piece.
  expect(syncBytes(passed)).toBeLessThan(stream.length / 188 / 16);
  for (let i = 0; i + 16 < stream.length; i += 188)
    expect(passed.includes(Buffer.from(stream.subarray(i, i + 16)))).toBe(false);
});

test('what is opened goes out again as it came', () => {
  const { feed, blocks } = received(TOKEN);
  const asTravelled = received(undefined).blocks;
  for (const [i, block] of blocks.entries()) expect(feed.lock.close(block).bytes).toEqual(asTravelled[i]?.bytes);
});

test('relays still see where a viewer can start, and when', () => {
  const open = blocksOf(stream);
  for (const [i, { manifest }] of sealed.entries()) {
    const [hidden, shown] = [readManifest(manifest), readManifest(open[i]?.manifest ?? new Uint8Array())];
    expect(hidden?.flags).toBe((shown?.flags ?? 0) | FLAG.sealed);
    expect([hidden?.time, hidden?.packets]).toEqual([shown?.time, shown?.packets]);
  }
});

test('the old token does not open the epoch of a new one', () => {
  const { feed, blocks } = received(TOKEN, [
    ...messagesOf(sealed),
    ...messagesOf(blocksOf(stream, 2, 8, cipher.random(32))),
  ]);
  expect(blocks.filter(({ epoch }) => epoch === 1).every(({ isClear }) => isClear)).toBe(true);
  expect(blocks.filter(({ epoch }) => epoch === 2).some(({ isClear }) => isClear)).toBe(false);
  expect(feed.lock.privacy).toBe('wrong');
});

test('an origin that lost count of its epochs uses no keystream twice', () => {
  const again = blocksOf(stream, 1, 8, TOKEN);
  for (const [i, { chunks }] of again.entries()) expect(chunks[0]).not.toEqual(sealed[i]?.chunks[0]);
});

test('no reader of a ring is given a sealed block, and children find its keys', () => {
  const ring = new Ring({ entry: new Entry() });
  const reader = ring.reader();
  for (const [i, block] of received(undefined).blocks.entries()) ring.push(block, at(i * 20));
  for (let i = 0; i < 300; i++) ring.tick(at(10_000 + i));
  expect(reader.next()).toBeUndefined();
  expect(ring.reader().next()).toBeUndefined();
  expect(ring.from('newest-key').length).toBeGreaterThan(0);
});

test('a channel that turns public at a new start is shown from there on', () => {
  const ring = new Ring({ entry: new Entry() });
  const reader = ring.reader();
  const messages = [...messagesOf(sealed), ...messagesOf(blocksOf(stream, 2))];
  for (const [i, block] of received(undefined, messages).blocks.entries()) ring.push(block, at(i * 20));
  const got: Uint8Array[] = [];
  for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) got.push(bytes);
  expect(syncBytes(join(got))).toBe(join(got).length / 188);
  expect(join(got).length).toBeGreaterThan(188 * 20);
});

test('keys follow docs/wire.md', () => {
  const key = fromHex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f') ?? fail();
  const channel = new Uint8Array(32).fill(0xc1);
  const lock = new Lock(cipher, channel, key);
  const seal = lock.seal(7, new Uint8Array(8).fill(0x5a));
  const ours: Block = {
    epoch: 7,
    number: 0x0102,
    flags: FLAG.sealed,
    time: 0,
    bytes: new Uint8Array(16),
    isClear: true,
    manifest: new Uint8Array([...seal, ...new Uint8Array(64)]),
  };
  expect({ seal: hex(seal), keystream: hex(lock.close(ours).bytes) }).toEqual(VECTOR);
});

/** By another program: HMAC of Python's library, and ChaCha20 as RFC 8439 writes it down. */
const VECTOR = { seal: '5a5a5a5a5a5a5a5a5871f64ef47528fb', keystream: '59fd7538d987b023a562731cc036b36b' };

function syncBytes(bytes: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < bytes.length; i += 188) if (bytes[i] === 0x47) count++;
  return count;
}

function fail(): never {
  throw new Error('not hex');
}
