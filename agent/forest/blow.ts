import type { House } from './house.ts';
import { quantile } from './tally.ts';

/** Cushion of a viewer, in milliseconds: blocks that are later than this are seen. */
export const CUSHION = 700;
/** A break that begins this long after a blow has another reason. */
const BREAKS_WITHIN = 5000;
/** What has not come back by then is told as it is. */
const TOLD_AFTER = 60_000;

export type Cause =
  | { readonly kind: 'killed'; readonly house: number }
  | { readonly kind: 'left'; readonly house: number }
  /** Some of all that feed others. */
  | { readonly kind: 'feeders'; readonly many: number }
  /** All behind one carrier. */
  | { readonly kind: 'carrier'; readonly carrier: string; readonly many: number };

/** What one blow did, so far. Spans are milliseconds of the simulation. */
export interface Account {
  readonly seq: number;
  readonly atMs: number;
  readonly cause: Cause;
  /** Households that hung below those that went, at any depth. */
  readonly below: number;
  /** Those right below. */
  readonly orphans: number;
  /** Of those below: how many the stream stopped for. */
  readonly broken: number;
  /** From the last block of the old parent to the first repaired one, at the orphans; null before, or where none was needed. */
  readonly repairP50Ms: number | null;
  readonly repairWorstMs: number | null;
  /** From the blow until the last orphan had another parent; null while one has none. */
  readonly placedMs: number | null;
  readonly unplaced: number;
  /** How late any block came at any household below. */
  readonly worstMs: number;
  /** Households whose viewers saw a gap. */
  readonly gaps: number;
  /** Still without the stream. */
  readonly without: number;
  readonly isOver: boolean;
}

/** Follows what some households' going does to those below them. */
export class Blow {
  readonly at: number;
  readonly #seq: number;
  readonly #cause: Cause;
  readonly #below = new Set<House>();
  /** Those right below the ones that went, until they have another parent. */
  readonly #orphans = new Set<House>();
  readonly #rightBelow: ReadonlySet<House>;
  readonly #broken = new Set<House>();
  readonly #dry = new Set<House>();
  /** Whose viewers saw a gap that is over. */
  readonly #seen = new Set<House>();
  readonly #repairs: number[] = [];
  readonly #going: ReadonlySet<House>;
  #placedAt: number | undefined;
  #worst = 0;

  /** To be made right before they go. */
  constructor(seq: number, cause: Cause, going: ReadonlySet<House>, now: number) {
    this.#seq = seq;
    this.#cause = cause;
    this.#going = going;
    this.at = now;
    for (const house of going) {
      for (const child of house.under) if (!going.has(child)) this.#orphans.add(child);
      for (const below of house.all()) if (!going.has(below)) this.#below.add(below);
    }
    this.#rightBelow = new Set(this.#orphans);
  }

  /** Whether a break that begins now, there, is by this blow. */
  explains(house: House, now: number): boolean {
    return this.#below.has(house) && now - this.at <= BREAKS_WITHIN;
  }

  dried(house: House): void {
    this.#broken.add(house);
    this.#dry.add(house);
  }

  mended(house: House, after: number): void {
    if (this.#dry.has(house) && this.#rightBelow.has(house)) this.#repairs.push(after);
  }

  flowed(house: House, worst: number): void {
    if (!this.#dry.delete(house)) return;
    this.#worst = Math.max(this.#worst, worst);
    if (worst > CUSHION) this.#seen.add(house);
  }

  followed(house: House, now: number): void {
    const { source } = house;
    if (source?.isAlive !== true || this.#going.has(source) || !this.#orphans.delete(house)) return;
    this.#placedAt = now;
  }

  /** `late`: how late a block is now where the stream is not back. */
  account(now: number, late: (house: House) => number): Account {
    // Who has gone as well is nobody's to mend.
    for (const set of [this.#orphans, this.#dry]) for (const house of set) if (!house.isAlive) set.delete(house);
    const waits = [...this.#dry].map((house) => ({ house, wait: Math.max(late(house), house.drought?.worst ?? 0) }));
    const seen = new Set(this.#seen);
    for (const { house, wait } of waits) if (wait > CUSHION) seen.add(house);
    const unplaced = this.#orphans.size;
    const repaired = this.#repairs.length > 0;
    return {
      seq: this.#seq,
      atMs: Math.round(this.at),
      cause: this.#cause,
      below: this.#below.size,
      orphans: this.#rightBelow.size,
      broken: this.#broken.size,
      repairP50Ms: repaired ? Math.round(quantile(this.#repairs, 0.5)) : null,
      repairWorstMs: repaired ? Math.round(quantile(this.#repairs, 1)) : null,
      placedMs: unplaced > 0 || this.#placedAt === undefined ? null : Math.round(this.#placedAt - this.at),
      unplaced,
      worstMs: Math.round(Math.max(this.#worst, ...waits.map(({ wait }) => wait))),
      gaps: seen.size,
      without: this.#dry.size,
      isOver: (unplaced === 0 && this.#dry.size === 0 && now > this.at + 1000) || now > this.at + TOLD_AFTER,
    };
  }
}
