import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { readRtp, Reorder } from '../../agent/media/rtp.ts';
import { join } from './stream.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1000);

function rtp(
  sequence: number,
  payload: Uint8Array,
  more: Partial<{ csrc: number; extension: number; padding: number }> = {},
): Uint8Array {
  const { csrc = 0, extension, padding } = more;
  const first = 0x80 | (padding === undefined ? 0 : 0x20) | (extension === undefined ? 0 : 0x10) | csrc;
  const header = [first, 33, (sequence >> 8) & 255, sequence & 255, 0, 0, 0, 1, 0xca, 0xfe, 0, 7];
  return join([
    Uint8Array.from(header),
    new Uint8Array(csrc * 4).fill(0x47),
    extension === undefined
      ? new Uint8Array(0)
      : Uint8Array.from([0xbe, 0xde, 0, extension, ...Array.from({ length: extension * 4 }, () => 0x47)]),
    payload,
    padding === undefined ? new Uint8Array(0) : new Uint8Array(padding).fill(padding),
  ]);
}

const payload = (n: number): Uint8Array => Uint8Array.of(0x47, n >> 8, n & 255);

test.each([
  ['plain', {}],
  ['with contributing sources', { csrc: 3 }],
  ['with an extension', { extension: 2 }],
  ['with an empty extension', { extension: 0 }],
  ['with padding', { padding: 4 }],
  ['with everything', { csrc: 15, extension: 1, padding: 1 }],
])('an RTP packet %s gives its payload', (_, more) => {
  expect(readRtp(rtp(513, payload(9), more))).toEqual({ sequence: 513, ssrc: 0xcafe0007, payload: payload(9) });
});

test('what is no RTP packet, or has nothing in it, is refused', () => {
  const good = rtp(1, payload(1), { csrc: 2, extension: 1, padding: 2 });
  for (let length = 0; length < good.length - 1; length++) {
    const read = readRtp(good.subarray(0, length));
    if (read !== undefined) expect(read.payload.length).toBeLessThan(good.length);
  }
  expect(readRtp(rtp(1, new Uint8Array(0)))).toBeUndefined();
  expect(readRtp(Uint8Array.of(0x47, ...new Uint8Array(187)))).toBeUndefined();
  expect(readRtp(rtp(1, payload(1), { padding: 255 }).subarray(0, 20))).toBeUndefined();
});

test('any bytes are refused or give a part of themselves', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(readRtp(bytes)?.payload.length ?? 0).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: RUNS },
  );
});

const packetAt = (sequence: number): { sequence: number; ssrc: number; payload: Uint8Array } => ({
  sequence: sequence & 0xffff,
  ssrc: 1,
  payload: payload(sequence & 0xffff),
});

test('packets that were swapped on the way come out in order, across the end of the numbers too', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seeded(seed);
      const order = Array.from({ length: 200 }, (_, i) => 65_436 + i);
      const swapped = order.toSpliced(1).concat(order.slice(1).toSorted((a, b) => a - b + random(11) - 5));
      const reorder = new Reorder();
      const out = swapped.flatMap((sequence) => reorder.push(packetAt(sequence), at(0)));
      expect(out).toEqual(order.map((sequence) => payload(sequence & 0xffff)));
      expect(reorder.lost).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test('a lost packet is waited for 50 ms', () => {
  const reorder = new Reorder();
  expect(reorder.push(packetAt(1), at(0))).toHaveLength(1);
  expect(reorder.push(packetAt(3), at(10))).toEqual([]);
  expect(reorder.push(packetAt(4), at(30))).toEqual([]);
  expect(reorder.wake()).toBe(60);
  expect(reorder.tick(at(59))).toEqual([]);
  expect(reorder.tick(at(60))).toEqual([payload(3), payload(4)]);
  expect(reorder.lost).toBe(1);
  expect(reorder.push(packetAt(2), at(61))).toEqual([]);
  expect(reorder.push(packetAt(4), at(61))).toEqual([]);
  expect(reorder.late).toBe(2);
  expect(reorder.push(packetAt(5), at(62))).toHaveLength(1);
});

test('a sender that restarts elsewhere in its numbers, or another sender, is followed at once', () => {
  const reorder = new Reorder();
  for (const [sequence, ssrc] of [
    [100, 1],
    [30_000, 1],
    [100, 1],
    [7, 2],
  ] as const) {
    expect(reorder.push({ sequence, ssrc, payload: payload(1) }, at(0))).toHaveLength(1);
  }
});

test('what is held is bounded', () => {
  const reorder = new Reorder();
  reorder.push(packetAt(0), at(0));
  let out = 0;
  for (let i = 2; i < 2900; i++) out += reorder.push(packetAt(i), at(0)).length;
  expect(out).toBeGreaterThan(1800);
});
