import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketSync } from '../../agent/media/packets.ts';
import { cut, join, show } from './stream.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
const stream = show({ seconds: 1, pictures: 10, gop: 5 });

const packetsOf = (pieces: readonly Uint8Array[]): Uint8Array => {
  const sync = new PacketSync();
  return join(pieces.map((piece) => sync.push(piece)));
};

/** The stream as a satellite receiver (16 bytes behind) or a camera (4 bytes in front) writes it. */
function wide(bytes: Uint8Array, front: number, behind: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 188) {
    parts.push(new Uint8Array(front).fill(0x11), bytes.subarray(at, at + 188), new Uint8Array(behind).fill(0x22));
  }
  return join(parts);
}

test('a stream of plain packets comes out as it is', () => {
  expect(packetsOf([stream])).toEqual(stream);
});

test('packets are handed on without a copy when the pieces are whole', () => {
  const sync = new PacketSync();
  expect(sync.push(stream).buffer).toBe(stream.buffer);
});

test('Reed-Solomon bytes of a 204-byte stream and times of a 192-byte stream are left out', () => {
  expect(packetsOf([wide(stream, 0, 16)])).toEqual(stream);
  // The last packet's 4 bytes belong to the next one, so one more is needed to see the whole stream.
  expect(packetsOf([wide(join([stream, stream.subarray(0, 188)]), 4, 0)])).toEqual(stream);
});

test('garbage before and in the middle costs only itself', () => {
  const garbage = new Uint8Array(1000).map((_, i) => (i * 31) & 255);
  const half = (stream.length / 188 / 2) | 0;
  const [a, b] = [stream.subarray(0, half * 188), stream.subarray(half * 188)];
  const sync = new PacketSync();
  const out = sync.push(join([garbage, a, garbage, b]));
  expect(sync.lost).toBe(1);
  expect(sync.skipped).toBe(2000);
  expect(out).toEqual(stream);
});

test('bytes without any packet are not kept', () => {
  const sync = new PacketSync();
  for (let i = 0; i < 100; i++) expect(sync.push(new Uint8Array(10_000).fill(0x47 ^ (i + 1))).length).toBe(0);
});

test('however the bytes are cut, the same packets come out', () => {
  const dirty = join([Uint8Array.of(1, 0x47, 2), stream, Uint8Array.of(0x47, 0x47), wide(stream, 0, 16), stream]);
  const whole = packetsOf([dirty]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 200 }), (sizes) => {
      expect(packetsOf(cut(dirty, sizes))).toEqual(whole);
    }),
    { numRuns: Math.min(Math.ceil(RUNS / 5), 2000) },
  );
});

test('any bytes in any pieces give whole packets that start with the sync byte', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 800 }),
    fc.constantFrom(stream.subarray(0, 1880), wide(stream.subarray(0, 1880), 0, 16), Uint8Array.of(0x47)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const out = packetsOf(pieces);
      expect(out.length % 188).toBe(0);
      for (let at = 0; at < out.length; at += 188) expect(out[at]).toBe(0x47);
      expect(out).toEqual(packetsOf([join(pieces)]));
    }),
    { numRuns: RUNS },
  );
});
