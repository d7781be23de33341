import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex } from '../../agent/base/bytes.ts';
import { randomBytes, seeded } from '../../agent/base/random.ts';
import {
  ackSize,
  decode,
  type Frame,
  MESSAGE_LIMIT,
  writeAck,
  writeChallenge,
  writeClose,
  writeMessage,
  writePing,
  writeResponse,
  writeShortMessage,
} from '../../agent/transport/frames.ts';

const FUZZ_RUNS = Number(process.env['FUZZ_RUNS'] ?? 20_000);

const bytes = (text: string): Uint8Array => fromHex(text.replaceAll(' ', '')) ?? new Uint8Array(0);

function written(write: (body: Uint8Array) => number): Uint8Array {
  const body = new Uint8Array(1200);
  return body.slice(0, write(body));
}

/** Highest and lowest of up to 32 ranges, newest first, at least one packet missing between two. */
const ranges = fc
  .array(fc.record({ missing: fc.integer({ min: 1, max: 20_000 }), packets: fc.integer({ min: 1, max: 20_000 }) }), {
    minLength: 1,
    maxLength: 32,
  })
  .chain((steps) => {
    const depth = steps.reduce((sum, { missing, packets }) => sum + missing + packets, 0);
    return fc.integer({ min: depth, max: 2 ** 48 - 1 }).map((largest) => {
      let high = largest;
      return steps.flatMap(({ missing, packets }, i) => {
        if (i > 0) high -= missing;
        const low = high - packets + 1;
        const range = [high, low];
        high = low - 1;
        return range;
      });
    });
  });

describe('frames', () => {
  test.each<[string, string, Frame[]]>([
    ['a ping in padding', '00 01 00', [{ kind: 'ping' }]],
    ['an ACK of one packet', '02 000000000000 0064 01 01', [{ kind: 'ack', delay: 1, ranges: [0, 0] }]],
    [
      'an ACK of three ranges',
      '02 00010000000a 0000 03 02 01 01 4004 02',
      [
        {
          kind: 'ack',
          delay: 0,
          ranges: [0x1_0000_000a, 0x1_0000_0009, 0x1_0000_0007, 0x1_0000_0007, 0x1_0000_0002, 0x1_0000_0001],
        },
      ],
    ],
    [
      'the ACK of docs/wire.md',
      '02 000000000064 012c 03 0b 02 08 01 13',
      [{ kind: 'ack', delay: 3, ranges: [100, 90, 87, 80, 78, 60] }],
    ],
    ['a message to the end', '03 00000007 aabbcc', [{ kind: 'message', id: 7, bytes: bytes('aabbcc') }]],
    [
      'a message with its length, then another',
      '04 00000001 0002 aabb 03 ffffffff',
      [
        { kind: 'message', id: 1, bytes: bytes('aabb') },
        { kind: 'message', id: 0xffffffff, bytes: bytes('') },
      ],
    ],
    [
      'challenge, answer and close',
      '05 0001020304050607 06 08090a0b0c0d0e0f 07 03',
      [
        { kind: 'challenge', data: bytes('0001020304050607') },
        { kind: 'response', data: bytes('08090a0b0c0d0e0f') },
        { kind: 'close', reason: 3 },
      ],
    ],
  ])('%s is read', (_, text, frames) => {
    expect(decode(bytes(text))).toEqual(frames);
  });

  test.each([
    ['nothing', '', 'empty'],
    ['a type of some later version', '08', 'unknown-frame'],
    ['an ACK that ends early', '02 000000000000 0000', 'short'],
    ['an ACK without ranges', '02 000000000000 0000 00 01', 'bad-ack'],
    ['an ACK of 33 ranges', `02 0000000000ff 0000 21 ${'01'.repeat(65)}`, 'bad-ack'],
    ['an ACK below packet 0', '02 000000000003 0000 01 05', 'bad-ack'],
    ['an ACK whose second range is below packet 0', '02 000000000003 0000 02 02 02 01', 'bad-ack'],
    ['an ACK with an empty range', '02 000000000003 0000 01 00', 'bad-ack'],
    ['an ACK with an 8-byte number', '02 000000000003 0000 01 c000000000000001', 'bad-ack'],
    ['a message without its id', '03 0000', 'short'],
    ['a message longer than its body', '04 00000001 0003 aabb', 'short'],
    ['half a challenge', '05 00010203', 'short'],
    ['a close without a reason', '07', 'short'],
    ['a message of 1,153 bytes', `03 00000001 ${'00'.repeat(1153)}`, 'long-message'],
  ])('%s is refused', (_, text, reason) => {
    expect(decode(bytes(text))).toBe(reason);
  });

  test('whatever is written is read back', () => {
    fc.assert(
      fc.property(
        ranges,
        fc.integer({ min: 0, max: 65_535 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        (acked, delay, id, message, data) => {
          const body = written((body) => {
            let end = writeAck(body, 0, acked, delay / 100);
            expect(end).toBe(ackSize(acked));
            end = writeShortMessage(body, end, id, message);
            end = writeResponse(body, writeChallenge(body, writePing(body, end), data), data);
            return writeMessage(body, writeClose(body, end, 9), id, message);
          });
          expect(decode(body)).toEqual([
            { kind: 'ack', delay: delay / 100, ranges: acked },
            { kind: 'message', id, bytes: message },
            { kind: 'ping' },
            { kind: 'challenge', data },
            { kind: 'response', data },
            { kind: 'close', reason: 9 },
            { kind: 'message', id, bytes: message },
          ]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('the longest message and its frame fit a datagram with 11 bytes to spare', () => {
    expect(written((body) => writeMessage(body, 0, 1, new Uint8Array(MESSAGE_LIMIT))).length).toBe(1168 - 11);
  });

  test('random and damaged bytes are read or refused, never thrown at', () => {
    const random = seeded(FUZZ_RUNS);
    const good = written((body) => {
      const end = writeAck(body, 0, [900, 880, 878, 870, 12, 3], 2.5);
      return writeMessage(
        body,
        writePing(body, writeShortMessage(body, end, 5, new Uint8Array(20))),
        6,
        new Uint8Array(30),
      );
    });
    for (let run = 0; run < FUZZ_RUNS; run++) {
      const body = run % 2 === 0 ? randomBytes(random, random(64)) : concat([good.subarray(random(good.length)), good]);
      for (let flips = run % 2 === 0 ? 0 : random(4); flips > 0; flips--) body[random(body.length)] = random(256);
      const frames = decode(body);
      if (typeof frames === 'string') continue;
      for (const frame of frames) {
        if (frame.kind !== 'ack') continue;
        const falling = frame.ranges.every(
          (value, i) => value >= 0 && (i === 0 || value <= (frame.ranges[i - 1] ?? 0)),
        );
        expect(falling, hex(body)).toBe(true);
      }
    }
  });
});
