/**
 * Frames: what the plain body of a data datagram (kind 0) holds, one after the other to its end.
 * Numbers are big-endian; `varint` is that of RFC 9000 section 16, forms of 1, 2 and 4 bytes only.
 *
 *   0x00 PADDING         nothing
 *   0x01 PING            nothing; asks for an ACK
 *   0x02 ACK             largest u48 | delay u16 (10 us) | count u8 (1-32) | packets varint |
 *                        (count - 1) x (missing varint, packets varint), newest range first
 *   0x03 MESSAGE         id u32 | bytes to the end of the body
 *   0x04 MESSAGE, short  id u32 | length u16 | bytes
 *   0x05 PATH_CHALLENGE  8 random bytes
 *   0x06 PATH_RESPONSE   the 8 bytes of the challenge
 *   0x07 CLOSE           reason u8
 *
 * ACK: `largest` is the newest packet number seen, `packets` how many in a row end there; each further range
 * says how many are missing below the one before and how many in a row then follow. All counts are at least 1.
 */

/** Header and tag that seal adds to every body. */
export const ENVELOPE = 32;
/** Message bytes at most; never fragmented. */
export const MESSAGE_LIMIT = 1152;
export const RANGE_LIMIT = 32;
/** Type byte and id in front of a message that fills its packet. */
export const MESSAGE_HEADER = 5;
export const CHALLENGE = 8;

const TYPE = { padding: 0, ping: 1, ack: 2, message: 3, shortMessage: 4, challenge: 5, response: 6, close: 7 } as const;
const VARINT_LIMIT = 2 ** 30 - 1;

export interface Ack {
  readonly kind: 'ack';
  /** How long the receiver held the newest packet back, in milliseconds. */
  readonly delay: number;
  /** highest, lowest, highest, lowest, ...: newest range first, both ends received. */
  readonly ranges: readonly number[];
}

export type Frame =
  | { readonly kind: 'ping' }
  | Ack
  /** `bytes` is a view into the body. */
  | { readonly kind: 'message'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'challenge'; readonly data: Uint8Array }
  | { readonly kind: 'response'; readonly data: Uint8Array }
  | { readonly kind: 'close'; readonly reason: number };

/** Why a body was not understood. Its sender is authentic, so this is a broken or foreign version, not a stranger. */
export type Refusal = 'empty' | 'short' | 'unknown-frame' | 'bad-ack' | 'long-message';

const PING: Frame = { kind: 'ping' };

/** All frames of one body, padding left out; or why the whole body is refused. Never throws. */
export function decode(body: Uint8Array): readonly Frame[] | Refusal {
  if (body.length === 0) return 'empty';
  const frames: Frame[] = [];
  let at = 0;
  while (at < body.length) {
    const type = body[at++] ?? 0;
    switch (type) {
      case TYPE.padding:
        break;
      case TYPE.ping:
        frames.push(PING);
        break;
      case TYPE.ack: {
        const end = decodeAck(body, at, frames);
        if (typeof end === 'string') return end;
        at = end;
        break;
      }
      case TYPE.message:
        if (at + 4 > body.length) return 'short';
        if (body.length - at - 4 > MESSAGE_LIMIT) return 'long-message';
        frames.push({ kind: 'message', id: u32(body, at), bytes: body.subarray(at + 4) });
        at = body.length;
        break;
      case TYPE.shortMessage: {
        if (at + 6 > body.length) return 'short';
        const end = at + 6 + u16(body, at + 4);
        if (end > body.length) return 'short';
        if (end - at - 6 > MESSAGE_LIMIT) return 'long-message';
        frames.push({ kind: 'message', id: u32(body, at), bytes: body.subarray(at + 6, end) });
        at = end;
        break;
      }
      case TYPE.challenge:
      case TYPE.response: {
        if (at + CHALLENGE > body.length) return 'short';
        const kind = type === TYPE.challenge ? 'challenge' : 'response';
        frames.push({ kind, data: body.subarray(at, at + CHALLENGE) });
        at += CHALLENGE;
        break;
      }
      case TYPE.close:
        if (at + 1 > body.length) return 'short';
        frames.push({ kind: 'close', reason: body[at] ?? 0 });
        at += 1;
        break;
      default:
        return 'unknown-frame';
    }
  }
  return frames;
}

