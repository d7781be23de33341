import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutChunk, cutChunks, readChunk, streamTag } from '../../agent/blocks/chunk.ts';
import {
  carried,
  isSigned,
  type Manifest,
  MANIFEST_MOST,
  readManifest,
  signManifest,
} from '../../agent/blocks/manifest.ts';
import { isNull, markNull, nullsIn, withNulls } from '../../agent/blocks/nulls.ts';
import { join, nullPacket, show } from '../media/stream.ts';
import { blocksOf, cipher, pair } from './channel.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1000);

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

/** Any manifest an origin could write. */
const anyManifest: fc.Arbitrary<Manifest> = fc
  .record({
    epoch: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    number: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    flags: fc.integer({ min: 0, max: 7 }),
    seal: fc.option(bytes(16), { nil: undefined }),
    packets: fc.integer({ min: 1, max: 112 }),
    nulls: fc.uniqueArray(fc.nat(111)),
    hash: bytes(16),
    previous: bytes(16),
    time: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  })
  .map(({ nulls, hash, flags: plain, ...rest }) => {
    const flags = rest.seal === undefined ? plain : plain | 16;
    const map = new Uint8Array(14);
    for (const place of nulls) if (place < rest.packets) markNull(map, place);
    const hashes = Array.from({ length: Math.ceil((rest.packets - nullsIn(map)) / 6) }, () => hash);
    return { channel: pair.publicKey, ...rest, flags, map, hashes };
  });

test('a manifest is read back as it was signed', () => {
  fc.assert(
    fc.property(anyManifest, (manifest) => {
      const message = signManifest(manifest, cipher, pair);
      expect(readManifest(message)).toEqual(manifest);
      expect(isSigned(message, cipher, pair.publicKey)).toBe(true);
      expect(message.length).toBeLessThanOrEqual(MANIFEST_MOST);
    }),
    { numRuns: Math.min(RUNS, 1000) },
  );
});

test('the longest manifest fits one message of the transport', () => {
  expect(MANIFEST_MOST).toBe(466);
});

test('the byte table of a manifest is the one in docs/wire.md', () => {
  const map = new Uint8Array(14);
  markNull(map, 1);
  const message = signManifest(
    {
      channel: pair.publicKey,
      epoch: 0x01020304,
      number: 0x0a0b0c0d0e0f,
      flags: 5,
      packets: 3,
      map,
      hashes: [new Uint8Array(16).fill(0xaa)],
      previous: new Uint8Array(16).fill(0xbb),
      time: 0x102030405060,
      seal: undefined,
    },
    cipher,
    pair,
  );
  const text = Buffer.from(message).toString('hex');
  expect(text.slice(0, 2)).toBe('10');
  expect(text.slice(2, 66)).toBe(Buffer.from(pair.publicKey).toString('hex'));
  expect(text.slice(66, 74)).toBe('01020304');
  expect(text.slice(74, 86)).toBe('0a0b0c0d0e0f');
  expect(text.slice(86, 90)).toBe('0503');
  expect(text.slice(90, 118)).toBe(`40${'00'.repeat(13)}`);
  expect(text.slice(118, 120)).toBe('01');
  expect(text.slice(120, 152)).toBe('aa'.repeat(16));
  expect(text.slice(152, 184)).toBe('bb'.repeat(16));
  expect(text.slice(184, 196)).toBe('102030405060');
  expect(text.length / 2).toBe(98 + 64);
});

test.each([
  ['more packets than a block has', (m: Manifest) => ({ ...m, packets: 113 })],
  ['a flag nobody knows', (m: Manifest) => ({ ...m, flags: 0x20 })],
  ['a seal that its flags do not speak of', (m: Manifest) => ({ ...m, seal: new Uint8Array(16) })],
  ['no seal though its flags speak of one', (m: Manifest) => ({ ...m, flags: 0x11 })],
  ['a null packet behind the end', (m: Manifest) => ({ ...m, map: m.map.with(13, 1) })],
  ['too few hashes', (m: Manifest) => ({ ...m, hashes: m.hashes.slice(1) })],
  ['too many hashes', (m: Manifest) => ({ ...m, hashes: [...m.hashes, m.previous] })],
  ['no packets while the source is not down', (m: Manifest) => ({ ...m, packets: 0, hashes: [] })],
  ['packets while the source is down', (m: Manifest) => ({ ...m, flags: 8 })],
])('a manifest with %s is refused though its signature fits', (_, spoil) => {
  const good: Manifest = {
    channel: pair.publicKey,
    epoch: 1,
    number: 2,
    flags: 1,
    packets: 10,
    map: new Uint8Array(14),
    hashes: [new Uint8Array(16), new Uint8Array(16)],
    previous: new Uint8Array(16),
    time: 3,
    seal: undefined,
  };
  expect(readManifest(signManifest(good, cipher, pair))).toEqual(good);
  expect(readManifest(signManifest(spoil(good), cipher, pair))).toBeUndefined();
});

