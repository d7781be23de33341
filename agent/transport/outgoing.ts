import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, isDue, type Millis, ms, since } from '../base/time.ts';
import { ACK_PATIENCE, type Acks } from './acks.ts';
import type { Bbr } from './bbr.ts';
import {
  ackSize,
  CHALLENGE,
  ENVELOPE,
  MESSAGE_HEADER,
  writeAck,
  writeChallenge,
  writeClose,
  writeMessage,
  writePing,
  writeResponse,
} from './frames.ts';
import type { Flight } from './loss.ts';
import type { Effect, Options } from './orders.ts';
import type { Message, Outbox } from './outbox.ts';
import { Pacer } from './pace.ts';
import type { Parts } from './parts.ts';
import type { Path } from './path.ts';
import { Hum } from './quiet.ts';
import type { Rtt } from './rtt.ts';
import { Scratch } from './scratch.ts';
import type { Silence } from './silence.ts';

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

/** What goes out: what is due is put together into packets, within window, pace and what an unproven address may get. */
export class Outgoing {
  readonly #random: Random;
  readonly #rtt: Rtt;
  readonly #acks: Acks;
  readonly #outbox: Outbox;
  readonly #flight: Flight;
  readonly #bbr: Bbr;
  readonly #path: Path;
  readonly #silence: Silence;
  readonly #pad: NonNullable<Options['pad']>;
  readonly #pacer = new Pacer();
  readonly #hum: Hum;
  readonly #scratch = new Scratch(4 * BODY_LIMIT);

  #probing = false;
  #ping: 'none' | 'small' | 'loud' = 'none';
  #response: Uint8Array | undefined;
  /** When the pace lets the next message go; undefined while none waits for it. */
  #paced: Instant | undefined;
  #acksSincePing = 0;
  #packets = 0;
  /** Bytes per millisecond that the house allows. */
  #limit = Infinity;

  constructor({ random, rtt, acks, outbox, flight, bbr, path }: Parts, silence: Silence, pad: Options['pad']) {
    this.#random = random;
    this.#rtt = rtt;
    this.#acks = acks;
    this.#outbox = outbox;
    this.#flight = flight;
    this.#bbr = bbr;
    this.#path = path;
    this.#silence = silence;
    this.#pad = pad ?? ((_counter, most) => random(most + 1));
    this.#hum = new Hum(random);
  }

  /** Packets sent that ask for an ACK. */
  get packets(): number {
    return this.#packets;
  }

  limit(rate: number | undefined): void {
    this.#limit = rate ?? Infinity;
  }

  ping(): void {
    if (this.#ping === 'none') this.#ping = 'small';
  }

  /** Large enough that the other side may say three times as much to a new address. */
  pingLoudly(): void {
    this.#ping = 'loud';
  }

  /** At once, with what is oldest: the other side may be waiting for a word of ours as we for one of its. */
  speak(): void {
    this.ping();
    this.#probing = true;
  }

  probe(): void {
    this.#probing = true;
  }

  /** What the other side wants to hear back from us. */
  answer(challenge: Uint8Array): void {
    this.#response = challenge;
  }

  /** Sends what may be sent: probes, messages within window and pace, then whatever control is due. Once a step. */
  flush(effects: Effect[], now: Instant): void {
    this.#scratch.clear();
    this.#outbox.expire(now);
    this.#paced = undefined;
    if (this.#probing) this.#sendProbes(effects, now);
    this.#probing = false;
    this.#sendMessages(effects, now);
    this.#sendDueControl(effects, now);
    if (!this.#hum.tick(now) || this.#path.room < LEAST_ROOM) return;
    this.#sendUntracked(this.#scratch.take(1).fill(0), effects, now);
  }

  /** The last word, instead of everything else that may be due. */
  close(reason: number, effects: Effect[], now: Instant): void {
    this.#scratch.clear();
    const body = this.#scratch.take(CONTROL_LEAST);
    this.#sendUntracked(body.subarray(0, writeClose(body, 0, reason)), effects, now);
  }

  wake(): Instant | undefined {
    // Without room only the next body changes anything.
    if (this.#path.room < ROOM_FOR_ACK) return undefined;
    const wake = earliest(this.#paced, this.#acks.due());
    return earliest(earliest(wake, this.#path.wake()), this.#hum.wake());
  }

  #sendMessages(effects: Effect[], now: Instant): void {
    const rate = Math.min(this.#bbr.pacingRate, this.#limit);
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

    const body = this.#scratch.take(BODY_LIMIT - room);
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
    if (this.#ping === 'none' && this.#response === undefined && challenge === undefined && !isDue(due, now)) return;
    const loud = this.#ping === 'loud';
    const response = this.#response;
    const body = this.#scratch.take(loud ? LOUD_LEAST + this.#random(LOUD_MOST - LOUD_LEAST) : CONTROL_ROOM);
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
    this.#packets++;
    this.#out(packet.counter, body, pad, effects, now);
  }

  #sendUntracked(body: Uint8Array, effects: Effect[], now: Instant): void {
    this.#out(this.#flight.skip(), body, this.#controlPad(body.length), effects, now);
  }

  #out(counter: number, body: Uint8Array, pad: number, effects: Effect[], now: Instant): void {
    this.#path.sent(body.length + pad + ENVELOPE);
    this.#silence.spoke(now);
    effects.push({ kind: 'send', counter, body, pad });
  }
}
