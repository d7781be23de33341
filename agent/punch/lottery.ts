import type { PortRange } from '../base/nat-profile.ts';
import { sizeOf } from './block.ts';
import { permuted } from './permutation.ts';

/*
 * One side's ports can be read, the other side's come at random out of a block of K. The first one knocks at one guessed
 * port of the block, from one port that is read; the second one knocks at that port from n sockets. All n go to one place,
 * so each has another port of the block, whatever NAT it is, and one of them is the guessed one with n / K. Towards several
 * places a port may come up again: H places and n / H sockets win 1 - (1 - n / HK)^H.
 *
 * The mappings of an attempt outlive it, so the next one draws from the ports that are left, towards the same place.
 */

/** Sockets that draw: with the brackets of both sides what one attempt may have. */
export const DRAWERS = 240;
/** Attempts with one guess: more mappings in a minute no household makes. */
export const DRAWS = 2;

/** The port of the block to knock at; none is guessed again before all were. */
export function guess(block: PortRange, seed: number, attempt: number): number {
  const size = sizeOf(block);
  return block.from + permuted(seed, size)(Math.floor(attempt / DRAWS) % size);
}

/** How likely it is to win with one guess. */
export function chanceOf(block: PortRange): number {
  return Math.min(1, (DRAWS * DRAWERS) / sizeOf(block));
}
