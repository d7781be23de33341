import type { Random } from '../base/random.ts';
import type { Seat } from './seat.ts';
import { RELUCTANT, type Suits } from './suits.ts';
import type { Tree } from './tree.ts';

/** Looked at for two spares: enough that four in five times both have a free slot and another prefix. */
const DRAWN = 24;
/** Ways down that are looked at for one that stands as high as the household itself, and could take its branch. */
const WAYS = 6;
/** Households that one may be a spare of, so that no failure asks one household for more than it has in reserve. */
const SPARE_OF_MOST = 8;
const KEPT_MOST = 2;

interface SpareFacts {
  /** What fails together has the same prefix: a carrier's block, a street. */
  readonly prefix: (node: string) => string;
  /** How many households hold it as a spare already. */
  readonly spareOf: (node: string) => number;
}

/**
 * Households, best first, that are kept warm in case the parent fails: such as hang neither on it nor on the household itself,
 * in another prefix than it and than each other, with a free slot if there are such.
 */
function choose(
  tree: Tree,
  household: Seat,
  many: number,
  avoid: ReadonlySet<string>,
  facts: SpareFacts,
  suits: Suits,
  random: Random,
): string[] {
  const parent = household.above;
  const chosen: Seat[] = [];
  const drawn = [...new Set([...tree.draw(random, DRAWN), ...high(tree, household, random)])]
    .filter((seat) => !avoid.has(seat.node) && seat !== parent && seat.depth !== undefined)
    .filter((seat) => !seat.isUnder(household) && !(parent !== undefined && !parent.planted && seat.isUnder(parent)))
    .filter((seat) => !seat.planted && facts.spareOf(seat.node) < SPARE_OF_MOST)
    .filter((seat) => suits.rank(seat.node, household.node) < Infinity);
  while (chosen.length < many) {
    const taken = [...(parent === undefined ? [] : [parent]), ...chosen];
    const badness = (seat: Seat): number => {
      const prefix = facts.prefix(seat.node);
      const shared = taken.filter(({ node }) => facts.prefix(node) === prefix).length;
      const related = chosen.some((other) => seat.isUnder(other) || other.isUnder(seat)) ? 1 : 0;
      const reluctant = suits.rank(seat.node, household.node) >= RELUCTANT ? 1 : 0;
      const far =
        Math.min(1, suits.rtt(seat.node, household.node) / 200) + (suits.isNear(seat.node, household.node) ? 0 : 0.1);
      const low = household.height > 0 && (seat.depth ?? 0) > (household.depth ?? 0) ? 3 : 0;
      if (low === 0 && household.height > 0) {
        return 8 * shared + 4 * reluctant + 4 * related + (seat.is('help') ? 0 : 2) + far;
      }
      return low + 0.1 * (seat.depth ?? 0) + 8 * shared + 4 * reluctant + 4 * related + (seat.isFree ? 0 : 2) + far;
    };
    let best: Seat | undefined;
    let least = Infinity;
    for (const seat of drawn) {
      if (chosen.includes(seat)) continue;
      const value = badness(seat);
      if (value < least) [best, least] = [seat, value];
    }
    if (best === undefined) break;
    chosen.push(best);
  }
  return chosen.map(({ node }) => node);
}

/** For a household with others below it: some that stand about as high, and could help out. */
function* high(tree: Tree, household: Seat, random: Random): Generator<Seat> {
  const root = tree.root === undefined ? undefined : tree.get(tree.root);
  if (household.height === 0 || household.depth === undefined || root === undefined) return;
  for (let way = 0; way < WAYS; way++) {
    let seat: Seat | undefined = root;
    for (let depth = 0; seat !== undefined && depth < household.depth; depth++) {
      if (depth === household.depth - 1 && seat.is('help')) yield seat;
      seat = seat.below[random(Math.max(1, seat.below.length))];
    }
    if (seat?.is('help') === true) yield seat;
  }
}

/** Who is kept warm by whom, so that no household is everybody's spare. */
export class Spares {
  readonly #of = new Map<string, readonly string[]>();
  readonly #held = new Map<string, number>();

  choose(
    tree: Tree,
    household: Seat,
    many: number,
    avoid: ReadonlySet<string>,
    prefix: (node: string) => string,
    suits: Suits,
    random: Random,
  ): readonly string[] {
    const spareOf = (node: string): number => this.#held.get(node) ?? 0;
    const chosen = choose(tree, household, many, avoid, { prefix, spareOf }, suits, random);
    const before = this.#of.get(household.node) ?? [];
    // Of those it had, it keeps the ones it did not ask to avoid beside as many new ones.
    const kept = before.filter((node) => !chosen.includes(node)).slice(0, Math.max(0, KEPT_MOST - chosen.length));
    this.#set(household.node, [...chosen, ...kept]);
    return chosen;
  }

  forget(node: string): void {
    this.#set(node, []);
    this.#of.delete(node);
  }

  #set(node: string, spares: readonly string[]): void {
    for (const spare of this.#of.get(node) ?? []) this.#count(spare, -1);
    for (const spare of spares) this.#count(spare, 1);
    this.#of.set(node, spares);
  }

  #count(spare: string, by: number): void {
    const held = (this.#held.get(spare) ?? 0) + by;
    if (held > 0) this.#held.set(spare, held);
    else this.#held.delete(spare);
  }
}
