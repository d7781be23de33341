import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at, ms, seconds } from '../../agent/base/time.ts';
import type { Block } from '../../agent/blocks/block.ts';
import { FLAG } from '../../agent/blocks/format.ts';
import { type EntryReader, Ring, type RingReader } from '../../agent/blocks/ring.ts';
import { Entry } from '../../agent/media/entry.ts';
import { continuityFaults, join, PID, show } from '../media/stream.ts';
import { bareBlock, blocksOf } from './channel.ts';

/** No tables, no marks: for tests about order alone. */
const plain: EntryReader = {
  pass: () => undefined,
  enter: () => new Uint8Array(0),
  rejoin: () => new Uint8Array(0),
  gap: () => undefined,
  restart: () => undefined,
  bridge: () => new Uint8Array(0),
};

const numbers = (blocks: readonly Block[]): readonly number[] => blocks.map(({ number }) => number);

function drain(reader: RingReader): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) parts.push(bytes);
  return join(parts);
}

const pidAt = (bytes: Uint8Array, index: number): number =>
  Buffer.from(bytes.subarray(index * 188 + 1, index * 188 + 3)).readUInt16BE() & 0x1fff;

/** First video packet of the bytes: whether its random access flag is set. */
function startsOnKeyframe(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length / 188; i++) {
    const flags = bytes[i * 188 + 3] ?? 0;
    if (pidAt(bytes, i) !== PID.video || (flags & 0x10) === 0) continue;
    return (flags & 0x20) !== 0 && ((bytes[i * 188 + 5] ?? 0) & 0x40) !== 0;
  }
  return false;
}

test('blocks come out in the order of their numbers, whatever order they come in', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seeded(seed);
      const ring = new Ring({ entry: plain });
      const arriving = Array.from({ length: 60 }, (_, i) => i).toSorted((a, b) => a - b + random(21) - 10);
      const out = arriving.flatMap((number) => ring.push(bareBlock(number, number === 0 ? FLAG.key : 0), at(0)));
      expect(numbers(out)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    }),
    { numRuns: 100 },
  );
});

test('a missing block holds the others up for the hold time, then they go on without it', () => {
  const ring = new Ring({ entry: plain, hold: ms(300) });
  ring.push(bareBlock(5, FLAG.key), at(0));
  expect(ring.push(bareBlock(7), at(10))).toEqual([]);
  expect(ring.push(bareBlock(8), at(20))).toEqual([]);
  expect(ring.wake()).toBe(310);
  expect(numbers(ring.tick(at(310)))).toEqual([7, 8]);
  expect(ring.skipped).toBe(1);
  expect(ring.push(bareBlock(6), at(320))).toEqual([]);
  expect(ring.late).toBe(1);
});

test('two gaps do not add up their waiting', () => {
  const ring = new Ring({ entry: plain, hold: ms(300) });
  ring.push(bareBlock(0, FLAG.key), at(0));
  ring.push(bareBlock(2), at(10));
  ring.push(bareBlock(4), at(50));
  expect(numbers(ring.tick(at(310)))).toEqual([2]);
  expect(ring.wake()).toBe(350);
  expect(numbers(ring.tick(at(350)))).toEqual([4]);
});

test('joining in the middle begins with the key block though a later one was whole first', () => {
  const ring = new Ring({ entry: plain });
  expect(ring.push(bareBlock(41), at(0))).toEqual([]);
  expect(numbers(ring.push(bareBlock(40, FLAG.key), at(5)))).toEqual([40, 41]);
});

test('a new epoch goes on in the same ring, an old one is not let in', () => {
  const ring = new Ring({ entry: plain });
  ring.push(bareBlock(100, FLAG.key), at(0));
  expect(numbers(ring.push(bareBlock(0, FLAG.key, undefined, 2), at(1)))).toEqual([0]);
  expect(ring.push(bareBlock(101), at(2))).toEqual([]);
  expect(ring.get(0)?.epoch).toBe(2);
  expect(ring.get(100)).toBeUndefined();
});

