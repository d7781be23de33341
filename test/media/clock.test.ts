import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AdtsCounter } from '../../agent/media/adts.ts';
import { LoopClock } from '../../agent/media/clock.ts';
import { PCR_MODULUS, pcrOf, stepOf, writePcr } from '../../agent/media/pcr.ts';
import { readTime, TIME_MODULUS, timesAt, writeTime } from '../../agent/media/pes.ts';
import { pidOf } from '../../agent/media/packets.ts';
import { continuityFaults, cut, join, packet, pes, PID, show } from './stream.ts';

const testcard = new Uint8Array(readFileSync(new URL('../../agent/web/testcard.mpegts', import.meta.url)));

/** Steps between the times of a PID, in 90 kHz ticks. */
function steps(bytes: Uint8Array, pid: number): readonly number[] {
  const times: number[] = [];
  for (let at = 0; at < bytes.length; at += 188) {
    const { pts } = timesAt(bytes, at);
    if (pidOf(bytes, at) === pid && pts !== undefined && (bytes[at + 1] ?? 0) & 0x40) times.push(readTime(bytes, pts));
  }
  return times.slice(1).map((time, i) => stepOf(times[i] ?? 0, time, TIME_MODULUS));
}

function pcrSteps(bytes: Uint8Array): readonly number[] {
  const pcrs: number[] = [];
  for (let at = 0; at < bytes.length; at += 188) {
    const pcr = pcrOf(bytes, at);
    if (pcr !== undefined) pcrs.push(pcr);
  }
  return pcrs.slice(1).map((pcr, i) => stepOf(pcrs[i] ?? 0, pcr, PCR_MODULUS) / 27_000);
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

test('clocks are read and written as they stand in a packet', () => {
  for (const pcr of [0, 1, 299, 300, 27_000_000, 2 ** 33 * 300 - 1]) {
    const bytes = packet({ pid: 1, pcr: 0 });
    writePcr(bytes, 0, pcr);
    expect(pcrOf(bytes, 0)).toBe(pcr);
  }
  for (const time of [0, 1, 90_000, 2 ** 32, 2 ** 33 - 1]) {
    const bytes = packet({ pid: 1, start: true, payload: pes([1, 2, 3]) });
    const { pts } = timesAt(bytes, 0);
    writeTime(bytes, pts ?? 0, time);
    expect(readTime(bytes, pts ?? 0)).toBe(time);
  }
});

test('the test picture runs for 8 s a round and goes on without a seam', () => {
  const three = looped(testcard, 3);
  expect(continuityFaults(three)).toBe(0);
  expect(new Set(steps(three, 0x100))).toEqual(new Set([3600]));
  // Whole AAC frames, as many as the multiplexer put in one packet.
  expect(steps(three, 0x101).every((step) => step > 0 && step % 1920 === 0)).toBe(true);
  expect(Math.max(...pcrSteps(three))).toBeLessThanOrEqual(40.01);
  expect(Math.min(...pcrSteps(three))).toBeGreaterThan(0);
  expect(three.subarray(0, testcard.length)).toEqual(testcard);
});

test('the file that is looped is not written to', () => {
  const file = testcard.slice();
  looped(file, 3);
  expect(file).toEqual(testcard);
});

test('it does not matter in which pieces the file is read', () => {
  const clock = new LoopClock();
  const out: Uint8Array[] = [];
  for (let round = 0; round < 2; round++) {
    for (const piece of cut(testcard, [188, 188 * 100, 188 * 3, 188 * 700])) out.push(clock.correct(piece));
    clock.again();
  }
  expect(join(out)).toEqual(looped(testcard, 2));
});

test('times go round at 33 bits without a step', () => {
  const file = show({ seconds: 1, pictures: 25, gop: 25 });
  for (let at = 0; at < file.length; at += 188) {
    const pcr = pcrOf(file, at);
    if (pcr !== undefined) writePcr(file, at, (pcr + PCR_MODULUS - 45_000 * 300) % PCR_MODULUS);
    const { pts } = timesAt(file, at);
    if (pts !== undefined && ((file[at + 1] ?? 0) & 0x40) !== 0) {
      writeTime(file, pts, (readTime(file, pts) + TIME_MODULUS - 45_000) % TIME_MODULUS);
    }
  }
  const three = looped(file, 3);
  expect(new Set(steps(three, PID.video))).toEqual(new Set([3600]));
  expect(new Set(pcrSteps(three))).toEqual(new Set([40]));
});

test('the length of AAC is counted by its frames, however it is cut', () => {
  const frame = (length: number, rate: number): number[] => [
    0xff,
    0xf1,
    0x40 | (rate << 2),
    0x80 | (length >> 11),
    (length >> 3) & 255,
    ((length & 7) << 5) | 0x1f,
    0xfc,
    ...Array.from({ length: length - 7 }, () => 0xff),
  ];
  const sound = Uint8Array.from([1, 2, ...frame(7, 3), ...frame(100, 3), ...frame(300, 3), 9, 9, ...frame(20, 4)]);
  for (const size of [1, 3, 50, 1000]) {
    const counter = new AdtsCounter();
    for (const piece of cut(
      sound,
      Array.from({ length: Math.ceil(sound.length / size) }, () => size),
    )) {
      counter.push(piece);
    }
    expect(Math.round(counter.ticks)).toBe(3 * 1920 + 2090);
  }
});
