import { expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { FLAG } from '../../agent/blocks/format.ts';
import { manifestHash, readManifest } from '../../agent/blocks/manifest.ts';
import { withNulls } from '../../agent/blocks/nulls.ts';
import { carry, join, NAL, nullPacket, packet, pat, pes, PID, pmt, show } from '../media/stream.ts';
import { blocksOf, cipher, writer } from './channel.ts';

const pidAt = (bytes: Uint8Array, index: number): number =>
  Buffer.from(bytes.subarray(index * 188 + 1, index * 188 + 3)).readUInt16BE() & 0x1fff;

test('every packet comes out once, in order, in blocks of at most 112', () => {
  const stream = show({ seconds: 3, pictures: 25, gop: 25, size: 30 });
  const blocks = blocksOf(stream);
  expect(join(blocks.map(({ bytes }) => bytes))).toEqual(stream);
  expect(blocks.map(({ number }) => number)).toEqual(blocks.map((_, i) => i));
  for (const { bytes, chunks } of blocks) {
    expect(bytes.length).toBeLessThanOrEqual(112 * 188);
    expect(join(chunks.map((chunk) => chunk.subarray(12)))).toEqual(bytes);
  }
});

test('a block that does not fill up goes out after 40 ms', () => {
  const origin = writer();
  const stream = show({ seconds: 1, pictures: 25, gop: 25 });
  expect(origin.step({ kind: 'packets', bytes: stream.subarray(0, 188 * 5) }, at(100))).toEqual([]);
  expect(origin.wake()).toBe(140);
  expect(origin.step({ kind: 'tick' }, at(139))).toEqual([]);
  expect(origin.step({ kind: 'tick' }, at(140))).toMatchObject([{ number: 0, time: 100 }]);
});

test('every video keyframe opens a block, with the tables right before it', () => {
  for (const randomAccess of [true, false]) {
    const stream = show({ seconds: 4, pictures: 25, gop: 20, size: 9, randomAccess });
    const keys = blocksOf(stream).filter(({ flags }) => (flags & FLAG.key) !== 0);
    expect(keys).toHaveLength(5);
    for (const { bytes, flags } of keys) {
      const tables = (flags & FLAG.tables) !== 0;
      expect(pidAt(bytes, tables ? 2 : 0)).toBe(PID.video);
      if (tables) expect([pidAt(bytes, 0), pidAt(bytes, 1)]).toEqual([0, PID.pmt]);
    }
  }
});

test('a picture that says late what it is still opens a block when it is a keyframe', () => {
  const origin = writer();
  const tables = [
    ...carry(0, pat({ 1: PID.pmt })),
    ...carry(PID.pmt, pmt(1, PID.video, [{ pid: PID.video, type: 0x1b }])),
  ];
  const filler = (counter: number): Uint8Array => packet({ pid: PID.video, counter, payload: new Uint8Array(184) });
  const start = packet({ pid: PID.video, counter: 4, start: true, payload: pes([0, 0, 0, 1, 9, 0xf0]) });
  const sets = packet({ pid: PID.video, counter: 5, payload: Uint8Array.from([0, 0, 1, 0x67]) });
  const sent = join([...tables, filler(1), filler(2), filler(3), start, nullPacket(), sets]);
  const [before, ...none] = origin.step({ kind: 'packets', bytes: sent }, at(0));
  expect(none).toEqual([]);
  expect(before).toMatchObject({ flags: FLAG.tables });
  expect(before?.bytes.length).toBe(5 * 188);
  const [key] = origin.step({ kind: 'tick' }, at(40));
  expect(key).toMatchObject({ flags: FLAG.key, bytes: join([start, sets]) });
  expect(readManifest(key?.manifest ?? new Uint8Array(0))).toMatchObject({ packets: 3 });
});

test('a block that closes by time leaves an undecided picture for the next one', () => {
  const origin = writer();
  const tables = [
    ...carry(0, pat({ 1: PID.pmt })),
    ...carry(PID.pmt, pmt(1, PID.video, [{ pid: PID.video, type: 0x1b }])),
  ];
  const start = packet({ pid: PID.video, counter: 4, start: true, payload: pes([0]) });
  const filler = packet({ pid: PID.video, counter: 3, payload: new Uint8Array(184) });
  origin.step({ kind: 'packets', bytes: join([...tables, filler, start]) }, at(0));
  const [first] = origin.step({ kind: 'tick' }, at(40));
  expect(first?.bytes.length).toBe(3 * 188);
  const sets = packet({ pid: PID.video, counter: 5, payload: Uint8Array.from(NAL.h264Key) });
  expect(origin.step({ kind: 'packets', bytes: sets }, at(50))).toEqual([]);
  expect(origin.step({ kind: 'tick' }, at(80))).toMatchObject([{ flags: FLAG.key, bytes: join([start, sets]) }]);
});

test('null packets do not travel, and the constant-rate stream can be had back', () => {
  const stream = show({ seconds: 2, pictures: 25, gop: 25, size: 10, nulls: 5 });
  const blocks = blocksOf(stream);
  const nulls = stream.length / 188 - blocks.reduce((sum, { bytes }) => sum + bytes.length / 188, 0);
  expect(nulls).toBe(250);
  const restored = blocks.map(({ bytes, manifest }) => {
    const read = readManifest(manifest);
    return withNulls(bytes, read?.packets ?? 0, read?.map ?? new Uint8Array(14));
  });
  expect(join(restored)).toEqual(stream);
});

test('a block of null packets only has no chunks', () => {
  const origin = writer();
  const nulls = join(Array.from({ length: 112 }, nullPacket));
  expect(origin.step({ kind: 'packets', bytes: nulls }, at(0))).toMatchObject([{ chunks: [], flags: 0 }]);
});

test('each manifest names the one before', () => {
  const blocks = blocksOf(show({ seconds: 2, pictures: 25, gop: 25 }));
  let previous: Uint8Array = new Uint8Array(16);
  for (const { manifest } of blocks) {
    expect(readManifest(manifest)?.previous).toEqual(previous);
    previous = manifestHash(cipher, manifest);
  }
});

test('a missing source is announced once a second after two, and the stream goes on with a discontinuity', () => {
  const origin = writer();
  const stream = show({ seconds: 1, pictures: 25, gop: 25 });
  origin.step({ kind: 'packets', bytes: stream }, at(1000));
  const out = [];
  for (let now = 1000; now <= 6000; now += 10) out.push(...origin.step({ kind: 'tick' }, at(now)));
  const down = out.filter(({ flags }) => (flags & FLAG.sourceDown) !== 0);
  expect(down.map(({ time }) => time)).toEqual([3000, 4000, 5000, 6000]);
  expect(down.every(({ bytes, chunks }) => bytes.length === 0 && chunks.length === 0)).toBe(true);
  expect(origin.down).toBe(true);
  const again = origin.step({ kind: 'packets', bytes: stream }, at(6500));
  expect(again[0]?.flags).toBe(FLAG.discontinuity | FLAG.tables | FLAG.key);
  expect(again.slice(1).every(({ flags }) => (flags & FLAG.discontinuity) === 0)).toBe(true);
  expect(origin.down).toBe(false);
});

test('a source that never comes is announced too', () => {
  expect(writer().wake()).toBe(2000);
});

test('an encoder that was exchanged starts a block of its own', () => {
  const origin = writer();
  const stream = show({ seconds: 1, pictures: 25, gop: 25 });
  origin.step({ kind: 'packets', bytes: stream.subarray(0, 188 * 20) }, at(0));
  const [old] = origin.step({ kind: 'restart' }, at(10));
  expect((old?.flags ?? 8) & FLAG.discontinuity).toBe(0);
  origin.step({ kind: 'packets', bytes: stream.subarray(0, 188 * 20) }, at(20));
  const [fresh] = origin.step({ kind: 'tick' }, at(60));
  expect(fresh?.flags).toBe(FLAG.discontinuity | FLAG.tables | FLAG.key);
});
