/**
 * The primitives the pure code needs, given from outside: io/crypto.ts over node:crypto in production,
 * a toy in simulations that measure something else. Every key is 32 bytes unless said otherwise.
 */

/** AEADs that are given whole. */
export type GivenSuite = 'aes-128-gcm' | 'chacha20-poly1305';
/** AEADs of a session: AES where the CPU has AES instructions, else ChaCha20 (RFC 8439). OCB is our own: ocb.ts. */
export type Suite = GivenSuite | 'aes-128-ocb';
/** The AEADs Noise names (its AESGCM has a 32-byte key); the product's own handshakes use ChaCha20. */
export type NoiseSuite = 'aes-256-gcm' | 'chacha20-poly1305';

export interface Aead {
  /**
   * Writes ciphertext and the 16-byte tag into `out`, which is plaintext.length + 16 long. Nonce: 12 bytes, free to be
   * changed after the call. `plaintext` may be the beginning of `out`.
   */
  seal(nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void;
  /** The plaintext, or undefined when the tag does not fit. */
  open(nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/**
 * AES-128 of one 16-byte block, the header permutation, or of many at once, each by itself. Throws when given anything but
 * whole blocks. The answer is memory that nobody else has.
 */
export interface BlockCipher {
  encrypt(blocks: Uint8Array): Uint8Array;
  decrypt(blocks: Uint8Array): Uint8Array;
}

/** ChaCha20 (RFC 8439 2.4) without a tag: for what is authenticated otherwise. */
export interface StreamCipher {
  /** `bytes` under the keystream of that 12-byte nonce, block counter from 0; the same call both ways. Memory of its own. */
  turn(nonce: Uint8Array, bytes: Uint8Array): Uint8Array;
}

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

export interface Cipher {
  /** SHA-256 of the parts one after the other, 32 bytes. */
  hash(...parts: Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256, 32 bytes. */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** X25519 (RFC 7748); undefined for a public key of small order. */
  agree(pair: KeyPair, theirPublicKey: Uint8Array): Uint8Array | undefined;
  /** A new X25519 pair, or the pair of a given 32-byte private key. */
  pair(privateKey?: Uint8Array): KeyPair;
  /** A new Ed25519 pair (RFC 8032), or the pair of a given 32-byte seed. */
  signingPair(seed?: Uint8Array): KeyPair;
  sign(pair: KeyPair, message: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** `key` is 16 bytes for aes-128-gcm, 32 for the others. */
  aead(suite: GivenSuite | NoiseSuite, key: Uint8Array): Aead;
  /** `key` is 16 bytes. */
  block(key: Uint8Array): BlockCipher;
  stream(key: Uint8Array): StreamCipher;
  /** Unpredictable bytes. */
  random(length: number): Uint8Array;
}