function decodeAck(body: Uint8Array, start: number, frames: Frame[]): number | Refusal {
  if (start + 10 > body.length) return 'short';
  const delay = u16(body, start + 6) / 100;
  const count = body[start + 8] ?? 0;
  if (count < 1 || count > RANGE_LIMIT) return 'bad-ack';
  const ranges: number[] = [];
  let high = u16(body, start) * 2 ** 32 + u32(body, start + 2);
  let at = start + 9;
  for (let i = 0; i < count; i++) {
    const size = varintSize(body, at);
    if (at + size > body.length) return 'short';
    const packets = varint(body, at, size);
    at += size;
    const low = high - packets + 1;
    if (packets < 1 || low < 0) return 'bad-ack';
    ranges.push(high, low);
    if (i === count - 1) break;
    const step = varintSize(body, at);
    if (at + step > body.length) return 'short';
    const missing = varint(body, at, step);
    at += step;
    if (missing < 1) return 'bad-ack';
    high = low - missing - 1;
  }
  frames.push({ kind: 'ack', delay, ranges });
  return at;
}

/** Bytes an ACK frame of these ranges takes. */
export function ackSize(ranges: readonly number[]): number {
  let size = 10;
  for (let i = 0; i < ranges.length; i += 2) {
    const high = ranges[i] ?? 0;
    const low = ranges[i + 1] ?? 0;
    if (i > 0) size += sizeOf((ranges[i - 1] ?? 0) - high - 1);
    size += sizeOf(high - low + 1);
  }
  return size;
}

/** Writes an ACK frame at `at` and answers where it ends. `delay` in milliseconds, cut at 655 ms. */
export function writeAck(body: Uint8Array, at: number, ranges: readonly number[], delay: number): number {
  const largest = ranges[0] ?? 0;
  body[at] = TYPE.ack;
  put16(body, at + 1, Math.floor(largest / 2 ** 32));
  put32(body, at + 3, largest % 2 ** 32);
  put16(body, at + 7, Math.min(65535, Math.round(delay * 100)));
  body[at + 9] = ranges.length / 2;
  let end = at + 10;
  for (let i = 0; i < ranges.length; i += 2) {
    const high = ranges[i] ?? 0;
    if (i > 0) end = putVarint(body, end, (ranges[i - 1] ?? 0) - high - 1);
    end = putVarint(body, end, high - (ranges[i + 1] ?? 0) + 1);
  }
  return end;
}

/** Writes a message that fills the rest of its body; answers where it ends. */
export function writeMessage(body: Uint8Array, at: number, id: number, bytes: Uint8Array): number {
  body[at] = TYPE.message;
  put32(body, at + 1, id);
  body.set(bytes, at + MESSAGE_HEADER);
  return at + MESSAGE_HEADER + bytes.length;
}

/** Writes a message with its length, so that other frames can follow; answers where it ends. */
export function writeShortMessage(body: Uint8Array, at: number, id: number, bytes: Uint8Array): number {
  body[at] = TYPE.shortMessage;
  put32(body, at + 1, id);
  put16(body, at + 5, bytes.length);
  body.set(bytes, at + 7);
  return at + 7 + bytes.length;
}

export function writePing(body: Uint8Array, at: number): number {
  body[at] = TYPE.ping;
  return at + 1;
}

export function writeChallenge(body: Uint8Array, at: number, data: Uint8Array): number {
  body[at] = TYPE.challenge;
  body.set(data, at + 1);
  return at + 1 + CHALLENGE;
}

export function writeResponse(body: Uint8Array, at: number, data: Uint8Array): number {
  body[at] = TYPE.response;
  body.set(data, at + 1);
  return at + 1 + CHALLENGE;
}

export function writeClose(body: Uint8Array, at: number, reason: number): number {
  body[at] = TYPE.close;
  body[at + 1] = reason;
  return at + 2;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 65536 + u16(bytes, at + 2);
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16);
  put16(bytes, at + 2, value & 0xffff);
}

function sizeOf(value: number): number {
  return value < 64 ? 1 : value < 16384 ? 2 : 4;
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  const size = sizeOf(value);
  if (size === 1) bytes[at] = value;
  else if (size === 2) put16(bytes, at, 0x4000 | value);
  else put32(bytes, at, 0x80000000 + Math.min(value, VARINT_LIMIT));
  return at + size;
}

/** 8 for the form we do not use, which no body is long enough to be worth. */
function varintSize(bytes: Uint8Array, at: number): number {
  return 1 << ((bytes[at] ?? 0) >> 6);
}

function varint(bytes: Uint8Array, at: number, size: number): number {
  if (size === 1) return bytes[at] ?? 0;
  if (size === 2) return u16(bytes, at) & 0x3fff;
  return size === 4 ? u32(bytes, at) % 2 ** 30 : 0; // 0 is refused by every caller
}
