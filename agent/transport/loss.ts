import { after, at, type Instant, ms, type Millis, since } from '../base/time.ts';
import type { Ack } from './frames.ts';
import type { Message } from './outbox.ts';
import type { Rtt } from './rtt.ts';

/** RFC 9002 section 6.1.1 and 6.1.2. */
const PACKET_THRESHOLD = 3;
const TIME_THRESHOLD = 9 / 8;
/** Paths that reorder (radio links, parallel lines) may raise both so far, seen by packets acknowledged after all. */
const MOST_PACKETS = 64;
const MOST_TIME = 2;
/** Raised thresholds go back to the start after so long without a false alarm: a late repair costs more than a double one. */
const FORGET = ms(10_000);
/** Lost packets watched for a late ACK. */
const WATCHED = 128;
/** Packets in flight at most: 4.9 MB, the bound of what one peer can make us remember. */
const MOST_IN_FLIGHT = 4096;
const FIRST_SIZE = 64;
/** Back-off ends here: after an outage nobody should wait longer for the first sign of life. */
const LONGEST_PROBE = 1000;

type State = 'flying' | 'acknowledged' | 'lost';

/** A sent packet; the slots of the ring are used again and again. */
export interface Packet {
  counter: number;
  state: State;
  sentAt: Instant;
  /** On the wire, in bytes. */
  size: number;
  message: Message | undefined;
  /** The largest number an ACK frame in it reported; -1 without one. */
  reported: number;
  /** What bbr.ts wants to remember of the moment of sending (delivery rate estimation). */
  delivered: number;
  deliveredAt: Instant;
  firstSentAt: Instant;
  appLimited: boolean;
}

function emptyPacket(): Packet {
  return {
    counter: -1,
    state: 'acknowledged',
    sentAt: at(0),
    size: 0,
    message: undefined,
    reported: -1,
    delivered: 0,
    deliveredAt: at(0),
    firstSentAt: at(0),
    appLimited: false,
  };
}

/**
 * Packets in flight, and which of them are lost: RFC 9002 section 6, as a ring indexed by packet number.
 * Numbers are never used twice; every packet that asks for an ACK counts as in flight.
 */
export class Flight {
  #ring: Packet[] = Array.from({ length: FIRST_SIZE }, emptyPacket);
  #mask = FIRST_SIZE - 1;
  #next = 0;
  /** No packet below this one is in flight. */
  #oldest = 0;
  #largestAcked = -1;
  #bytes = 0;
  #lossAt: Instant | undefined;
  #lastSent: Instant = at(0);
  #probes = 0;
  #packetThreshold = PACKET_THRESHOLD;
  #timeThreshold = TIME_THRESHOLD;
  #falseAlarm: Instant = at(-Infinity);
  readonly #watched: number[] = [];

  /** Packets newly acknowledged, lost, or acknowledged after they were taken for lost, by the last call. Used again by the next. */
  readonly acknowledged: Packet[] = [];
  readonly lost: Packet[] = [];
  readonly late: Packet[] = [];

  get bytes(): number {
    return this.#bytes;
  }

  /** The number the next packet will have. */
  get next(): number {
    return this.#next;
  }

  get full(): boolean {
    return this.#next - this.#oldest >= MOST_IN_FLIGHT;
  }

  /** How many probe timeouts in a row went unanswered. */
  get probes(): number {
    return this.#probes;
  }

  /** Allots the next number to a packet that asks for no ACK; it is not tracked and needs no slot. */
  skip(): number {
    return this.#next++;
  }

  /** Allots the next number to a packet in flight. */
  send(size: number, message: Message | undefined, reported: number, now: Instant): Packet {
    const packet = this.#slot();
    packet.state = 'flying';
    packet.sentAt = now;
    packet.size = size;
    packet.message = message;
    packet.reported = reported;
    this.#bytes += size;
    this.#lastSent = now;
    return packet;
  }

