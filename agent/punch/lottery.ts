import type { PortRange } from '../base/nat-profile.ts';
import { sizeOf } from './block.ts';
import { permuted } from './permutation.ts';

/*
 * One side's ports can be read, the other side's come at random out of a block of K. The first one knocks from J ports
 * that are read, each at another guessed port of the block; the second one knocks at each of the J from n sockets. All n
 * have different ports, so a guess is right with n / K, and the attempt wins with 1 - (1 - n/K)^J for n J new
 * mappings. One knock from each of many sockets wins more than many from one: 1 - (1 - 1/K)^(n J).
 */

/** More sockets would be a birthday, of which a household has one in 20 s. */
export const DRAWERS = 80;
/** Ports guessed at once, each from a port of its own: together 240 mappings, what one attempt may have. */
export const GUESSES = 3;

/** Different ports of the block, none of which another attempt with the same seed has guessed. */
export function guesses(block: PortRange, seed: number, attempt: number): readonly number[] {
  const size = sizeOf(block);
  const port = permuted(seed, size);
  const count = Math.min(GUESSES, size);
  return Array.from({ length: count }, (_, i) => block.from + port((attempt * count + i) % size));
}

/** How likely one attempt is to win. */
export function chanceOf(block: PortRange): number {
  return 1 - (1 - Math.min(1, DRAWERS / sizeOf(block))) ** GUESSES;
}
