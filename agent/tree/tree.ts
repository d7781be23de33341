import type { Random } from '../base/random.ts';
import { Lot } from './lot.ts';
import { type Gate, Seat, type Sought } from './seat.ts';

/**
 * Who feeds whom in one channel.
 *
 * The root is the origin. A member whose parent left keeps its own children and is a loose root of its own until it is
 * placed again; only members that hang on the origin are offered as parents, so no loop can form. Every change costs a walk
 * from the member to the root (at most 24 steps where the depth is limited), every search a walk down.
 */
export class Tree {
  readonly #seats = new Map<string, Seat>();
  readonly #repeaters = new Lot<Seat>();
  readonly #spare = new Lot<Seat>();
  /** Feed more than they are to for long. */
  readonly crowded = new Lot<Seat>();
  #root: Seat | undefined;

  get root(): string | undefined {
    return this.#root?.node;
  }

  get size(): number {
    return this.#seats.size;
  }

  /** Steps from the origin to the member farthest from it. */
  get height(): number {
    return this.#root?.height ?? 0;
  }

  /** Members with a free slot. */
  get spare(): number {
    return this.#spare.size;
  }

  get(node: string): Seat | undefined {
    return this.#seats.get(node);
  }

  members(): IterableIterator<Seat> {
    return this.#seats.values();
  }

  /** Makes this node the origin; another one before it stays as a loose root, its children with it. */
  plant(node: string, slots: number): void {
    if (this.#root?.node === node) return this.resize(node, slots);
    const old = this.#root;
    if (old !== undefined) {
      old.planted = false;
      this.#settle(old);
    }
    this.enter(node, slots);
    this.detach(node);
    const seat = this.#seats.get(node);
    if (seat === undefined) return;
    seat.planted = true;
    this.#root = seat;
    this.#settle(seat);
  }

  /** Enters a member without a place, or changes how many children it feeds. */
  enter(node: string, slots: number): void {
    if (this.#seats.has(node)) return this.resize(node, slots);
    const seat = new Seat(node, slots);
    this.#seats.set(node, seat);
    this.#settle(seat);
  }

  /** Children over the new number stay: they are fed until they leave. `most`: what it could feed for a while. */
  resize(node: string, slots: number, most = slots): void {
    const seat = this.#seats.get(node);
    if (seat === undefined || (seat.slots === slots && seat.most === most)) return;
    [seat.slots, seat.most] = [slots, most];
    this.#settle(seat);
  }

  /** Whether it may be given children now; those it has stay. */
  open(node: string, gate: Gate): void {
    const seat = this.#seats.get(node);
    if (seat === undefined || seat.gate === gate) return;
    seat.gate = gate;
    this.#settle(seat);
  }

  /** A child of it is about to leave for another place (1), or has left or stays (-1). */
  going(seat: Seat, by: 1 | -1): void {
    if (this.#seats.get(seat.node) !== seat) return;
    seat.going += by;
    this.#settle(seat);
  }

  /** Hangs a member under another; false when either is not here or a loop would form. */
  attach(child: string, parent: string): boolean {
    const seat = this.#seats.get(child);
    const above = this.#seats.get(parent);
    if (seat === undefined || above === undefined || seat === this.#root || above.isUnder(seat)) return false;
    this.detach(child);
    seat.above = above;
    above.below.push(seat);
    this.#settle(above);
    return true;
  }

  /** Takes a member from its parent; it keeps its own children. */
  detach(child: string): void {
    const seat = this.#seats.get(child);
    const above = seat?.above;
    if (seat === undefined || above === undefined) return;
    seat.above = undefined;
    above.below.splice(above.below.indexOf(seat), 1);
    this.#settle(above);
  }

  /** Takes a member out; answers with its children, who need a new parent each. */
  remove(node: string): readonly string[] {
    const seat = this.#seats.get(node);
    if (seat === undefined) return [];
    this.detach(node);
    const orphans = seat.children;
    for (const child of seat.below) child.above = undefined;
    seat.below.length = 0;
    this.#seats.delete(node);
    this.#repeaters.delete(seat);
    this.#spare.delete(seat);
    this.crowded.delete(seat);
    if (this.#root === seat) this.#root = undefined;
    return orphans;
  }

  /** Members with a free slot, the shallowest first. */
  free(): Generator<Seat> {
    return this.seek('free');
  }

  /** All of that sort that hang on the origin, the shallowest first. */
  *seek(sought: Sought): Generator<Seat> {
    /** By the depth of the best in a branch: where to walk down, and how deep that is already. */
    const branches: { readonly seat: Seat; readonly depth: number }[][] = [];
    const enter = (seat: Seat, depth: number): void => {
      const best = depth + seat.nearest[sought];
      if (best < Infinity) (branches[best] ??= []).push({ seat, depth });
    };
    if (this.#root !== undefined) enter(this.#root, 0);
    for (let level = 0; level < branches.length; level++) {
      for (let branch = branches[level]?.pop(); branch !== undefined; branch = branches[level]?.pop()) {
        for (const child of branch.seat.below.toReversed()) enter(child, branch.depth + 1);
        if (branch.depth === level) yield branch.seat;
      }
    }
  }

  /** One of the shallowest of that sort, by lot. */
  descend(sought: Sought, random: Random): Seat | undefined {
    let seat = this.#root;
    if (seat === undefined || seat.nearest[sought] === Infinity) return undefined;
    for (let left = seat.nearest[sought]; left > 0 && seat !== undefined; left--) {
      const ways: Seat[] = seat.below.filter(({ nearest }) => nearest[sought] === left - 1);
      seat = ways[random(ways.length)];
    }
    return seat;
  }

  /** Members that can feed others, and of these some with a free slot, by lot. Some may hang on nobody. */
  *draw(random: Random, many: number): Generator<Seat> {
    for (let i = 0; i < many; i++) {
      const seat = (i % 2 === 0 ? this.#spare : this.#repeaters).draw(random);
      if (seat !== undefined) yield seat;
    }
  }

  /** Some with a free slot, by lot. Some may hang on nobody. */
  *drawFree(random: Random, many: number): Generator<Seat> {
    for (let i = 0; i < many; i++) {
      const seat = this.#spare.draw(random);
      if (seat !== undefined) yield seat;
    }
  }

  /** True when `node` is `top` or hangs somewhere under it. */
  isBelow(node: string, top: string): boolean {
    const [seat, above] = [this.#seats.get(node), this.#seats.get(top)];
    return node === top || (seat !== undefined && above !== undefined && seat.isUnder(above));
  }

  /** Enters what is different about a member in all above it. */
  #settle(seat: Seat): void {
    if (seat.slots >= 1) this.#repeaters.add(seat);
    else this.#repeaters.delete(seat);
    if (seat.isFree) this.#spare.add(seat);
    else this.#spare.delete(seat);
    if (seat.isCrowded) this.crowded.add(seat);
    else this.crowded.delete(seat);
    for (let at: Seat | undefined = seat; at?.weigh() === true; at = at.above);
  }
}
