import { ms, after, at, earliest, type Instant, type Millis, since } from '../base/time.ts';
import { between, type Random } from '../base/random.ts';
import { ACK_PATIENCE, Acks } from './acks.ts';
import { Bbr } from './bbr.ts';
import {
  type Ack,
  ackSize,
  CHALLENGE,
  decode,
  MESSAGE_HEADER,
  MESSAGE_LIMIT,
  writeAck,
  writeChallenge,
  writeClose,
  writeMessage,
  writePing,
  writeResponse,
} from './frames.ts';
import { Inbox } from './inbox.ts';
import { Flight, type Packet } from './loss.ts';
import { type Message, Outbox } from './outbox.ts';
import { Pacer } from './pace.ts';
import { Path } from './path.ts';
import { Hum, Quiet } from './quiet.ts';
import { Rtt } from './rtt.ts';

/** Header and tag that seal adds to every body. */
const ENVELOPE = 32;
const LIMIT = 1200;
const BODY_LIMIT = LIMIT - ENVELOPE;
/** What the header's pad field can say. */
const PAD_LIMIT = 255;
/** Bodies of control packets, padding included, so that they are 40 to 160 bytes on the wire. */
const CONTROL_LEAST = 8;
const CONTROL_MOST = 128;
/** A ping out of silence is larger: three times its size is what the other side may answer to a new address at once. */
const LOUD_LEAST = 900;
const LOUD_MOST = 1140;
/** The longest ACK, a ping, a challenge and an answer. */
const CONTROL_ROOM = 300;
/** What a challenge and an answer need; and that with the longest ACK. Less is not worth a datagram to an unproven address. */
const LEAST_ROOM = 96;
const ROOM_FOR_ACK = 300;
/** Two probes, because one may be lost as well (RFC 9002 section 6.2.4). */
const PROBES = 2;
/** Every so many ACKs in a row one asks for an ACK itself, so that our ranges can be forgotten (RFC 9000 section 13.2.4). */
const ACKS_PER_PING = 32;
/** A new message that has waited so long shows that the path does not keep up. */
const SLOW_AFTER = ms(250);
const SLOW_APART = ms(1000);

export interface Options {
  readonly random: Random;
  /** How long a message is worth sending when it brings no deadline of its own. */
  readonly deadline?: Millis;
  /** Bytes that may wait; past it the oldest give way. */
  readonly queue?: number;
  /** The round-trip time the handshake saw. */
  readonly rtt?: Millis;
  /** A ping after so much silence of our own, spread by a third, keeps NAT mappings alive. */
  readonly keepAlive?: Millis;
  /** So much silence of the other side ends it. */
  readonly idle?: Millis;
  /** The same until anything was heard at all, when that is longer: the first words may be lost. */
  readonly firstWord?: Millis;
  /** Chooses the padding of a message's packet, 0 to `most` bytes: whoever seals may have one ready. */
  readonly pad?: (counter: number, most: number) => number;
}

export type Input =
  /** At most 1,152 bytes, kept by reference until settled. Urgent ones overtake. */
  | {
      readonly kind: 'message';
      readonly bytes: Uint8Array;
      readonly deadline?: Instant | undefined;
      readonly urgent?: boolean | undefined;
    }
  /** An opened data datagram: its packet number and plain body. */
  | { readonly kind: 'body'; readonly counter: number; readonly bytes: Uint8Array }
  /** The peer's address changed; given before the body that showed it. `portOnly`: same IP, so the same path (RFC 9000 section 9.4). */
  | { readonly kind: 'moved'; readonly portOnly?: boolean }
  /** Somebody we trust carries from now on: there is no address to be proven. `arrives`: what went the old way still does. */
  | { readonly kind: 'rerouted'; readonly arrives: boolean }
  /** What is in flight may be lost with the path: it goes once more. */
  | { readonly kind: 'doubt' }
  /** Something is to be sent now, whatever window and pace say: the other side may be waiting for any word. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'close'; readonly reason: number }
  | { readonly kind: 'tick' };

export type Effect =
  /**
   * Seal `body` under exactly this packet number, with so many bytes of padding, and send it. The body is the
   * connection's own memory, good until its next step: an allocation for every datagram was a tenth of a relay's work.
   */
  | { readonly kind: 'send'; readonly counter: number; readonly body: Uint8Array; readonly pad: number }
  /** A message, once, as soon as it is here, in no order. A view into the body it came in. */
  | { readonly kind: 'deliver'; readonly bytes: Uint8Array }
  /** So many of our messages were too late or had no room, and were dropped. */
  | { readonly kind: 'expired'; readonly count: number }
  /** The path delivers `rate` bytes a second, `wanted` were offered, and messages pile up. At most once a second. */
  | { readonly kind: 'slow'; readonly rate: number; readonly wanted: number }
  /** A steady stream has fallen silent: somebody between us may have changed an address. */
  | { readonly kind: 'quiet' }
  /** What became of the address change. */
  | { readonly kind: 'path'; readonly proven: boolean }
  /** The end: by the peer's CLOSE, by ours, or for want of any word from it. */
  | { readonly kind: 'closed'; readonly by: 'peer' | 'us' | 'silence'; readonly reason: number };

