import type { Seat } from './seat.ts';

/** What the rendezvous knows of two households that may be brought together. */
export interface Suits {
  /** How ill a parent suits a child, by their NATs: 0 well, `RELUCTANT` and more only when nobody else is free, Infinity never. */
  readonly rank: (parent: string, child: string) => number;
  /** Estimated round trip in milliseconds. */
  readonly rtt: (a: string, b: string) => number;
  /** Of one carrier or one region. */
  readonly isNear: (a: string, b: string) => boolean;
}

export const RELUCTANT = 10;

/** Households from the origin to the last: what a stream can be late by. */
export const DEEPEST = 24;
/** A household with others below it is fed even where that is too deep, until the plan has lifted it: so long is a path at most. */
export const DEEPEST_FOR_NOW = 48;

/** The better of two possible parents for a child: whom its NAT suits, then its own carrier, then the shorter way. */
export function better(a: Seat, b: Seat, child: string, suits: Suits): Seat {
  const [rankA, rankB] = [suits.rank(a.node, child), suits.rank(b.node, child)];
  if (rankA !== rankB) return rankA < rankB ? a : b;
  const [nearA, nearB] = [suits.isNear(a.node, child), suits.isNear(b.node, child)];
  if (nearA !== nearB) return nearA ? a : b;
  return suits.rtt(a.node, child) <= suits.rtt(b.node, child) ? a : b;
}
