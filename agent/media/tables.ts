import { continuity, damaged, PACKET, payloadAt, pidOf, startsUnit } from './packets.ts';

/** What an elementary stream is to a viewer. */
export type Role = 'video' | 'audio' | 'other';

export interface ElementaryStream {
  readonly pid: number;
  /** stream_type of ISO/IEC 13818-1 table 2-34. */
  readonly type: number;
  readonly role: Role;
}

export interface Programme {
  readonly number: number;
  readonly version: number;
  readonly pcrPid: number;
  readonly streams: readonly ElementaryStream[];
}

export const H264 = 0x1b;
export const H265 = 0x24;
export const MPEG2_VIDEO = 0x02;
export const AAC_ADTS = 0x0f;

const VIDEO = new Set([0x01, MPEG2_VIDEO, 0x10, H264, 0x20, H265, 0x33, 0x42, 0xd1, 0xd2, 0xea]);
const AUDIO = new Set([0x03, 0x04, AAC_ADTS, 0x11, 0x1c, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x87]);
/** Private data whose descriptor says what it is: AC-3, E-AC-3, DTS, AAC, AC-4 behind 0x7f (ETSI EN 300 468 table 12). */
const AUDIO_DESCRIPTORS = new Set([0x6a, 0x7a, 0x7b, 0x7c]);
const PRIVATE_PES = 0x06;

/** A section is at most 3 + 1,021 bytes for PAT and PMT; 4,096 keeps room for those who do not care. */
const SECTION_MOST = 4096;
/** Programmes looked at; a multiplex from a satellite has about 20. */
const PROGRAMMES_MOST = 64;
const STREAMS_MOST = 64;

/** One section on its way in, with the packets that carry it. */
interface Assembly {
  bytes: Uint8Array;
  have: number;
  counter: number;
  packets: Uint8Array[];
}

/**
 * Follows PAT and PMT through a stream: sections over several packets, several in one packet, checked by their CRC.
 * Keeps the packets that carried the newest tables, as they were, for viewers that join in the middle.
 */
export class Tables {
  readonly #open = new Map<number, Assembly>();
  /** PMT PID by programme number. */
  #pmtPids = new Map<number, number>();
  readonly #programmes = new Map<number, Programme>();
  readonly #roles = new Map<number, ElementaryStream>();
  #pat: readonly Uint8Array[] = [];
  readonly #pmts = new Map<number, readonly Uint8Array[]>();
  #patSection = new Uint8Array(0);
  readonly #pmtSections = new Map<number, Uint8Array>();
  #changes = 0;
  #faults = 0;

  /** Counts up whenever PAT or PMT say something new. */
  get changes(): number {
    return this.#changes;
  }

  /** Sections thrown away: damaged, cut off, impossible. */
  get faults(): number {
    return this.#faults;
  }

  /** The programme a viewer gets: the first with a picture, else the first. */
  get programme(): Programme | undefined {
    let first: Programme | undefined;
    for (const number of this.#pmtPids.keys()) {
      const programme = this.#programmes.get(number);
      if (programme?.streams.some((stream) => stream.role === 'video') === true) return programme;
      first ??= programme;
    }
    return first;
  }