export interface Stats {
  readonly rttMs: number;
  /** Share of the last some hundred packets taken for lost. */
  readonly lossRate: number;
  readonly bytesInFlight: number;
  /** Bytes a second. */
  readonly deliveryRate: number;
  readonly window: number;
  readonly phase: string;
  /** Bytes waiting. */
  readonly queued: number;
  readonly sentPackets: number;
  readonly lostPackets: number;
  readonly falselyLostPackets: number;
  readonly receivedPackets: number;
  readonly duplicateMessages: number;
  readonly expiredMessages: number;
  readonly refusedBodies: number;
  /** Times in a row that a probe went unanswered; RFC 9002's persistent congestion begins at about 3. */
  readonly probes: number;
  readonly silentMs: number;
}

/** Weight of one packet in the loss rate. */
const LOSS_SHARE = 1 / 256;

const NOTHING: readonly Effect[] = [];

/**
 * One path to one peer: messages go in, each arrives once or misses its deadline, in no order.
 * Packet numbers and ACKs of RFC 9000, loss recovery of RFC 9002, congestion control of draft-ietf-ccwg-bbr.
 */
export class Connection {
  readonly #random: Random;
  readonly #patience: Millis;
  readonly #keepAlive: Millis;
  readonly #idle: Millis;
  readonly #pad: (counter: number, most: number) => number;
  readonly #rtt: Rtt;
  readonly #acks: Acks;
  readonly #outbox: Outbox;
  readonly #inbox = new Inbox();
  readonly #flight = new Flight();
  readonly #bbr = new Bbr();
  readonly #pacer = new Pacer();
  readonly #path: Path;
  readonly #quiet = new Quiet();
  readonly #hum: Hum;

  #closed = false;
  #probing = false;
  #ping: 'none' | 'small' | 'loud' = 'none';
  #response: Uint8Array | undefined;
  /** Everything in flight went to the old address: sent again after the next body, which may still acknowledge some of it. */
  #abandon = false;
  #paced: Instant | undefined;
  #keepAt: Instant | undefined;
  #keepAfter: Millis;
  #heardAt: Instant | undefined;
  /** How much silence ends it now. */
  #silence: Millis;
  #acksSincePing = 0;
  #slowAt: Instant = at(-Infinity);
  #offered = 0;
  #offeredSince: Instant | undefined;
  #offeredRate = 0;

  #scratch = new Uint8Array(4 * BODY_LIMIT);
  #scratchUsed = 0;

  #sentPackets = 0;
  #lostPackets = 0;
  #loss = 0;
  #latePackets = 0;
  #receivedPackets = 0;
  #duplicates = 0;
  #expired = 0;
  #refused = 0;
  #now: Instant = at(0);

