import crypto, { type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { hex } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { Aead, BlockCipher, Cipher, GivenSuite, KeyPair, NoiseSuite, StreamCipher } from '../seal/cipher.ts';

const TAG = 16;
/** SHA-256 works on blocks of this many bytes. */
const BLOCK = 64;
/** Public keys kept ready for verify: an agent follows a channel or two. */
const KEPT_KEYS = 64;

/**
 * The primitives over node:crypto. Keys are KeyObjects throughout: on Node 24.21 a raw Buffer key triples the time of a
 * datagram (docs/security.md).
 */
export function nodeCipher(): Cipher {
  const x25519 = curve('x25519');
  const ed25519 = curve('ed25519');
  const verifyKeys = new Map<string, KeyObject>();

  const verifyKey = (publicKey: Uint8Array): KeyObject | undefined => {
    const name = hex(publicKey);
    let key = verifyKeys.get(name);
    if (key === undefined) {
      if (publicKey.length !== 32) return undefined;
      key = ed25519.publicKey(publicKey);
      if (verifyKeys.size >= KEPT_KEYS) verifyKeys.clear();
      verifyKeys.set(name, key);
    }
    return key;
  };

  return {
    hash(...parts) {
      const whole = parts.length === 1 ? (parts[0] ?? new Uint8Array(0)) : Buffer.concat(parts);
      return fromLatin1(crypto.hash('sha256', whole, 'binary'));
    },
    mac: hmac(),
    agree(pair, theirPublicKey) {
      if (theirPublicKey.length !== 32) return undefined;
      const keys = { privateKey: x25519.privateKey(pair), publicKey: x25519.publicKey(theirPublicKey) };
      try {
        return raw(crypto.diffieHellman(keys));
      } catch {
        // OpenSSL refuses the all-zero secret, which is what every public key of small order agrees on (RFC 7748 6.1).
        return undefined;
      }
    },
    pair: (secret) => x25519.pair(secret),
    signingPair: (seed) => ed25519.pair(seed),
    sign: (pair, message) => raw(crypto.sign(null, message, ed25519.privateKey(pair))),
    verify(publicKey, message, signature) {
      const key = verifyKey(publicKey);
      return key !== undefined && signature.length === 64 && crypto.verify(null, message, key, signature);
    },
    aead,
    block,
    stream,
    random: (length) => raw(crypto.randomBytes(length)),
  };
}

function aead(suite: GivenSuite | NoiseSuite, key: Uint8Array): Aead {
  const secret = crypto.createSecretKey(key);
  const options = { authTagLength: TAG };
  // The types know each cipher by its own overload; all three take the same arguments here.
  const name = suite as 'aes-128-gcm';
  return {
    seal(nonce, associated, plaintext, out) {
      const cipher = crypto.createCipheriv(name, secret, nonce, options);
      cipher.setAAD(associated);
      out.set(cipher.update(plaintext));
      cipher.final();
      out.set(cipher.getAuthTag(), plaintext.length);
    },
    open(nonce, associated, sealed) {
      if (sealed.length < TAG) return undefined;
      const cipher = crypto.createDecipheriv(name, secret, nonce, options);
      const end = sealed.length - TAG;
      cipher.setAAD(associated);
      cipher.setAuthTag(sealed.subarray(end));
      const plaintext = cipher.update(sealed.subarray(0, end));
      try {
        cipher.final();
      } catch {
        return undefined;
      }
      return raw(plaintext);
    },
  };
}

/**
 * HMAC (RFC 2104) as two one-shot hashes. createHmac takes 13 us with a raw key, and with a KeyObject leaves two native
 * objects behind for the collector, which took a third of the time of a resumption.
 */
function hmac(): Cipher['mac'] {
  const outer = new Uint8Array(BLOCK + 32);
  let inner = new Uint8Array(512);
  return (key, data) => {
    const short = key.length > BLOCK ? crypto.hash('sha256', key, 'buffer') : key;
    if (inner.length < BLOCK + data.length) inner = new Uint8Array(BLOCK + data.length);
    for (let i = 0; i < BLOCK; i++) {
      const byte = short[i] ?? 0;
      inner[i] = byte ^ 0x36;
      outer[i] = byte ^ 0x5c;
    }
    inner.set(data, BLOCK);
    outer.set(crypto.hash('sha256', inner.subarray(0, BLOCK + data.length), 'buffer'), BLOCK);
    return raw(crypto.hash('sha256', outer, 'buffer'));
  };
}

/** One persistent ECB object per direction, made when first used: 0.47 us a block instead of several. */
function block(key: Uint8Array): BlockCipher {
  const secret = crypto.createSecretKey(key);
  let encrypting: crypto.Cipheriv | undefined;
  let decrypting: crypto.Decipheriv | undefined;
  return {
    encrypt(plain) {
      wholeBlocks(plain);
      encrypting ??= crypto.createCipheriv('aes-128-ecb', secret, null).setAutoPadding(false);
      return encrypting.update(plain);
    },
    decrypt(sealed) {
      wholeBlocks(sealed);
      decrypting ??= crypto.createDecipheriv('aes-128-ecb', secret, null).setAutoPadding(false);
      return decrypting.update(sealed);
    },
  };
}

/** OpenSSL's IV is the counter in 4 bytes, little-endian, and then the nonce. */
function stream(key: Uint8Array): StreamCipher {
  const secret = crypto.createSecretKey(key);
  const iv = new Uint8Array(16);
  return {
    turn(nonce, bytes) {
      iv.set(nonce, 4);
      return raw(crypto.createCipheriv('chacha20', secret, iv).update(bytes));
    },
  };
}

/** A partial block would stay inside the persistent object and spoil all that follows. */
function wholeBlocks(bytes: Uint8Array): void {
  if (bytes.length === 0 || bytes.length % 16 !== 0)
    throw new Error(`${bytes.length} bytes are not whole blocks of 16`);
}

/** DER beginnings of private keys (RFC 8410), each followed by 32 raw bytes. */
const PRIVATE_DER = {
  x25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
  ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
} as const;
const JWK_NAME = { x25519: 'X25519', ed25519: 'Ed25519' } as const;

/** Raw 32-byte keys of one curve to KeyObjects and back, by the ways that measured quickest. */
function curve(name: 'x25519' | 'ed25519') {
  const privateKeys = new WeakMap<KeyPair, KeyObject>();

  const fromRaw = (secret: Uint8Array): KeyObject =>
    crypto.createPrivateKey({ key: Buffer.concat([PRIVATE_DER[name], secret]), format: 'der', type: 'pkcs8' });

  const generated = (): KeyObject =>
    name === 'x25519' ? crypto.generateKeyPairSync(name).privateKey : crypto.generateKeyPairSync(name).privateKey;

  return {
    pair(secret?: Uint8Array): KeyPair {
      const key = secret === undefined ? generated() : fromRaw(secret);
      const { d = '', x = '' } = key.export({ format: 'jwk' });
      const pair = { publicKey: raw(Buffer.from(x, 'base64url')), privateKey: raw(Buffer.from(d, 'base64url')) };
      privateKeys.set(pair, key);
      return pair;
    },
    privateKey(pair: KeyPair): KeyObject {
      let key = privateKeys.get(pair);
      if (key === undefined) {
        key = fromRaw(pair.privateKey);
        privateKeys.set(pair, key);
      }
      return key;
    },
    publicKey(key: Uint8Array): KeyObject {
      const x = Buffer.from(key).toString('base64url');
      return crypto.createPublicKey({ key: { kty: 'OKP', crv: JWK_NAME[name], x }, format: 'jwk' });
    },
  };
}

/** The same memory as a plain Uint8Array: a Buffer's slice() does not copy, and pure code expects it to. */
function raw(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Text of as many characters as bytes: short ones are made quicker from it than a Buffer that needs memory of its own. */
function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Unpredictable whole numbers, drawn from the system's generator a page at a time. */
function drawn(page: number): Random {
  let bytes = Buffer.alloc(0);
  let position = 0;
  const next = (): number => {
    if (position + 4 > bytes.length) {
      bytes = crypto.randomBytes(page);
      position = 0;
    }
    position += 4;
    return bytes.readUInt32LE(position - 4);
  };
  return (below) => {
    // Draws past the last whole multiple are thrown away, or small numbers would come a little more often.
    const end = 0x1_0000_0000 - (0x1_0000_0000 % below);
    let value = next();
    while (value >= end) value = next();
    return value % below;
  };
}

export const secureRandom: Random = drawn(4096);

/** Whether the CPU has AES instructions; where that cannot be read, ChaCha20 is the safe guess. */
export function hasAes(cpuinfo = '/proc/cpuinfo'): boolean {
  try {
    return /^(flags|Features)\s*:.*\baes\b/m.test(readFileSync(cpuinfo, 'utf8'));
  } catch {
    return false;
  }
}
