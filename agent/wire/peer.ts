import { Reader, Writer } from '../base/bytes.ts';
import { type Millis, ms } from '../base/time.ts';
import { decode, encode } from './codec.ts';
import {
  readFlag,
  readList,
  readMaybe,
  readName,
  readWord,
  writeFixed,
  writeList,
  writeMaybe,
  writeName,
  writeWord,
} from './fields.ts';
import type { ChannelId, Introduction } from './messages.ts';

/*
 * What two households say to each other besides the stream: one transport message each, told from the stream's
 * messages (0x10 and up, blocks/) by the first byte.
 *
 *  0x01  subscribe    channel 32 | tag u32 (of what it has; 0: nothing) | from u48 (2^48 - 1 = start at the newest key block)
 *                     | slots u8 | height u8 | instead u8 [| short u32]
 *  0x02  subscribed   channel 32 | epoch u32 | depth u8 | lag u32 (ms) | name (length u8 ≤ 64, UTF-8)
 *  0x03  unsubscribe  channel 32
 *  0x04  want         tag u32 | number u48 | wanted u32 (bit i = chunk i, bit 31 = the manifest; 0 = all)
 *  0x05  leaving      -
 *  0x06  refuse       channel 32 | reason u8
 *  0x07  echo         reply u8 | token 8
 *  0x08  status       tag u32 | lag u32 (ms) | depth u8 | newest u48
 *  0x09  ask          tag u32 | numbers list<u48> ≤ 96
 *  0x0a  beat         state u8 (0 well, 1 the source is quiet, 2 hold) [| since u16 (ms) | hops u8]
 *  0x0b  path         heir u8 | path list<short u32> ≤ 48
 *  0x0c  standing     free u8 | depth u8 | height u8
 *  0x0d  roll         entries list<short u32, free u8, depth u8> ≤ 4
 *  0x0e  meet         short u32 | role u8 (0 parent, 1 spare)
 *  0x0f  introduction length u16 | the message of that name (codec.ts)
 *
 * tag = first 4 bytes of SHA-256(channel ‖ epoch u32), as in a chunk; short = first 4 bytes of a NODE-ID.
 */

export const REFUSE_REASONS = [
  'full',
  'unknown-channel',
  'not-introduced',
  'too-slow',
  'loop',
  'stopping',
  'too-deep',
] as const;
export type RefuseReason = (typeof REFUSE_REASONS)[number];

const MEET_ROLES = ['parent', 'spare'] as const;
/** Blocks in one `ask`: two seconds of a stream. */
export const ASK_MOST = 96;
/** Households from one to the origin: twice as deep as a tree should be, for a branch that is to be lifted. */
export const PATH_MOST = 48;
export const ROLL_MOST = 4;

/** Somebody that the speaker has heard of. */
export interface RollEntry {
  readonly short: number;
  readonly free: number;
  readonly depth: number;
}

export type PeerMessage =
  /** "Feed me." */
  | {
      readonly kind: 'subscribe';
      readonly channel: ChannelId;
      /** Of the stream that `from` counts in; 0 with nothing of it here. */
      readonly tag: number;
      /** The first block number wanted. */
      readonly from: number | 'newest';
      /** Households that the asker can feed itself. */
      readonly slots: number;
      /** Steps from it to the last household below it. */
      readonly height: number;
      /** A child of the listener, whose place it is to have when that is gone. */
      readonly instead: number | undefined;
    }
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
    }
  /** "Give me of these blocks what you have": several households are asked for some each. */
  | { readonly kind: 'ask'; readonly tag: number; readonly numbers: readonly number[] }
  /** "I am here", said in the pauses of the stream. `idle`: and the source itself is quiet. */
  | { readonly kind: 'beat'; readonly idle: boolean }
  /** "I am here, and have been without the stream for so long; the break is so many households above me." */
  | { readonly kind: 'hold'; readonly since: Millis; readonly hops: number }
  /** From the speaker's own parent up to the origin. `heir`: the listener is to have the speaker's place if that goes. */
  | { readonly kind: 'path'; readonly heir: boolean; readonly path: readonly number[] }
  /** Households that the speaker could feed besides, its steps from the origin, and those from it to the last one below it. */
  | { readonly kind: 'standing'; readonly free: number; readonly depth: number; readonly height: number }
  | { readonly kind: 'roll'; readonly entries: readonly RollEntry[] }
  /** "Bring me together with this one, whom you know." */
  | { readonly kind: 'meet'; readonly short: number; readonly role: (typeof MEET_ROLES)[number] }
  /** "This is how you find each other": said to both by one that has a session with both. */
  | { readonly kind: 'introduction'; readonly introduction: Introduction };

/** First byte of control messages is below this; from here on it is the stream's. */
export const STREAM_MESSAGES = 0x10;

/** First byte of `echo`, which concerns a path and not a channel. */
export const ECHO = 0x07;

/** Bit of `want.wanted` that asks for the manifest. */
export const WANT_MANIFEST = 0x8000_0000;

