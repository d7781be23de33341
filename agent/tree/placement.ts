import type { Random } from '../base/random.ts';
import type { Seat, Sought } from './seat.ts';
import { better, DEEPEST, DEEPEST_FOR_NOW, RELUCTANT, type Suits } from './suits.ts';
import type { Tree } from './tree.ts';

/** Candidates that are compared: more find little that is nearer, and cost an estimate each. */
const SAMPLES = 8;
/** Households that feed too many and are looked at for one newcomer. */
const CROWDED = 4;
/** How far is looked past members that do not suit, so that a long avoid list or a picky rule stays cheap. */
const LOOKED_AT = 64;

export interface Newcomer {
  readonly seat: Seat;
  readonly avoid: ReadonlySet<string>;
  /** Not right under the origin. */
  readonly elsewhere?: true;
}

/**
 * A free slot for a household: the shallowest, and of several there the one whose owner suits best. Who passes on nothing, or to
 * one only, goes to the edge instead, as deep as a balanced tree is: the next who feeds two is not to find it in its way.
 */
export function chooseSlot(tree: Tree, newcomer: Newcomer, suits: Suits, random: Random): Seat | undefined {
  const { seat } = newcomer;
  const rank = ranked(tree, newcomer, suits);
  const edge =
    seat.slots < 2 && seat.height === 0 ? among(edgeOf(tree, seat, random), seat, suits, rank, deeper) : undefined;
  return edge ?? find(tree, 'free', seat, suits, random, rank);
}

/** How ill each parent suits it, Infinity for those that can't be its parent. */
function ranked(tree: Tree, { seat, avoid, elsewhere }: Newcomer, suits: Suits): (parent: Seat) => number {
  const most = seat.height > 0 ? DEEPEST_FOR_NOW : DEEPEST;
  return (parent) => {
    if (elsewhere === true && parent.planted) return Infinity;
    if (avoid.has(parent.node) || parent.isUnder(seat) || !hasRoom(tree, parent, seat)) return Infinity;
    if ((parent.depth ?? Infinity) + 1 + seat.height > most) return Infinity;
    // A branch that gets there first would hang as low as the one who is on its way still does.
    if (seat.height > 0 && !parent.isSettled) return Infinity;
    const rank = suits.rank(parent.node, seat.node);
    // Half of all could hang there: nobody's that feeds one or none while there is another slot.
    return parent.planted && seat.slots < 2 && tree.spare > 1 ? Math.max(RELUCTANT, rank) : rank;
  };
}

/** The shallowest that can feed a household for a while, beside those that it is to feed for long. */
export function chooseHelp(tree: Tree, newcomer: Newcomer, suits: Suits, random: Random): Seat | undefined {
  const rank = ranked(tree, newcomer, suits);
  // The last place of one that helps is for a branch.
  const isOpen = (parent: Seat): boolean => parent.isFree || newcomer.seat.height > 0 || parent.fed + 1 < parent.most;
  return find(tree, 'help', newcomer.seat, suits, random, (parent) => (isOpen(parent) ? rank(parent) : Infinity));
}

/**
 * A household that sits higher than `depth` and feeds nobody, or one at most, above which the newcomer can be put: it
 * goes down by one, and the newcomer's slots come up.
 */
export function chooseAbove(
  tree: Tree,
  { seat, avoid }: Newcomer,
  depth: number,
  suits: Suits,
  random: Random,
  mayMove: (node: string) => boolean,
): Seat | undefined {
  // Where nobody has a free slot, one that feeds one gives as much as it takes.
  if (seat.slots < (depth === Infinity ? 1 : 2) || seat.below.length >= seat.slots) return undefined;
  const rank = (lower: Seat): number => {
    const { above, depth: level = Infinity } = lower;
    if (above === undefined || above.planted || avoid.has(above.node) || lower === seat || !mayMove(lower.node))
      return Infinity;
    if (lower.height > 0 && !above.isSettled) return Infinity;
    const gain = depth - level;
    if (lower.slots < 1 ? gain < 1 : gain < 2 || level + 1 + lower.height >= tree.height) return Infinity;
    return Math.max(suits.rank(above.node, seat.node), suits.rank(seat.node, lower.node));
  };
  return find(tree, 'leaf', seat, suits, random, rank) ?? find(tree, 'narrow', seat, suits, random, rank);
}

/**
 * A child of somebody who feeds too many, above which the newcomer can be put: it goes down by one, and with the newcomer's slots
 * there is room for all of them. `limit`: how deep a branch may go.
 */
