import { concat, Reader, Writer } from '../base/bytes.ts';
import type { Cipher, KeyPair } from '../seal/cipher.ts';
import {
  BLOCK_PACKETS,
  CHANNEL_ID,
  CHUNK_PACKETS,
  CHUNKS_MOST,
  FLAG,
  FLAGS_ALL,
  HASH,
  MANIFEST,
  MAP,
  SEAL,
  SIGNATURE,
} from './format.ts';
import { nullsIn } from './nulls.ts';

/*
 *   0          1            33       37        43      44        45    59       60          60+16n
 *   +----------+------------+--------+---------+-------+---------+-----+--------+-----------+------------+--------+--------+-----------+
 *   | 0x10     | channel id | epoch  | number  | flags | packets | map | chunks | hashes    | previous   | time   | [seal] | signature |
 *   | 1        | 32         | u32    | u48     | u8    | u8      | 14  | n      | 16 each   | 16         | u48    | 16     | 64        |
 *   +----------+------------+--------+---------+-------+---------+-----+--------+-----------+------------+--------+--------+-----------+
 *   |<------------------------------- signed ----------------------------------------------------------------------->|
 *   The seal is there exactly where the flag `sealed` is.
 */
export interface Manifest {
  /** Ed25519 public key that signs the channel. */
  readonly channel: Uint8Array;
  /** Higher with every start of the origin. */
  readonly epoch: number;
  /** 48 bits, from 0 within the epoch. */
  readonly number: number;
  readonly flags: number;
  /** Null packets counted. */
  readonly packets: number;
  /** Bit i (from the top of byte 0) is set where packet i was a null packet and is left out of the chunks. */
  readonly map: Uint8Array;
  /** First 16 bytes of SHA-256 of each chunk message. */
  readonly hashes: readonly Uint8Array[];
  /** First 16 bytes of SHA-256 of the whole manifest before; zeros in the first of an epoch. */
  readonly previous: Uint8Array;
  /** Milliseconds from the start of the epoch to the first packet. */
  readonly time: number;
  /** Salt and check of a sealed block (lock.ts); undefined in the clear. */
  readonly seal: Uint8Array | undefined;
}

/** Longest manifest: 19 chunks, sealed. */
export const MANIFEST_MOST = 82 + CHUNKS_MOST * HASH + SEAL + SIGNATURE;

/** The manifest as it travels, signed with the channel's key. */
export function signManifest(manifest: Manifest, cipher: Cipher, pair: KeyPair): Uint8Array {
  const writer = new Writer(512);
  writer.u8(MANIFEST).bytes(manifest.channel).u32(manifest.epoch).u48(manifest.number);
  writer.u8(manifest.flags).u8(manifest.packets).bytes(manifest.map).u8(manifest.hashes.length);
  for (const hash of manifest.hashes) writer.bytes(hash);
  writer.bytes(manifest.previous).u48(manifest.time);
  if (manifest.seal !== undefined) writer.bytes(manifest.seal);
  const body = writer.done();
  return concat([body, cipher.sign(pair, body)]);
}

/**
 * Reads a manifest without asking whether it is genuine. Anything that is not exactly what `signManifest` writes is
 * refused, so there is one form of each manifest.
 */
export function readManifest(message: Uint8Array): Manifest | undefined {
  const reader = new Reader(message);
  if (reader.u8() !== MANIFEST) return undefined;
  const channel = reader.bytes(CHANNEL_ID);
  const epoch = reader.u32();
  const number = reader.u48();
  const flags = reader.u8();
  const packets = reader.u8();
  const map = reader.bytes(MAP);
  const chunks = reader.u8();
  if (reader.short || chunks > CHUNKS_MOST) return undefined;
  const hashes = Array.from({ length: chunks }, () => reader.bytes(HASH));
  const previous = reader.bytes(HASH);
  const time = reader.u48();
  const seal = (flags & FLAG.sealed) === 0 ? undefined : reader.bytes(SEAL);
  reader.bytes(SIGNATURE);
  if (reader.short || reader.left !== 0) return undefined;
  const manifest = { channel, epoch, number, flags, packets, map, hashes, previous, time, seal };
  return isSound(manifest) ? manifest : undefined;
}

/** Whether the channel's key signed these bytes. */
export function isSigned(message: Uint8Array, cipher: Cipher, channel: Uint8Array): boolean {
  const end = message.length - SIGNATURE;
  return cipher.verify(channel, message.subarray(0, end), message.subarray(end));
}

/** The seal of a sealed block's manifest that was read before. */
export function sealOf(message: Uint8Array): Uint8Array {
  const end = message.length - SIGNATURE;
  return message.subarray(end - SEAL, end);
}

/** What the next manifest names as its previous one. */
export function manifestHash(cipher: Cipher, message: Uint8Array): Uint8Array {
  return cipher.hash(message).slice(0, HASH);
}

/** Packets that travel: all but the null packets. */
export function carried(manifest: Manifest): number {
  return manifest.packets - nullsIn(manifest.map);
}

function isSound(manifest: Manifest): boolean {
  if (manifest.packets > BLOCK_PACKETS || (manifest.flags & ~FLAGS_ALL) !== 0) return false;
  for (let i = manifest.packets; i < BLOCK_PACKETS; i++) {
    if ((((manifest.map[i >> 3] ?? 0) >> (7 - (i & 7))) & 1) !== 0) return false;
  }
  if (manifest.hashes.length !== Math.ceil(carried(manifest) / CHUNK_PACKETS)) return false;
  return ((manifest.flags & FLAG.sourceDown) !== 0) === (manifest.packets === 0);
}
