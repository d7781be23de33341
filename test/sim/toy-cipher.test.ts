import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { toyCipher } from './toy-cipher.ts';

const cipher = toyCipher(seeded(1));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test('Both sides of the toy agree on the same secret, and no other pair does', () => {
  const [a, b, c] = [cipher.pair(), cipher.pair(), cipher.pair()];
  expect(cipher.agree(a, b.publicKey)).toEqual(cipher.agree(b, a.publicKey));
  expect(cipher.agree(a, b.publicKey)).not.toEqual(cipher.agree(a, c.publicKey));
  expect(cipher.agree(a, new Uint8Array(32))).toBeUndefined();
});

test('What the toy seals it opens, unless a single bit differs', () => {
  fc.assert(
    fc.property(bytes(32), bytes(12), fc.uint8Array({ maxLength: 80 }), fc.nat(), (key, nonce, plain, where) => {
      const aead = cipher.aead('chacha20-poly1305', key);
      const sealed = new Uint8Array(plain.length + 16);
      aead.seal(nonce, nonce, plain, sealed);
      expect(aead.open(nonce, nonce, sealed)).toEqual(plain);
      const bit = where % (sealed.length * 8);
      sealed[bit >> 3] = (sealed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(aead.open(nonce, nonce, sealed)).toBeUndefined();
    }),
  );
});

test('Blocks of the toy permute: what is encrypted decrypts, and another key gives something else', () => {
  fc.assert(
    fc.property(bytes(16), bytes(16), (key, block) => {
      expect(cipher.block(key).decrypt(cipher.block(key).encrypt(block))).toEqual(block);
      expect(cipher.block(key).encrypt(block)).not.toEqual(cipher.block(cipher.random(16)).encrypt(block));
    }),
  );
});

test('Many blocks at once are to the toy what each is by itself', () => {
  const block = cipher.block(cipher.random(16));
  const three = cipher.random(48);
  const each = [0, 16, 32].flatMap((at) => [...block.encrypt(three.subarray(at, at + 16))]);
  expect([...block.encrypt(three)]).toEqual(each);
  expect(block.decrypt(block.encrypt(three))).toEqual(three);
});

test('A toy keystream is its own reverse, and another with every key and nonce', () => {
  const [key, nonce, text] = [cipher.random(32), cipher.random(12), cipher.random(300)];
  const sealed = cipher.stream(key).turn(nonce, text);
  expect(cipher.stream(key).turn(nonce, sealed)).toEqual(text);
  expect(cipher.stream(key).turn(cipher.random(12), sealed)).not.toEqual(text);
  expect(cipher.stream(cipher.random(32)).turn(nonce, sealed)).not.toEqual(text);
});

test('A toy signature fits one key and one message', () => {
  const [mine, other] = [cipher.signingPair(), cipher.signingPair()];
  const message = cipher.random(100);
  const signature = cipher.sign(mine, message);
  expect(signature).toHaveLength(64);
  expect(cipher.verify(mine.publicKey, message, signature)).toBe(true);
  expect(cipher.verify(other.publicKey, message, signature)).toBe(false);
  expect(cipher.verify(mine.publicKey, cipher.random(100), signature)).toBe(false);
});

test('The toy is repeatable: the same seed draws the same keys', () => {
  expect(toyCipher(seeded(5)).pair()).toEqual(toyCipher(seeded(5)).pair());
  expect(toyCipher(seeded(5)).pair()).not.toEqual(toyCipher(seeded(6)).pair());
});
