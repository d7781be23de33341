import { Reader, Writer } from '../base/bytes.ts';
import { type Millis, ms } from '../base/time.ts';
import { readFlag, readName, readWord, writeFixed, writeName, writeWord } from './fields.ts';
import type { ChannelId } from './messages.ts';

/*
 * What two households say to each other besides the stream: one transport message each, told from the stream's
 * messages (0x10 and up, blocks/) by the first byte.
 *
 *  0x01  subscribe    channel 32 | from u48 (2^48 - 1 = start at the newest key block)
 *  0x02  subscribed   channel 32 | epoch u32 | depth u8 | lag u32 (ms) | name (length u8 ≤ 64, UTF-8)
 *  0x03  unsubscribe  channel 32
 *  0x04  want         tag u32 | number u48 | wanted u32 (bit i = chunk i, bit 31 = the manifest; 0 = all)
 *  0x05  leaving      -
 *  0x06  refuse       channel 32 | reason u8
 *  0x07  echo         reply u8 | token 8
 *  0x08  status       tag u32 | lag u32 (ms) | depth u8 | newest u48
 *
 * tag = first 4 bytes of SHA-256(channel ‖ epoch u32), as in a chunk.
 */

export const REFUSE_REASONS = ['full', 'unknown-channel', 'not-introduced', 'too-slow', 'loop', 'stopping'] as const;
export type RefuseReason = (typeof REFUSE_REASONS)[number];

export type PeerMessage =
  /** "Feed me." `from` is the first block number wanted. */
  | { readonly kind: 'subscribe'; readonly channel: ChannelId; readonly from: number | 'newest' }
  | {
      readonly kind: 'subscribed';
      readonly channel: ChannelId;
      readonly epoch: number;
      /** Households between the speaker and the origin; the origin itself says 0. */
      readonly depth: number;
      /** How old the newest block is when the speaker has it. */
      readonly lag: Millis;
      readonly name: string;
    }
  | { readonly kind: 'unsubscribe'; readonly channel: ChannelId }
  /** "I miss these of block `number`." Bits: i for chunk i, 31 for the manifest; 0 asks for everything. */
  | { readonly kind: 'want'; readonly tag: number; readonly number: number; readonly wanted: number }
  /** "I stop in an orderly way; find yourself another." */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'refuse'; readonly channel: ChannelId; readonly reason: RefuseReason }
  /** Answered with the same 8 bytes and `reply` true: what `hearth ping` measures. */
  | { readonly kind: 'echo'; readonly reply: boolean; readonly token: Uint8Array }
  | {
      readonly kind: 'status';
      readonly tag: number;
      readonly lag: Millis;
      readonly depth: number;
      /** Newest block number held. */
      readonly newest: number;
    };

/** First byte of control messages is below this; from here on it is the stream's. */
export const STREAM_MESSAGES = 0x10;

/** First byte of `echo`, which concerns a path and not a channel. */
export const ECHO = 0x07;

/** Bit of `want.wanted` that asks for the manifest. */
export const WANT_MANIFEST = 0x8000_0000;

export type PeerRefusal = 'empty' | 'truncated' | 'unknown-type' | 'out-of-range' | 'trailing-bytes';

const NEWEST = 2 ** 48 - 1;

export function encodePeer(message: PeerMessage): Uint8Array {
  const writer = new Writer(48);
  write(writer, message);
  return writer.done();
}

/** One control message, or why it is none. */
export function decodePeer(bytes: Uint8Array): PeerMessage | PeerRefusal {
  if (bytes.length === 0) return 'empty';
  const reader = new Reader(bytes);
  const type = reader.u8();
  if (type === 0 || type > 0x08) return 'unknown-type';
  const message = read(reader, type);
  if (reader.short) return 'truncated';
  if (message === undefined) return 'out-of-range';
  return reader.left > 0 ? 'trailing-bytes' : message;
}

function write(w: Writer, m: PeerMessage): void {
  switch (m.kind) {
    case 'subscribe':
      writeFixed(w.u8(0x01), m.channel, 32);
      w.u48(m.from === 'newest' ? NEWEST : m.from);
      return;
    case 'subscribed':
      writeFixed(w.u8(0x02), m.channel, 32);
      writeName(w.u32(m.epoch).u8(Math.min(255, m.depth)).u32(millis(m.lag)), m.name);
      return;
    case 'unsubscribe':
      writeFixed(w.u8(0x03), m.channel, 32);
      return;
    case 'want':
      w.u8(0x04).u32(m.tag).u48(m.number).u32(m.wanted);
      return;
    case 'leaving':
      w.u8(0x05);
      return;
    case 'refuse':
      writeFixed(w.u8(0x06), m.channel, 32);
      writeWord(w, REFUSE_REASONS, m.reason);
      return;
    case 'echo':
      writeFixed(w.u8(0x07).u8(m.reply ? 1 : 0), m.token, 8);
      return;
    case 'status':
      w.u8(0x08).u32(m.tag).u32(millis(m.lag)).u8(Math.min(255, m.depth)).u48(m.newest);
  }
}

function read(r: Reader, type: number): PeerMessage | undefined {
  switch (type) {
    case 0x01: {
      const channel = r.bytes(32);
      const from = r.u48();
      return { kind: 'subscribe', channel, from: from === NEWEST ? 'newest' : from };
    }
    case 0x02: {
      const channel = r.bytes(32);
      const [epoch, depth, lag] = [r.u32(), r.u8(), ms(r.u32())];
      const name = readName(r);
      return name === undefined ? undefined : { kind: 'subscribed', channel, epoch, depth, lag, name };
    }
    case 0x03:
      return { kind: 'unsubscribe', channel: r.bytes(32) };
    case 0x04:
      return { kind: 'want', tag: r.u32(), number: r.u48(), wanted: r.u32() };
    case 0x05:
      return { kind: 'leaving' };
    case 0x06: {
      const channel = r.bytes(32);
      const reason = readWord(r, REFUSE_REASONS);
      return reason === undefined ? undefined : { kind: 'refuse', channel, reason };
    }
    case 0x07: {
      const reply = readFlag(r);
      const token = r.bytes(8);
      return reply === undefined ? undefined : { kind: 'echo', reply, token };
    }
    case 0x08:
      return { kind: 'status', tag: r.u32(), lag: ms(r.u32()), depth: r.u8(), newest: r.u48() };
  }
  return undefined;
}

function millis(span: Millis): number {
  return Math.max(0, Math.min(0xffff_ffff, Math.round(span)));
}
