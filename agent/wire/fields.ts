import { type Address, ipBytes, ipText } from '../base/address.ts';
import { bytesOf, type Reader, type Writer } from '../base/bytes.ts';
import { OPENINGS } from '../base/opening.ts';
import { FILTERINGS, NAT_KINDS, type NatProfile, POOLINGS, TRAITS } from '../base/nat-profile.ts';

/** Fields that several messages share. A `read` answers undefined for a value out of range; running short is the Reader's to tell. */

/** External addresses kept of a NAT profile; carriers that pool show two to four in practice. */
const EXTERNALS = 4;
/** Added to a step, which is -32768 to 32767. */
const STEP = 32768;

/** Bytes of a channel's name. */
const NAME = 64;

/** Exactly `length` bytes; anything else is our own mistake. */
export function writeFixed(writer: Writer, value: Uint8Array, length: number): void {
  if (value.length !== length) throw new RangeError(`expected ${length} bytes, got ${value.length}`);
  writer.bytes(value);
}

/** A count byte, then the items. */
export function writeList<T>(writer: Writer, items: readonly T[], most: number, write: (item: T) => void): void {
  if (items.length > most) throw new RangeError(`at most ${most} items, got ${items.length}`);
  writer.u8(items.length);
  for (const item of items) write(item);
}

export function readList<T>(reader: Reader, most: number, read: () => T | undefined): T[] | undefined {
  const count = reader.u8();
  if (count > most) return undefined;
  const items: T[] = [];
  for (let i = 0; i < count && !reader.short; i++) {
    const item = read();
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

/** One byte: the word's place in its list. */
export function writeWord<T extends string>(writer: Writer, words: readonly T[], word: T): void {
  writer.u8(words.indexOf(word));
}

export function readWord<T extends string>(reader: Reader, words: readonly T[]): T | undefined {
  return words[reader.u8()];
}

/** 0 or 1, nothing else, so that every message has one form only. */
export function readFlag(reader: Reader): boolean | undefined {
  const value = reader.u8();
  return value > 1 ? undefined : value === 1;
}

/** Streams in eighths of one: what a household can send. More than the byte holds is as much as it holds. */
export function writeStreams(writer: Writer, streams: number): void {
  writer.u8(clamp(Math.floor(streams * 8), 255));
}

export function readStreams(reader: Reader): number {
  return reader.u8() / 8;
}

/** A flag, and the number where it is 1. */
export function writeMaybe(writer: Writer, value: number | undefined): void {
  writer.u8(value === undefined ? 0 : 1);
  if (value !== undefined) writer.u32(value);
}

export function readMaybe(reader: Reader): number | undefined | 'bad' {
  const isThere = readFlag(reader);
  if (isThere === undefined) return 'bad';
  return isThere ? reader.u32() : undefined;
}

/** Cut to what a channel's name may be. */
export function writeName(writer: Writer, name: string): void {
  writer.text8(cutName(name));
}

export function readName(reader: Reader): string | undefined {
  const name = reader.text8();
  return cutName(name) === name ? name : undefined;
}

/** The longest beginning of at most 64 bytes of UTF-8, without control characters. */
export function cutName(name: string): string {
  let cut = '';
  let length = 0;
  for (const character of name.toWellFormed().replaceAll(/\p{Cc}/gu, '')) {
    length += bytesOf(character).length;
    if (length > NAME) break;
    cut += character;
  }
  return cut;
}

/** An address as peers may use it: port 0 is none. */
export function readAddress(reader: Reader): Address | undefined {
  const address = reader.address();
  return address === undefined || address.port === 0 ? undefined : address;
}

export function writeIp(writer: Writer, ip: string): void {
  const bytes = ipBytes(ip);
  if (bytes === undefined) throw new RangeError(`not an IP address: ${ip}`);
  writer.u8(bytes.length === 4 ? 4 : 6).bytes(bytes);
}

export function readIp(reader: Reader): string | undefined {
  const family = reader.u8();
  return family === 4 || family === 6 ? ipText(reader.bytes(family === 4 ? 4 : 16)) : undefined;
}

/** What is measured is cut to what its field holds. */
export function writeProfile(writer: Writer, profile: NatProfile): void {
  writeWord(writer, NAT_KINDS, profile.kind);
  writer.u32(profile.offset + 65536);
  writeWord(writer, FILTERINGS, profile.filtering);
  writer.u8(Math.round(profile.confidence * 255));
  writeList(writer, profile.external.slice(0, EXTERNALS), EXTERNALS, (ip) => writeIp(writer, ip));
  writer.u16(clamp(profile.step + STEP, 65535)).u8(Math.max(1, clamp(profile.counters, 255)));
  writer.u8(profile.ports === undefined ? 0 : 1);
  if (profile.ports !== undefined) writer.u16(profile.ports.from).u16(profile.ports.to);
  writer.u16(clamp(profile.drift * 10, 65535)).u8(clamp(profile.burstiness * 10, 255));
  writeWord(writer, POOLINGS, profile.pooling);
  writeWord(writer, TRAITS, profile.poison);
  writer.u16(clamp(profile.quota, 65535));
  writeWord(writer, OPENINGS, profile.door);
}

export function readProfile(reader: Reader): NatProfile | undefined {
  const kind = readWord(reader, NAT_KINDS);
  const offset = reader.u32() - 65536;
  const filtering = readWord(reader, FILTERINGS);
  const confidence = reader.u8() / 255;
  const external = readList(reader, EXTERNALS, () => readIp(reader));
  const [step, counters] = [reader.u16() - STEP, reader.u8()];
  const ranged = readFlag(reader);
  const ports = ranged === true ? { from: reader.u16(), to: reader.u16() } : undefined;
  const [drift, burstiness] = [reader.u16() / 10, reader.u8() / 10];
  const pooling = readWord(reader, POOLINGS);
  const poison = readWord(reader, TRAITS);
  const quota = reader.u16();
  const door = readWord(reader, OPENINGS);
  if (kind === undefined || filtering === undefined || external === undefined) return undefined;
  if (pooling === undefined || poison === undefined || ranged === undefined || door === undefined) return undefined;
  if (Math.abs(offset) > 65535 || (counters === 0 && !reader.short)) return undefined;
  if (ports !== undefined && (ports.from > ports.to || ports.from === 0) && !reader.short) return undefined;
  const allocation = { step, counters, ports, drift, burstiness, pooling, poison, quota, door };
  return { kind, offset, filtering, confidence, external, ...allocation };
}

/** Whole and from 0 to `most`. */
function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, Math.round(value)));
}