export type PeerRefusal = 'empty' | 'truncated' | 'unknown-type' | 'out-of-range' | 'trailing-bytes';

const NEWEST = 2 ** 48 - 1;

export function encodePeer(message: PeerMessage): Uint8Array {
  const writer = new Writer(64);
  write(writer, message);
  return writer.done();
}

/** One control message, or why it is none. */
export function decodePeer(bytes: Uint8Array): PeerMessage | PeerRefusal {
  if (bytes.length === 0) return 'empty';
  const reader = new Reader(bytes);
  const type = reader.u8();
  if (type === 0 || type > 0x0f) return 'unknown-type';
  const message = read(reader, type);
  if (reader.short) return 'truncated';
  if (message === undefined) return 'out-of-range';
  return reader.left > 0 ? 'trailing-bytes' : message;
}

function write(w: Writer, m: PeerMessage): void {
  switch (m.kind) {
    case 'subscribe':
      writeFixed(w.u8(0x01), m.channel, 32);
      w.u32(m.tag).u48(m.from === 'newest' ? NEWEST : m.from);
      writeMaybe(w.u8(small(m.slots)).u8(small(m.height)), m.instead);
      return;
    case 'subscribed':
      writeFixed(w.u8(0x02), m.channel, 32);
      writeName(w.u32(m.epoch).u8(small(m.depth)).u32(millis(m.lag)), m.name);
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
      w.u8(0x08).u32(m.tag).u32(millis(m.lag)).u8(small(m.depth)).u48(m.newest);
      return;
    case 'ask':
      writeList(w.u8(0x09).u32(m.tag), m.numbers, ASK_MOST, (number) => w.u48(number));
      return;
    case 'beat':
      w.u8(0x0a).u8(m.idle ? 1 : 0);
      return;
    case 'hold':
      w.u8(0x0a)
        .u8(2)
        .u16(Math.min(65535, millis(m.since)))
        .u8(small(m.hops));
      return;
    case 'path':
      writeList(w.u8(0x0b).u8(m.heir ? 1 : 0), m.path, PATH_MOST, (short) => w.u32(short));
      return;
    case 'standing':
      w.u8(0x0c).u8(small(m.free)).u8(small(m.depth)).u8(small(m.height));
      return;
    case 'roll':
      writeList(w.u8(0x0d), m.entries, ROLL_MOST, ({ short, free, depth }) =>
        w.u32(short).u8(small(free)).u8(small(depth)),
      );
      return;
    case 'meet':
      writeWord(w.u8(0x0e).u32(m.short), MEET_ROLES, m.role);
      return;
    case 'introduction': {
      const bytes = encode(m.introduction);
      w.u8(0x0f).u16(bytes.length).bytes(bytes);
    }
  }
}

function read(r: Reader, type: number): PeerMessage | undefined {
  switch (type) {
    case 0x01: {
      const [channel, tag, number] = [r.bytes(32), r.u32(), r.u48()];
      const [slots, height, instead] = [r.u8(), r.u8(), readMaybe(r)];
      const from = number === NEWEST ? 'newest' : number;
      return instead === 'bad' ? undefined : { kind: 'subscribe', channel, tag, from, slots, height, instead };
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
    case 0x09: {
      const tag = r.u32();
      const numbers = readList(r, ASK_MOST, () => r.u48());
      return numbers === undefined ? undefined : { kind: 'ask', tag, numbers };
    }
    case 0x0a: {
      const state = r.u8();
      if (state === 2) return { kind: 'hold', since: ms(r.u16()), hops: r.u8() };
      return state > 2 ? undefined : { kind: 'beat', idle: state === 1 };
    }
    case 0x0b: {
      const heir = readFlag(r);
      const path = readList(r, PATH_MOST, () => r.u32());
      return heir === undefined || path === undefined ? undefined : { kind: 'path', heir, path };
    }
    case 0x0c:
      return { kind: 'standing', free: r.u8(), depth: r.u8(), height: r.u8() };
    case 0x0d: {
      const entries = readList(r, ROLL_MOST, () => ({ short: r.u32(), free: r.u8(), depth: r.u8() }));
      return entries === undefined ? undefined : { kind: 'roll', entries };
    }
    case 0x0e: {
      const short = r.u32();
      const role = readWord(r, MEET_ROLES);
      return role === undefined ? undefined : { kind: 'meet', short, role };
    }
    case 0x0f: {
      const said = decode(r.bytes(r.u16()));
      const [introduction, more] = typeof said === 'string' ? [] : said;
      if (introduction?.kind !== 'introduction' || more !== undefined) return undefined;
      return { kind: 'introduction', introduction };
    }
  }
  return undefined;
}

function small(count: number): number {
  return Math.max(0, Math.min(255, Math.round(count)));
}

function millis(span: Millis): number {
  return Math.max(0, Math.min(0xffff_ffff, Math.round(span)));
}
