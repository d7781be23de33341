import { type Random, seeded } from '../base/random.ts';
import { at, type Instant } from '../base/time.ts';
import { Heap } from '../base/heap.ts';
import type { Packet } from './packet.ts';

/** Where a datagram can end, other than in a socket. */
export type Loss =
  /** The dice of a link. */
  | 'loss'
  /** The queue of a rate-limited link was full. */
  | 'queue'
  | 'ttl'
  /** A NAT or a firewall did not know the sender. */
  | 'filter'
  /** Nobody has that address. */
  | 'no-route'
  /** The host has no socket there. */
  | 'no-socket'
  /** The NAT refused a new mapping: its quota, rate or table. */
  | 'quota'
  /** A datagram to the NAT's own outside address, from inside, and the NAT does not do that. */
  | 'hairpin'
  /** UDP does not get out of here at all. */
  | 'blocked'
  /** Over 1,472 bytes: it would have to be fragmented. */
  | 'too-big';

/** One line of the journal: what became of a datagram, where, and when. */
export interface Note {
  readonly at: Instant;
  readonly what: 'sent' | 'delivered' | 'mapped' | 'admitted' | Loss;
  /** The name of the host or box that saw it. */
  readonly where: string;
  readonly from: string;
  readonly to: string;
  readonly length: number;
}

/**
 * What everything in one simulated world stands on: its clock, what is to happen next, chance, and a journal.
 * Each thing draws from a stream of its own, so that adding one does not change the luck of another.
 */
export class Ground {
  now: Instant = at(0);
  readonly lost = new Map<Loss, number>();
  sent = 0;
  delivered = 0;
  /** Called for each datagram at each place that decides about it, while set. */
  journal: ((note: Note) => void) | undefined;
  readonly #heap = new Heap<() => void>();
  readonly #seed: number;
  #streams = 0;
  #atThisInstant = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A new stream of randomness; the n-th of a seed is always the same. */
  chance(): Random {
    this.#streams++;
    return seeded(Math.imul(this.#seed, 0x9e3779b1) ^ Math.imul(this.#streams, 0x85ebca77));
  }

  /** Does it at that instant, or now when that is past. */
  at(when: number, action: () => void): void {
    this.#heap.push(when < this.now ? this.now : when, action);
  }

  /** The instant of the next thing that happens. */
  next(): Instant | undefined {
    const next = this.#heap.next();
    return next === undefined ? undefined : at(next);
  }

  /** Does the next thing and moves the clock to it; false when there is none. */
  step(): boolean {
    const when = this.#heap.next();
    if (when === undefined) return false;
    if (when > this.now) this.#atThisInstant = 0;
    else if (++this.#atThisInstant > ENDLESS)
      throw new Error(`time stands still at ${this.now} ms: a machine asks for ticks without end`);
    this.now = at(when);
    this.#heap.pop()?.();
    return true;
  }

  drop(why: Loss, packet: Packet, where: string): void {
    this.lost.set(why, (this.lost.get(why) ?? 0) + 1);
    this.note(why, packet, where);
  }

  note(what: Note['what'], packet: Packet, where: string): void {
    if (this.journal === undefined) return;
    const { from, to, bytes } = packet;
    this.journal({
      at: this.now,
      what,
      where,
      from: `${from.ip}:${from.port}`,
      to: `${to.ip}:${to.port}`,
      length: bytes.length,
    });
  }
}

/** Events at one instant after which it is our own mistake: a burst of 1,750 knocks through five boxes stays below. */
const ENDLESS = 1_000_000;
