import { describe, expect, test } from 'vitest';

import { fromHex, hex } from '../../agent/base/bytes.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import type { NoiseSuite } from '../../agent/seal/cipher.ts';
import { Noise, type Pattern } from '../../agent/seal/noise.ts';
import { noiseNonce } from '../../agent/seal/symmetric.ts';
import ik from '../vectors/noise-ik.json' with { type: 'json' };
import kkpsk0 from '../vectors/noise-kkpsk0.json' with { type: 'json' };

interface Vector {
  readonly name: string;
  readonly init_prologue: string;
  readonly init_psk?: string;
  readonly init_static: string;
  readonly init_ephemeral: string;
  readonly init_remote_static: string;
  readonly resp_prologue: string;
  readonly resp_psk?: string;
  readonly resp_static: string;
  readonly resp_ephemeral: string;
  readonly resp_remote_static?: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const VECTORS: readonly Vector[] = [...ik.vectors, ...kkpsk0.vectors];
const cipher = nodeCipher();
const EMPTY = new Uint8Array(0);

function bytes(text: string): Uint8Array {
  const found = fromHex(text);
  if (found === undefined) throw new Error(`not hexadecimal: ${text}`);
  return found;
}

function parse(name: string): { pattern: Pattern; suite: NoiseSuite } {
  const [, pattern, , aead] = name.split('_');
  if (pattern !== 'IK' && pattern !== 'KKpsk0') throw new Error(`unknown pattern in ${name}`);
  return { pattern, suite: aead === 'AESGCM' ? 'aes-256-gcm' : 'chacha20-poly1305' };
}

function initiator(vector: Vector): Noise {
  return new Noise({
    cipher,
    ...parse(vector.name),
    initiator: true,
    prologue: bytes(vector.init_prologue),
    identity: cipher.pair(bytes(vector.init_static)),
    ephemeral: cipher.pair(bytes(vector.init_ephemeral)),
    theirs: bytes(vector.init_remote_static),
    ...(vector.init_psk === undefined ? {} : { psk: bytes(vector.init_psk) }),
  });
}

function responder(vector: Vector): Noise {
  return new Noise({
    cipher,
    ...parse(vector.name),
    initiator: false,
    prologue: bytes(vector.resp_prologue),
    identity: cipher.pair(bytes(vector.resp_static)),
    ephemeral: cipher.pair(bytes(vector.resp_ephemeral)),
    ...(vector.resp_remote_static === undefined ? {} : { theirs: bytes(vector.resp_remote_static) }),
    ...(vector.resp_psk === undefined ? {} : { psk: bytes(vector.resp_psk) }),
  });
}

const message = (vector: Vector, number: number) => {
  const found = vector.messages[number];
  if (found === undefined) throw new Error(`${vector.name} has no message ${number}`);
  return { payload: bytes(found.payload), ciphertext: bytes(found.ciphertext) };
};

const text = (found: Uint8Array | undefined): string | undefined => found && hex(found);

test('the published vectors are all there', () => {
  expect(VECTORS.map(({ name }) => name)).toEqual([
    'Noise_IK_25519_ChaChaPoly_SHA256',
    'Noise_IK_25519_AESGCM_SHA256',
    'Noise_KKpsk0_25519_ChaChaPoly_SHA256',
    'Noise_KKpsk0_25519_AESGCM_SHA256',
  ]);
});

describe.each(VECTORS)('$name', (vector) => {
  test('as initiator writes and reads the published handshake', () => {
    const noise = initiator(vector);
    const [first, second] = [message(vector, 0), message(vector, 1)];
    expect(text(noise.write(first.payload))).toBe(hex(first.ciphertext));
    expect(text(noise.read(second.ciphertext))).toBe(hex(second.payload));
    transport(vector, noise, true);
  });

  test('as responder reads and writes the published handshake', () => {
    const noise = responder(vector);
    const [first, second] = [message(vector, 0), message(vector, 1)];
    expect(text(noise.read(first.ciphertext))).toBe(hex(first.payload));
    expect(text(noise.theirs)).toBe(hex(cipher.pair(bytes(vector.init_static)).publicKey));
    expect(text(noise.write(second.payload))).toBe(hex(second.ciphertext));
    transport(vector, noise, false);
  });

  test('both sides end with the same transcript', () => {
    const [a, b] = [initiator(vector), responder(vector)];
    b.read(a.write(EMPTY) ?? EMPTY);
    a.read(b.write(EMPTY) ?? EMPTY);
    expect(hex(a.transcript)).toBe(hex(b.transcript));
    expect(a.split().send).toEqual(b.split().receive);
  });

  test('a message with any byte changed or missing opens nothing and leaves the handshake able to go on', () => {
    const noise = responder(vector);
    const { ciphertext, payload } = message(vector, 0);
    for (let at = 0; at < ciphertext.length; at++) {
      const changed = ciphertext.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(noise.read(changed)).toBeUndefined();
      expect(noise.read(ciphertext.subarray(0, at))).toBeUndefined();
    }
    expect(text(noise.read(ciphertext))).toBe(hex(payload));
  });
});

/** The vector's further messages, which go back and forth under the split keys, beginning with the initiator's. */
function transport(vector: Vector, noise: Noise, initiates: boolean): void {
  const { suite } = parse(vector.name);
  const keys = noise.split();
  for (const [i, { payload, ciphertext }] of vector.messages.slice(2).entries()) {
    const nonce = noiseNonce(suite, Math.floor(i / 2));
    if ((i % 2 === 0) === initiates) {
      const out = new Uint8Array(payload.length / 2 + 16);
      cipher.aead(suite, keys.send).seal(nonce, EMPTY, bytes(payload), out);
      expect(hex(out)).toBe(ciphertext);
    } else {
      expect(text(cipher.aead(suite, keys.receive).open(nonce, EMPTY, bytes(ciphertext)))).toBe(payload);
    }
  }
}

describe('keys of small order', () => {
  // The identity, a point of order 4 and a point of order 8 (RFC 7748 section 7, cr.yp.to/ecdh.html).
  const SMALL = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ];

  test.each(SMALL)('%s agrees with nobody', (key) => {
    expect(cipher.agree(cipher.pair(), bytes(key))).toBeUndefined();
  });

  test.each(SMALL)('a handshake towards %s is not begun', (key) => {
    const options = { cipher, suite: 'chacha20-poly1305', initiator: true, prologue: EMPTY } as const;
    const noise = new Noise({ ...options, pattern: 'IK', identity: cipher.pair(), theirs: bytes(key) });
    expect(noise.write(EMPTY)).toBeUndefined();
  });

  test.each(SMALL)('a first message with the ephemeral key %s is refused', (key) => {
    const noise = responder(VECTORS[0] as Vector);
    const { ciphertext } = message(VECTORS[0] as Vector, 0);
    const forged = ciphertext.slice();
    forged.set(bytes(key));
    expect(noise.read(forged)).toBeUndefined();
  });
});