  get programmes(): readonly Programme[] {
    return [...this.#programmes.values()];
  }

  stream(pid: number): ElementaryStream | undefined {
    return this.#roles.get(pid);
  }

  isTable(pid: number): boolean {
    return pid === 0 || this.#isPmt(pid);
  }

  /** The packets that carried the newest PAT and PMTs, in that order. */
  packets(): readonly Uint8Array[] {
    // Two PMTs may travel in one packet.
    return [...new Set([...this.#pat, ...[...this.#pmts.values()].flat()])];
  }

  /** Takes one packet of a table PID; `at` is its start in `bytes`. Others are ignored. */
  take(bytes: Uint8Array, at: number): void {
    const pid = pidOf(bytes, at);
    const start = payloadAt(bytes, at);
    if (!this.isTable(pid) || start === undefined || damaged(bytes, at)) return;
    const end = at + PACKET;
    const packet = bytes.slice(at, end);
    const open = this.#open.get(pid);
    if (open !== undefined && continuity(bytes, at) !== ((open.counter + 1) & 15)) {
      if (continuity(bytes, at) === open.counter) return;
      this.#drop(pid);
    }
    if (!startsUnit(bytes, at)) {
      this.#continue(pid, bytes.subarray(start, end), packet);
      return;
    }
    const first = start + 1 + (bytes[start] ?? 0);
    if (first > end) {
      this.#drop(pid);
      return;
    }
    this.#continue(pid, bytes.subarray(start + 1, first), packet);
    if (this.#open.has(pid)) this.#drop(pid);
    this.#begin(pid, bytes.subarray(first, end), packet);
  }

  /** Forgets everything: another stream begins. */
  reset(): void {
    this.#open.clear();
    this.#pmtPids = new Map();
    this.#programmes.clear();
    this.#roles.clear();
    this.#pat = [];
    this.#pmts.clear();
    this.#patSection = new Uint8Array(0);
    this.#pmtSections.clear();
    this.#changes++;
  }

  #isPmt(pid: number): boolean {
    for (const pmt of this.#pmtPids.values()) if (pmt === pid) return true;
    return false;
  }

  #drop(pid: number): void {
    if (this.#open.delete(pid)) this.#faults++;
  }

  /** New sections from `rest` on; 0xff where a table id should be means stuffing to the end of the packet. */
  #begin(pid: number, rest: Uint8Array, packet: Uint8Array): void {
    let position = 0;
    while (position < rest.length && rest[position] !== 0xff) {
      const assembly = {
        bytes: new Uint8Array(SECTION_MOST),
        have: 0,
        counter: continuity(packet, 0),
        packets: [packet],
      };
      const used = fill(assembly, rest.subarray(position));
      if (used === undefined) {
        this.#faults++;
        return;
      }
      if (!isWhole(assembly)) {
        this.#open.set(pid, assembly);
        return;
      }
      this.#finish(pid, assembly);
      position += used;
    }
  }

  #continue(pid: number, rest: Uint8Array, packet: Uint8Array): void {
    const assembly = this.#open.get(pid);
    if (assembly === undefined) return;
    assembly.counter = continuity(packet, 0);
    assembly.packets.push(packet);
    const used = fill(assembly, rest);
    if (used === undefined) {
      this.#drop(pid);
    } else if (isWhole(assembly)) {
      this.#open.delete(pid);
      this.#finish(pid, assembly);
    }
  }

  #finish(pid: number, assembly: Assembly): void {
    const section = assembly.bytes.subarray(0, assembly.have);
    const table = section[0] ?? 0xff;
    const current = ((section[5] ?? 0) & 1) === 1;
    if (table !== (pid === 0 ? 0 : 2) || ((section[1] ?? 0) & 0x80) === 0) return;
    if (section.length < 12 || crc32(section) !== 0) {
      this.#faults++;
    } else if (current && pid === 0) {
      this.#takePat(section, assembly.packets);
    } else if (current) {
      this.#takePmt(pid, section, assembly.packets);
    }
  }

  #takePat(section: Uint8Array, packets: readonly Uint8Array[]): void {
    this.#pat = packets;
    if (same(section, this.#patSection)) return;
    this.#patSection = section.slice();
    this.#changes++;
    const pids = new Map<number, number>();
    for (let i = 8; i + 4 <= section.length - 4 && pids.size < PROGRAMMES_MOST; i += 4) {
      const number = word(section, i);
      if (number !== 0) pids.set(number, word(section, i + 2) & 0x1fff);
    }
    this.#pmtPids = pids;
    for (const number of this.#programmes.keys()) {
      if (pids.has(number)) continue;
      this.#programmes.delete(number);
      this.#pmts.delete(number);
      this.#pmtSections.delete(number);
    }
    this.#learnRoles();
  }

  #takePmt(pid: number, section: Uint8Array, packets: readonly Uint8Array[]): void {
    const number = word(section, 3);
    if (this.#pmtPids.get(number) !== pid) return;
    this.#pmts.set(number, packets);
    const known = this.#pmtSections.get(number);
    if (known !== undefined && same(section, known)) return;
    this.#pmtSections.set(number, section.slice());
    this.#changes++;
    this.#programmes.set(number, readProgramme(section));
    this.#learnRoles();
  }

  #learnRoles(): void {
    this.#roles.clear();
    for (const programme of this.#programmes.values()) {
      for (const stream of programme.streams) this.#roles.set(stream.pid, stream);
    }
  }
}

/** How many bytes of `rest` belong to the section; undefined when its length is impossible. */
function fill(assembly: Assembly, rest: Uint8Array): number | undefined {
  let used = 0;
  while (assembly.have < 3 && used < rest.length) assembly.bytes[assembly.have++] = rest[used++] ?? 0;
  if (assembly.have < 3) return used;
  const length = lengthOf(assembly);
  if (length > SECTION_MOST) return undefined;
  const part = rest.subarray(used, used + length - assembly.have);
  assembly.bytes.set(part, assembly.have);
  assembly.have += part.length;
  return used + part.length;
}

const lengthOf = (assembly: Assembly): number => 3 + (word(assembly.bytes, 1) & 0x0fff);
const isWhole = (assembly: Assembly): boolean => assembly.have >= 3 && assembly.have === lengthOf(assembly);

function readProgramme(section: Uint8Array): Programme {
  const end = section.length - 4;
  const streams: ElementaryStream[] = [];
  let position = 12 + (word(section, 10) & 0x0fff);
  while (position + 5 <= end && streams.length < STREAMS_MOST) {
    const type = section[position] ?? 0;
    const pid = word(section, position + 1) & 0x1fff;
    const after = position + 5 + (word(section, position + 3) & 0x0fff);
    const descriptors = section.subarray(position + 5, Math.min(after, end));
    streams.push({ pid, type, role: roleOf(type, descriptors) });
    position = after;
  }
  return {
    number: word(section, 3),
    version: ((section[5] ?? 0) >> 1) & 31,
    pcrPid: word(section, 8) & 0x1fff,
    streams,
  };
}

function roleOf(type: number, descriptors: Uint8Array): Role {
  if (VIDEO.has(type)) return 'video';
  if (AUDIO.has(type)) return 'audio';
  if (type !== PRIVATE_PES) return 'other';
  for (let i = 0; i + 2 <= descriptors.length; i += 2 + (descriptors[i + 1] ?? 0)) {
    const tag = descriptors[i] ?? 0;
    if (AUDIO_DESCRIPTORS.has(tag)) return 'audio';
    // Registration "Opus", as ffmpeg and browsers' recorders write it.
    if (tag === 5 && word(descriptors, i + 2) === 0x4f70) return 'audio';
  }
  return 'other';
}

const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** CRC-32/MPEG-2 (ISO/IEC 13818-1 annex A); 0 over a section together with its own CRC. */
export function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = ((value << 8) ^ (CRC_TABLE[((value >>> 24) ^ byte) & 255] ?? 0)) >>> 0;
  return value;
}
