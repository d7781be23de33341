import { after, type Instant, seconds } from '../base/time.ts';
import type { Seat } from './seat.ts';
import type { Tree } from './tree.ts';

/** Nobody is moved twice within this. */
const MOVED_FOR = seconds(60);
/** A place that was given, and that nobody has reported by then, was not taken. */
const ORDERED_FOR = seconds(10);

/** To be introduced to a new parent, and to keep the old one until the new one feeds it. */
export interface Move {
  readonly node: string;
  readonly to: string;
  /** The child of `to` that makes room, and moves itself after that. */
  readonly instead: string | undefined;
}

interface Ordered extends Move {
  readonly from: Seat | undefined;
  readonly until: Instant;
}

/** Households on their way from one parent to another. The table shows them at their new place already: nobody else is given it. */
export class Moves {
  readonly #tree: Tree;
  readonly #ordered = new Map<string, Ordered>();
  /** By newcomer: who comes under it as soon as it has something to give. */
  readonly #waiting = new Map<string, string>();
  readonly #moved = new Map<string, Instant>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  mayMove(node: string, now: Instant): boolean {
    return !this.#ordered.has(node) && (this.#moved.get(node) ?? 0) <= now;
  }

  isFrom(node: string, parent: string): boolean {
    return this.#ordered.get(node)?.from?.node === parent;
  }

  isTo(node: string, parent: string): boolean {
    return this.#ordered.get(node)?.to === parent;
  }

  has(node: string): boolean {
    return this.#ordered.has(node);
  }

  /** It was given a place, and comes from nowhere or from a parent that is no good any more. */
  place(node: string, to: string, now: Instant): void {
    this.#tree.attach(node, to);
    this.#order({ node, from: undefined, to, instead: undefined, until: after(now, ORDERED_FOR) });
  }

  begin(node: string, from: string, to: string, now: Instant, instead?: string): Move {
    this.#tree.attach(node, to);
    this.#order({ node, from: this.#tree.get(from), to, instead, until: after(now, ORDERED_FOR) });
    for (const [other, until] of this.#moved) {
      if (until > now) break;
      this.#moved.delete(other);
    }
    this.#moved.set(node, after(now, MOVED_FOR));
    return { node, to, instead };
  }

  /** A newcomer took the place of another, which follows it when it has something to give. */
  displace(node: string, from: string, newcomer: string, now: Instant): void {
    this.begin(node, from, newcomer, now);
    this.#waiting.set(newcomer, node);
  }

  /** It receives from that parent now. */
  arrived(node: string, parent: string): boolean {
    return this.isTo(node, parent) && this.#end(node);
  }

  /** The newcomer has something to give. */
  ripe(newcomer: string): Move | undefined {
    const node = this.#waiting.get(newcomer);
    this.#waiting.delete(newcomer);
    return node !== undefined && this.#ordered.get(node)?.to === newcomer
      ? { node, to: newcomer, instead: undefined }
      : undefined;
  }

  /** It did not happen, or does not count any more. False when none was under way. */
  drop(node: string): boolean {
    return this.#end(node);
  }

  /** Who was to follow a newcomer that does not come, or goes. */
  cancel(newcomer: string): string | undefined {
    const node = this.#waiting.get(newcomer);
    this.#waiting.delete(newcomer);
    return node !== undefined && this.#ordered.get(node)?.to === newcomer && this.drop(node) ? node : undefined;
  }

  forget(node: string): void {
    this.#end(node);
    this.#moved.delete(node);
  }

  /** Those that did not come to where they were sent. */
  expire(now: Instant): readonly string[] {
    const expired: string[] = [];
    for (const { node, until } of this.#ordered.values()) {
      if (until > now) break;
      expired.push(node);
    }
    for (const node of expired) this.drop(node);
    return expired;
  }

  #order(ordered: Ordered): void {
    this.#end(ordered.node);
    this.#ordered.set(ordered.node, ordered);
    this.#mark(ordered.node, true);
    if (ordered.from !== undefined) this.#tree.going(ordered.from, 1);
  }

  #end(node: string): boolean {
    this.#mark(node, false);
    const from = this.#ordered.get(node)?.from;
    if (from !== undefined) this.#tree.going(from, -1);
    return this.#ordered.delete(node);
  }

  #mark(node: string, isOnItsWay: boolean): void {
    const seat = this.#tree.get(node);
    if (seat !== undefined) seat.isOnItsWay = isOnItsWay;
  }

  wake(): Instant | undefined {
    for (const { until } of this.#ordered.values()) return until;
    return undefined;
  }
}
