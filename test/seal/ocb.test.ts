import crypto from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { concat, fromHex, hex } from '../../agent/base/bytes.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import { ocb } from '../../agent/seal/ocb.ts';
import vectors from '../vectors/ocb.json' with { type: 'json' };

const cipher = nodeCipher();
const bytes = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);
const under = (key: Uint8Array) => ocb(cipher.block(key));

function seal(aead: ReturnType<typeof ocb>, nonce: Uint8Array, associated: Uint8Array, plain: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plain.length + 16);
  aead.seal(nonce, associated, plain, sealed);
  return sealed;
}

/** The same by OpenSSL, which has an OCB of its own. */
function openssl(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plain: Uint8Array): Uint8Array {
  const theirs = crypto.createCipheriv('aes-128-ocb', key, nonce, { authTagLength: 16 });
  theirs.setAAD(associated);
  return concat([theirs.update(plain), theirs.final(), theirs.getAuthTag()]);
}

function byOpenssl(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array {
  const theirs = crypto.createDecipheriv('aes-128-ocb', key, nonce, { authTagLength: 16 });
  theirs.setAAD(associated);
  theirs.setAuthTag(sealed.subarray(sealed.length - 16));
  return concat([theirs.update(sealed.subarray(0, sealed.length - 16)), theirs.final()]);
}

const numbered = (number: number): Uint8Array => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number >> 8, number & 255);

describe('OCB is that of RFC 7253', () => {
  test('in all samples of its appendix, both ways', () => {
    const aead = under(bytes(vectors.key));
    expect(vectors.samples).toHaveLength(16);
    for (const { nonce, associated, plain, sealed } of vectors.samples) {
      expect(hex(seal(aead, bytes(nonce), bytes(associated), bytes(plain)))).toBe(sealed);
      expect(aead.open(bytes(nonce), bytes(associated), bytes(sealed))).toEqual(bytes(plain));
    }
  });

  test('in the chain of 384 texts of 0 to 127 bytes that the appendix ends with', () => {
    const aead = under(bytes(vectors.chained.key));
    const [none, sealed]: [Uint8Array, Uint8Array[]] = [new Uint8Array(0), []];
    for (let i = 0; i < 128; i++) {
      const text = new Uint8Array(i);
      sealed.push(seal(aead, numbered(3 * i + 1), text, text), seal(aead, numbered(3 * i + 2), none, text));
      sealed.push(seal(aead, numbered(3 * i + 3), text, none));
    }
    const whole = concat(sealed);
    expect(whole.length).toBe(22_400);
    expect(hex(seal(aead, numbered(385), whole, none))).toBe(vectors.chained.sealed);
  });
});

const sized = (most: number) => fc.uint8Array({ maxLength: most, size: 'max' });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test('what it seals is what OpenSSL seals, and each opens what the other sealed', () => {
  fc.assert(
    fc.property(
      exactly(16),
      // Under one key, so that what is kept from one packet number to the next is used, and given up, as in a session.
      fc.array(fc.tuple(exactly(12), fc.nat(200), sized(48), sized(1484)), { minLength: 1, maxLength: 6 }),
      (key, all) => {
        const aead = under(key);
        for (const [nonce, more, associated, plain] of all) {
          for (const last of [nonce[11] ?? 0, ((nonce[11] ?? 0) + more) & 255]) {
            nonce[11] = last;
            const sealed = openssl(key, nonce, associated, plain);
            expect(hex(seal(aead, nonce, associated, plain))).toBe(hex(sealed));
            expect(aead.open(nonce, associated, sealed)).toEqual(plain);
            expect(hex(byOpenssl(key, nonce, associated, seal(aead, nonce, associated, plain)))).toBe(hex(plain));
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('texts may grow by a byte from one to the next, under the same key', () => {
  const key = cipher.random(16);
  const aead = under(key);
  const associated = cipher.random(16);
  for (let length = 0; length <= 1500; length++) {
    const [nonce, plain] = [cipher.random(12), cipher.random(length)];
    const sealed = seal(aead, nonce, associated, plain);
    expect(hex(sealed)).toBe(hex(openssl(key, nonce, associated, plain)));
    expect(aead.open(nonce, associated, sealed)).toEqual(plain);
  }
});

test('any bit changed anywhere, in text, tag, nonce or associated data, and nothing is opened', () => {
  fc.assert(
    fc.property(exactly(16), exactly(12), exactly(16), sized(200), fc.nat(), (key, nonce, associated, plain, at) => {
      const aead = under(key);
      const sealed = seal(aead, nonce, associated, plain);
      for (const part of [sealed, nonce, associated]) {
        const bit = at % (8 * part.length);
        part[bit >> 3] = (part[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(aead.open(nonce, associated, sealed)).toBeUndefined();
        part[bit >> 3] = (part[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
      expect(aead.open(nonce, associated, sealed.subarray(0, sealed.length - 1))).toBeUndefined();
      expect(aead.open(nonce, associated, concat([sealed, Uint8Array.of(0)]))).toBeUndefined();
      expect(aead.open(nonce, associated, sealed)).toEqual(plain);
    }),
    { numRuns: 300 },
  );
});

test('every single bit of a datagram counts', () => {
  const aead = under(cipher.random(16));
  const [nonce, associated] = [cipher.random(12), cipher.random(16)];
  const sealed = seal(aead, nonce, associated, cipher.random(45));
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const changed = sealed.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(aead.open(nonce, associated, changed)).toBeUndefined();
  }
});

test('less than a tag is no text', () => {
  const aead = under(cipher.random(16));
  for (let length = 0; length < 16; length++) {
    expect(aead.open(cipher.random(12), cipher.random(16), new Uint8Array(length))).toBeUndefined();
  }
});

test('what was opened before stays as it was, whatever is sealed and opened after it', () => {
  const aead = under(cipher.random(16));
  const [nonce, associated, plain] = [cipher.random(12), cipher.random(16), cipher.random(100)];
  const opened = aead.open(nonce, associated, seal(aead, nonce, associated, plain));
  for (let i = 0; i < 1000; i++) {
    const other = cipher.random(12);
    aead.open(other, associated, seal(aead, other, associated, cipher.random(1168)));
  }
  expect(opened).toEqual(plain);
});

test('the plaintext may lie at the beginning of where it is sealed to', () => {
  const aead = under(cipher.random(16));
  const [nonce, associated, plain] = [cipher.random(12), cipher.random(16), cipher.random(301)];
  const together = concat([plain, new Uint8Array(16)]);
  aead.seal(nonce, associated, together.subarray(0, 301), together);
  expect(together).toEqual(seal(aead, nonce, associated, plain));
});
