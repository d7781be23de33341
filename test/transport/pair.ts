import { type Random, seeded } from '../../agent/base/random.ts';
import { at, type Instant } from '../../agent/base/time.ts';
import { Connection, type Effect, type Options } from '../../agent/transport/connection.ts';

/** One direction of a path; times in milliseconds. */
export interface Way {
  readonly delay: number;
  /** Share lost, 0 to 1. */
  readonly loss?: number;
  /** Added to the delay, evenly spread from 0: reorders. */
  readonly jitter?: number;
  /** Share that arrives twice. */
  readonly twice?: number;
  /** Bottleneck in bytes per millisecond, with a tail-drop queue of `queue` milliseconds. */
  readonly rate?: number;
  readonly queue?: number;
}

/** More events at one instant than any burst has: a machine asks for ticks without end. */
const ENDLESS = 100_000;

export type Side = 'a' | 'b';

interface Event {
  at: number;
  order: number;
  run: () => void;
}

/** Two connections on a virtual clock, joined by a lossy path. Same seed, same run. */
export class Pair {
  readonly a: Connection;
  readonly b: Connection;
  now: Instant = at(0);
  readonly effects: { readonly side: Side; readonly at: Instant; readonly effect: Effect }[] = [];
  /** Datagrams and their sizes as on the wire, by sender. */
  readonly sizes: Record<Side, number[]> = { a: [], b: [] };
  readonly bytes: Record<Side, number> = { a: 0, b: 0 };
  /** The longest that anything waited in a bottleneck, in milliseconds. */
  longestQueue = 0;
  /** Takes effects as they happen; without it they are kept in `effects`. */
  watch: ((side: Side, effect: Effect) => void) | undefined;
  /** Whether a datagram from this side gets through at all. */
  gate: (from: Side) => boolean = () => true;
  /** Busy computers: a process gets its turn only every so many milliseconds, and then takes all that came meanwhile. */
  turn = 0;
  /** Sees a datagram before its receiver does: the place for a change of address. */
  arriving: ((to: Side, size: number) => void) | undefined;
  readonly #random: Random;
  readonly #ways: Record<Side, Way>;
  readonly #free: Record<Side, number> = { a: 0, b: 0 };
  readonly #armed: Record<Side, number> = { a: Infinity, b: Infinity };
  readonly #seen: Record<Side, Set<number>> = { a: new Set(), b: new Set() };
  #heap: Event[] = [];
  #order = 0;
  /** Events in a row at this very instant. */
  #standing = 0;

  constructor(seed: number, way: Way | Record<Side, Way>, options: Partial<Options> = {}) {
    this.#random = seeded(seed);
    this.#ways = 'delay' in way ? { a: way, b: way } : way;
    this.a = new Connection({ random: seeded(seed + 1), ...options });
    this.b = new Connection({ random: seeded(seed + 2), ...options });
  }

  of(side: Side): Connection {
    return side === 'a' ? this.a : this.b;
  }

  step(side: Side, input: Parameters<Connection['step']>[0]): void {
    for (const effect of this.of(side).step(input, this.now)) this.#carryOut(side, effect);
    this.#arm(side);
  }

  say(side: Side, bytes: Uint8Array, more: { deadline?: number; urgent?: boolean } = {}): void {
    const deadline = more.deadline === undefined ? undefined : at(more.deadline);
    this.step(side, { kind: 'message', bytes, deadline, urgent: more.urgent });
  }

  /** Calls `what` after `delay` ms of virtual time. */
  later(delay: number, what: () => void): void {
    this.#push(this.now + delay, what);
  }

  run(until: number): void {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > until) break;
      this.#pop();
      if (first.at > this.now) this.#standing = 0;
      else if (++this.#standing > ENDLESS) throw new Error(`time stands still at ${this.now}: a tick leads to a tick`);
      this.now = at(Math.max(this.now, first.at));
      first.run();
    }
    this.now = at(until);
  }

  #carryOut(side: Side, effect: Effect): void {
    if (effect.kind === 'send') this.#transmit(side, effect.counter, effect.body.slice(), effect.pad);
    if (this.watch !== undefined) this.watch(side, effect);
    else if (effect.kind !== 'send') this.effects.push({ side, at: this.now, effect });
  }

  #transmit(side: Side, counter: number, body: Uint8Array, pad: number): void {
    const way = this.#ways[side];
    const size = body.length + pad + 32;
    this.sizes[side].push(size);
    this.bytes[side] += size;
    if (!this.gate(side) || this.#chance(way.loss)) return;
    let start: number = this.now;
    if (way.rate !== undefined) {
      start = Math.max(this.now, this.#free[side]);
      if (start - this.now > (way.queue ?? 100)) return;
      this.longestQueue = Math.max(this.longestQueue, start - this.now);
      this.#free[side] = start + size / way.rate;
      start += size / way.rate;
    }
    const other: Side = side === 'a' ? 'b' : 'a';
    for (let copy = this.#chance(way.twice) ? 2 : 1; copy > 0; copy--) {
      const jitter = way.jitter === undefined ? 0 : (this.#random(1 << 20) / (1 << 20)) * way.jitter;
      const arrival = start + way.delay + jitter;
      this.#push(this.turn === 0 ? arrival : Math.ceil(arrival / this.turn) * this.turn, () => {
        // The session's replay window (seal/) lets no datagram in twice.
        if (this.#seen[other].has(counter)) return;
        this.#seen[other].add(counter);
        this.arriving?.(other, size);
        this.step(other, { kind: 'body', counter, bytes: body });
      });
    }
  }

  #arm(side: Side): void {
    const wake = this.of(side).wake();
    if (wake === undefined || wake >= this.#armed[side]) return;
    this.#armed[side] = wake;
    this.#push(Math.max(wake, this.now), () => {
      // An earlier one has been set since: were both to set the next, they would multiply.
      if (this.#armed[side] !== wake) return;
      this.#armed[side] = Infinity;
      const due = this.of(side).wake();
      if (due !== undefined && due <= this.now) this.step(side, { kind: 'tick' });
      else this.#arm(side);
    });
  }

  #chance(share: number | undefined): boolean {
    return share !== undefined && share > 0 && this.#random(1 << 20) < share * (1 << 20);
  }

  #push(when: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at: when, order: this.#order++, run });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(heap[child], heap[parent])) break;
      swap(heap, child, parent);
      child = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let parent = 0;
    for (;;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) if (before(heap[child], heap[least])) least = child;
      if (least === parent) return;
      swap(heap, least, parent);
      parent = least;
    }
  }
}

function before(a: Event | undefined, b: Event | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function swap(heap: Event[], i: number, j: number): void {
  const held = heap[i] as Event;
  heap[i] = heap[j] as Event;
  heap[j] = held;
}
