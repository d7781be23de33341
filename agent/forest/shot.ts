import type { Account } from './blow.ts';
import type { House } from './house.ts';

/**
 * `arriving`: has not had a block yet. `mended`: nothing from a parent, but blocks from spares (its own, or those of a household
 * above it). `dry`: nothing yet. `gap`: viewers see one, or saw one a moment ago.
 */
export type HouseState = 'arriving' | 'playing' | 'mended' | 'dry' | 'gap';

/** One letter each in `states`. */
const LETTERS: Readonly<Record<HouseState, string>> = { arriving: 'a', playing: 'p', mended: 'm', dry: 'd', gap: 'g' };

/** The households in a few characters each: a thousand of them are sent ten times a second. */
export interface Rows {
  /** In order of their numbers: each as the distance from the one before, the first from the origin, which is 0. */
  readonly ids: readonly number[];
  /** Who feeds each: 0 the origin, n the nth of `ids`, -1 nobody. */
  readonly parents: readonly number[];
  /** A letter for each: `a`rriving, `p`laying, `m`ended, `d`ry, `g`ap. */
  readonly states: string;
}

/** The forest at one moment: the JSON of `/api/v1/demo/tree`, and of each event of `/api/v1/demo/tree/events`. */
export interface TreeShot extends Rows {
  /** Of the simulation, in milliseconds. */
  readonly atMs: number;
  /** Blocks later than this are a gap that viewers see. */
  readonly cushionMs: number;
  readonly most: number;
  readonly wanted: number;
  /** Mean stay; null for ever. */
  readonly stayS: number | null;
  readonly rendezvous: boolean;
  /** Newest first. */
  readonly blows: readonly Account[];
  /** Of the last 60 s: the latest that a block was in a break that ended in this second, in milliseconds; oldest first. */
  readonly strip: readonly number[];
}

/** One household: the JSON of `/api/v1/demo/tree/household?id=N`, which is null when it has gone. */
export interface Facts {
  readonly id: number;
  readonly carrier: string;
  readonly state: HouseState;
  /** Households that it can feed. */
  readonly slots: number;
  readonly depth: number | null;
  readonly parent: number | null;
  readonly children: readonly number[];
  /** Sessions kept warm: who is asked for blocks when the parent falls silent. */
  readonly spares: readonly number[];
  /** At any depth. */
  readonly below: number;
  /** To its parent and back. */
  readonly rttMs: number | null;
  readonly playsForMs: number | null;
  /** The latest that a block came here in any break so far. */
  readonly worstMs: number;
}

/** Households as rows. They must be in order of their numbers, without the origin. */
export function rows(houses: readonly House[], state: (house: House) => HouseState): Rows {
  const places = new Map(houses.map(({ id }, i) => [id, i + 1]));
  places.set(0, 0);
  return {
    ids: houses.map(({ id }, i) => id - (houses[i - 1]?.id ?? 0)),
    parents: houses.map(({ source }) => (source === undefined ? -1 : (places.get(source.id) ?? -1))),
    states: houses.map((house) => LETTERS[state(house)]).join(''),
  };
}
