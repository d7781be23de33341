import { bytesOf, concat, sameBytes, Writer } from '../base/bytes.ts';
import type { Cipher, StreamCipher } from '../seal/cipher.ts';
import type { Block } from './block.ts';
import { CHECK, FLAG, SALT } from './format.ts';
import { sealOf } from './manifest.ts';

/** Whether the packets of a channel can be read here: `missing` without its token, `wrong` with another one. */
export type Privacy = 'public' | 'open' | 'missing' | 'wrong';

/** One epoch as the token opens it. */
interface Epoch {
  readonly number: number;
  readonly seal: Uint8Array;
  /** Undefined where the token is not the one that it was sealed with. */
  readonly stream: StreamCipher | undefined;
}

/**
 * A private channel's packets, sealed at the origin and opened where the 32-byte token is known. Everybody between verifies
 * and forwards them as they are. A stream cipher is enough: the signed manifest holds the hashes of what travels.
 */
export class Lock {
  readonly #cipher: Cipher;
  readonly #channel: Uint8Array;
  readonly #token: Uint8Array | undefined;
  #epoch: Epoch | undefined;
  #privacy: Privacy | undefined;

  constructor(cipher: Cipher, channel: Uint8Array, token: Uint8Array | undefined) {
    this.#cipher = cipher;
    this.#channel = channel;
    this.#token = token;
  }

  /** Of the block that came last; undefined before the first. */
  get privacy(): Privacy | undefined {
    return this.#privacy;
  }

  /** What manifests of an epoch carry: a salt, and by what a token is known to fit. Throws without a token. */
  seal(epoch: number, salt: Uint8Array): Uint8Array {
    return concat([salt, this.#derived('hearth token', epoch, salt).subarray(0, CHECK)]);
  }

  /** The block with its packets in the clear where the token fits. They replace the sealed ones in `block.bytes`. */
  open(block: Block): Block {
    if ((block.flags & FLAG.sealed) === 0) {
      this.#privacy = 'public';
      return block;
    }
    const stream = this.#stream(block.epoch, sealOf(block.manifest));
    this.#privacy = stream === undefined ? (this.#token === undefined ? 'missing' : 'wrong') : 'open';
    if (stream === undefined) return block;
    block.bytes.set(stream.turn(nonceOf(block.number), block.bytes));
    return { ...block, isClear: true };
  }

  /** The block as it travels. */
  close(block: Block): Block {
    if ((block.flags & FLAG.sealed) === 0 || !block.isClear) return block;
    return {
      ...block,
      isClear: false,
      bytes: this.turn(block.epoch, sealOf(block.manifest), block.number, block.bytes),
    };
  }

  /** Sealed packets of a clear block, or the other way round. Throws where the token is not that of the seal. */
  turn(epoch: number, seal: Uint8Array, number: number, bytes: Uint8Array): Uint8Array {
    const stream = this.#stream(epoch, seal);
    if (stream === undefined) throw new Error('a block cannot be sealed without the token of its channel');
    return stream.turn(nonceOf(number), bytes);
  }

  #stream(epoch: number, seal: Uint8Array): StreamCipher | undefined {
    const known = this.#epoch;
    if (known !== undefined && known.number === epoch && sameBytes(known.seal, seal)) return known.stream;
    const stream = this.#fits(epoch, seal) ? this.#keyed(epoch, seal.subarray(0, SALT)) : undefined;
    this.#epoch = { number: epoch, seal: seal.slice(), stream };
    return stream;
  }

  #fits(epoch: number, seal: Uint8Array): boolean {
    return this.#token !== undefined && sameBytes(this.seal(epoch, seal.subarray(0, SALT)), seal);
  }

  #keyed(epoch: number, salt: Uint8Array): StreamCipher {
    return this.#cipher.stream(this.#derived('hearth channel', epoch, salt));
  }

  /** HKDF-Expand (RFC 5869): the token is a uniform key already, and one round gives the 32 bytes. */
  #derived(label: string, epoch: number, salt: Uint8Array): Uint8Array {
    if (this.#token === undefined) throw new Error('without a token there is no key');
    const info = new Writer(64).bytes(bytesOf(label)).bytes(this.#channel).u32(epoch).bytes(salt).u8(1);
    return this.#cipher.mac(this.#token, info.done());
  }
}

/** A number is used once in an epoch, and an epoch once with a salt: no two blocks under one keystream. */
function nonceOf(number: number): Uint8Array {
  return new Writer(12)
    .zeros(12 - 6)
    .u48(number)
    .done();
}
