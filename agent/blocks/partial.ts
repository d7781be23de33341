import { sameBytes } from '../base/bytes.ts';
import type { Slab } from '../base/slab.ts';
import type { Instant } from '../base/time.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Block } from './block.ts';
import { type Chunk, chunkHash, cutChunk } from './chunk.ts';
import { CHUNK_PACKETS, FLAG, PACKET } from './format.ts';
import { carried, type Manifest } from './manifest.ts';

/** What a chunk turned out to be. */
export type ChunkVerdict = 'fits' | 'repeated' | 'false';

/** A block whose manifest is verified and whose chunks arrive. Holds verified bytes only. */
export class Partial {
  readonly manifest: Manifest;
  readonly message: Uint8Array;
  readonly since: Instant;
  readonly #bytes: Uint8Array;
  /** Bit i is set where chunk i is missing. */
  #missing: number;

  /** Memory for the block, and for a copy of `message`, is taken from `memory`. */
  constructor(manifest: Manifest, message: Uint8Array, since: Instant, memory: Slab) {
    this.manifest = manifest;
    this.message = memory.take(message.length);
    this.message.set(message);
    this.since = since;
    this.#bytes = memory.take(carried(manifest) * PACKET);
    this.#missing = 2 ** manifest.hashes.length - 1;
  }

  get missing(): number {
    return this.#missing;
  }

  /** Checks a chunk message by its hash and keeps its packets. */
  take(chunk: Chunk, message: Uint8Array, cipher: Cipher): ChunkVerdict {
    const expected = this.manifest.hashes[chunk.index];
    if (expected === undefined) return 'false';
    if ((this.#missing & (1 << chunk.index)) === 0) return 'repeated';
    const start = chunk.index * CHUNK_PACKETS * PACKET;
    // The length is the origin's doing too: a signed hash of a chunk of the wrong size is no block either.
    const length = Math.min(CHUNK_PACKETS * PACKET, this.#bytes.length - start);
    if (chunk.bytes.length !== length || !sameBytes(chunkHash(cipher, message), expected)) return 'false';
    this.#bytes.set(chunk.bytes, start);
    this.#missing &= ~(1 << chunk.index);
    return 'fits';
  }

  /** A verified chunk as a message again, for whoever asks. */
  chunk(tag: number, index: number): Uint8Array | undefined {
    if (index >= this.manifest.hashes.length || (this.#missing & (1 << index)) !== 0) return undefined;
    return cutChunk(tag, this.manifest.number, this.#bytes, index);
  }

  /** The block, once nothing is missing. */
  whole(): Block | undefined {
    if (this.#missing !== 0) return undefined;
    const { epoch, number, flags, time } = this.manifest;
    const isClear = (flags & FLAG.sealed) === 0;
    return { epoch, number, flags, time, bytes: this.#bytes, isClear, manifest: this.message };
  }
}
