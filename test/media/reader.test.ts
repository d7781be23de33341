import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Key, StreamReader } from '../../agent/media/reader.ts';
import { carry, join, NAL, nullPacket, packet, pat, pes, PID, pmt, show } from './stream.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);

function readerOf(type: number): StreamReader {
  const reader = new StreamReader();
  for (const bytes of [
    ...carry(0, pat({ 1: PID.pmt })),
    ...carry(
      PID.pmt,
      pmt(1, PID.video, [
        { pid: PID.audio, type: 0x0f },
        { pid: PID.video, type },
      ]),
    ),
  ]) {
    reader.read(bytes, 0);
  }
  return reader;
}

const keysOf = (reader: StreamReader, packets: readonly Uint8Array[]): readonly Key[] =>
  packets.map((bytes) => reader.read(bytes, 0).key);

test('the random access flag of the video starts a keyframe, that of the audio does not', () => {
  const reader = readerOf(0x1b);
  const flagged = (pid: number, id: number): Uint8Array =>
    packet({ pid, start: true, randomAccess: true, payload: pes([1, 2, 3], 0, id) });
  expect(keysOf(reader, [flagged(PID.audio, 0xc0), flagged(PID.video, 0xe0)])).toEqual(['none', 'key']);
});

test.each([
  ['H.264 with parameter sets', 0x1b, NAL.h264Key, 'key'],
  ['H.264 with a bare IDR slice', 0x1b, NAL.h264Idr, 'key'],
  ['H.264 of another kind', 0x1b, NAL.h264Other, 'none'],
  ['H.265 with parameter sets', 0x24, NAL.h265Key, 'key'],
  ['H.265 with a clean random access picture', 0x24, NAL.h265Cra, 'key'],
  ['H.265 of another kind', 0x24, NAL.h265Other, 'none'],
  ['MPEG-2 with a sequence header', 0x02, NAL.mpeg2Key, 'key'],
  ['MPEG-2 of another kind', 0x02, NAL.mpeg2Other, 'none'],
] as const)('without the flag, a picture of %s is known by its content', (_, type, content, key) => {
  const bytes = packet({ pid: PID.video, start: true, payload: pes(content) });
  expect(keysOf(readerOf(type), [bytes])).toEqual([key]);
});

test('a picture that says only in its second packet what it is, is told of then', () => {
  const pictures = (content: readonly number[], split: number): readonly Uint8Array[] => [
    packet({ pid: PID.video, counter: 0, start: true, payload: pes(content.slice(0, split)) }),
    packet({ pid: PID.video, counter: 1, payload: Uint8Array.from(content.slice(split)) }),
    packet({ pid: PID.video, counter: 2, payload: Uint8Array.of(1, 2, 3) }),
  ];
  // 9 cuts right through the start code of the parameter set.
  for (const split of [0, 4, 8, 9, 10]) {
    expect(keysOf(readerOf(0x1b), pictures(NAL.h264Key, split))).toEqual(['maybe', 'was-key', 'none']);
  }
  expect(keysOf(readerOf(0x1b), pictures(NAL.h264Other, 6))).toEqual(['maybe', 'was-not', 'none']);
});

test('a picture that never says what it is, is given up after a few packets', () => {
  const silent = Array.from({ length: 12 }, (_, i) =>
    packet({ pid: PID.video, counter: i, start: i === 0, payload: i === 0 ? pes([0]) : new Uint8Array(184) }),
  );
  const keys = keysOf(readerOf(0x1b), silent);
  expect(keys[0]).toBe('maybe');
  expect(keys.filter((key) => key === 'was-not')).toHaveLength(1);
  expect(keys.at(-1)).toBe('none');
});

test('radio can be entered about once a second', () => {
  const reader = new StreamReader();
  for (const bytes of [
    ...carry(0, pat({ 1: PID.pmt })),
    ...carry(PID.pmt, pmt(1, PID.audio, [{ pid: PID.audio, type: 0x03 }])),
  ]) {
    reader.read(bytes, 0);
  }
  const tenSeconds = Array.from({ length: 100 }, (_, i) =>
    packet({ pid: PID.audio, counter: i, start: true, pcr: i * 2_700_000, payload: pes([1], i * 9000, 0xc0) }),
  );
  expect(keysOf(reader, tenSeconds).filter((key) => key === 'key')).toHaveLength(10);
});

test('a missing packet is seen, a repeated one and an announced jump are not taken for one', () => {
  const reader = readerOf(0x1b);
  const gap = (counter: number, more: { discontinuity?: boolean; payload?: false } = {}): boolean =>
    reader.read(
      packet({
        pid: PID.video,
        counter,
        ...(more.discontinuity === true ? { discontinuity: true } : {}),
        ...(more.payload === false ? {} : { payload: new Uint8Array(100) }),
      }),
      0,
    ).gap;
  expect([gap(5), gap(6), gap(6), gap(7)]).toEqual([false, false, false, false]);
  expect([gap(9), gap(9), gap(9)]).toEqual([true, false, true]);
  expect([gap(9, { payload: false }), gap(10), gap(3, { discontinuity: true }), gap(4)]).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(reader.stats.gaps).toBe(2);
});

test('null packets have no counter to break', () => {
  const reader = readerOf(0x1b);
  for (let i = 0; i < 3; i++) expect(reader.read(nullPacket(), 0).gap).toBe(false);
  expect(reader.stats.nulls).toBe(3);
});

test('a whole programme is read: keys, clock and picture groups', () => {
  const reader = new StreamReader();
  const stream = show({ seconds: 6, pictures: 25, gop: 50, randomAccess: false });
  const pcrs: number[] = [];
  for (let at = 0; at < stream.length; at += 188) {
    const { pcr } = reader.read(stream, at);
    if (pcr !== undefined) pcrs.push(pcr);
  }
  expect(reader.stats).toMatchObject({ keys: 3, gaps: 0, longestGopMs: 2000, longestPcrGapMs: 40 });
  expect(pcrs).toEqual(Array.from({ length: 150 }, (_, i) => i * 1_080_000));
});

test('any packets are read without a throw', () => {
  const reader = new StreamReader();
  const good = show({ seconds: 1, pictures: 10, gop: 5 });
  const any = fc.oneof(
    fc.uint8Array({ minLength: 188, maxLength: 188 }),
    fc
      .tuple(fc.nat(good.length / 188 - 1), fc.nat(187), fc.nat(255))
      .map(([index, place, value]) => good.slice(index * 188, index * 188 + 188).fill(value, place, place + 1)),
  );
  fc.assert(
    fc.property(fc.array(any, { maxLength: 10 }), (packets) => {
      const bytes = join(packets);
      for (let at = 0; at < bytes.length; at += 188) reader.read(bytes, at);
    }),
    { numRuns: RUNS },
  );
});