  constructor(options: Options) {
    this.#random = options.random;
    this.#patience = options.deadline ?? ms(1500);
    this.#keepAlive = options.keepAlive ?? ms(10_000);
    this.#keepAfter = this.#jittered(this.#keepAlive);
    this.#idle = options.idle ?? ms(30_000);
    this.#silence = options.firstWord ?? this.#idle;
    this.#pad = options.pad ?? ((_counter, most) => options.random(most + 1));
    this.#rtt = new Rtt(options.rtt);
    this.#acks = new Acks(options.random);
    this.#hum = new Hum(options.random);
    this.#outbox = new Outbox(options.queue ?? 4 * 1024 * 1024);
    this.#path = new Path(options.random);
  }

  /** Bytes waiting to be sent; whoever has more than the path takes looks here before offering the next. */
  get queued(): number {
    return this.#outbox.bytes;
  }

  step(input: Input, now: Instant): readonly Effect[] {
    if (this.#closed) return NOTHING;
    this.#now = now;
    this.#heardAt ??= now;
    this.#scratchUsed = 0;
    const effects: Effect[] = [];
    switch (input.kind) {
      case 'message':
        if (input.bytes.length > MESSAGE_LIMIT) throw new Error(`message of ${input.bytes.length} bytes`);
        this.#outbox.add(input.bytes, input.deadline ?? after(now, this.#patience), input.urgent === true, now);
        this.#offer(input.bytes.length, now);
        break;
      case 'body':
        this.#receive(input.counter, input.bytes, effects, now);
        break;
      case 'moved':
        this.#move(input.portOnly === true, now);
        break;
      case 'rerouted':
        this.#path.trusted();
        this.#bbr.rerouted();
        this.#rtt.reset();
        if (!input.arrives) this.#abandon = true;
        this.#speak();
        break;
      case 'doubt':
        this.#abandon = true;
        this.#speak();
        break;
      case 'ping':
        this.#speak();
        break;
      case 'close':
        this.#sendControl(effects, now, (body, end) => writeClose(body, end, input.reason));
        this.#end('us', input.reason, effects);
        return effects;
      case 'tick':
        this.#tick(effects, now);
        break;
    }
    if (!this.#closed) this.#flush(effects, now);
    return effects;
  }

  wake(): Instant | undefined {
    if (this.#closed) return undefined;
    let wake = earliest(this.#flight.wake(this.#rtt, ACK_PATIENCE), this.#outbox.wake());
    // Without room only the next body changes anything.
    if (this.#path.room >= ROOM_FOR_ACK) {
      wake = earliest(wake, this.#paced);
      wake = earliest(wake, this.#acks.due());
      wake = earliest(wake, this.#path.wake());
      wake = earliest(wake, this.#hum.wake());
    }
    wake = earliest(wake, this.#quiet.wake());
    wake = earliest(wake, this.#keepAt);
    if (this.#abandon) wake = earliest(wake, this.#now);
    return this.#heardAt === undefined ? wake : earliest(wake, after(this.#heardAt, this.#silence));
  }

  stats(now: Instant = this.#now): Stats {
    return {
      rttMs: this.#rtt.smoothed,
      lossRate: this.#loss,
      bytesInFlight: this.#flight.bytes,
      deliveryRate: this.#bbr.bandwidth * 1000,
      window: this.#bbr.window,
      phase: this.#bbr.phase,
      queued: this.#outbox.bytes,
      sentPackets: this.#sentPackets,
      lostPackets: this.#lostPackets,
      falselyLostPackets: this.#latePackets,
      receivedPackets: this.#receivedPackets,
      duplicateMessages: this.#duplicates,
      expiredMessages: this.#expired,
      refusedBodies: this.#refused,
      probes: this.#flight.probes,
      silentMs: this.#heardAt === undefined ? 0 : since(this.#heardAt, now),
    };
  }

  #receive(counter: number, bytes: Uint8Array, effects: Effect[], now: Instant): void {
    this.#heardAt = now;
    this.#silence = this.#idle;
    this.#receivedPackets++;
    this.#path.received(bytes.length + ENVELOPE);
    const frames = decode(bytes);
    if (typeof frames === 'string') {
      this.#refused++;
      return;
    }
    let eliciting = false;
    for (const frame of frames) {
      switch (frame.kind) {
        case 'message':
          eliciting = true;
          if (this.#inbox.take(frame.id)) effects.push({ kind: 'deliver', bytes: frame.bytes });
          else this.#duplicates++;
          break;
        case 'ack':
          this.#acknowledge(frame, now);
          break;
        case 'ping':
          eliciting = true;
          break;
        case 'challenge':
          eliciting = true;
          this.#response = frame.data;
          break;
        case 'response':
          eliciting = true;
          if (this.#path.answered(frame.data)) effects.push({ kind: 'path', proven: true });
          break;
        case 'close':
          this.#end('peer', frame.reason, effects);
          return;
      }
    }
    this.#acks.heard(counter, eliciting, now);
    // A body of padding alone is the hum of a stream.
    if (eliciting || frames.length === 0) this.#quiet.heard(now);
    if (this.#abandon) this.#startAgain();
  }

  #acknowledge(ack: Ack, now: Instant): void {
    const flight = this.#flight;
    if (!flight.acknowledge(ack, this.#rtt, ACK_PATIENCE, now)) {
      this.#refused++;
      return;
    }
    for (const packet of flight.acknowledged) this.#arrived(packet);
    for (const packet of flight.late) this.#arrived(packet);
    this.#loss *= (1 - LOSS_SHARE) ** flight.acknowledged.length;
    this.#latePackets += flight.late.length;
    this.#repairLost(now);
    this.#bbr.acknowledged(flight.acknowledged, flight.lost, flight.bytes, now);
  }

  #arrived(packet: Packet): void {
    if (packet.message !== undefined) this.#outbox.acknowledged(packet.message);
    packet.message = undefined;
    if (packet.reported >= 0) this.#acks.settle(packet.reported);
  }

  #repairLost(now: Instant): void {
    for (const packet of this.#flight.lost) {
      this.#lostPackets++;
      this.#loss += (1 - this.#loss) * LOSS_SHARE;
      if (packet.message !== undefined) this.#outbox.repair(packet.message, now);
    }
  }

  /** At once: the other side may be waiting for a word of ours as we for one of its. */
  #speak(): void {
    if (this.#ping === 'none') this.#ping = 'small';
    this.#probing = true;
  }

  #move(portOnly: boolean, now: Instant): void {
    this.#path.moved(portOnly, now);
    this.#abandon = true;
    if (portOnly) return;
    this.#bbr.reset();
    this.#rtt.reset();
  }

  #startAgain(): void {
    this.#abandon = false;
    this.#flight.abandon();
    this.#repairLost(this.#now);
  }

  #tick(effects: Effect[], now: Instant): void {
    if (this.#heardAt !== undefined && after(this.#heardAt, this.#silence) <= now) {
      this.#end('silence', 0, effects);
      return;
    }
    if (this.#abandon) this.#startAgain();
    if (this.#flight.tick(this.#rtt, ACK_PATIENCE, now)) this.#probing = true;
    if (this.#flight.lost.length > 0) {
      this.#repairLost(now);
      this.#bbr.acknowledged([], this.#flight.lost, this.#flight.bytes, now);
      this.#flight.lost.length = 0;
    }
    if (this.#quiet.tick(now)) {
      this.#ping = 'loud';
      effects.push({ kind: 'quiet' });
    }
    if (this.#keepAt !== undefined && this.#keepAt <= now) {
      this.#keepAfter = this.#jittered(this.#keepAlive);
      this.#keepAt = after(now, this.#keepAfter);
      if (this.#ping === 'none') this.#ping = 'small';
    }
    if (this.#path.failed(now)) effects.push({ kind: 'path', proven: false });
  }

  #end(by: 'peer' | 'us' | 'silence', reason: number, effects: Effect[]): void {
    this.#closed = true;
    effects.push({ kind: 'closed', by, reason });
  }

  /** Sends what may be sent: probes, messages within window and pace, then whatever control is due. */
  #flush(effects: Effect[], now: Instant): void {
    this.#outbox.expire(now);
    this.#paced = undefined;
    if (this.#probing) this.#sendProbes(effects, now);
    this.#probing = false;
    this.#sendMessages(effects, now);
    this.#sendDueControl(effects, now);
    if (this.#hum.tick(now) && this.#path.room >= LEAST_ROOM) this.#sendUntracked(this.#body(1).fill(0), effects, now);
    const expired = this.#outbox.takeExpired();
    if (expired > 0) {
      this.#expired += expired;
      effects.push({ kind: 'expired', count: expired });
    }
    this.#watchQueue(effects, now);
  }

  #sendMessages(effects: Effect[], now: Instant): void {
    const rate = this.#bbr.pacingRate;
    for (;;) {
      const message = this.#outbox.next(now);
      if (message === undefined) {
        if (this.#outbox.bytes === 0) this.#bbr.ranDry(this.#flight.bytes);
        return;
      }
      if (this.#flight.full || this.#flight.bytes + message.bytes.length > this.#bbr.window) return;
      if (this.#path.room < LIMIT) return;
      if (!this.#pacer.allows(rate, now)) {
        this.#paced = this.#pacer.opens(rate);
        return;
      }
      this.#outbox.take(message);
      this.#sendMessage(message, effects, now);
    }
  }

  /** Probes go whatever window and pace say: what was lost last would be noticed by nobody else (RFC 9002 section 6.2.4). */
  #sendProbes(effects: Effect[], now: Instant): void {
    const oldest = this.#outbox.oldest(PROBES, now);
    if (oldest.length === 0) this.#ping = 'small';
    for (const message of oldest) if (this.#path.room >= LIMIT) this.#sendMessage(message, effects, now);
  }

  #sendMessage(message: Message, effects: Effect[], now: Instant): void {
    if (message.repairs > 0 && !message.doubled && since(now, message.deadline) < this.#twoTries()) {
      this.#outbox.double(message, after(now, ms(this.#rtt.smoothed / 4)));
    }
    const challenge = this.#path.challenge(now);
    const response = this.#response;
    let room = BODY_LIMIT - MESSAGE_HEADER - message.bytes.length;
    const withChallenge = challenge !== undefined && room > CHALLENGE;
    if (withChallenge) room -= 1 + CHALLENGE;
    const withResponse = response !== undefined && room > CHALLENGE;
    if (withResponse) room -= 1 + CHALLENGE;
    const ranges = this.#acks.ranges();
    const ack = this.#acks.due() !== undefined && ranges.length > 0 ? ackSize(ranges) : 0;
    const withAck = ack > 0 && ack <= room;
    if (withAck) room -= ack;

    const body = this.#body(BODY_LIMIT - room);
    let end = 0;
    if (withAck) end = writeAck(body, end, ranges, this.#acks.delay(now));
    if (withChallenge) end = writeChallenge(body, end, challenge);
    if (withResponse) end = writeResponse(body, end, response);
    writeMessage(body, end, message.id, message.bytes);

    if (withChallenge) this.#path.challenged(this.#rtt.probeTimeout(ACK_PATIENCE), now);
    if (withResponse) this.#response = undefined;
    const reported = withAck ? (ranges[0] ?? -1) : -1;
    if (withAck) {
      this.#acks.sent(now);
      this.#acksSincePing = 0;
    }
    this.#hum.sent(now);
    this.#send(body, this.#pad(this.#flight.next, Math.min(room, PAD_LIMIT)), message, reported, effects, now);
  }

  #sendDueControl(effects: Effect[], now: Instant): void {
    const due = this.#acks.due();
    const challenge = this.#path.challenge(now);
    if (
      this.#ping === 'none' &&
      this.#response === undefined &&
      challenge === undefined &&
      !(due !== undefined && due <= now)
    )
      return;
    const loud = this.#ping === 'loud';
    const response = this.#response;
    const body = this.#body(loud ? LOUD_LEAST + this.#random(LOUD_MOST - LOUD_LEAST) : CONTROL_ROOM);
    if (this.#path.room < (loud ? ENVELOPE + body.length : LEAST_ROOM)) return;
    const ranges = this.#acks.ranges();
    let end = 0;
    let reported = -1;
    if (ranges.length > 0 && (due !== undefined || this.#ping !== 'none') && this.#path.room >= ROOM_FOR_ACK) {
      end = writeAck(body, end, ranges, this.#acks.delay(now));
      reported = ranges[0] ?? -1;
      this.#acks.sent(now);
      if (++this.#acksSincePing >= ACKS_PER_PING) this.#ping = 'small';
    }
    let eliciting = false;
    if (this.#ping !== 'none') {
      end = writePing(body, end);
      eliciting = true;
      this.#ping = 'none';
      this.#acksSincePing = 0;
    }
    if (challenge !== undefined) {
      end = writeChallenge(body, end, challenge);
      this.#path.challenged(this.#rtt.probeTimeout(ACK_PATIENCE), now);
      eliciting = true;
    }
    if (response !== undefined) {
      end = writeResponse(body, end, response);
      this.#response = undefined;
      eliciting = true;
    }
    if (loud) this.#send(body.fill(0, end), 0, undefined, reported, effects, now);
    else if (eliciting) this.#send(body.subarray(0, end), this.#controlPad(end), undefined, reported, effects, now);
    else this.#sendUntracked(body.subarray(0, end), effects, now);
  }

  /** With less time left than this, the loss of one more copy would be noticed too late to send another. */
  #twoTries(): Millis {
    return ms(this.#rtt.probeTimeout(ACK_PATIENCE) + this.#rtt.smoothed / 2);
  }

  #sendControl(effects: Effect[], now: Instant, write: (body: Uint8Array, end: number) => number): void {
    const body = this.#body(CONTROL_LEAST);
    this.#sendUntracked(body.subarray(0, write(body, 0)), effects, now);
  }

  /** Room for a body, wiped by nobody: whoever takes it fills it. */
  #body(length: number): Uint8Array {
    if (this.#scratchUsed + length > this.#scratch.length) {
      this.#scratch = new Uint8Array(2 * this.#scratch.length);
      this.#scratchUsed = 0;
    }
    const start = this.#scratchUsed;
    this.#scratchUsed += length;
    return this.#scratch.subarray(start, start + length);
  }

  #controlPad(length: number): number {
    const least = Math.max(CONTROL_LEAST, length);
    const pad = least - length + this.#random(Math.max(CONTROL_MOST - least, 32) + 1);
    return Math.max(0, Math.min(pad, this.#path.room - ENVELOPE - length));
  }

  #send(
    body: Uint8Array,
    pad: number,
    message: Message | undefined,
    reported: number,
    effects: Effect[],
    now: Instant,
  ): void {
    const size = body.length + pad + ENVELOPE;
    const inFlight = this.#flight.bytes;
    const packet = this.#flight.send(size, message, reported, now);
    this.#bbr.sent(packet, inFlight, now);
    this.#pacer.spend(size);
    this.#sentPackets++;
    this.#out(packet.counter, body, pad, effects, now);
  }

  #sendUntracked(body: Uint8Array, effects: Effect[], now: Instant): void {
    this.#out(this.#flight.skip(), body, this.#controlPad(body.length), effects, now);
  }

  #out(counter: number, body: Uint8Array, pad: number, effects: Effect[], now: Instant): void {
    this.#path.sent(body.length + pad + ENVELOPE);
    this.#keepAt = after(now, this.#keepAfter);
    effects.push({ kind: 'send', counter, body, pad });
  }

  #jittered(span: Millis): Millis {
    return ms(span * between(this.#random, 0.67, 1.33));
  }

  #offer(bytes: number, now: Instant): void {
    this.#offeredSince ??= now;
    this.#offered += bytes;
    const span = since(this.#offeredSince, now);
    if (span < 1000) return;
    this.#offeredRate = (this.#offered * 1000) / span;
    this.#offered = 0;
    this.#offeredSince = now;
  }

  #watchQueue(effects: Effect[], now: Instant): void {
    if (since(this.#slowAt, now) < SLOW_APART || this.#outbox.delay(now) < SLOW_AFTER) return;
    this.#slowAt = now;
    effects.push({ kind: 'slow', rate: this.#bbr.bandwidth * 1000, wanted: this.#offeredRate });
  }
}
