import { AdtsCounter } from './adts.ts';
import { continuity, hasPayload, NULL_PID, PACKET, payloadAt, pidOf, startsUnit } from './packets.ts';
import { PCR_MODULUS, pcrOf, stepOf, writePcr } from './pcr.ts';
import { elementaryAt, readTime, TIME_MODULUS, timesAt, writeTime } from './pes.ts';
import { AAC_ADTS, Tables } from './tables.ts';

/** What is known of one PID; times in ticks of 90 kHz. */
interface Track {
  /** Last continuity counter handed on. */
  counter: number;
  /** What is added to counters in this round; undefined until its first packet of the round. */
  shift: number | undefined;
  /** Decoding time of the last unit as it stands in the file. */
  last: number | undefined;
  /** From the first unit of the round to the last. */
  along: number;
  /** Length of the last unit, as far as known. */
  unit: number;
  adts: AdtsCounter | undefined;
}

/**
 * Plays the same file again and again as one endless stream: clocks (PCR, PTS, DTS) and continuity counters go on
 * where they left off. The seam is as long as the longest track needs, so nothing overlaps.
 */
export class LoopClock {
  readonly #tables = new Tables();
  readonly #tracks = new Map<number, Track>();
  /** Added to every time in the file, in ticks of 90 kHz. */
  #offset = 0;
  #round = 0;
  /** First and last programme clock of the round, and the longest step between two. */
  #pcr: { last: number; along: number; step: number } | undefined;

  /** Whole packets in file order; answers with the corrected ones. In the first round that is `bytes` itself. */
  correct(bytes: Uint8Array): Uint8Array {
    // Not slice(): of a Buffer that is a view, and the file may be memory that is read again.
    const out = this.#round === 0 ? bytes : new Uint8Array(bytes);
    for (let at = 0; at + PACKET <= out.length; at += PACKET) {
      const pid = pidOf(out, at);
      if (pid === NULL_PID) continue;
      if (this.#tables.isTable(pid)) this.#tables.take(out, at);
      const track = this.#track(pid);
      this.#count(track, out, at);
      this.#time(pid, track, out, at);
    }
    return out;
  }

  /** The file begins again with the next packet. Answers how long the round was, in ticks of 90 kHz. */
  again(): number {
    let longest = 0;
    for (const track of this.#tracks.values()) {
      if (track.last !== undefined) longest = Math.max(longest, track.along + (track.adts?.ticks ?? track.unit));
      track.last = undefined;
      track.along = 0;
      track.shift = undefined;
      track.adts = undefined;
    }
    if (this.#pcr !== undefined && longest === 0) longest = (this.#pcr.along + this.#pcr.step) / 300;
    this.#offset = (this.#offset + Math.round(longest)) % TIME_MODULUS;
    this.#pcr = undefined;
    this.#round++;
    return longest;
  }

  #track(pid: number): Track {
    let track = this.#tracks.get(pid);
    if (track === undefined) {
      track = { counter: -1, shift: undefined, last: undefined, along: 0, unit: 0, adts: undefined };
      this.#tracks.set(pid, track);
    }
    return track;
  }

  #count(track: Track, bytes: Uint8Array, at: number): void {
    const counter = continuity(bytes, at);
    if (track.shift === undefined) {
      const expected = hasPayload(bytes, at) ? track.counter + 1 : track.counter;
      track.shift = track.counter < 0 ? 0 : (expected - counter + 16) & 15;
    }
    track.counter = (counter + track.shift) & 15;
    if (track.shift !== 0) bytes[at + 3] = ((bytes[at + 3] ?? 0) & 0xf0) | track.counter;
  }

  #time(pid: number, track: Track, bytes: Uint8Array, at: number): void {
    this.#correctPcr(bytes, at);
    if (startsUnit(bytes, at) && !this.#tables.isTable(pid)) this.#correctTimes(pid, track, bytes, at);
    if (track.adts === undefined) return;
    const start = startsUnit(bytes, at) ? elementaryAt(bytes, at) : payloadAt(bytes, at);
    if (start !== undefined) track.adts.push(bytes.subarray(start, at + PACKET));
  }

  #correctPcr(bytes: Uint8Array, at: number): void {
    const pcr = pcrOf(bytes, at);
    if (pcr === undefined) return;
    const step = this.#pcr === undefined ? 0 : stepOf(this.#pcr.last, pcr, PCR_MODULUS);
    this.#pcr = {
      last: pcr,
      along: (this.#pcr?.along ?? 0) + step,
      step: Math.max(this.#pcr?.step ?? 0, step),
    };
    if (this.#offset !== 0) writePcr(bytes, at, (pcr + this.#offset * 300) % PCR_MODULUS);
  }

  #correctTimes(pid: number, track: Track, bytes: Uint8Array, at: number): void {
    const { pts, dts } = timesAt(bytes, at);
    const decoded = dts ?? pts;
    if (pts === undefined || decoded === undefined) return;
    const time = readTime(bytes, decoded);
    if (track.last !== undefined) {
      const step = stepOf(track.last, time, TIME_MODULUS);
      track.along += step;
      if (step > 0) track.unit = step;
    }
    track.last = time;
    if (this.#tables.stream(pid)?.type === AAC_ADTS) {
      track.adts ??= new AdtsCounter();
      track.adts.restart();
    }
    if (this.#offset === 0) return;
    writeTime(bytes, pts, (readTime(bytes, pts) + this.#offset) % TIME_MODULUS);
    if (dts !== undefined) writeTime(bytes, dts, (readTime(bytes, dts) + this.#offset) % TIME_MODULUS);
  }
}
