import { Reader, Writer } from '../base/bytes.ts';
import type { Cipher } from '../seal/cipher.ts';
import { CHUNK, CHUNK_PACKETS, CHUNKS_MOST, HASH, PACKET } from './format.ts';

/*
 *   0      1       5          11      12                      12 + 188 n
 *   +------+-------+----------+-------+------------------------+
 *   | 0x11 | tag   | number   | index | n = 1-6 packets        |
 *   | 1    | u32   | u48      | u8    | 188 each               |
 *   +------+-------+----------+-------+------------------------+
 */
export interface Chunk {
  /** Names channel and epoch; see `streamTag`. */
  readonly tag: number;
  readonly number: number;
  /** Place in the block, 0-18. */
  readonly index: number;
  /** A view of the message. */
  readonly bytes: Uint8Array;
}

export const CHUNK_HEADER = 12;

/** Short name of a channel's epoch in chunks: the first 4 bytes of SHA-256(channel id, epoch as u32). */
export function streamTag(cipher: Cipher, channel: Uint8Array, epoch: number): number {
  return new Reader(cipher.hash(channel, new Writer(4).u32(epoch).done())).u32();
}

export function writeChunk(tag: number, number: number, index: number, bytes: Uint8Array): Uint8Array {
  const writer = new Writer(CHUNK_HEADER + bytes.length);
  return writer.u8(CHUNK).u32(tag).u48(number).u8(index).bytes(bytes).done();
}

export function readChunk(message: Uint8Array): Chunk | undefined {
  const reader = new Reader(message);
  if (reader.u8() !== CHUNK) return undefined;
  const tag = reader.u32();
  const number = reader.u48();
  const index = reader.u8();
  const bytes = reader.rest();
  if (reader.short || bytes.length === 0 || bytes.length % PACKET !== 0) return undefined;
  if (bytes.length > CHUNK_PACKETS * PACKET || index >= CHUNKS_MOST) return undefined;
  return { tag, number, index, bytes };
}

/** What a manifest says of this chunk message. The header is hashed too: a chunk fits one place only. */
export function chunkHash(cipher: Cipher, message: Uint8Array): Uint8Array {
  return cipher.hash(message).subarray(0, HASH);
}

/** All chunk messages of a block, from the packets that travel: for a child that joins late or asks again. */
export function cutChunks(tag: number, number: number, bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / (CHUNK_PACKETS * PACKET)) }, (_, index) =>
    cutChunk(tag, number, bytes, index),
  );
}

/** One chunk message of a block. */
export function cutChunk(tag: number, number: number, bytes: Uint8Array, index: number): Uint8Array {
  const start = index * CHUNK_PACKETS * PACKET;
  return writeChunk(tag, number, index, bytes.subarray(start, start + CHUNK_PACKETS * PACKET));
}
