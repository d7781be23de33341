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

/** The port of the block to knock at; none is guessed again before all were, and none that is known to be taken while there are others. */
export function guess(block: PortRange, seed: number, attempt: number, taken: ReadonlySet<number> = NONE): number {
  const size = sizeOf(block);
  const order = permuted(seed, size);
  const first = Math.floor(attempt / DRAWS);
  for (let n = 0; n < Math.min(size, MOST_PASSED); n++) {
    const port = block.from + order((first + n) % size);
    if (!taken.has(port)) return port;
  }
  return block.from + order(first % size);
}

const NONE: ReadonlySet<number> = new Set();
/** Nobody has more ports than that. */
const MOST_PASSED = 256;

/** How likely it is to win with one guess. */
export function chanceOf(block: PortRange): number {
  return Math.min(1, (DRAWS * DRAWERS) / sizeOf(block));
}
