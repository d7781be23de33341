import type { Random } from '../base/random.ts';
import { after, type Instant, ms } from '../base/time.ts';
import { Ledger } from './ledger.ts';
import type { Move, Moves } from './moves.ts';
import { clear, fair, improve, isTooDeep, type Lift, type Plot } from './rebalance.ts';
import type { Suits } from './suits.ts';
import type { Tree } from './tree.ts';

/** Moves begun in one go: each takes a punch of two households and words of four. */
const MOVES_AT_ONCE = 32;
const LIFT_EVERY = ms(500);
const LIFT_SOON = ms(10);

/** Households are moved to where the tree is better for it: orders for that, and when there will be more. */
export class Lifting {
  readonly ledger = new Ledger();
  readonly #tree: Tree;
  readonly #moves: Moves;
  readonly #suits: Suits;
  readonly #random: Random;
  #orders: Move[] = [];
  #at: Instant | undefined;

  constructor(tree: Tree, moves: Moves, suits: Suits, random: Random) {
    [this.#tree, this.#moves, this.#suits, this.#random] = [tree, moves, suits, random];
  }

  get hasOrders(): boolean {
    return this.#orders.length > 0;
  }

  /** When it wants `due`, orders apart. */
  wake(): Instant | undefined {
    return this.#at;
  }

  /** There may be something to move. */
  look(now: Instant): void {
    this.#at ??= after(now, LIFT_EVERY);
  }

  /** A branch hangs too deep: that is seen to at once. */
  hurry(now: Instant): void {
    this.#at = after(now, LIFT_SOON);
  }

  due(now: Instant): readonly Move[] {
    if (this.#at !== undefined && this.#at <= now) this.#lift(now);
    const orders = this.#orders;
    this.#orders = [];
    return orders;
  }

  /** Who feeds one or none leaves its place under the origin for a newcomer that feeds two. False when there is nobody to move. */
  makeRoom(now: Instant): boolean {
    const lifts = clear(this.#plot(now));
    if (lifts === undefined) return false;
    this.ledger.moved.followed += this.#begin(lifts, now);
    return true;
  }

  /**
   * A newcomer has something to give: whoever was to go under it does so now. Answers with the one that stays where it is instead,
   * because that has become too deep.
   */
  follow(newcomer: string): string | undefined {
    const move = this.#moves.ripe(newcomer);
    if (move === undefined) return undefined;
    if (isTooDeep(this.#tree, this.#tree.get(move.node))) {
      this.#moves.drop(move.node);
      return move.node;
    }
    this.#orders.push(move);
    this.ledger.moved.followed++;
    return undefined;
  }

  #lift(now: Instant): void {
    for (let begun = 0; this.ledger.credit > 0 && begun < MOVES_AT_ONCE;) {
      const lifts = improve(this.#plot(now));
      if (lifts === undefined || !this.ledger.spend(lifts.length)) break;
      begun += this.#begin(lifts, now);
    }
    this.#at = this.ledger.credit > 0 ? after(now, LIFT_EVERY) : undefined;
  }

  #begin(lifts: readonly Lift[], now: Instant): number {
    for (const { node, from, to, displaced } of lifts)
      this.#orders.push(this.#moves.begin(node, from, to, now, displaced));
    return lifts.length;
  }

  #plot(now: Instant): Plot {
    const mayMove = (node: string): boolean => this.#moves.mayMove(node, now);
    const limit = fair(this.#tree) - (this.ledger.isRich ? 1 : 0);
    return { tree: this.#tree, suits: this.#suits, random: this.#random, mayMove, limit };
  }
}
