import { at, earliest, type Instant, since } from '../base/time.ts';
import { Fifo } from './fifo.ts';
import { ID_WINDOW } from './inbox.ts';

const NOTHING = new Uint8Array(0);

/** A message on its way, known to the packets that carry it. */
export interface Message {
  /** Given when it first leaves; -1 before. */
  id: number;
  /** Emptied as soon as the message is settled: packets may outlive it. */
  bytes: Uint8Array;
  readonly deadline: Instant;
  readonly urgent: boolean;
  readonly queuedAt: Instant;
  /** Acknowledged, expired or dropped: nothing is left to do. */
  settled: boolean;
  /** It stands in a queue. */
  queued: boolean;
  /** How often it was taken for lost. */
  repairs: number;
  /** It was sent ahead of a possible loss already, which happens at most once. */
  doubled: boolean;
}

/** Messages that wait: urgent ones first, then repairs, then new ones, each in order of coming. */
export class Outbox {
  readonly #urgent = new Fifo<Message>();
  readonly #repairs = new Fifo<Message>();
  readonly #fresh = new Fifo<Message>();
  readonly #doubles = new Fifo<{ message: Message; due: Instant }>();
  /** Everything sent and perhaps not settled, in order of id: the head bounds the spread of ids. */
  readonly #sent = new Fifo<Message>();
  readonly #limit: number;
  /** When it was last asked what should leave. */
  #asked: Instant = at(-Infinity);
  #nextId = 0;
  #bytes = 0;
  #expired = 0;

  /** `limit`: bytes that may wait; past it the oldest give way. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that wait for their first or next sending. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages dropped at their deadline or for want of room since this was last asked. */
  takeExpired(): number {
    const count = this.#expired;
    this.#expired = 0;
    return count;
  }

  add(bytes: Uint8Array, deadline: Instant, urgent: boolean, now: Instant): void {
    const message: Message = {
      id: -1,
      bytes,
      deadline,
      urgent,
      queuedAt: now,
      settled: false,
      queued: true,
      repairs: 0,
      doubled: false,
    };
    this.#bytes += bytes.length;
    (urgent ? this.#urgent : this.#fresh).push(message);
    while (this.#bytes > this.#limit) {
      const oldest = this.#fresh.take() ?? this.#repairs.take() ?? this.#urgent.take();
      if (oldest === undefined) return;
      this.#drop(oldest);
    }
  }

  /** What should leave next, without taking it; too late ones are dropped on the way. */
  next(now: Instant): Message | undefined {
    this.#asked = now;
    const waiting = this.#head(this.#urgent, now) ?? this.#head(this.#repairs, now) ?? this.#dueDouble(now);
    if (waiting !== undefined) return waiting;
    const fresh = this.#head(this.#fresh, now);
    return fresh !== undefined && this.#spread() < ID_WINDOW ? fresh : undefined;
  }

  /** Takes what `next` answered; it has its id from here on. */
  take(message: Message): void {
    if (this.#urgent.peek() === message) this.#urgent.take();
    else if (this.#repairs.peek() === message) this.#repairs.take();
    else if (this.#doubles.peek()?.message === message) this.#doubles.take();
    else this.#fresh.take();
    if (message.queued) {
      message.queued = false;
      this.#bytes -= message.bytes.length;
    }
    if (message.id < 0) {
      message.id = this.#nextId++;
      this.#sent.push(message);
    }
  }

  /** A packet with this message is taken for lost: it must go again. */
  repair(message: Message, now: Instant): void {
    if (message.settled || message.queued) return;
    if (message.deadline <= now) {
      this.#drop(message);
      return;
    }
    message.queued = true;
    message.repairs++;
    this.#bytes += message.bytes.length;
    (message.urgent ? this.#urgent : this.#repairs).push(message);
  }

  /** Sends it once more at `due` unless it is settled by then. */
  double(message: Message, due: Instant): void {
    message.doubled = true;
    this.#doubles.push({ message, due });
  }

  acknowledged(message: Message): void {
    if (!message.settled) this.#settle(message);
  }

  /** The oldest messages that were sent and are not settled nor about to be sent again, for probes. */
  oldest(count: number, now: Instant): readonly Message[] {
    const found: Message[] = [];
    this.#oldestSent();
    for (let i = 0; i < this.#sent.length && found.length < count; i++) {
      const message = this.#sent.at(i);
      if (message === undefined || message.settled || message.queued) continue;
      if (message.deadline > now) found.push(message);
      else this.#drop(message);
    }
    return found;
  }

  #oldestSent(): Message | undefined {
    let head = this.#sent.peek();
    while (head?.settled === true) {
      this.#sent.take();
      head = this.#sent.peek();
    }
    return head;
  }

  /** Drops what stands first and is too late. */
  expire(now: Instant): void {
    this.#head(this.#urgent, now);
    this.#head(this.#repairs, now);
    this.#head(this.#fresh, now);
  }

  /** When something that waits will be too late, or a double is due: one that was due already waits for window and pace. */
  wake(): Instant | undefined {
    const due = this.#doubles.peek()?.due;
    let wake = due !== undefined && due > this.#asked ? due : undefined;
    wake = earliest(wake, this.#urgent.peek()?.deadline);
    wake = earliest(wake, this.#repairs.peek()?.deadline);
    return earliest(wake, this.#fresh.peek()?.deadline);
  }

  /** How long the first new message has been waiting. */
  delay(now: Instant): number {
    const first = this.#fresh.peek();
    return first === undefined ? 0 : since(first.queuedAt, now);
  }

  #spread(): number {
    const oldest = this.#oldestSent();
    return oldest === undefined ? 0 : this.#nextId - oldest.id;
  }

  #head(queue: Fifo<Message>, now: Instant): Message | undefined {
    for (;;) {
      const message = queue.peek();
      if (message === undefined || (!message.settled && message.deadline > now)) return message;
      queue.take();
      if (!message.settled) this.#drop(message);
    }
  }

  #dueDouble(now: Instant): Message | undefined {
    for (;;) {
      const first = this.#doubles.peek();
      if (first === undefined || first.due > now) return undefined;
      if (!first.message.settled && !first.message.queued && first.message.deadline > now) return first.message;
      this.#doubles.take();
    }
  }

  #drop(message: Message): void {
    this.#expired++;
    this.#settle(message);
  }

  #settle(message: Message): void {
    if (message.queued) this.#bytes -= message.bytes.length;
    message.queued = false;
    message.settled = true;
    message.bytes = NOTHING;
  }
}
