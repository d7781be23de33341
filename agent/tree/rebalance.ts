import type { Random } from '../base/random.ts';
import { chooseSlot } from './placement.ts';
import type { Seat } from './seat.ts';
import { RELUCTANT, type Suits } from './suits.ts';
import type { Tree } from './tree.ts';

/** Households that are moved for one branch: each is smaller than the one whose place it had. */
const LONGEST = 6;
/** Ways down that are tried to find whose place a branch could have. */
const WAYS = 4;
/** Households are counted up to this to see what a move is good for. */
const COUNTED = 64;
/** Households that feed too many and are looked at in one go. */
const LOOKED_AT = 4;
const NOBODY: ReadonlySet<string> = new Set();

/** A household, and with it all below, that is to be moved. */
export interface Lift {
  readonly node: string;
  readonly from: string;
  readonly to: string;
  /** Hangs there now, and is moved itself at the same time. */
  readonly displaced: string | undefined;
}

export interface Plot {
  readonly tree: Tree;
  readonly suits: Suits;
  readonly random: Random;
  readonly mayMove: (node: string) => boolean;
  /** Steps from the origin to the last household that are enough. */
  readonly limit: number;
}

/**
 * What makes the tree better now: a branch that goes too deep gets a higher place, or a household that feeds more than it is to
 * for long is rid of one. That takes one household, or several that take each other's places, each with a smaller branch than
 * the one before. Undefined when nothing can be done, or nothing has to.
 */
export function improve(plot: Plot): readonly Lift[] | undefined {
  const root = plot.tree.root === undefined ? undefined : plot.tree.get(plot.tree.root);
  if (root === undefined) return undefined;
  return (root.height > plot.limit ? raise(plot, root) : undefined) ?? fill(plot, root) ?? relieve(plot) ?? clear(plot);
}

/** Its branch goes deeper than any has to. */
export function isTooDeep(tree: Tree, seat: Seat | undefined): boolean {
  return seat !== undefined && (seat.depth ?? 0) + seat.height > fair(tree);
}

/** Steps to the last household of a tree that is nearly balanced. */
export function fair(tree: Tree): number {
  return Math.ceil(Math.log2(tree.size)) + 2;
}

/** Of the way to the deepest household the branch whose move brings most of those that are too deep up, per move. */
function raise(plot: Plot, root: Seat): readonly Lift[] | undefined {
  let best: readonly Lift[] | undefined;
  let most = 0;
  for (let seat = worst(root, 0, plot.limit); seat !== undefined; seat = tallest(seat)) {
    const lifts = rehang(plot, seat, []);
    if (lifts === undefined) continue;
    const worth = tooDeep(plot, seat) / lifts.length;
    if (worth > most) [best, most] = [lifts, worth];
  }
  return best;
}

/** Down from the origin as long as only one branch is too tall. */
function worst(seat: Seat, depth: number, limit: number): Seat | undefined {
  for (let at: Seat | undefined = seat, steps = depth; at !== undefined; steps++) {
    const next = tallest(at);
    if (next === undefined) return at;
    const isAlone: boolean = at.below.every((child) => child === next || steps + 1 + child.height <= limit);
    if (!isAlone || steps >= limit) return at.planted ? next : at;
    at = next;
  }
  return undefined;
}

function tallest({ below }: Seat): Seat | undefined {
  let best: Seat | undefined;
  for (const child of below) if (best === undefined || child.height > best.height) best = child;
  return best;
}

/** Households of a branch that are too deep, not all counted. */
function tooDeep({ limit }: Plot, top: Seat): number {
  const depth = top.depth ?? 0;
  const waiting: { readonly seat: Seat; readonly depth: number }[] = [{ seat: top, depth }];
  let counted = 0;
  for (let at = waiting.pop(); at !== undefined && counted < COUNTED; at = waiting.pop()) {
    if (at.depth > limit) counted++;
    for (const seat of at.seat.below) {
      if (at.depth + 1 + seat.height > limit) waiting.push({ seat, depth: at.depth + 1 });
    }
  }
  return counted;
}

