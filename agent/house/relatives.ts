import { Reader } from '../base/bytes.ts';
import { keepNewest } from '../base/newest.ts';
import { type Instant, type Millis, ms } from '../base/time.ts';
import type { Short } from '../tree/talk.ts';
import type { Purpose } from '../wire/messages.ts';
import { Chatter } from './chatter.ts';

/** Households whose full names are remembered after their sessions: whom to avoid, of whom to complain. */
const NAMES_KEPT = 64;

/** One household that was introduced for a channel. */
export interface Relative {
  readonly pairId: number;
  readonly node: Uint8Array;
  readonly short: Short;
  readonly purpose: Exclude<Purpose, 'ping' | 'audit'>;
  readonly chatter: Chatter;
  isOpen: boolean;
  /** It was given up for silence, and its session lives on: perhaps only the way was lost, or a moment. */
  quiet: { readonly until: Instant; readonly isMute: boolean } | undefined;
  /** It said that it stops. */
  isLeaving: boolean;
  /** Age of its newest block, as it last said. */
  lag: Millis;
  /** Households that it could feed besides, and its steps from the origin, as it last said. */
  free: number;
  depth: number;
}

/** Everybody that this household was brought together with in one channel, by session and by short name. */
export class Relatives {
  readonly #byPair = new Map<number, Relative>();
  readonly #names = new Map<Short, Uint8Array>();

  get(pairId: number): Relative | undefined {
    return this.#byPair.get(pairId);
  }

  /** An open session with that household. */
  byShort(short: Short): Relative | undefined {
    for (const relative of this.#byPair.values()) if (relative.short === short && relative.isOpen) return relative;
    return undefined;
  }

  nodeOf(short: Short): Uint8Array | undefined {
    return this.#names.get(short);
  }

  enter(pairId: number, node: Uint8Array, purpose: Relative['purpose']): Relative {
    const short = shortOf(node);
    const relative: Relative = {
      pairId,
      node,
      short,
      purpose,
      chatter: new Chatter(),
      isOpen: false,
      quiet: undefined,
      isLeaving: false,
      lag: ms(0),
      free: 0,
      depth: 0,
    };
    this.#byPair.set(pairId, relative);
    keepNewest(this.#names, short, node, NAMES_KEPT);
    return relative;
  }

  /** Those that were given up and may still come back. */
  get quiet(): readonly Relative[] {
    return [...this.#byPair.values()].filter(({ quiet }) => quiet !== undefined);
  }

  /** With a free slot each, the highest first: who may be named to somebody else. */
  free(except: Short): readonly Relative[] {
    const found = new Map<Short, Relative>();
    for (const relative of this.#byPair.values()) {
      const { isOpen, quiet, isLeaving, free, short } = relative;
      if (isOpen && quiet === undefined && !isLeaving && free > 0 && short !== except) found.set(short, relative);
    }
    return [...found.values()].toSorted((a, b) => a.depth - b.depth);
  }

  /** Other sessions with the same household that were asked for here too: one is enough. */
  doubles({ pairId, short, purpose }: Relative): readonly Relative[] {
    if (purpose === 'child') return [];
    return [...this.#byPair.values()].filter(
      (other) => other.pairId !== pairId && other.short === short && other.isOpen && other.purpose !== 'child',
    );
  }

  delete(pairId: number): void {
    this.#byPair.delete(pairId);
  }
}

/** A household in a path. */
export function shortOf(node: Uint8Array): Short {
  return new Reader(node).u32();
}
