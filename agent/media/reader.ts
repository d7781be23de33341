import {
  adaptationFlags,
  continuity,
  damaged,
  DISCONTINUITY,
  hasPayload,
  NULL_PID,
  PACKET,
  payloadAt,
  pidOf,
  RANDOM_ACCESS,
  scrambled,
  startsUnit,
} from './packets.ts';
import { PCR_MODULUS, PCR_PER_MS, pcrOf, stepOf } from './pcr.ts';
import { elementaryAt, judge } from './pes.ts';
import { Tables } from './tables.ts';

/**
 * Whether a viewer could start at this packet. `maybe`: a picture starts here and does not say yet what it is; a later
 * packet then tells of it, `was-key` or `was-not`.
 */
export type Key = 'none' | 'key' | 'maybe' | 'was-key' | 'was-not';

/** What one packet means to the stream. */
export interface PacketFacts {
  readonly pid: number;
  readonly role: 'null' | 'table' | 'video' | 'audio' | 'other';
  readonly key: Key;
  /** 27 MHz ticks, of the programme's own clock PID only. */
  readonly pcr: number | undefined;
  /** The continuity counter skipped: something was lost before it came to us. */
  readonly gap: boolean;
  /** The sender says itself that counters or clocks jump here. */
  readonly discontinuity: boolean;
}

export interface ReaderStats {
  packets: number;
  nulls: number;
  /** Packets after which something was missing. */
  gaps: number;
  /** Packets marked as damaged by whoever received them over the air. */
  damaged: number;
  scrambled: number;
  keys: number;
  /** Longest time from keyframe to keyframe by the programme clock, in ms. */
  longestGopMs: number;
  /** Longest time between clock references, in ms; ISO/IEC 13818-1 allows 100. */
  longestPcrGapMs: number;
}

/** Pieces of one picture looked at for its kind; parameter sets and slices stand well within the first. */
const PIECES_MOST = 8;
/** A programme without a picture gets an entry this often, so that radio can be joined too. */
const RADIO_ENTRY_MS = 1000;
/** A clock step beyond this is another clock, not a long wait. */
const CLOCK_JUMP_MS = 10_000;

/** Reads a transport stream packet by packet: tables, roles, keyframes of the video, clock, continuity. */
export class StreamReader {
  readonly tables = new Tables();
  readonly stats: ReaderStats = {
    packets: 0,
    nulls: 0,
    gaps: 0,
    damaged: 0,
    scrambled: 0,
    keys: 0,
    longestGopMs: 0,
    longestPcrGapMs: 0,
  };
  /** Last continuity counter, and whether that packet has come twice, by PID. */
  readonly #counters = new Map<number, { counter: number; twice: boolean }>();
  /** The video PID that decides; the first of the programme. */
  #video: { pid: number; type: number } | undefined;
  /** Where there is no video: the PID whose units are entries. */
  #radioPid: number | undefined;
  #pcrPid: number | undefined;
  #changesSeen = 0;
  #pending: { carry: number; pieces: number } | undefined;
  #pcr: number | undefined;
  #keyPcr: number | undefined;

  /** Reads the packet at `at`; packets must come in stream order. */
  read(bytes: Uint8Array, at: number): PacketFacts {
    this.stats.packets++;
    const pid = pidOf(bytes, at);
    if (pid === NULL_PID) {
      this.stats.nulls++;
      return { pid, role: 'null', key: 'none', pcr: undefined, gap: false, discontinuity: false };
    }
    if (damaged(bytes, at)) this.stats.damaged++;
    const discontinuity = (adaptationFlags(bytes, at) & DISCONTINUITY) !== 0;
    const gap = this.#skips(pid, bytes, at, discontinuity);
    if (gap) this.stats.gaps++;
    const pcr = pid === this.#pcrPid ? this.#clock(pcrOf(bytes, at), discontinuity) : undefined;
    if (this.tables.isTable(pid)) {
      this.tables.take(bytes, at);
      this.#learn();
      return { pid, role: 'table', key: 'none', pcr, gap, discontinuity };
    }
    const key = this.#keyOf(pid, bytes, at);
    if (key === 'key' || key === 'was-key') this.#countKey();
    return { pid, role: this.tables.stream(pid)?.role ?? 'other', key, pcr, gap, discontinuity };
  }

  /** Another stream begins: nothing said so far holds. Statistics go on. */
  reset(): void {
    this.tables.reset();
    this.#counters.clear();
    this.#pending = undefined;
    this.#pcr = undefined;
    this.#keyPcr = undefined;
    this.#learn();
  }

