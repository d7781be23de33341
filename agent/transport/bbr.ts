import { at, type Instant, ms, type Millis, since } from '../base/time.ts';
import type { Packet } from './loss.ts';

/*
 * Constants of draft-ietf-ccwg-bbr unless another source is named. What differs from it, and why:
 * - Random loss is the normal state of the paths we serve, so loss bounds nothing below 10 % in a round (the draft: 2 %):
 *   with 2 % random loss a controller that steps back falls to a few Mbit/s (docs/decisions/0002).
 * - ProbeRTT is entered only when the pipe was kept full: a live sender leaves it half empty, so its samples are honest,
 *   and its window must not shrink for 200 ms because a busy machine let a queue grow for 20.
 * - The window never counts on a round trip below LEAST_ROUND.
 */
const STARTUP_GAIN = 2.77;
const DRAIN_GAIN = 0.5;
const CWND_GAIN = 2;
/** ProbeBW: up, down, then six rounds of cruising (the cycle of BBR version 1, which needs no loss model). */
const CYCLE = [1.25, 0.75, 1, 1, 1, 1, 1, 1] as const;
/** Pacing a little under the estimate keeps the queue empty. */
const MARGIN = 0.99;
const BANDWIDTH_ROUNDS = 10;
const RTT_WINDOW = ms(10_000);
const PROBE_RTT_TIME = ms(200);
const PROBE_RTT_GAIN = 0.5;
const FULL_GROWTH = 1.25;
const FULL_ROUNDS = 3;
const FULL_LOSS = 0.1;
/**
 * The window is never laid out for a shorter round trip than this: on a line without delay it is the computers at its ends
 * that take their time, an ACK's 6 ms and a turn on a busy core, and a window of next to nothing would give them a dozen
 * packets a turn. What leaves is still paced; at worst a line without delay holds 20 ms of it.
 */
const LEAST_ROUND = 10;
/** Packets above the window for ACKs that come in lots of 16. */
const SLACK = 16 * 1200;
const FIRST_WINDOW = 32 * 1200;
const LEAST_WINDOW = 4 * 1200;
/** Until something is measured. */
const FIRST_RTT = 100;

type Phase = 'startup' | 'drain' | 'probe-bandwidth' | 'probe-rtt';

/** Congestion control by a model of the path: how fast it delivers and how long it takes when empty. */
export class Bbr {
  #phase: Phase = 'startup';
  /** Largest delivery rates of the last rounds, by round modulo 10, in bytes per millisecond. */
  readonly #rates = new Float64Array(BANDWIDTH_ROUNDS);
  #bandwidth = 0;
  #window = FIRST_WINDOW;
  #leastRtt = Infinity;
  #leastRttAt: Instant = at(0);
  /** The least of the current half window, so that the minimum can age without a probe. */
  #recentRtt = Infinity;
  #recentRttAt: Instant = at(0);
  /** When a packet was last acknowledged that left while nothing more was waiting. */
  #lastLimited: Instant = at(-Infinity);

  #delivered = 0;
  #deliveredAt: Instant = at(0);
  #firstSentAt: Instant = at(0);
  /** Packets sent before this much was delivered say nothing about the path: the application had no more to send. */
  #appLimitedUntil = 0;

  #round = 0;
  #roundEnds = 0;
  #roundStarted = false;
  #ratedRound = 0;
  #roundRated = false;
  #roundLost = 0;
  #roundDelivered = 0;

  #full = false;
  #fullBandwidth = 0;
  #fullRounds = 0;

  #cycle = 0;
  #cycleAt: Instant = at(0);
  #cycleLost = false;
  #probeRttUntil: Instant | undefined;