test('the ring keeps 8 s or 8 MB, and the newest keyframe longer than that', () => {
  const ring = new Ring({ entry: plain, span: seconds(8), bytes: 200_000 });
  ring.push(bareBlock(0, FLAG.key), at(0));
  for (let i = 1; i < 100; i++) ring.push(bareBlock(i), at(i * 200));
  expect(ring.from('newest-key').length).toBe(100);
  ring.push(bareBlock(100, FLAG.key), at(20_000));
  ring.push(bareBlock(101), at(20_001));
  expect(ring.get(59)).toBeUndefined();
  expect(ring.get(61)).toBeDefined();
  for (let i = 102; i < 200; i++) ring.push(bareBlock(i, 0, new Uint8Array(188 * 50)), at(20_001));
  expect(ring.bytes).toBeLessThanOrEqual(200_000);
});

test('children are served by number, blocks in order and those still waited behind', () => {
  const ring = new Ring({ entry: plain });
  for (const number of [3, 4, 5, 8]) ring.push(bareBlock(number, number === 3 ? FLAG.key : 0), at(0));
  expect([2, 3, 5, 6, 8, 9].map((number) => ring.get(number)?.number)).toEqual([
    undefined,
    3,
    5,
    undefined,
    8,
    undefined,
  ]);
  ring.tick(at(1000));
  expect([5, 6, 7, 8].map((number) => ring.get(number)?.number)).toEqual([5, undefined, undefined, 8]);
  expect(numbers(ring.from(4))).toEqual([4, 5, 8]);
});

const stream = show({ seconds: 12, pictures: 25, gop: 25, size: 12 });
const blocks = blocksOf(stream, 1, 1);

test('a viewer gets the tables, then the newest keyframe, then everything after it without a fault', () => {
  const ring = new Ring({ entry: new Entry() });
  let now = 0;
  const half = Math.floor(blocks.length / 2) + 7;
  for (const block of blocks.slice(0, half)) ring.push(block, at((now += 20)));
  const reader = ring.reader();
  const parts = [drain(reader)];
  for (const block of blocks.slice(half)) {
    ring.push(block, at((now += 20)));
    parts.push(drain(reader));
  }
  const got = join(parts);
  expect([pidAt(got, 0), pidAt(got, 1)]).toEqual([0, PID.pmt]);
  expect(startsOnKeyframe(got)).toBe(true);
  expect(continuityFaults(got)).toBe(0);
  const key = blocks.slice(0, half).findLast(({ flags }) => (flags & FLAG.key) !== 0);
  expect(got.subarray(2 * 188)).toEqual(join(blocks.slice(key?.number).map(({ bytes }) => bytes)));
});

test('with a cushion a viewer starts at a keyframe that is old enough', () => {
  const ring = new Ring({ entry: plain });
  for (let i = 0; i < 100; i++) ring.push(bareBlock(i, i % 25 === 0 ? FLAG.key : 0), at(i * 40));
  expect(ring.reader().next()?.[0]).toBe(75);
  expect(ring.reader(ms(960)).next()?.[0]).toBe(75);
  expect(ring.reader(ms(961)).next()?.[0]).toBe(50);
  expect(ring.reader(seconds(60)).next()?.[0]).toBe(0);
});

test('all viewers get the very same arrays', () => {
  const ring = new Ring({ entry: plain });
  const block = bareBlock(0, FLAG.key);
  ring.push(block, at(0));
  expect(ring.reader().next()).toBe(block.bytes);
  expect(ring.reader().next()).toBe(block.bytes);
});

test('a viewer who is too slow jumps to the newest keyframe, each time, without a fault in the stream', () => {
  const ring = new Ring({ entry: new Entry(), bytes: 150_000 });
  const reader = ring.reader();
  const random = seeded(3);
  const parts: Uint8Array[] = [];
  let jumps = 0;
  for (const [index, block] of blocks.entries()) {
    ring.push(block, at(index * 20));
    // Reads one block in five or so.
    if (random(5) !== 0) continue;
    const bytes = reader.next();
    if (bytes === undefined) continue;
    parts.push(bytes);
    if (reader.jumps === jumps) continue;
    jumps = reader.jumps;
    parts.push(reader.next() ?? new Uint8Array(0));
    expect(startsOnKeyframe(join(parts.slice(-2)))).toBe(true);
  }
  expect(jumps).toBeGreaterThan(1);
  expect(continuityFaults(join(parts))).toBe(0);
});