/** Somebody who feeds too many is rid of the child with the least below it. */
function relieve(plot: Plot): readonly Lift[] | undefined {
  for (let i = 0; i < Math.min(LOOKED_AT, plot.tree.crowded.size); i++) {
    const seat = plot.tree.crowded.draw(plot.random);
    // The origin feeds its number and no more: who is too many in the table is on the way there, and will not come.
    if (seat?.depth === undefined || seat.planted) continue;
    for (const child of seat.below.toSorted((a, b) => a.height - b.height)) {
      const found = plot.mayMove(child.node) ? rehang(plot, child, []) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** A new place for a branch that is high enough for it: a free slot, or that of a smaller branch, which is moved as well. */
function rehang(plot: Plot, seat: Seat, above: readonly Seat[]): readonly Lift[] | undefined {
  const { tree, suits, random, mayMove, limit } = plot;
  const from = seat.parent;
  const room = limit - seat.height - 1;
  if (from === undefined || room < 0 || above.length >= LONGEST || !mayMove(seat.node)) return undefined;
  const slot = chooseSlot(tree, { seat, avoid: NOBODY }, suits, random);
  if (slot?.depth !== undefined && slot.depth <= room && !above.some((other) => slot.isUnder(other)))
    return [{ node: seat.node, from, to: slot.node, displaced: undefined }];
  for (let way = 0; way < WAYS; way++) {
    const lower = smallest(plot, seat, room + 1, way === 0 ? 0 : random(room + 1));
    if (lower?.above?.isSettled !== true || above.some((other) => lower.isUnder(other))) continue;
    const rest = rehang(plot, lower, [...above, seat]);
    if (rest !== undefined) return [{ node: seat.node, from, to: lower.above.node, displaced: lower.node }, ...rest];
  }
  return undefined;
}

/** Whose place a branch could have, at most so deep: the first steps by lot, then down the shortest branches. */
function smallest({ tree, random, mayMove }: Plot, seat: Seat, depth: number, byLot: number): Seat | undefined {
  let best: Seat | undefined;
  let at: Seat | undefined = tree.root === undefined ? undefined : tree.get(tree.root);
  for (let steps = 0; at !== undefined && steps < depth; steps++) {
    const ways: readonly Seat[] = at.below.filter((child) => child !== seat);
    at = steps < byLot ? ways[random(Math.max(1, ways.length))] : shortest(ways);
    if (at === undefined || at.above?.planted === true || seat.isUnder(at)) continue;
    if (at.height < seat.height && mayMove(at.node) && at.above?.isCrowded === false) best = at;
  }
  return best;
}

function shortest(seats: readonly Seat[]): Seat | undefined {
  let best: Seat | undefined;
  for (const seat of seats) if (best === undefined || seat.height < best.height) best = seat;
  return best;
}

/** Half of all households could hang under a free slot of the origin: it gets the branch without which the others hang highest. */
function fill({ suits, mayMove }: Plot, root: Seat): readonly Lift[] | undefined {
  if (!root.isFree) return undefined;
  let best: Seat | undefined;
  let [least, beside] = [Infinity, 0];
  let steps = 1;
  for (let above = root, seat = tallest(root); seat !== undefined; above = seat, seat = tallest(seat), steps++) {
    // Those that stay: the ones on the way down, and what hangs beside it.
    for (const other of above.below) if (other !== seat) beside = Math.max(beside, steps + other.height);
    const height = Math.max(beside, steps - 1, seat.height + 1);
    const suitsIt = seat.slots >= 2 && mayMove(seat.node) && suits.rank(root.node, seat.node) < RELUCTANT;
    if (above !== root && suitsIt && height < least) [best, least] = [seat, height];
  }
  if (best?.parent === undefined) return undefined;
  return [{ node: best.node, from: best.parent, to: root.node, displaced: undefined }];
}

/** Who feeds one or none makes room right under the origin, where half of all others could hang. */
export function clear({ tree, suits, random, mayMove, limit }: Plot): readonly Lift[] | undefined {
  const root = tree.root === undefined ? undefined : tree.get(tree.root);
  if (root === undefined || root.fed < root.slots || root.slots < 2) return undefined;
  const narrow = root.below.find((seat) => seat.slots < 2 && mayMove(seat.node));
  const found = narrow && chooseSlot(tree, { seat: narrow, avoid: NOBODY, elsewhere: true }, suits, random);
  if (narrow === undefined || found?.depth === undefined || found.depth + 1 + narrow.height > limit) return undefined;
  return [{ node: narrow.node, from: root.node, to: found.node, displaced: undefined }];
}
