import { type Drought, type House, LOOP, type Manner } from './house.ts';
import type { Net } from './net.ts';
import type { Tally } from './tally.ts';

/** A block is 40 ms of stream. */
export const BLOCK = 40;
/** What a household needs to check a block and pass it on. */
const HOP = 2;

const GIVE: ReadonlySet<Manner> = new Set(['honest', 'slow', 'slanderer']);

/**
 * Where the stream is. Nothing happens while it flows: a household that hangs on the origin by an unbroken line has every block
 * that had the time to come. What is kept is what each household has while it does not.
 */
export class Stream {
  readonly #net: Net;
  readonly #tally: Tally;

  constructor(net: Net, tally: Tally) {
    this.#net = net;
    this.#tally = tally;
  }

  /** The way from the origin, in milliseconds. */
  lag(house: House): number {
    let lag = 0;
    let steps = 0;
    for (let at: House = house; at.source !== undefined && steps < LOOP; at = at.source, steps++)
      lag += this.#net.rtt(at.id, at.source.id) / 2 + HOP;
    return lag;
  }

  /** The newest block that a household has without a hole before it; -1 for none. */
  newest(house: House, now: number): number {
    if (house.drought !== undefined) return house.drought.upTo;
    return house.playingSince === undefined && house.id !== 0 ? -1 : Math.floor((now - this.lag(house)) / BLOCK) - 1;
  }

  /** Whether what its parent has comes to it. */
  isFed(house: House): boolean {
    const { source } = house;
    if (source === undefined) return house.id === 0;
    return source.isAlive && source.feeding.has(house.id) && GIVE.has(source.manner);
  }

  /** Nothing arrives from now on, at this one and at those below. Answers with those for whom that is news. */
  dry(top: House, now: number): House[] {
    const news: House[] = [];
    // The last block that came through is the last for all below as well, when it gets there.
    const upTo = Math.floor((now - this.lag(top)) / BLOCK) - 1;
    for (const house of top.all()) {
      if (house.drought !== undefined || house.playingSince === undefined) continue;
      // Under a new parent with a longer way, what came by the old one is there already.
      house.drought = {
        since: now,
        lag: this.lag(house),
        upTo: Math.max(upTo, house.had),
        beyond: new Set(),
        worst: 0,
      };
      news.push(house);
      this.#tally.witness?.dried(house, now);
    }
    return news;
  }

  /** Blocks came to a household by repair; answers with those that have something new by that, itself first. */
  mend(top: House, numbers: readonly number[], now: number): House[] {
    const own = top.drought;
    if (own === undefined) return [];
    for (const number of numbers) if (number > own.upTo) own.beyond.add(number);
    let upTo = own.upTo;
    while (own.beyond.delete(upTo + 1)) upTo++;
    return upTo > own.upTo ? this.#reach(top, upTo, now) : [];
  }

  /** The stream is back at this one and all below; answers with those that were without. */
  wet(top: House, newest: number, now: number): House[] {
    const found = this.#reach(top, newest, now);
    const all: House[] = [];
    for (const house of this.#reached(top)) {
      const { drought } = house;
      if (drought === undefined) continue;
      house.drought = undefined;
      all.push(house);
      this.#tally.late(drought.worst);
      this.#tally.witness?.flowed(house, drought, now);
      if (house === top && this.#tally.isCounting) this.#tally.adoptions.push(now - drought.since);
    }
    return all.length > found.length ? all : found;
  }

  /** Those to whom comes what a household has, itself first. */
  #reached(top: House): Generator<House> {
    return top.all((child) => this.isFed(child));
  }

  #reach(top: House, upTo: number, now: number): House[] {
    const lag = top.drought?.lag ?? 0;
    const found: House[] = [];
    for (const house of this.#reached(top)) {
      const { drought } = house;
      if (drought === undefined || upTo <= drought.upTo) continue;
      const late = lateness({ lag, upTo: drought.upTo }, now);
      if (drought.worst === 0) this.#tally.witness?.mended(house, drought, now);
      if (house === top && drought.worst === 0 && this.#tally.isCounting) this.#tally.repairs.push(now - drought.since);
      drought.worst = Math.max(drought.worst, late, 1e-3);
      drought.upTo = upTo;
      found.push(house);
    }
    return found;
  }
}

/** How late the next block is, in milliseconds: below 0 while it cannot have come. */
export function lateness({ lag, upTo }: Pick<Drought, 'lag' | 'upTo'>, now: number): number {
  return now - lag - (upTo + 2) * BLOCK;
}