test('a manifest that is cut off or has something behind it is refused', () => {
  const [block] = blocksOf(show({ seconds: 1, pictures: 10, gop: 10 }));
  const message = block?.manifest ?? new Uint8Array(0);
  expect(readManifest(message)).toBeDefined();
  for (let length = 0; length < message.length; length++) {
    expect(readManifest(message.subarray(0, length))).toBeUndefined();
  }
  expect(readManifest(join([message, Uint8Array.of(0)]))).toBeUndefined();
});

test('chunks are read back, whole packets only', () => {
  const content = show({ seconds: 1, pictures: 2, gop: 2 }).subarray(0, 13 * 188);
  const chunks = cutChunks(0xdeadbeef, 77, content);
  expect(chunks.map((chunk) => chunk.length)).toEqual([12 + 1128, 12 + 1128, 12 + 188]);
  expect(chunks.map((chunk) => readChunk(chunk))).toMatchObject([
    { tag: 0xdeadbeef, number: 77, index: 0 },
    { tag: 0xdeadbeef, number: 77, index: 1 },
    { tag: 0xdeadbeef, number: 77, index: 2 },
  ]);
  expect(join(chunks.map((chunk) => chunk.subarray(12)))).toEqual(content);
  expect(cutChunk(0xdeadbeef, 77, content, 1)).toEqual(chunks[1]);
  const [first = new Uint8Array(0)] = chunks;
  for (const length of [0, 1, 11, 12, 13, 199, 201, 1139]) expect(readChunk(first.subarray(0, length))).toBeUndefined();
  expect(readChunk(join([first, content.subarray(0, 188)]))).toBeUndefined();
});

test('the tag of a stream changes with channel and epoch', () => {
  const other = cipher.signingPair(new Uint8Array(32).fill(8));
  const tags = [
    streamTag(cipher, pair.publicKey, 1),
    streamTag(cipher, pair.publicKey, 2),
    streamTag(cipher, other.publicKey, 1),
  ];
  expect(new Set(tags).size).toBe(3);
});

test('any bytes are refused or read, never thrown at, and never grow', () => {
  const [block] = blocksOf(show({ seconds: 1, pictures: 10, gop: 10 }));
  const genuine = [block?.manifest ?? new Uint8Array(0), ...(block?.chunks ?? [])];
  const mutated = fc
    .tuple(fc.constantFrom(...genuine), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(1300))
    .map(([message, changes, length]) => {
      const copy = message.slice(0, length);
      for (const [place, value] of changes) if (copy.length > 0) copy[place % copy.length] = value;
      return copy;
    });
  const wild = fc.tuple(fc.constantFrom(0x10, 0x11, 0x12), fc.uint8Array({ maxLength: 1200 })).map(([type, rest]) => {
    return Uint8Array.from([type, ...rest]);
  });
  fc.assert(
    fc.property(fc.oneof(mutated, wild), (message) => {
      const manifest = readManifest(message);
      if (manifest !== undefined) expect(carried(manifest)).toBeLessThanOrEqual(112);
      expect(readChunk(message)?.bytes.length ?? 0).toBeLessThanOrEqual(1128);
    }),
    { numRuns: RUNS },
  );
});

test('null packets can be put back where they were', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 112 }), (nulls) => {
      const map = new Uint8Array(14);
      const packets = nulls.map((isNullPacket, i) => {
        if (isNullPacket) markNull(map, i);
        return isNullPacket ? nullPacket() : new Uint8Array(188).fill(i);
      });
      const kept = join(packets.filter((_, i) => !isNull(map, i)));
      expect(nullsIn(map)).toBe(nulls.filter(Boolean).length);
      expect(withNulls(kept, nulls.length, map)).toEqual(join(packets));
    }),
    { numRuns: 100 },
  );
});