  /** A counter stands still without payload, may repeat once with it, else goes up by one (ISO/IEC 13818-1 2.4.3.3). */
  #skips(pid: number, bytes: Uint8Array, at: number, discontinuity: boolean): boolean {
    const counter = continuity(bytes, at);
    const last = this.#counters.get(pid);
    const payload = hasPayload(bytes, at);
    const repeated = last !== undefined && payload && counter === last.counter;
    this.#counters.set(pid, { counter, twice: repeated });
    if (last === undefined || discontinuity) return false;
    if (!payload) return counter !== last.counter;
    return repeated ? last.twice : counter !== ((last.counter + 1) & 15);
  }

  #learn(): void {
    if (this.tables.changes === this.#changesSeen) return;
    this.#changesSeen = this.tables.changes;
    const programme = this.tables.programme;
    const video = programme?.streams.find((stream) => stream.role === 'video');
    if (video?.pid !== this.#video?.pid) this.#pending = undefined;
    this.#video = video === undefined ? undefined : { pid: video.pid, type: video.type };
    const audio = programme?.streams.find((stream) => stream.role === 'audio');
    this.#radioPid = video === undefined ? audio?.pid : undefined;
    this.#pcrPid = programme?.pcrPid;
  }

  #keyOf(pid: number, bytes: Uint8Array, at: number): Key {
    if (scrambled(bytes, at)) this.stats.scrambled++;
    if (pid === this.#radioPid) return this.#radioKey(bytes, at);
    if (pid !== this.#video?.pid) return 'none';
    if (startsUnit(bytes, at)) return this.#pictureStart(this.#video.type, bytes, at);
    if (this.#pending === undefined) return 'none';
    const from = payloadAt(bytes, at) ?? at + PACKET;
    return this.#look(this.#video.type, bytes, from, at + PACKET, 'was-key', 'was-not');
  }

  #pictureStart(type: number, bytes: Uint8Array, at: number): Key {
    this.#pending = undefined;
    if ((adaptationFlags(bytes, at) & RANDOM_ACCESS) !== 0) return 'key';
    const start = elementaryAt(bytes, at);
    if (start === undefined || scrambled(bytes, at)) return 'none';
    this.#pending = { carry: 0xffffff, pieces: 0 };
    return this.#look(type, bytes, start, at + PACKET, 'key', 'none');
  }

  #look(type: number, bytes: Uint8Array, from: number, to: number, yes: Key, no: Key): Key {
    const pending = this.#pending;
    if (pending === undefined) return 'none';
    const { verdict, carry } = judge(type, bytes, from, to, pending.carry);
    const pieces = pending.pieces + 1;
    this.#pending = verdict === 'unsaid' && pieces < PIECES_MOST ? { carry, pieces } : undefined;
    if (verdict === 'key') return yes;
    if (this.#pending === undefined) return no;
    return pieces === 1 ? 'maybe' : 'none';
  }

  #radioKey(bytes: Uint8Array, at: number): Key {
    if (!startsUnit(bytes, at)) return 'none';
    if (this.#keyPcr === undefined || this.#pcr === undefined) {
      this.#keyPcr ??= this.#pcr;
      return this.#pcr === undefined ? 'none' : 'key';
    }
    return Math.abs(stepOf(this.#keyPcr, this.#pcr, PCR_MODULUS)) >= RADIO_ENTRY_MS * PCR_PER_MS ? 'key' : 'none';
  }

  #clock(pcr: number | undefined, discontinuity: boolean): number | undefined {
    if (pcr === undefined) return undefined;
    const step = this.#pcr === undefined ? 0 : stepOf(this.#pcr, pcr, PCR_MODULUS) / PCR_PER_MS;
    this.#pcr = pcr;
    if (discontinuity || step < 0 || step > CLOCK_JUMP_MS) this.#keyPcr = undefined;
    else this.stats.longestPcrGapMs = Math.max(this.stats.longestPcrGapMs, step);
    return pcr;
  }

  #countKey(): void {
    this.stats.keys++;
    if (this.#keyPcr !== undefined && this.#pcr !== undefined) {
      const gop = stepOf(this.#keyPcr, this.#pcr, PCR_MODULUS) / PCR_PER_MS;
      this.stats.longestGopMs = Math.max(this.stats.longestGopMs, gop);
    }
    this.#keyPcr = this.#pcr;
  }
}