export function chooseCrowded(
  tree: Tree,
  { seat, avoid }: Newcomer,
  depth: number,
  limit: number,
  suits: Suits,
  random: Random,
  mayMove: (node: string) => boolean,
): Seat | undefined {
  if (seat.slots < 2 || seat.below.length > 0) return undefined;
  for (let i = 0; i < Math.min(CROWDED, tree.crowded.size); i++) {
    const above = tree.crowded.draw(random);
    const steps = above?.depth;
    if (above === undefined || steps === undefined || steps + 1 > depth || above.planted || !above.isSettled) continue;
    if (
      hasRoomBelow(above) ||
      above.gate !== 'open' ||
      avoid.has(above.node) ||
      suits.rank(above.node, seat.node) >= RELUCTANT
    )
      continue;
    const lower = above.below.find((child) => steps + 2 + child.height <= limit && mayMove(child.node));
    if (lower !== undefined && suits.rank(seat.node, lower.node) < RELUCTANT) return lower;
  }
  return undefined;
}

/** For those that are too many there is a place under a sister already: one newcomer above the other would make a line of them. */
function hasRoomBelow({ below, slots }: Seat): boolean {
  let room = 0;
  for (const child of below) if (child.gate !== 'shut') room += Math.max(0, child.slots - child.fed);
  return room >= below.length - slots;
}

/** The last slot of the origin is for one who passes the stream on: two households who don't would lock everybody out. */
function hasRoom(tree: Tree, parent: Seat, child: Seat): boolean {
  if (parent.node !== tree.root || child.slots >= 2 || parent.slots < 2) return true;
  const narrow = parent.below.filter((seat) => seat !== child && seat.slots < 2).length;
  return narrow + 1 < parent.slots;
}

/** Free slots at the edge, by lot. */
function edgeOf(tree: Tree, seat: Seat, random: Random): ReadonlySet<Seat> {
  const most = Math.ceil(Math.log2(tree.size + 1)) - seat.slots;
  const found = new Set<Seat>();
  for (const free of tree.drawFree(random, 2 * SAMPLES)) {
    // One below the other, those who feed one only would make long lines.
    if ((free.depth ?? Infinity) < most && (seat.slots < 1 || free.slots > 1)) found.add(free);
  }
  return found;
}

function deeper(a: Seat, b: Seat): number {
  return (b.depth ?? 0) - (a.depth ?? 0);
}

function find(
  tree: Tree,
  sought: Sought,
  seat: Seat,
  suits: Suits,
  random: Random,
  rank: (seat: Seat) => number,
): Seat | undefined {
  return among(sample(tree, sought, random), seat, suits, rank) ?? searched(tree.seek(sought), seat, suits, rank);
}

function sample(tree: Tree, sought: Sought, random: Random): ReadonlySet<Seat> {
  const found = new Set<Seat>();
  for (let i = 0; i < SAMPLES; i++) {
    const seat = tree.descend(sought, random);
    if (seat === undefined) break;
    found.add(seat);
  }
  return found;
}

function among(
  seats: Iterable<Seat>,
  child: Seat,
  suits: Suits,
  rank: (seat: Seat) => number,
  order: (a: Seat, b: Seat) => number = () => 0,
): Seat | undefined {
  let best: Seat | undefined;
  for (const seat of seats) {
    if (rank(seat) >= RELUCTANT) continue;
    const by = best === undefined ? 1 : order(best, seat);
    if (by > 0 || best === undefined) best = seat;
    else if (by === 0) best = better(best, seat, child.node, suits);
  }
  return best;
}

/** Nobody of the sample suits: all of them in order, and whom nobody likes only when there is nobody else. */
function searched(seats: Iterable<Seat>, child: Seat, suits: Suits, rank: (seat: Seat) => number): Seat | undefined {
  const [willing, reluctant]: [Seat[], Seat[]] = [[], []];
  let looked = 0;
  for (const seat of seats) {
    if (++looked > LOOKED_AT) break;
    const first = willing[0];
    if (willing.length >= SAMPLES || (first !== undefined && seat.depth !== first.depth)) break;
    const value = rank(seat);
    if (value < RELUCTANT) willing.push(seat);
    else if (value < Infinity) reluctant.push(seat);
  }
  const [first, ...others] = willing.length > 0 ? willing : reluctant.slice(0, SAMPLES);
  return first === undefined ? undefined : others.reduce((best, seat) => better(best, seat, child.node, suits), first);
}
