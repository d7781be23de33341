import crypto from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, hex } from '../../agent/base/bytes.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import type { Aead } from '../../agent/seal/cipher.ts';
import { ocb } from '../../agent/seal/ocb.ts';

const cipher = nodeCipher();
const TAG = 16;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

function seal(aead: Aead, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plaintext.length + TAG);
  aead.seal(nonce, associated, plaintext, sealed);
  return sealed;
}

/** OpenSSL's own, with an object for each datagram. */
function sealedByOpenssl(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): string {
  const whole = crypto.createCipheriv('aes-128-ocb', key, nonce, { authTagLength: TAG });
  whole.setAAD(associated, { plaintextLength: plaintext.length });
  return Buffer.concat([whole.update(plaintext), whole.final(), whole.getAuthTag()]).toString('hex');
}

test.for([
  ['00', '', '', '785407bfffc8ad9edcc5520ac9111ee6'],
  ['01', '0001020304050607', '0001020304050607', '6820b3657b6f615a5725bda0d3b4eb3a257c9af1f8f03009'],
  ['02', '0001020304050607', '', '81017f8203f081277152fade694a0a00'],
  ['03', '', '0001020304050607', '45dd69f8f5aae72414054cd1f35d82760b2cd00d2f99bfa9'],
  [
    '04',
    '000102030405060708090a0b0c0d0e0f',
    '000102030405060708090a0b0c0d0e0f',
    '571d535b60b277188be5147170a9a22c3ad7a4ff3835b8c5701c1ccec8fc3358',
  ],
] as const)('is OCB as RFC 7253, appendix A, has it (nonce ...%s)', ([last, associated, plaintext, sealed]) => {
  const aead = ocb(cipher.block(bytes('000102030405060708090a0b0c0d0e0f')));
  const nonce = bytes(`bbaa998877665544332211${last}`);
  expect(hex(seal(aead, nonce, bytes(associated), bytes(plaintext)))).toBe(sealed);
  expect(hex(aead.open(nonce, bytes(associated), bytes(sealed)) ?? bytesOf('refused'))).toBe(plaintext);
});

const blob = (most: number) => fc.uint8Array({ maxLength: most });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test('what it seals is what OpenSSL seals, whatever the lengths, and it opens what OpenSSL sealed', () => {
  fc.assert(
    fc.property(
      exactly(16),
      fc.array(exactly(12), { minLength: 1, maxLength: 4 }),
      blob(64),
      blob(1500),
      (...given) => {
        const [key, nonces, associated, plaintext] = given;
        const aead = ocb(cipher.block(key));
        // One object for several nonces: what it keeps of one must not show in the next.
        for (const nonce of nonces) {
          const sealed = seal(aead, nonce, associated, plaintext);
          expect(hex(sealed)).toBe(sealedByOpenssl(key, nonce, associated, plaintext));
          expect(hex(aead.open(nonce, associated, sealed) ?? bytesOf('refused'))).toBe(hex(plaintext));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a changed bit anywhere, or a byte cut off, opens to nothing', () => {
  fc.assert(
    fc.property(exactly(16), exactly(12), blob(40), blob(300), fc.nat(), fc.nat(7), (...given) => {
      const [key, nonce, associated, plaintext, place, bit] = given;
      const aead = ocb(cipher.block(key));
      const sealed = seal(aead, nonce, associated, plaintext);
      const wrong = sealed.slice();
      const at = place % wrong.length;
      wrong[at] = (wrong[at] ?? 0) ^ (1 << bit);
      expect(aead.open(nonce, associated, wrong)).toBeUndefined();
      expect(aead.open(nonce, associated, sealed.subarray(0, -1))).toBeUndefined();
      expect(aead.open(nonce, Uint8Array.of(...associated, 0), sealed)).toBeUndefined();
      expect(hex(aead.open(nonce, associated, sealed) ?? bytesOf('refused'))).toBe(hex(plaintext));
    }),
    { numRuns: 300 },
  );
});
