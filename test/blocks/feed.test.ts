import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hex } from '../../agent/base/bytes.ts';
import { seeded } from '../../agent/base/random.ts';
import { at, ms } from '../../agent/base/time.ts';
import { readChunk } from '../../agent/blocks/chunk.ts';
import { Feed, type FeedEffect } from '../../agent/blocks/feed.ts';
import { type Manifest, readManifest, signManifest } from '../../agent/blocks/manifest.ts';
import { join, show } from '../media/stream.ts';
import { blocksOf, cipher, messagesOf, pair } from './channel.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);

const stream = show({ seconds: 2, pictures: 25, gop: 25, size: 30 });
const blocks = blocksOf(stream);
const messages = messagesOf(blocks);

const newFeed = (): Feed => new Feed({ cipher, channel: pair.publicKey });

function takeAll(feed: Feed, all: readonly Uint8Array[], from = 1, now = 0): readonly FeedEffect[] {
  return all.flatMap((message) => feed.take(message, from, at(now)));
}

const of = <K extends FeedEffect['kind']>(
  effects: readonly FeedEffect[],
  kind: K,
): readonly Extract<FeedEffect, { kind: K }>[] =>
  effects.filter((effect): effect is Extract<FeedEffect, { kind: K }> => effect.kind === kind);

function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const random = seeded(seed);
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

function flipped(message: Uint8Array, bit: number): Uint8Array {
  const copy = message.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}

test('what the origin wrote comes out byte for byte, every message forwarded once and as it was', () => {
  const effects = takeAll(newFeed(), messages);
  expect(of(effects, 'forward').map(({ bytes }) => bytes)).toEqual(messages);
  expect(join(of(effects, 'block').map(({ bytes }) => bytes))).toEqual(stream);
  expect(of(effects, 'bad')).toEqual([]);
  expect(of(effects, 'epoch')).toMatchObject([{ epoch: 1 }]);
});

test('in whatever order messages come, and however often, the same blocks result', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (seed, twice) => {
      const feed = newFeed();
      const effects = takeAll(feed, shuffled([...messages, ...messages.slice(0, twice % 40)], seed));
      const numbers = of(effects, 'block').toSorted((a, b) => a.number - b.number);
      expect(join(numbers.map(({ bytes }) => bytes))).toEqual(stream);
      expect(of(effects, 'forward')).toHaveLength(messages.length);
      expect(of(effects, 'bad')).toEqual([]);
    }),
    { numRuns: 5 },
  );
});

test('any bit flipped in any message yields neither a forward nor a block, and names the sender', () => {
  const [first] = blocks;
  const own = messagesOf([first ?? fail()]);
  const bits = own.flatMap((message, index) =>
    Array.from({ length: message.length * 8 }, (_, bit) => [index, bit] as const),
  );
  const picked = process.env['FUZZ_RUNS'] === undefined ? shuffled(bits, 1).slice(0, 800) : bits;
  for (const [index, bit] of picked) {
    const feed = newFeed();
    const good = own.filter((_, i) => i !== index);
    const before = takeAll(feed, good);
    const bad = feed.take(flipped(own[index] ?? fail(), bit), 9, at(0));
    expect(of([...before, ...bad], 'block')).toEqual([]);
    expect(of(bad, 'forward')).toEqual([]);
    const kinds = bad.map((effect) => effect.kind);
    // A chunk whose name was hit is nobody's (another tag, another block) and waits for a manifest that never comes.
    const header = index > 0 && bit < 12 * 8;
    if (!header) expect(['bad', 'refused']).toContain(kinds[0]);
    // The genuine message still completes the block.
    expect(of(takeAll(feed, [own[index] ?? fail()]), index === 0 ? 'forward' : 'block').length).toBeGreaterThan(0);
  }
});

test('chunks that come before their manifest wait, and are judged by it', () => {
  const feed = newFeed();
  const [first] = blocks;
  const [chunk = fail(), ...others] = first?.chunks ?? [];
  expect(feed.take(flipped(chunk, 4000), 66, at(0))).toEqual([]);
  expect(takeAll(feed, [chunk, ...others], 1)).toEqual([]);
  expect(feed.waiting).toBe(others.length + 2);
  const effects = feed.take(first?.manifest ?? fail(), 1, at(1));
  expect(of(effects, 'bad')).toEqual([{ kind: 'bad', from: 66, reason: 'chunk' }]);
  expect(of(effects, 'block')).toHaveLength(1);
  expect(of(effects, 'forward')).toHaveLength(1 + others.length + 1);
  expect(feed.waiting).toBe(0);
});

