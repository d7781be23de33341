import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { bytesOf, fromHex, hex } from '../../agent/base/bytes.ts';
import { hasAes, nodeCipher, secureRandom } from '../../agent/io/crypto.ts';
import { hkdf } from '../../agent/seal/kdf.ts';

const cipher = nodeCipher();
const bytes = (text: string): Uint8Array => fromHex(text.replaceAll(/\s/g, '')) ?? new Uint8Array(0);
const repeated = (value: number, length: number): Uint8Array => new Uint8Array(length).fill(value);

describe('the primitives are those of their standards', () => {
  test('SHA-256 (FIPS 180-4), in one part or several', () => {
    const wanted = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(hex(cipher.hash(bytesOf('abc')))).toBe(wanted);
    expect(hex(cipher.hash(bytesOf('a'), bytesOf(''), bytesOf('bc')))).toBe(wanted);
  });

  test('HMAC-SHA-256 (RFC 4231, cases 1, 2, 6), and as node:crypto has it for keys and texts of any length', () => {
    expect(hex(cipher.mac(repeated(0x0b, 20), bytesOf('Hi There')))).toBe(
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    );
    expect(hex(cipher.mac(bytesOf('Jefe'), bytesOf('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    expect(
      hex(cipher.mac(repeated(0xaa, 131), bytesOf('Test Using Larger Than Block-Size Key - Hash Key First'))),
    ).toBe('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54');
    for (const length of [0, 1, 31, 32, 63, 64, 65, 200]) {
      for (const size of [0, 1, 55, 64, 447, 448, 449, 2000, 10]) {
        const [key, data] = [cipher.random(length), cipher.random(size)];
        expect(hex(cipher.mac(key, data))).toBe(createHmac('sha256', key).update(data).digest('hex'));
      }
    }
  });

  test('HKDF-SHA-256 (RFC 5869, case 3; and two blocks by parts)', () => {
    const wanted = '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8';
    expect(hex(hkdf(cipher, new Uint8Array(0), repeated(0x0b, 22), '', 42))).toBe(wanted);
    expect(hex(hkdf(cipher, new Uint8Array(0), repeated(0x0b, 22), '', 16))).toBe(wanted.slice(0, 32));
  });

  test('X25519 (RFC 7748, 5.2)', () => {
    const pair = cipher.pair(bytes('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'));
    const theirs = bytes('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c');
    expect(cipher.agree(pair, theirs)).toEqual(
      bytes('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'),
    );
  });

  test('Ed25519 (RFC 8032, 7.1, test 2)', () => {
    const pair = cipher.signingPair(bytes('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'));
    expect(hex(pair.publicKey)).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    const signature = cipher.sign(pair, bytes('72'));
    expect(hex(signature)).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    expect(cipher.verify(pair.publicKey, bytes('72'), signature)).toBe(true);
    expect(cipher.verify(pair.publicKey, bytes('73'), signature)).toBe(false);
    expect(cipher.verify(cipher.signingPair().publicKey, bytes('72'), signature)).toBe(false);
  });

  test('ChaCha20-Poly1305 (RFC 8439, 2.8.2)', () => {
    const aead = cipher.aead(
      'chacha20-poly1305',
      bytes('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
    );
    const text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, ";
    const plain = bytesOf(`${text}sunscreen would be it.`);
    const [nonce, associated] = [bytes('070000004041424344454647'), bytes('50515253c0c1c2c3c4c5c6c7')];
    const out = new Uint8Array(plain.length + 16);
    aead.seal(nonce, associated, plain, out);
    expect(hex(out.subarray(0, 16))).toBe('d31a8d34648e60db7b86afbc53ef7ec2');
    expect(hex(out.subarray(plain.length))).toBe('1ae10b594f09e26a7e902ecbd0600691');
    expect(hex(aead.open(nonce, associated, out) ?? new Uint8Array(0))).toBe(hex(plain));
  });

  test('ChaCha20 without a tag (RFC 8439, 2.4.2, which begins at the second block), the same both ways', () => {
    const stream = cipher.stream(bytes('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'));
    const nonce = bytes('000000000000004a00000000');
    const text = bytesOf(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const sealed = stream.turn(nonce, new Uint8Array([...repeated(0, 64), ...text]));
    expect(hex(sealed.subarray(64, 96))).toBe('6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b');
    expect(stream.turn(nonce, sealed).subarray(64)).toEqual(text);
    expect(stream.turn(bytes('000000000000004a00000001'), sealed).subarray(64)).not.toEqual(text);
  });

  test('AES-128-GCM (McGrew and Viega, test case 4)', () => {
    const aead = cipher.aead('aes-128-gcm', bytes('feffe9928665731c6d6a8f9467308308'));
    const [nonce, associated] = [bytes('cafebabefacedbaddecaf888'), bytes('feedfacedeadbeeffeedfacedeadbeefabaddad2')];
    const plain = bytes(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    );
    const sealed =
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091' +
      '5bc94fbc3221a5db94fae95ae7121a47';
    const out = new Uint8Array(plain.length + 16);
    aead.seal(nonce, associated, plain, out);
    expect(hex(out)).toBe(sealed);
    expect(hex(aead.open(nonce, associated, out) ?? new Uint8Array(0))).toBe(hex(plain));
  });

  test('AES-128 of one block (FIPS 197, C.1), both ways and again with the same object', () => {
    const block = cipher.block(bytes('000102030405060708090a0b0c0d0e0f'));
    const plain = bytes('00112233445566778899aabbccddeeff');
    for (let i = 0; i < 3; i++) {
      const sealed = block.encrypt(plain);
      expect(hex(sealed)).toBe('69c4e0d86a7b0430d8cdb78070b4c55a');
      expect(hex(block.decrypt(sealed))).toBe(hex(plain));
    }
  });
});

describe.each(['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'] as const)('%s', (suite) => {
  const aead = cipher.aead(suite, cipher.random(suite === 'aes-128-gcm' ? 16 : 32));
  const [nonce, associated, plain] = [cipher.random(12), cipher.random(16), cipher.random(300)];

  test('seals in place: the plaintext may be the beginning of the output', () => {
    const [apart, together] = [new Uint8Array(316), new Uint8Array(316)];
    aead.seal(nonce, associated, plain, apart);
    together.set(plain);
    aead.seal(nonce, associated, together.subarray(0, 300), together);
    expect(together).toEqual(apart);
  });

  test('opens nothing that was changed, and nothing too short for a tag', () => {
    const sealed = new Uint8Array(316);
    aead.seal(nonce, associated, plain, sealed);
    for (const at of [0, 150, 299, 300, 315]) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 128;
      expect(aead.open(nonce, associated, changed)).toBeUndefined();
    }
    expect(aead.open(nonce, cipher.random(16), sealed)).toBeUndefined();
    expect(aead.open(cipher.random(12), associated, sealed)).toBeUndefined();
    for (const length of [0, 15, 16, 315])
      expect(aead.open(nonce, associated, sealed.subarray(0, length))).toBeUndefined();
  });
});

describe('hostile keys', () => {
  test('agree on nothing and verify nothing, and nothing throws', () => {
    for (const length of [0, 31, 32, 33]) {
      expect(cipher.agree(cipher.pair(), new Uint8Array(length))).toBeUndefined();
      expect(cipher.verify(repeated(255, length), bytesOf('text'), repeated(1, 64))).toBe(false);
      expect(cipher.verify(cipher.signingPair().publicKey, bytesOf('text'), repeated(1, length))).toBe(false);
    }
  });

  test('many of them do not fill the memory: the right one still verifies afterwards', () => {
    const pair = cipher.signingPair();
    const signature = cipher.sign(pair, bytesOf('text'));
    for (let i = 0; i < 200; i++) cipher.verify(cipher.random(32), bytesOf('text'), signature);
    expect(cipher.verify(pair.publicKey, bytesOf('text'), signature)).toBe(true);
  });
});

test('anything but whole blocks of 16 bytes is our own mistake, and leaves the next block as it was', () => {
  const block = cipher.block(cipher.random(16));
  const plain = cipher.random(16);
  const sealed = hex(block.encrypt(plain));
  for (const length of [0, 15, 17, 33]) {
    expect(() => block.encrypt(new Uint8Array(length))).toThrow();
    expect(() => block.decrypt(new Uint8Array(length))).toThrow();
  }
  expect(hex(block.encrypt(plain))).toBe(sealed);
});

test('a pair read back from its bytes agrees like the one it was saved from', () => {
  const [pair, other] = [cipher.pair(), cipher.pair()];
  const restored = { publicKey: pair.publicKey.slice(), privateKey: pair.privateKey.slice() };
  expect(cipher.agree(restored, other.publicKey)).toEqual(cipher.agree(pair, other.publicKey));
  const signing = cipher.signingPair();
  const again = { publicKey: signing.publicKey.slice(), privateKey: signing.privateKey.slice() };
  expect(cipher.sign(again, bytesOf('text'))).toEqual(cipher.sign(signing, bytesOf('text')));
});

describe('secureRandom', () => {
  test('gives every number below the bound and no other', () => {
    for (const below of [1, 2, 3, 7, 256]) {
      const seen = new Set(Array.from({ length: 20_000 }, () => secureRandom(below)));
      expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: below }, (_, i) => i));
    }
  });

  test('reaches the upper half of 32 bits, also for bounds that do not divide them', () => {
    for (const below of [2 ** 32, 3 * 2 ** 30, 2 ** 31 + 1]) {
      const numbers = Array.from({ length: 2000 }, () => secureRandom(below));
      expect(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < below)).toBe(true);
      expect(numbers.some((number) => number > below * 0.9)).toBe(true);
    }
  });
});

describe('AES in the CPU', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpuinfo-'));
  const cpu = (text: string): boolean => {
    const file = join(folder, 'cpuinfo');
    writeFileSync(file, text);
    return hasAes(file);
  };

  test('is read from what Linux says on x86 and on ARM', () => {
    expect(cpu('processor\t: 0\nflags\t\t: fpu vme aes avx\n')).toBe(true);
    expect(cpu('processor\t: 0\nflags\t\t: fpu vme avx\n')).toBe(false);
    expect(cpu('processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1\n')).toBe(true);
    expect(cpu('processor\t: 0\nFeatures\t: half thumb fastmult vfp edsp neon vfpv3\n')).toBe(false);
    expect(cpu('flags : vaes\n')).toBe(false);
  });

  test('is not supposed where nothing can be read', () => {
    expect(hasAes(join(folder, 'nowhere'))).toBe(false);
    rmSync(folder, { recursive: true });
  });
});
