import type { Random } from '../base/random.ts';
import { chooseSlot } from './placement.ts';
import type { Seat } from './seat.ts';
import type { Suits } from './suits.ts';
import type { Tree } from './tree.ts';

/** Steps that a household has to come nearer to the origin to be moved for. */
const GAIN = 2;
/** Only for branches of so many steps is another one pushed down: for less there are free slots. */
const TALL = 3;
const NOBODY: ReadonlySet<string> = new Set();

export interface Lift {
  readonly node: string;
  readonly from: string;
  readonly to: string;
  /** Hangs there now, and goes under the one that is lifted. */
  readonly displaced: string | undefined;
}

/**
 * One household, and with it all below, from the deepest branch to a free slot that lies higher, or into the place of another
 * whose branch is short enough to hang below it. Undefined when none would gain.
 */
export function lift(tree: Tree, suits: Suits, random: Random, mayMove: (node: string) => boolean): Lift | undefined {
  const root = tree.root === undefined ? undefined : tree.get(tree.root);
  if (root === undefined) return undefined;
  const path = deepest(root);
  if (root.height > fair(tree)) {
    for (const seat of path) {
      const found =
        seat.height >= TALL && seat.slots >= 2 && seat.below.length < seat.slots && mayMove(seat.node)
          ? above(root, seat, mayMove)
          : undefined;
      if (found?.parent !== undefined)
        return { node: seat.node, from: seat.parent ?? '', to: found.parent, displaced: found.node };
    }
  }
  const first = root.nearest.free + 1 + GAIN;
  for (const seat of path.slice(first)) {
    if (!mayMove(seat.node)) continue;
    const found = chooseSlot(tree, { seat, avoid: NOBODY }, suits, random);
    if (found?.depth !== undefined && found.depth + 1 + GAIN <= (seat.depth ?? 0)) {
      return { node: seat.node, from: seat.parent ?? '', to: found.node, displaced: undefined };
    }
  }
  return clear(tree, root, suits, random, mayMove);
}

/** Its branch goes deeper than any has to. */
export function isTooDeep(tree: Tree, seat: Seat | undefined): boolean {
  return seat !== undefined && seat.height >= TALL && (seat.depth ?? 0) + seat.height > fair(tree);
}

/** Steps to the last household of a tree that is nearly balanced. */
function fair(tree: Tree): number {
  return Math.ceil(Math.log2(tree.size + 1)) + 1;
}

/**
 * Whose place the seat should have: down the shortest branches to the first one that is no taller than the seat's own, so that
 * as few as can be are pushed down by it.
 */
function above(root: Seat, seat: Seat, mayMove: (node: string) => boolean): Seat | undefined {
  const before = (seat.depth ?? 0) + seat.height;
  let depth = 1;
  for (let at = shortest(root, seat); at !== undefined; at = shortest(at, seat), depth++) {
    const after = depth + Math.max(1 + at.height, seat.height);
    if (after + GAIN > before && at.height <= seat.height) return undefined;
    if (at.above !== root && at.height <= seat.height && mayMove(at.node)) return at;
  }
  return undefined;
}

function shortest({ below }: Seat, except: Seat): Seat | undefined {
  let best: Seat | undefined;
  for (const child of below) {
    if (!except.isUnder(child) && (best === undefined || child.height < best.height)) best = child;
  }
  return best;
}

/** From the origin to the household farthest from it. */
function deepest(root: Seat): readonly Seat[] {
  const path = [root];
  for (let at: Seat | undefined = root; at !== undefined;) {
    const { below, height }: Seat = at;
    at = below.find((child) => child.height === height - 1);
    if (at !== undefined) path.push(at);
  }
  return path;
}

/** A household that feeds nobody makes room right under the origin, where half of all others could hang. */
function clear(
  tree: Tree,
  root: Seat,
  suits: Suits,
  random: Random,
  mayMove: (node: string) => boolean,
): Lift | undefined {
  if (root.below.length < root.slots || root.slots < 2) return undefined;
  const leaf = root.below.find((seat) => seat.slots < 1 && mayMove(seat.node));
  const found = leaf && chooseSlot(tree, { seat: leaf, avoid: NOBODY, elsewhere: true }, suits, random);
  return leaf === undefined || found === undefined
    ? undefined
    : { node: leaf.node, from: root.node, to: found.node, displaced: undefined };
}