test('a flood of chunks without a manifest is bounded and pushes out only its own', () => {
  const feed = newFeed();
  const [first] = blocks;
  takeAll(feed, first?.chunks ?? [], 1);
  const chunk = first?.chunks[0] ?? fail();
  for (let i = 0; i < 3000; i++) {
    const forged = chunk.slice();
    forged.set([i >> 8, i & 255], 6);
    feed.take(forged, 66, at(1));
  }
  expect(feed.waiting).toBeLessThanOrEqual(256 + 19);
  expect(of(feed.take(first?.manifest ?? fail(), 1, at(2)), 'block')).toHaveLength(1);
});

test('waiting chunks are let go in time', () => {
  const feed = newFeed();
  takeAll(feed, blocks[0]?.chunks ?? [], 1, 0);
  expect(feed.wake()).toBe(2000);
  feed.tick(at(2000));
  expect(feed.waiting).toBe(0);
  expect(feed.wake()).toBeUndefined();
});

test('an older epoch is refused, a newer one replaces everything', () => {
  const feed = newFeed();
  const newer = blocksOf(stream, 2);
  takeAll(feed, messages);
  const effects = takeAll(feed, messagesOf(newer));
  expect(of(effects, 'epoch')).toMatchObject([{ epoch: 2, tag: feed.tag }]);
  expect(of(effects, 'block')).toHaveLength(newer.length);
  expect(of(takeAll(feed, [messages[0] ?? fail()], 5), 'refused')).toEqual([
    { kind: 'refused', from: 5, reason: 'old-epoch' },
  ]);
});

test('an epoch lower than the one asked for is refused from the start', () => {
  const feed = new Feed({ cipher, channel: pair.publicKey, epoch: 2 });
  expect(of(takeAll(feed, messages.slice(0, 1)), 'refused')).toMatchObject([{ reason: 'old-epoch' }]);
});

test('chunks of a new epoch that overtake its first manifest are not lost', () => {
  const feed = newFeed();
  takeAll(feed, messages);
  const [first] = blocksOf(stream, 2);
  takeAll(feed, first?.chunks ?? []);
  expect(of(feed.take(first?.manifest ?? fail(), 1, at(0)), 'block')).toHaveLength(1);
});

test('a message of a later version is let pass by without blame', () => {
  expect(newFeed().take(Uint8Array.of(0x12, 1, 2), 3, at(0))).toEqual([
    { kind: 'refused', from: 3, reason: 'unknown-type' },
  ]);
});

test('another channel is refused without blame', () => {
  const other = cipher.signingPair(new Uint8Array(32).fill(9));
  const feed = new Feed({ cipher, channel: other.publicKey });
  expect(feed.take(messages[0] ?? fail(), 3, at(0))).toEqual([{ kind: 'refused', from: 3, reason: 'other-channel' }]);
});

test('two streams under one key: the first wins, the other is refused as a fork', () => {
  const other = blocksOf(show({ seconds: 2, pictures: 25, gop: 10, size: 20 }));
  const feed = newFeed();
  takeAll(feed, messages);
  const effects = takeAll(feed, messagesOf(other.slice(0, blocks.length)), 4);
  expect(of(effects, 'forward')).toEqual([]);
  expect(of(effects, 'refused').every(({ reason }) => reason === 'fork')).toBe(true);
  expect(feed.stats.refused.fork).toBeGreaterThan(0);
});

test('a manifest that does not fit its neighbours is refused even where its number is new', () => {
  const resigned = (spoil: (manifest: Manifest) => Manifest, index: number): Uint8Array =>
    signManifest(spoil(readManifest(blocks[index]?.manifest ?? fail()) ?? fail()), cipher, pair);
  const wrongChain = resigned((manifest) => ({ ...manifest, previous: new Uint8Array(16).fill(1) }), 1);
  const later = newFeed();
  later.take(blocks[0]?.manifest ?? fail(), 1, at(0));
  expect(of(later.take(wrongChain, 2, at(0)), 'refused')).toMatchObject([{ reason: 'fork' }]);
  const wrongTime = resigned((manifest) => ({ ...manifest, time: manifest.time + 1 }), 0);
  const earlier = newFeed();
  earlier.take(blocks[1]?.manifest ?? fail(), 1, at(0));
  expect(of(earlier.take(wrongTime, 2, at(0)), 'refused')).toMatchObject([{ reason: 'fork' }]);
});