  /** Bytes in flight that the path can use. */
  get window(): number {
    if (this.#phase === 'probe-rtt')
      return Math.max(LEAST_WINDOW, Math.min(this.#window, PROBE_RTT_GAIN * this.#bdp()));
    return this.#window;
  }

  /** Bytes per millisecond at which packets may leave. */
  get pacingRate(): number {
    const rate = this.#gain() * MARGIN * this.#bandwidth;
    if (this.#full) return rate;
    // A few small messages measure next to nothing; the stream that follows them must not start at that pace.
    const rtt = this.#leastRtt === Infinity ? FIRST_RTT : Math.max(this.#leastRtt, 1);
    return Math.max(rate, (STARTUP_GAIN * FIRST_WINDOW) / rtt);
  }

  /** What the path is known to deliver, in bytes per millisecond; 0 before the first sample. */
  get bandwidth(): number {
    return this.#bandwidth;
  }

  /** Bytes acknowledged so far. */
  get delivered(): number {
    return this.#delivered;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get leastRtt(): Millis {
    return ms(this.#leastRtt);
  }

  /** A packet leaves; `inFlight` without it. */
  sent(packet: Packet, inFlight: number, now: Instant): void {
    if (inFlight === 0) {
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    packet.delivered = this.#delivered;
    packet.deliveredAt = this.#deliveredAt;
    packet.firstSentAt = this.#firstSentAt;
    packet.appLimited = this.#appLimitedUntil > 0;
  }

  /** Nothing more to send; `inFlight` in bytes. */
  ranDry(inFlight: number): void {
    if (inFlight < this.window) this.#appLimitedUntil = Math.max(1, this.#delivered + inFlight);
  }

  /** What one ACK told: packets that arrived and packets that did not; `inFlight` after it. */
  acknowledged(arrived: readonly Packet[], lost: readonly Packet[], inFlight: number, now: Instant): void {
    for (const packet of lost) this.#roundLost += packet.size;
    if (lost.length > 0) this.#cycleLost = true;
    if (arrived.length === 0) return;
    let bytes = 0;
    let newest = arrived[0] as Packet;
    for (const packet of arrived) {
      bytes += packet.size;
      if (packet.counter > newest.counter) newest = packet;
    }
    this.#delivered += bytes;
    this.#deliveredAt = now;
    this.#roundDelivered += bytes;
    if (this.#appLimitedUntil > 0 && this.#delivered > this.#appLimitedUntil) this.#appLimitedUntil = 0;
    if (newest.appLimited) this.#lastLimited = now;

    this.#countRound(newest);
    this.#takeRtt(since(newest.sentAt, now), now);
    this.#takeRate(newest, now);
    this.#firstSentAt = newest.sentAt;
    this.#checkFull(newest.appLimited);
    this.#move(inFlight, now);
    this.#setWindow(bytes);
    if (this.#roundStarted) {
      this.#roundLost = 0;
      this.#roundDelivered = 0;
    }
  }

  /** The path is another one: what was learned of the old one is void (RFC 9000 section 9.4). */
  reset(): void {
    this.#phase = 'startup';
    this.#rates.fill(0);
    this.#bandwidth = 0;
    this.#window = FIRST_WINDOW;
    this.#leastRtt = Infinity;
    this.#recentRtt = Infinity;
    this.#full = false;
    this.#fullBandwidth = 0;
    this.#fullRounds = 0;
    this.#roundEnds = this.#delivered;
    this.#roundLost = 0;
    this.#roundDelivered = 0;
    this.#probeRttUntil = undefined;
  }

  /** The same two computers by another way: what they can do is known, how far it is is not. */
  rerouted(): void {
    this.#leastRtt = Infinity;
    this.#recentRtt = Infinity;
    this.#window = Math.max(this.#window, FIRST_WINDOW);
  }

  #gain(): number {
    switch (this.#phase) {
      case 'startup':
        return STARTUP_GAIN;
      case 'drain':
        return DRAIN_GAIN;
      case 'probe-bandwidth':
        return CYCLE[this.#cycle] ?? 1;
      case 'probe-rtt':
        return 1;
    }
  }

  /** What the path holds at its own pace, or if a round trip took `least` at least. */
  #bdp(least = 0): number {
    return this.#leastRtt === Infinity ? FIRST_WINDOW : this.#bandwidth * Math.max(this.#leastRtt, least);
  }

  #countRound(newest: Packet): void {
    this.#roundStarted = newest.delivered >= this.#roundEnds;
    if (!this.#roundStarted) return;
    this.#roundEnds = this.#delivered;
    this.#round++;
    // Only rounds that measured the path age the estimate, else a quiet stream would forget it.
    if (this.#roundRated) {
      this.#ratedRound++;
      this.#rates[this.#ratedRound % BANDWIDTH_ROUNDS] = 0;
      this.#roundRated = false;
    }
  }

  #takeRate(newest: Packet, now: Instant): void {
    const span = Math.max(since(newest.firstSentAt, newest.sentAt), since(newest.deliveredAt, now));
    // Shorter than the path is long: a burst of ACKs, not a rate.
    if (span <= 0 || span < this.#leastRtt) return;
    const rate = (this.#delivered - newest.delivered) / span;
    if (newest.appLimited && rate < this.#bandwidth) return;
    if (!newest.appLimited) this.#roundRated = true;
    const slot = this.#ratedRound % BANDWIDTH_ROUNDS;
    this.#rates[slot] = Math.max(this.#rates[slot] ?? 0, rate);
    let most = 0;
    for (const each of this.#rates) most = Math.max(most, each);
    this.#bandwidth = most;
  }

  #takeRtt(rtt: Millis, now: Instant): void {
    if (rtt <= this.#leastRtt) {
      this.#leastRtt = rtt;
      this.#leastRttAt = now;
    }
    if (rtt <= this.#recentRtt || since(this.#recentRttAt, now) > RTT_WINDOW / 2) {
      this.#recentRtt = rtt;
      this.#recentRttAt = now;
    }
    if (since(this.#leastRttAt, now) <= RTT_WINDOW) return;
    if (since(this.#lastLimited, now) <= RTT_WINDOW / 2) {
      this.#leastRtt = this.#recentRtt;
      this.#leastRttAt = this.#recentRttAt;
    } else if (this.#phase === 'probe-bandwidth') {
      this.#phase = 'probe-rtt';
      this.#probeRttUntil = undefined;
      this.#recentRtt = rtt;
      this.#recentRttAt = now;
    }
  }

  #checkFull(appLimited: boolean): void {
    if (this.#full || !this.#roundStarted || appLimited) return;
    if (this.#bandwidth >= this.#fullBandwidth * FULL_GROWTH) {
      this.#fullBandwidth = this.#bandwidth;
      this.#fullRounds = 0;
    } else this.#fullRounds++;
    const lossy = this.#roundLost > FULL_LOSS * (this.#roundLost + this.#roundDelivered) && this.#round > 2;
    this.#full = this.#fullRounds >= FULL_ROUNDS || lossy;
  }

  #move(inFlight: number, now: Instant): void {
    switch (this.#phase) {
      case 'startup':
        if (this.#full) this.#phase = 'drain';
        break;
      case 'drain':
        if (inFlight <= this.#bdp()) this.#cruise(now, 2);
        break;
      case 'probe-bandwidth':
        if (this.#cycleOver(inFlight, now)) this.#cruise(now, (this.#cycle + 1) % CYCLE.length);
        break;
      case 'probe-rtt':
        if (this.#probeRttUntil === undefined) {
          if (inFlight <= this.window + SLACK) this.#probeRttUntil = at(now + PROBE_RTT_TIME);
        } else if (now >= this.#probeRttUntil) {
          this.#leastRtt = this.#recentRtt;
          this.#leastRttAt = now;
          this.#cruise(now, 2);
        }
        break;
    }
  }

  #cruise(now: Instant, cycle: number): void {
    this.#phase = 'probe-bandwidth';
    this.#cycle = cycle;
    this.#cycleAt = now;
    this.#cycleLost = false;
  }

  #cycleOver(inFlight: number, now: Instant): boolean {
    const whole = since(this.#cycleAt, now) > this.#leastRtt;
    const gain = CYCLE[this.#cycle] ?? 1;
    if (gain > 1) return whole && (this.#cycleLost || inFlight >= gain * this.#bdp());
    if (gain < 1) return whole || inFlight <= this.#bdp();
    return whole;
  }

  #setWindow(bytes: number): void {
    const gain = this.#full ? CWND_GAIN : STARTUP_GAIN;
    const wanted = Math.max(gain * this.#bdp(LEAST_ROUND) + SLACK, LEAST_WINDOW);
    if (this.#full) this.#window = Math.min(this.#window + bytes, wanted);
    else if (this.#window < wanted || this.#delivered < FIRST_WINDOW) this.#window += bytes;
  }
}
