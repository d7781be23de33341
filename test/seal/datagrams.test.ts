import { describe, expect, test } from 'vitest';

import { fromHex, hex } from '../../agent/base/bytes.ts';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import type { Suite } from '../../agent/seal/cipher.ts';
import { decodeHeader, KIND } from '../../agent/seal/header.ts';
import { maskKey, openMasked } from '../../agent/seal/mask.ts';
import { Session } from '../../agent/seal/session.ts';
import vectors from '../vectors/datagrams.json' with { type: 'json' };

// What went over the wire once must be read for ever: a change that breaks these breaks households in the field.

const cipher = nodeCipher();
const bytes = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

test('there is a recorded datagram of every kind', () => {
  expect([...vectors.masked.map(({ name }) => name), 'data'].sort()).toEqual(Object.keys(KIND).sort());
});

test.each(vectors.masked)('a recorded $name is read as it was meant', (vector) => {
  const datagram = bytes(vector.datagram);
  const { index, counter, kind, phase, pad } = vector;
  expect(decodeHeader(datagram, cipher.block(bytes(vector.header_key)))).toEqual({ index, counter, kind, phase, pad });
  expect(kind).toBe(KIND[vector.name as keyof typeof KIND]);
  const content = openMasked(datagram, maskKey(cipher, bytes(vector.mask_secret)));
  expect(content && hex(content)).toBe(vector.content);
});

describe.each(vectors.data)('recorded data under $suite', (vector) => {
  const session = () =>
    new Session({
      cipher,
      suite: vector.suite as Suite,
      keys: { send: bytes(vector.chain), receive: bytes(vector.chain) },
      theirIndex: vector.index,
      theirHeader: cipher.block(bytes(vector.header_key)),
      window: 2048,
      random: seeded(1),
    });

  test('opens over four keys', () => {
    const receiver = session();
    for (const { counter, phase, pad, body, datagram } of vector.datagrams) {
      const header = decodeHeader(bytes(datagram), cipher.block(bytes(vector.header_key)));
      if (header === undefined) throw new Error('a stranger’s');
      expect(header).toEqual({ index: vector.index, counter, kind: KIND.data, phase, pad });
      const opened = receiver.open(header, bytes(datagram), at(0));
      expect(typeof opened === 'string' ? opened : hex(opened.body)).toBe(body);
    }
  });

  test('is sealed to the same bytes again', () => {
    const sender = session();
    const [first] = vector.datagrams;
    if (first === undefined) throw new Error('no datagram');
    expect(hex(sender.seal(first.counter, bytes(first.body), first.pad, at(0)))).toBe(first.datagram);
  });
});