  /** Takes an ACK; false when it speaks of packets that were never sent. */
  acknowledge(ack: Ack, rtt: Rtt, patience: Millis, now: Instant): boolean {
    this.acknowledged.length = 0;
    this.lost.length = 0;
    this.late.length = 0;
    const largest = ack.ranges[0] ?? 0;
    if (largest >= this.#next) return false;
    for (let i = 0; i < ack.ranges.length; i += 2) {
      const high = ack.ranges[i] ?? 0;
      const low = Math.max(ack.ranges[i + 1] ?? 0, this.#oldest);
      for (let counter = low; counter <= high; counter++) this.#arrived(counter);
    }
    this.#findLate(ack, rtt, now);
    if (largest > this.#largestAcked) {
      this.#largestAcked = largest;
      const newest = this.#at(largest);
      if (newest?.state === 'acknowledged') rtt.sample(since(newest.sentAt, now), ack.delay, patience);
    }
    if (this.acknowledged.length > 0) this.#probes = 0;
    this.#findLost(rtt, now);
    return true;
  }

  /** When a tick can find something out: a packet too late by time, or a probe due. */
  wake(rtt: Rtt, patience: Millis): Instant | undefined {
    if (this.#lossAt !== undefined) return this.#lossAt;
    if (this.#bytes === 0) return undefined;
    const timeout = rtt.probeTimeout(patience);
    return after(this.#lastSent, ms(Math.min(timeout * 2 ** this.#probes, Math.max(timeout, LONGEST_PROBE))));
  }

  /** Looks at the timers; true when a probe must leave (RFC 9002 section 6.2). */
  tick(rtt: Rtt, patience: Millis, now: Instant): boolean {
    this.acknowledged.length = 0;
    this.lost.length = 0;
    this.late.length = 0;
    const wake = this.wake(rtt, patience);
    if (wake === undefined || wake > now) return false;
    if (this.#lossAt !== undefined) {
      this.#findLost(rtt, now);
      return false;
    }
    this.#probes++;
    // Counted from here even if no probe may leave, to an address that is not proven.
    this.#lastSent = now;
    // Nothing has been acknowledged for a whole window: its older half makes room for the probe.
    if (this.full) this.#giveUp(this.#next - MOST_IN_FLIGHT / 2);
    return true;
  }

  /** Takes everything in flight for lost: the way it was sent leads nowhere any more. */
  abandon(): void {
    this.lost.length = 0;
    this.#giveUp(this.#next);
    this.#lossAt = undefined;
    this.#probes = 0;
  }

  #giveUp(end: number): void {
    for (let counter = this.#oldest; counter < end; counter++) {
      const packet = this.#at(counter);
      if (packet?.state === 'flying') this.#lose(packet);
    }
    this.#oldest = end;
  }

  #arrived(counter: number): void {
    const packet = this.#at(counter);
    if (packet?.state !== 'flying') return;
    packet.state = 'acknowledged';
    this.#bytes -= packet.size;
    this.acknowledged.push(packet);
  }

  #findLost(rtt: Rtt, now: Instant): void {
    this.#lossAt = undefined;
    const delay = rtt.lossDelay(this.#timeThreshold);
    let oldest = this.#largestAcked + 1;
    for (let counter = this.#oldest; counter <= this.#largestAcked; counter++) {
      const packet = this.#at(counter);
      if (packet?.state !== 'flying') continue;
      // The very sum that the timer is set to: another order of the same terms may differ in the last bit, for ever.
      const due = after(packet.sentAt, delay);
      if (counter <= this.#largestAcked - this.#packetThreshold || due <= now) this.#lose(packet);
      else {
        oldest = Math.min(oldest, counter);
        if (this.#lossAt === undefined || due < this.#lossAt) this.#lossAt = due;
      }
    }
    this.#oldest = Math.max(this.#oldest, oldest);
  }

  #lose(packet: Packet): void {
    packet.state = 'lost';
    this.#bytes -= packet.size;
    this.lost.push(packet);
    this.#watched.push(packet.counter);
    if (this.#watched.length > WATCHED) this.#watched.splice(0, WATCHED / 2);
  }

  /** A packet taken for lost that arrived after all shows how far this path reorders. */
  #findLate(ack: Ack, rtt: Rtt, now: Instant): void {
    if (since(this.#falseAlarm, now) > FORGET) {
      this.#packetThreshold = PACKET_THRESHOLD;
      this.#timeThreshold = TIME_THRESHOLD;
    }
    const watched = this.#watched;
    if (watched.length === 0) return;
    let kept = 0;
    for (const counter of watched) {
      const packet = this.#at(counter);
      if (packet?.state !== 'lost' || since(packet.sentAt, now) > 4 * rtt.smoothed) continue;
      if (covers(ack, counter)) this.#falselyLost(packet, now);
      else watched[kept++] = counter;
    }
    watched.length = kept;
  }

  #falselyLost(packet: Packet, now: Instant): void {
    packet.state = 'acknowledged';
    this.late.push(packet);
    this.#falseAlarm = now;
    const distance = Math.ceil((this.#largestAcked - packet.counter) * 1.25);
    this.#packetThreshold = Math.min(MOST_PACKETS, Math.max(this.#packetThreshold, distance));
    this.#timeThreshold = Math.min(MOST_TIME, this.#timeThreshold + 1 / 16);
  }

  #at(counter: number): Packet | undefined {
    const packet = this.#ring[counter & this.#mask];
    return packet?.counter === counter ? packet : undefined;
  }

  #slot(): Packet {
    if (this.#next - this.#oldest >= this.#ring.length) this.#grow();
    const packet = this.#ring[this.#next & this.#mask] ?? emptyPacket();
    packet.counter = this.#next++;
    return packet;
  }

  #grow(): void {
    const grown = Array.from({ length: this.#ring.length * 2 }, emptyPacket);
    for (const packet of this.#ring) if (packet.counter >= 0) grown[packet.counter & (grown.length - 1)] = packet;
    this.#ring = grown;
    this.#mask = grown.length - 1;
  }
}

function covers(ack: Ack, counter: number): boolean {
  for (let i = 0; i < ack.ranges.length; i += 2) {
    if (counter > (ack.ranges[i] ?? 0)) return false;
    if (counter >= (ack.ranges[i + 1] ?? 0)) return true;
  }
  return false;
}