test('numbers far behind the newest are refused', () => {
  const feed = newFeed();
  const far = signManifest({ ...(readManifest(blocks[0]?.manifest ?? fail()) ?? fail()), number: 1000 }, cipher, pair);
  feed.take(far, 1, at(0));
  expect(of(takeAll(feed, messages.slice(0, 3)), 'refused').map(({ reason }) => reason)).toEqual([
    'too-old',
    'too-old',
    'too-old',
  ]);
});

test('what is missing is told, manifests and chunks, until it is too late', () => {
  const feed = newFeed();
  const [a, b, c] = blocks;
  takeAll(feed, messagesOf([a ?? fail()]));
  takeAll(feed, c?.chunks.slice(0, 2) ?? []);
  takeAll(feed, [blocks[3]?.manifest ?? fail(), ...(blocks[3]?.chunks.toSpliced(4, 1) ?? [])], 1, 100);
  const all = 2 ** 19 - 1;
  expect(feed.missing(at(120), ms(30))).toEqual([]);
  expect(feed.missing(at(130), ms(30))).toEqual([
    { number: 1, wanted: 0x8000_0000 + all, since: 100 },
    { number: 2, wanted: 0x8000_0000 + all - 3, since: 100 },
    { number: 3, wanted: 1 << 4, since: 100 },
  ]);
  takeAll(feed, messagesOf([b ?? fail()]), 1, 140);
  expect(feed.missing(at(140), ms(0)).map(({ number }) => number)).toEqual([2, 3]);
  feed.tick(at(2100));
  expect(feed.missing(at(2100), ms(0))).toEqual([]);
  expect(feed.stats.lost).toBe(2);
});

test('a household can already answer for the part of a block it has', () => {
  const feed = newFeed();
  const [first] = blocks;
  takeAll(feed, [first?.manifest ?? fail(), ...(first?.chunks.slice(0, 3) ?? [])]);
  expect(feed.answer(0, 0)).toEqual([first?.manifest, ...(first?.chunks.slice(0, 3) ?? [])]);
  expect(feed.answer(0, 0b1010)).toEqual([first?.chunks[1]]);
  expect(feed.answer(1, 0)).toEqual([]);
  const other = newFeed();
  takeAll(other, feed.answer(0, 0));
  expect(other.missing(at(0), ms(0))).toHaveLength(1);
});

test('a signed hash over a chunk of the wrong size makes no block', () => {
  const good = readManifest(blocks[0]?.manifest ?? fail()) ?? fail();
  const chunk = blocks[0]?.chunks[0] ?? fail();
  const short = chunk.subarray(0, chunk.length - 188);
  const lying = signManifest(
    { ...good, hashes: good.hashes.with(0, cipher.hash(short).subarray(0, 16)) },
    cipher,
    pair,
  );
  const feed = newFeed();
  takeAll(feed, [lying]);
  expect(feed.take(short, 1, at(0))).toEqual([{ kind: 'bad', from: 1, reason: 'chunk' }]);
});

test('any messages leave the feed standing, bounded, and without a false block', () => {
  const mutated = fc
    .tuple(fc.constantFrom(...messages), fc.array(fc.tuple(fc.nat(1200), fc.nat(255)), { maxLength: 3 }))
    .map(([message, changes]) => {
      const copy = message.slice();
      for (const [place, value] of changes) if (place < copy.length) copy[place] = value;
      return copy;
    });
  const any = fc.oneof(mutated, fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...messages));
  const genuine = new Set(messages.map(hex));
  const feed = newFeed();
  let now = 0;
  fc.assert(
    fc.property(any, fc.nat(3), (message, from) => {
      now += 1;
      for (const effect of feed.take(message, from, at(now))) {
        if (effect.kind === 'forward') expect(genuine.has(hex(effect.bytes))).toBe(true);
        if (effect.kind === 'block') expect(effect.bytes).toEqual(blocks[effect.number]?.bytes);
      }
      expect(feed.waiting).toBeLessThanOrEqual(1024);
    }),
    { numRuns: RUNS },
  );
});

test('the header of a chunk is covered by its hash', () => {
  const feed = newFeed();
  const [first] = blocks;
  takeAll(feed, [first?.manifest ?? fail()]);
  const moved = first?.chunks[0]?.slice() ?? fail();
  moved[11] = 1;
  expect(readChunk(moved)?.index).toBe(1);
  expect(feed.take(moved, 5, at(0))).toEqual([{ kind: 'bad', from: 5, reason: 'chunk' }]);
});

function fail(): never {
  throw new Error('the test stream is shorter than the test thinks');
}
