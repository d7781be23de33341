import fc from 'fast-check';
import { expect, test } from 'vitest';

import { nodeCipher } from '../../agent/io/crypto.ts';
import { COUNTERS, decodeHeader, encodeHeader, HEADER, LARGEST, TAG } from '../../agent/seal/header.ts';

const cipher = nodeCipher();
const block = cipher.block(cipher.random(16));
const stranger = cipher.block(cipher.random(16));

const headers = fc.record({
  index: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  counter: fc.maxSafeInteger().map((value) => Math.abs(value) % COUNTERS),
  kind: fc.integer({ min: 0, max: 31 }),
  phase: fc.integer({ min: 0, max: 7 }),
  pad: fc.integer({ min: 0, max: 255 }),
});

const datagram = (header: Uint8Array, length = HEADER + TAG): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set(header);
  return bytes;
};

test('the receiver reads every header as it was written', () => {
  fc.assert(
    fc.property(headers, fc.constantFrom('any', 'shy'), (header, firstByte) => {
      expect(decodeHeader(datagram(encodeHeader(header, block, firstByte)), block)).toEqual(header);
    }),
  );
});

test('nobody else does', () => {
  fc.assert(
    fc.property(headers, (header) => {
      expect(decodeHeader(datagram(encodeHeader(header, block)), stranger)).toBeUndefined();
    }),
  );
});

test('a datagram too short for a tag or longer than an Ethernet frame is nobody’s', () => {
  const header = encodeHeader({ index: 1, counter: 2, kind: 0, phase: 0, pad: 0 }, block);
  for (const length of [HEADER, HEADER + TAG - 1, LARGEST + 1]) {
    expect(decodeHeader(datagram(header, length), block)).toBeUndefined();
  }
  expect(decodeHeader(new Uint8Array(0), block)).toBeUndefined();
  expect(decodeHeader(datagram(header, LARGEST), block)).toBeDefined();
});

test('a shy header never begins as RTP does', () => {
  const first = (counter: number, how: 'any' | 'shy') =>
    (encodeHeader({ index: 7, counter, kind: 0, phase: 0, pad: 0 }, block, how)[0] ?? 0) & 0xc0;
  const counters = Array.from({ length: 4000 }, (_, i) => i);
  expect(counters.filter((counter) => first(counter, 'shy') === 0x80)).toEqual([]);
  expect(counters.filter((counter) => first(counter, 'any') === 0x80).length).toBeGreaterThan(800);
});
