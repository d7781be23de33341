import { type Backoff, interval } from '../base/backoff.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import { LoopClock } from './clock.ts';
import { Pacer } from './pacer.ts';
import { PACKET, PacketSync, SYNC } from './packets.ts';
import { readRtp, Reorder } from './rtp.ts';
import type { Source } from './source.ts';

/** What happens to a source; io/source.ts tells it. */
export type IntakeInput =
  | { readonly kind: 'start' }
  /** Bytes will come now: a file is open, a connection stands, an encoder pushes. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array }
  /** No more of this file or connection. A listener still listens. */
  | { readonly kind: 'ended'; readonly reason: string }
  /** Could not open, bind, connect. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'tick' };

export type IntakeEffect =
  /** Whole packets of 188 bytes, in order. */
  | { readonly kind: 'packets'; readonly bytes: Uint8Array }
  /** Packets come, and they do not continue what came before. */
  | { readonly kind: 'up' }
  /** No packets come. `retry`: what is done about it. */
  | { readonly kind: 'down'; readonly reason: string; readonly again: Again }
  /** Open, bind or connect now. */
  | { readonly kind: 'open' }
  /** Drop the connection or the pusher; a listener goes on listening. */
  | { readonly kind: 'close' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' };

/** What happens after a source went away: it is tried again, waited for, or it was the last of it. */
export type Again = 'tried' | 'waited-for' | 'over';

export interface IntakeStats {
  bytes: number;
  /** Times the source came up. */
  starts: number;
  rtpLost: number;
  rtpLate: number;
  syncLost: number;
}

/** An encoder that restarts is back in a second or two; one that is away for the night is asked six times a minute. */
const RETRY: Backoff = { first: ms(500), factor: 2, most: seconds(10), jitter: 0.33 };
/** After this long of packets, the next fault is a new one and tried again at once. */
const STEADY = seconds(10);
/** Television pauses at most for a scene; a connection silent for longer is dead though TCP does not know. */
const SILENCE = seconds(10);
/** Datagrams announce no end: silence is all there is to see. */
const DATAGRAM_SILENCE = seconds(2);
/** Bytes without a packet in them: 188, 192 and 204 have each had a hundred chances. */
const NO_STREAM = 2 ** 20;
/** Shortest file that is looped, in ticks of 90 kHz: 100 ms. */
const LOOP_LEAST = 9000;
/** A packet with its 16 Reed-Solomon bytes. */
const WITH_PARITY = 204;
/** How far a live stream may run before its own clock: encoders start with a burst. */
const LIVE_AHEAD = ms(1000);

/**
 * From what a source gives to packets in order: sync, RTP, loop, pace, and what to do when it goes away. Pure; the
 * hands are in io/source.ts.
 */
export class Intake implements Machine<IntakeInput, IntakeEffect> {
  readonly #source: Source;
  readonly #random: Random;
  readonly #sync = new PacketSync();
  readonly #reorder = new Reorder();
  readonly #loop: LoopClock | undefined;
  readonly #pacer: Pacer | undefined;
  readonly #deadlines = new Deadlines<'retry' | 'silence' | 'pace'>();
  readonly #stats = { bytes: 0, starts: 0 };
  #state: 'idle' | 'opening' | 'open' | 'draining' | 'over' = 'idle';
  #upSince: Instant | undefined;
  #attempt = 0;
  #paused = false;
  /** Bytes since the last packet was found. */
  #fruitless = 0;
  /** Packets found since the file was opened. */
  #fruit = false;

  constructor(source: Source, random: Random) {
    this.#source = source;
    this.#random = random;
    if (source.kind === 'file' && source.loop) this.#loop = new LoopClock();
    if (source.kind !== 'udp') this.#pacer = new Pacer(source.kind === 'file' ? ms(0) : LIVE_AHEAD);
  }

  get up(): boolean {
    return this.#upSince !== undefined;
  }

  get stats(): IntakeStats {
    const { lost: rtpLost, late: rtpLate } = this.#reorder;
    return { ...this.#stats, rtpLost, rtpLate, syncLost: this.#sync.lost };
  }

  wake(): Instant | undefined {
    return earliest(this.#deadlines.next(), this.#reorder.wake());
  }

  step(input: IntakeInput, now: Instant): readonly IntakeEffect[] {
    const out: IntakeEffect[] = [];
    switch (input.kind) {
      case 'start':
        this.#open(out);
        break;
      case 'opened':
        this.#opened(now);
        break;
      case 'bytes':
        this.#bytes(input.bytes, now, out);
        break;
      case 'datagram':
        this.#datagram(input.bytes, now, out);
        break;
      case 'ended':
        this.#ended(input.reason, now, out);
        break;
      case 'failed':
        this.#down(input.reason, 'tried', now, out);
        break;
      case 'tick':
        break;
    }
    for (const payload of this.#reorder.tick(now)) this.#deliver(this.#sync.push(payload), now, out);
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'retry':
          this.#open(out);
          break;
        case 'silence':
          this.#silent(now, out);
          break;
        case 'pace':
          this.#pace(now, out);
          break;
      }
    }
    return out;
  }

  #open(out: IntakeEffect[]): void {
    this.#state = 'opening';
    out.push({ kind: 'open' });
  }

  #opened(now: Instant): void {
    this.#state = 'open';
    this.#fruitless = 0;
    this.#fruit = false;
    this.#paused = false;
    this.#sync.reset();
    if (this.#loop === undefined) this.#pacer?.reset();
    this.#listenForSilence(now);
  }

  #bytes(bytes: Uint8Array, now: Instant, out: IntakeEffect[]): void {
    if (this.#state !== 'open') return;
    this.#stats.bytes += bytes.length;
    this.#listenForSilence(now);
    const packets = this.#sync.push(bytes);
    this.#fruitless = packets.length > 0 ? 0 : this.#fruitless + bytes.length;
    if (this.#fruitless > NO_STREAM) {
      out.push({ kind: 'close' });
      this.#leave('what comes is no MPEG-TS', now, out);
      return;
    }
    if (packets.length === 0) return;
    this.#fruit = true;
    this.#pacer?.push(this.#loop?.correct(packets) ?? packets);
    this.#pace(now, out);
  }

  /** RTP or bare packets, whatever the address says: senders are often set up the other way. */
  #datagram(bytes: Uint8Array, now: Instant, out: IntakeEffect[]): void {
    this.#stats.bytes += bytes.length;
    this.#listenForSilence(now);
    const rtp = bytes[0] === SYNC ? undefined : readRtp(bytes);
    const payloads = rtp === undefined || !carriesPackets(rtp.payload) ? [bytes] : this.#reorder.push(rtp, now);
    for (const payload of payloads) this.#deliver(this.#sync.push(payload), now, out);
  }

  #pace(now: Instant, out: IntakeEffect[]): void {
    const pacer = this.#pacer;
    if (pacer === undefined) return;
    this.#deliver(pacer.due(now), now, out);
    const wake = pacer.wake();
    if (wake === undefined) this.#deadlines.clear('pace');
    else this.#deadlines.set('pace', wake);
    if (this.#state === 'draining') {
      if (pacer.empty) this.#leave('the file is over', now, out);
      return;
    }
    if (this.#state !== 'open') return;
    if (!pacer.hungry && wake === undefined) {
      out.push({ kind: 'close' });
      this.#leave('the file has no clock (PCR) to play it by', now, out);
    } else if (pacer.hungry === this.#paused) {
      this.#paused = !pacer.hungry;
      out.push({ kind: this.#paused ? 'pause' : 'resume' });
      // A source that is held back is not silent.
      this.#listenForSilence(now);
    }
  }

  #deliver(packets: Uint8Array, now: Instant, out: IntakeEffect[]): void {
    if (packets.length === 0) return;
    if (this.#upSince === undefined) {
      this.#upSince = now;
      this.#stats.starts++;
      out.push({ kind: 'up' });
    }
    out.push({ kind: 'packets', bytes: packets });
  }

  #ended(reason: string, now: Instant, out: IntakeEffect[]): void {
    if (this.#state !== 'open') return;
    if (this.#source.kind !== 'file') {
      this.#leave(reason, now, out);
    } else if (!this.#fruit) {
      this.#leave('there is no MPEG-TS in the file', now, out);
    } else if (this.#loop !== undefined) {
      if (this.#loop.again() >= LOOP_LEAST) this.#open(out);
      else this.#leave('the file is too short to be looped', now, out);
    } else {
      this.#state = 'draining';
      this.#deadlines.clear('silence');
      this.#pacer?.finish();
      this.#pace(now, out);
    }
  }

  #silent(now: Instant, out: IntakeEffect[]): void {
    if (this.#paused) return;
    if (this.#source.kind === 'udp' || this.#source.kind === 'stdin') {
      // Nothing to make anew: whoever sends will send again, or not.
      out.push({
        kind: 'down',
        reason: this.#source.kind === 'udp' ? 'no datagrams come' : 'nothing comes',
        again: 'waited-for',
      });
      this.#upSince = undefined;
      this.#sync.reset();
      return;
    }
    out.push({ kind: 'close' });
    this.#leave(`nothing came for ${SILENCE / 1000} s`, now, out);
  }

  /** The connection or file is gone; what comes next depends on the kind of source. */
  #leave(reason: string, now: Instant, out: IntakeEffect[]): void {
    switch (this.#source.kind) {
      case 'http-listen':
      case 'tcp-listen':
        this.#down(reason, 'waited-for', now, out);
        return;
      case 'stdin':
        this.#down(reason, 'over', now, out);
        return;
      case 'file':
        this.#down(reason, this.#state === 'draining' ? 'over' : 'tried', now, out);
        return;
      case 'http':
      case 'tcp':
      case 'udp':
        this.#down(reason, 'tried', now, out);
    }
  }

  #down(reason: string, again: Again, now: Instant, out: IntakeEffect[]): void {
    if (this.#upSince !== undefined && since(this.#upSince, now) >= STEADY) this.#attempt = 0;
    this.#upSince = undefined;
    this.#pacer?.reset();
    // Next time the file is read from its beginning again, wherever it broke off.
    this.#loop?.again();
    this.#deadlines.clear('silence');
    this.#deadlines.clear('pace');
    this.#state = again === 'over' ? 'over' : 'idle';
    if (again === 'tried') this.#deadlines.set('retry', after(now, interval(RETRY, this.#attempt++, this.#random)));
    out.push({ kind: 'down', reason, again });
  }

  #listenForSilence(now: Instant): void {
    const patience: Millis = this.#source.kind === 'udp' ? DATAGRAM_SILENCE : SILENCE;
    if (this.#source.kind !== 'file') this.#deadlines.set('silence', after(now, patience));
  }
}

/** RTP holds whole packets (RFC 2250 section 2); a bare stream cut in odd places only looks like RTP by its first bits. */
function carriesPackets(payload: Uint8Array): boolean {
  return payload[0] === SYNC && (payload.length % PACKET === 0 || payload.length % WITH_PARITY === 0);
}
