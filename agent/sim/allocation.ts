import { between, type Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';

/** How a NAT chooses the outside port of a new mapping. Port ranges include both ends; default 1024-65535. */
export type Allocation =
  /** The inside port where it is free, else another. */
  | { readonly kind: 'preserve'; readonly otherwise?: 'random' | 'next' }
  /** The inside port plus a constant, where that is free, else a random one. */
  | { readonly kind: 'offset'; readonly by: number }
  /**
   * One step after another, shared by everybody behind the address. `counters` > 1: a counter per processor
   * core, and a flow belongs to one core.
   */
  | {
      readonly kind: 'sequential';
      readonly stride?: number;
      readonly counters?: number;
      readonly from?: number;
      readonly to?: number;
    }
  | { readonly kind: 'random'; readonly from?: number; readonly to?: number }
  /** A subscriber gets a block of ports and takes them in this order; further blocks, up to `most`, lie elsewhere. */
  | {
      readonly kind: 'block';
      readonly size: number;
      readonly order: 'random' | 'sequential';
      readonly stride?: number;
      readonly most?: number;
    };

/** New mappings of everybody else: a compound Poisson process. */
export interface Foreign {
  readonly perSecond: number;
  /** Variance over mean of the counts: 1.06-1.5 on a campus, 19 at worst; default 1.5. */
  readonly varianceOverMean?: number;
}

/** What an allocator may go by. */
export interface Wanted {
  readonly insidePort: number;
  /** The inside address: whoever has a block or a quota. */
  readonly subscriber: string;
  /** Inside address and port and destination, as one text: what a core is chosen by. */
  readonly flow: string;
  readonly taken: (port: number) => boolean;
}

const [FIRST, LAST] = [1024, 65535];
/** Random draws before looking for a free port one by one. */
const DRAWS = 32;

/** Chooses outside ports for one outside address. */
export class Allocator {
  readonly #shape: Allocation;
  readonly #random: Random;
  readonly #foreign: Foreign | undefined;
  /** Next port of each core's counter, or of each subscriber's block. */
  readonly #counters = new Map<string, Counter>();
  readonly #blocks = new Map<string, number[]>();

  constructor(shape: Allocation, foreign: Foreign | undefined, random: Random) {
    this.#shape = shape;
    this.#foreign = foreign;
    this.#random = random;
  }

  /** A free port; undefined when none is left. */
  choose(wanted: Wanted, now: Instant): number | undefined {
    const shape = this.#shape;
    switch (shape.kind) {
      case 'preserve':
        return this.#near(wanted.insidePort, wanted, shape.otherwise ?? 'random');
      case 'offset':
        return this.#near(wrap(wanted.insidePort + shape.by, FIRST, LAST), wanted, 'random');
      case 'sequential': {
        const { stride = 1, counters = 1, from = FIRST, to = LAST } = shape;
        const core = counters === 1 ? '' : String(hash(wanted.flow) % counters);
        return this.#next(this.#counter(core, from, to, now), stride, counters, wanted.taken, now);
      }
      case 'random':
        return this.#draw(shape.from ?? FIRST, shape.to ?? LAST, wanted.taken);
      case 'block':
        return this.#inBlocks(shape, wanted, now);
    }
  }

  /** Counts mappings of others by hand: what the foreign process does by itself. */
  skip(mappings: number): void {
    for (const counter of this.#counters.values()) counter.skip += mappings;
  }

  #near(port: number, wanted: Wanted, otherwise: 'random' | 'next'): number | undefined {
    if (!wanted.taken(port)) return port;
    if (otherwise === 'random') return this.#draw(FIRST, LAST, wanted.taken);
    return search(port, 1, FIRST, LAST, wanted.taken);
  }

  #draw(from: number, to: number, taken: (port: number) => boolean): number | undefined {
    for (let draw = 0; draw < DRAWS; draw++) {
      const port = from + this.#random(to - from + 1);
      if (!taken(port)) return port;
    }
    return search(from + this.#random(to - from + 1), 1, from, to, taken);
  }

  #next(
    counter: Counter,
    stride: number,
    sharers: number,
    taken: (port: number) => boolean,
    now: Instant,
  ): number | undefined {
    const others = this.#others(counter, now, sharers) + counter.skip;
    counter.skip = 0;
    const start = wrap(counter.port + stride * others, counter.from, counter.to);
    const port = search(start, stride, counter.from, counter.to, taken);
    if (port !== undefined) counter.port = wrap(port + stride, counter.from, counter.to);
    return port;
  }

  #inBlocks(shape: Allocation & { kind: 'block' }, wanted: Wanted, now: Instant): number | undefined {
    const { size, order, stride = 1, most = 8 } = shape;
    const blocks = this.#blocks.get(wanted.subscriber) ?? [];
    this.#blocks.set(wanted.subscriber, blocks);
    for (let index = 0; index < most; index++) {
      const from = blocks[index] ?? this.#newBlock(size);
      if (from === undefined) return undefined;
      blocks[index] = from;
      const to = from + size - 1;
      const port =
        order === 'random'
          ? this.#draw(from, to, wanted.taken)
          : this.#next(this.#counter(`${wanted.subscriber} ${index}`, from, to, now), stride, 1, wanted.taken, now);
      if (port !== undefined) return port;
    }
    return undefined;
  }

  /** Aligned as carriers do it: whole blocks counted from 1024. Undefined when all are given away. */
  #newBlock(size: number): number | undefined {
    const given = new Set([...this.#blocks.values()].flat());
    const all = Math.floor((LAST - FIRST + 1) / size);
    const first = this.#random(all);
    for (let step = 0; step < all; step++) {
      const from = FIRST + ((first + step) % all) * size;
      if (!given.has(from)) return from;
    }
    return undefined;
  }

  #counter(name: string, from: number, to: number, now: Instant): Counter {
    const known = this.#counters.get(name);
    if (known !== undefined) return known;
    const counter = { port: from + this.#random(to - from + 1), from, to, skip: 0, counted: now };
    this.#counters.set(name, counter);
    return counter;
  }

  /**
   * How many mappings others made since this counter was last asked: clumps of geometric size at Poisson times.
   * Drawn only when somebody looks, so a thousand foreign flows a second cost nothing.
   */
  #others(counter: Counter, now: Instant, sharers: number): number {
    const seconds = (now - counter.counted) / 1000;
    counter.counted = now;
    if (this.#foreign === undefined || seconds <= 0) return 0;
    const { perSecond, varianceOverMean = 1.5 } = this.#foreign;
    // A geometric clump of mean m has E[X^2]/E[X] = 2m - 1, and that is the variance over mean of the whole.
    const clump = (varianceOverMean + 1) / 2;
    let others = 0;
    for (let left = poisson((perSecond / sharers / clump) * seconds, this.#random); left > 0; left--) {
      do others++;
      while (between(this.#random, 0, 1) > 1 / clump);
    }
    return others;
  }
}

interface Counter {
  port: number;
  readonly from: number;
  readonly to: number;
  skip: number;
  counted: Instant;
}

/** A Poisson count: exact below a mean of 50, from there the normal approximation. */
export function poisson(mean: number, random: Random): number {
  if (mean > 50) {
    const radius = Math.sqrt(-2 * Math.log(1 - between(random, 0, 1)));
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * radius * Math.cos(2 * Math.PI * between(random, 0, 1))));
  }
  let count = 0;
  for (let left = Math.exp(-mean), sum = between(random, 0, 1); sum > left; sum *= between(random, 0, 1)) count++;
  return count;
}

/** The first free port from `start` on in steps of `stride`; every port of the range is tried at the latest with step 1. */
function search(
  start: number,
  stride: number,
  from: number,
  to: number,
  taken: (port: number) => boolean,
): number | undefined {
  const size = to - from + 1;
  for (const step of [stride, 1]) {
    let port = start;
    for (let tries = 0; tries < size; tries++) {
      if (!taken(port)) return port;
      port = wrap(port + step, from, to);
    }
  }
  return undefined;
}

function wrap(port: number, from: number, to: number): number {
  const size = to - from + 1;
  return from + ((((port - from) % size) + size) % size);
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}
