import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { Ring } from '../../agent/blocks/ring.ts';
import { LoopClock } from '../../agent/media/clock.ts';
import { Entry } from '../../agent/media/entry.ts';
import { RANDOM_ACCESS } from '../../agent/media/packets.ts';
import { StreamReader } from '../../agent/media/reader.ts';
import { blocksOf } from '../blocks/channel.ts';
import { complaints, run, scratch, withoutFfmpeg } from './ffmpeg.ts';
import { join } from './stream.ts';

const folder = scratch();
afterAll(folder.remove);

const testcard = new Uint8Array(readFileSync(new URL('../../agent/web/testcard.mpegts', import.meta.url)));

function written(name: string, bytes: Uint8Array): string {
  writeFileSync(folder.at(name), bytes);
  return folder.at(name);
}

function looped(file: Uint8Array, rounds: number): Uint8Array {
  const clock = new LoopClock();
  const out: Uint8Array[] = [];
  for (let round = 0; round < rounds; round++) {
    out.push(clock.correct(file));
    clock.again();
  }
  return join(out);
}

const keysByFfprobe = (file: string): number =>
  run('ffprobe', ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'packet=flags', '-of', 'csv=p=0', file])
    .out.split('\n')
    .filter((line) => line.startsWith('K')).length;

function keysByUs(bytes: Uint8Array): number {
  const reader = new StreamReader();
  for (let from = 0; from < bytes.length; from += 188) reader.read(bytes, from);
  return reader.stats.keys;
}

/** The same stream from an encoder that sets no random access flags. */
function unflagged(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  for (let from = 0; from < copy.length; from += 188) {
    const adaptation = ((copy[from + 3] ?? 0) & 0x20) !== 0 && (copy[from + 4] ?? 0) > 0;
    if (adaptation) copy[from + 5] = (copy[from + 5] ?? 0) & ~RANDOM_ACCESS;
  }
  return copy;
}

const make = (args: readonly string[]): Uint8Array =>
  new Uint8Array(
    run('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25:duration=4'],
      ...['-f', 'lavfi', '-i', 'sine=frequency=440:duration=4', ...args, '-f', 'mpegts', '-'],
    ]).bytes,
  );

describe.skipIf(withoutFfmpeg)('judged by ffmpeg', () => {
  test('the test picture is what it says: H.264 and AAC, 640x360, 25 pictures, a keyframe a second', () => {
    const file = written('card.ts', testcard);
    const shown = [
      '-v',
      'error',
      '-show_entries',
      'stream=codec_name,width,height,r_frame_rate,has_b_frames',
      '-of',
      'json',
    ];
    const { streams } = JSON.parse(run('ffprobe', [...shown, file]).out) as { streams: unknown[] };
    expect(streams).toMatchObject([
      { codec_name: 'h264', width: 640, height: 360, r_frame_rate: '25/1', has_b_frames: 0 },
      { codec_name: 'aac' },
    ]);
    expect(keysByFfprobe(file)).toBe(8);
    expect(complaints(file)).toBe('');
    expect(testcard.length).toBeLessThan(500_000);
  });

  test('the judge sees a lost packet and a clock that goes back', () => {
    const [a, b] = [testcard.subarray(0, 188 * 700), testcard.subarray(188 * 701)];
    expect(complaints(written('lost.ts', join([a, b])))).toMatch(/continuity/i);
    expect(complaints(written('back.ts', join([testcard, testcard])))).toMatch(/monoton|discontinuity/i);
  });

  test('the test picture played three times round gives ffmpeg nothing to complain of', () => {
    expect(complaints(written('three.ts', looped(testcard, 3)))).toBe('');
  });

  test.each([
    ['H.264 with B-frames and AAC', ['-c:v', 'libx264', '-g', '20', '-bf', '3', '-c:a', 'aac']],
    [
      'MPEG-2 and MP2 at a constant rate',
      ['-c:v', 'mpeg2video', '-g', '12', '-bf', '2', '-c:a', 'mp2', '-muxrate', '1M'],
    ],
    ['H.265 and AC-3', ['-c:v', 'libx265', '-x265-params', 'log-level=0:keyint=25', '-c:a', 'ac3']],
  ])('%s: keyframes are those of ffprobe, with and without flags, and the loop is clean', (name, args) => {
    const bytes = make([...args, '-preset', 'ultrafast']);
    const keys = keysByFfprobe(written('made.ts', bytes));
    expect(keys).toBeGreaterThan(3);
    expect(keysByUs(bytes)).toBe(keys);
    expect(keysByUs(unflagged(bytes))).toBe(keys);
    expect(complaints(written('made-three.ts', looped(bytes, 3)))).toBe('');
    expect(name).not.toBe('');
  });

  test('a viewer who joins in the middle, loses blocks and falls behind still gets a stream without continuity errors', () => {
    const blocks = blocksOf(looped(testcard, 4), 1, 0.3);
    const ring = new Ring({ entry: new Entry(), bytes: 120_000 });
    const parts: Uint8Array[] = [];
    let reader: ReturnType<Ring['reader']> | undefined;
    for (const [index, block] of blocks.entries()) {
      const now = at(index * 40);
      if (index % 97 !== 50) ring.push(block, now);
      ring.tick(now);
      if (index === 60) reader = ring.reader();
      // Between these the viewer does not read, and the ring moves on without it.
      if (reader === undefined || (index > 150 && index < 290)) continue;
      for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) parts.push(bytes);
    }
    expect(reader?.jumps).toBeGreaterThan(0);
    expect(ring.skipped).toBeGreaterThan(1);
    const file = written('viewer.ts', join(parts));
    const log = run('ffmpeg', ['-v', 'debug', '-i', file, '-map', '0', '-c', 'copy', '-f', 'null', '-']).log;
    // That the lost sound is incomplete, ffmpeg may say.
    expect(log.split('\n').filter((line) => /continuity check failed/i.test(line))).toEqual([]);
    expect(keysByFfprobe(file)).toBeGreaterThan(5);
  });
});
