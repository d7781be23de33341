import { describe, expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import type { BlockCipher } from '../../agent/seal/cipher.ts';
import { COUNTERS, decodeHeader, type FirstByte, HEADER, TAG } from '../../agent/seal/header.ts';
import { Headers } from '../../agent/seal/headers.ts';

const cipher = nodeCipher();
const block = cipher.block(cipher.random(16));

/** A block cipher that counts its calls. */
function counted(): BlockCipher & { calls: number } {
  return {
    calls: 0,
    encrypt(blocks) {
      this.calls++;
      return block.encrypt(blocks);
    },
    decrypt: (blocks) => block.decrypt(blocks),
  };
}

const headers = (using: BlockCipher = block, firstByte: FirstByte = 'any', seed = 1) =>
  new Headers(7, using, firstByte, seeded(seed));

function read(header: Uint8Array) {
  const datagram = new Uint8Array(HEADER + TAG);
  datagram.set(header);
  return decodeHeader(datagram, block);
}

describe('headers made ahead', () => {
  test('say what headers made singly say, whatever was asked for', () => {
    const random = seeded(2);
    const made = headers();
    let counter = 0;
    for (let i = 0; i < 2000; i++) {
      counter += 1 + (random(10) === 0 ? random(100) : 0);
      const phase = Math.floor(i / 300) & 7;
      const suggested = made.pad(counter, random(20) === 0 ? random(256) : 23, phase);
      const pad = random(5) === 0 ? random(256) : suggested;
      expect(read(made.take(counter, pad, phase))).toEqual({ index: 7, counter, kind: 0, phase, pad });
    }
  });

  test('never begin as RTP does where they must not', () => {
    const made = headers(block, 'shy');
    for (let counter = 0; counter < 2000; counter++) {
      const pad = made.pad(counter, 23, 0);
      const header = made.take(counter, pad, 0);
      expect((header[0] ?? 0) & 0xc0).not.toBe(0x80);
      expect(read(header)).toMatchObject({ counter, pad });
    }
  });

  test('cost a stream of equal messages one call of the cipher in 64', () => {
    const using = counted();
    const made = headers(using);
    for (let counter = 0; counter < 6400; counter++) made.take(counter, made.pad(counter, 23, 0), 0);
    expect(using.calls).toBeLessThan(110);
  });

  test('announce each length of padding equally often, also where a shorter one is asked for now and then', () => {
    const made = headers();
    const seen = { 23: Array.from({ length: 24 }, () => 0), 9: Array.from({ length: 10 }, () => 0) };
    for (let counter = 0; counter < 48_000; counter++) {
      const most = counter % 4 === 0 ? 9 : 23;
      const pad = made.pad(counter, most, 0);
      seen[most][pad] = (seen[most][pad] ?? 0) + 1;
    }
    for (const [expected, counts] of [
      [1500, seen[23]],
      [1200, seen[9]],
    ] as const) {
      // Five standard deviations.
      for (const count of counts) expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  test('end where packet numbers end', () => {
    const made = headers();
    for (let counter = COUNTERS - 3; counter < COUNTERS; counter++) {
      const pad = made.pad(counter, 23, 0);
      expect(read(made.take(counter, pad, 0))).toMatchObject({ counter, pad });
    }
  });
});