test('where blocks are missing, viewers are told of the jump of each counter', () => {
  const ring = new Ring({ entry: new Entry(), hold: ms(100) });
  const reader = ring.reader();
  const parts: Uint8Array[] = [];
  for (const [index, block] of blocks.entries()) {
    if (index % 40 === 17 || index % 40 === 18) continue;
    ring.push(block, at(index * 20));
    ring.tick(at(index * 20));
    parts.push(drain(reader));
  }
  expect(ring.skipped).toBeGreaterThan(4);
  expect(continuityFaults(join(parts))).toBe(0);
});

test('when the source comes back as another encoder, viewers are told of the jump', () => {
  const ring = new Ring({ entry: new Entry() });
  const reader = ring.reader();
  const other = blocks
    .slice(50)
    .map((block, i) => ({ ...block, number: 120 + i, flags: block.flags | (i === 0 ? 2 : 0) }));
  const parts: Uint8Array[] = [];
  for (const [index, block] of [...blocks.slice(0, 120), ...other].entries()) {
    ring.push(block, at(index * 20));
    parts.push(drain(reader));
  }
  expect(continuityFaults(join(parts))).toBe(0);
});

test('whoever joins after the encoder was exchanged gets the tables of the new one only', () => {
  const ring = new Ring({ entry: new Entry() });
  for (const [index, block] of blocks.entries()) ring.push(block, at(index * 20));
  const other = blocksOf(show({ seconds: 2, pictures: 25, gop: 25, size: 5 })).map((block, i) => ({
    ...block,
    number: blocks.length + i,
    flags: block.flags | (i === 0 ? FLAG.discontinuity : 0),
  }));
  const [first = bareBlock(0)] = other;
  ring.push(first, at(20_000));
  // It begins with its own tables.
  expect(drain(ring.reader())).toEqual(first.bytes);
});

test('a stream without keyframes is let in after a while all the same', () => {
  const ring = new Ring({ entry: plain });
  const reader = ring.reader();
  const got: Uint8Array[] = [];
  for (let i = 0; i < 300; i++) {
    ring.push(bareBlock(i), at(i * 20));
    const bytes = reader.next();
    if (bytes !== undefined) got.push(bytes);
  }
  expect(got.length).toBeGreaterThan(90);
  expect(got.length).toBeLessThan(101);
});

test('while the source is away viewers get nothing and stay in place', () => {
  const ring = new Ring({ entry: plain });
  const reader = ring.reader();
  ring.push(bareBlock(0, FLAG.key), at(0));
  ring.push(bareBlock(1, FLAG.sourceDown, new Uint8Array(0)), at(1000));
  expect(drain(reader).length).toBe(188);
  ring.push(bareBlock(2, FLAG.sourceDown, new Uint8Array(0)), at(2000));
  expect(reader.next()).toBeUndefined();
  ring.push(bareBlock(3), at(3000));
  expect(reader.next()?.[0]).toBe(3);
  expect(reader.jumps).toBe(0);
});

test('a viewer who does not read keeps nothing alive', () => {
  const ring = new Ring({ entry: plain, bytes: 50_000 });
  const reader = ring.reader();
  for (let i = 0; i < 1000; i++)
    ring.push(bareBlock(i, i % 10 === 0 ? FLAG.key : 0, new Uint8Array(1880).fill(i & 255)), at(i * 20));
  expect(ring.bytes).toBeLessThanOrEqual(50_000);
  expect(reader.next()?.[0]).toBe(990 & 255);
});

test('a reader is given no block that could not be opened, also where it had begun with clear ones', () => {
  const ring = new Ring({ entry: plain });
  const reader = ring.reader();
  const read: Uint8Array[] = [];
  for (let number = 0; number < 6; number++) {
    const isClear = number < 2 || number === 4;
    ring.push({ ...bareBlock(number, number === 0 ? FLAG.key : 0), isClear }, at(number));
    read.push(drain(reader));
  }
  expect(read.map((bytes) => bytes[0])).toEqual([0, 1, undefined, undefined, 4, undefined]);
});
