import { at } from '../../agent/base/time.ts';
import type { Block } from '../../agent/blocks/block.ts';
import { Writer, type BlockWritten } from '../../agent/blocks/writer.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import { StreamReader } from '../../agent/media/reader.ts';

/** One channel for all tests of blocks: a fixed key, so that a failure can be seen again. */
export const cipher = nodeCipher();
export const pair = cipher.signingPair(new Uint8Array(32).fill(7));

/** A writer at time 0. */
export function writer(epoch = 1, token?: Uint8Array): Writer {
  return new Writer({ cipher, pair, epoch, token, reader: new StreamReader(), now: at(0) });
}

/** The whole stream as blocks, written at `mbits` per second in pieces of 7 packets, the last block closed. */
export function blocksOf(stream: Uint8Array, epoch = 1, mbits = 8, token?: Uint8Array): readonly BlockWritten[] {
  const origin = writer(epoch, token);
  const out: BlockWritten[] = [];
  let now = 0;
  for (let from = 0; from < stream.length; from += 7 * 188) {
    const bytes = stream.subarray(from, from + 7 * 188);
    now += (bytes.length * 8) / (mbits * 1000);
    out.push(...origin.step({ kind: 'packets', bytes }, at(now)));
    const wake = origin.wake();
    if (wake !== undefined && wake <= now) out.push(...origin.step({ kind: 'tick' }, at(now)));
  }
  out.push(...origin.step({ kind: 'tick' }, at(now + 40)));
  return out;
}

/** What travels, in the order the origin sends it. */
export const messagesOf = (blocks: readonly BlockWritten[]): readonly Uint8Array[] =>
  blocks.flatMap(({ manifest, chunks }) => [manifest, ...chunks]);

/** A block for the ring alone: no packets of a real stream, no signature. */
export function bareBlock(number: number, flags = 0, bytes = new Uint8Array(188).fill(number & 255), epoch = 1): Block {
  return { epoch, number, flags, time: number * 20, bytes, isClear: true, manifest: new Uint8Array(0) };
}
