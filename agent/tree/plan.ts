import { between, type Random } from '../base/random.ts';
import { after, at, earliest, type Instant, minutes, ms, seconds } from '../base/time.ts';
import type { Audit } from './audits.ts';
import type { Answer, Claimant, Record } from './claimant.ts';
import { Claims, type Said } from './claims.ts';
import { Doubts } from './doubts.ts';
import { Generations } from './generations.ts';
import { Lifting } from './lifting.ts';
import { type Move, Moves } from './moves.ts';
import { chooseAbove, chooseCrowded, chooseHelp, chooseSlot, type Newcomer } from './placement.ts';
import { fair, isTooDeep } from './rebalance.ts';
import type { Seat } from './seat.ts';
import { Spares } from './spares.ts';
import type { Suits } from './suits.ts';
import { Tree } from './tree.ts';
import type { Complaint } from './trust.ts';

export type { Answer, Claimant } from './claimant.ts';
export { place } from './place.ts';
export { Tree } from './tree.ts';

/** Spares of a household: with one the next failure would find nobody, a third costs a path and is seldom needed. */
const SPARES = 2;
/** Ancestors named in an answer: whom to turn to when parent and spares are gone. */
const ANCESTORS = 16;
/** A newcomer waits a moment for a place that is more than this higher than what there is now. */
const WORTH_WAITING = 2;
/** Who says that it can feed and has fed nobody until then is tried out: a leaf within a minute if it lied. */
const UNPROVEN_FOR = seconds(20);
/** Drawn to find an auditor that shares no prefix with anybody concerned. */
const AUDITORS = 12;
/** Orders for these that nobody has taken yet. */
const AUDITS_KEPT = 64;
/** Nobody helps out with more, whatever it says that it can send. */
const HELP_MOST = 8;
/** The origin asks for no parent. */
const NEVER = minutes(60);
/**
 * Who had the stream and lost it asks again so soon, for places come free as others notice who is gone; those with the most below
 * them first, of whom there are few.
 */
const [ORPHANS_WAIT, ORPHANS_WAIT_LEAST] = [ms(600), ms(100)];

export interface PlanOptions {
  readonly random: Random;
  readonly suits: Suits;
  /** Children of one household at most, whatever it could carry. */
  readonly most: number;
}

/** The rendezvous's table of one channel, and every decision made on it. */
export class Plan {
  readonly tree = new Tree();
  readonly #random: Random;
  readonly #suits: Suits;
  readonly #most: number;
  readonly #records = new Map<string, Record>();
  readonly #claims = new Claims();
  readonly #generations = new Generations();
  readonly #spares = new Spares();
  readonly #doubts = new Doubts();
  readonly #moves = new Moves(this.tree);
  readonly #audits: Audit[] = [];
  readonly #lifting: Lifting;

  constructor({ random, suits, most }: PlanOptions) {
    this.#random = random;
    this.#suits = suits;
    this.#most = most;
    this.#lifting = new Lifting(this.tree, this.#moves, suits, random);
  }

  /** Moves ordered so far: those that departures paid for, and those that made room for newcomers; and the departures. */
  get moved(): { readonly lifted: number; readonly followed: number; readonly departed: number } {
    return this.#lifting.ledger.moved;
  }

  /** The origin feeds `children` households and no more. */
  plant(origin: string, children: number, prefix = ''): void {
    this.#records.set(origin, {
      capacity: children,
      prefix,
      ripe: true,
      lastParent: undefined,
    });
    this.tree.plant(origin, children);
  }

  /** A household is here, or says anew what it can carry; it has no place by that. */
  enter(node: string, claimant: Claimant, now: Instant): void {
    const { capacity, most = capacity, prefix } = claimant;
    const { ripe = false, lastParent } = this.#records.get(node) ?? {};
    this.#records.set(node, { capacity, most, prefix, ripe, lastParent });
    const isDemoted = this.#doubts.isDemoted(node, now);
    const slots = isDemoted ? 0 : Math.max(0, Math.min(this.#most, Math.floor(capacity)));
    if (this.tree.get(node)?.planted === true) this.tree.resize(node, Math.floor(capacity));
    else {
      this.tree.enter(node, slots);
      this.tree.resize(node, slots, isDemoted ? 0 : Math.max(slots, Math.min(HELP_MOST, Math.floor(most))));
    }
    this.tree.open(node, this.#doubts.isDoubted(node, now) ? 'shut' : ripe ? 'open' : 'young');
  }

  /** Gives a household without a parent a place; what hangs on it comes with it. */
  join(node: string, claimant: Claimant, avoid: ReadonlySet<string>, now: Instant): Answer {
    this.#ripen(now);
    this.enter(node, claimant, now);
    this.#moves.drop(node);
    this.#restore(this.#moves.cancel(node));
    this.#restore(node);
    const seat = this.tree.get(node);
    if (seat === undefined || seat.planted) return { kind: 'wait', retryIn: NEVER };
    const chosen = this.#choose({ seat, avoid }, now);
    if (chosen === undefined) {
      const isOrphan = seat.below.length > 0 || this.#records.get(node)?.lastParent !== undefined;
      const retryIn = isOrphan
        ? ms(Math.max(ORPHANS_WAIT_LEAST, ORPHANS_WAIT / (1 + seat.height)) * between(this.#random, 0.67, 1.33))
        : this.#generations.wait(node, seat.slots >= 2, this.#random, now);
      return { kind: 'wait', retryIn };
    }
    const { parent, lower } = chosen;
    this.#generations.placed(node, this.#records.get(node)?.ripe === true ? 0 : seat.slots);
    this.#moves.place(node, parent.node, now);
    if (lower !== undefined) this.#moves.displace(lower.node, parent.node, node, now);
    return {
      kind: 'placed',
      parent: parent.node,
      spares: this.spares(node, avoid),
      ancestors: this.ancestors(node),
      displaced: lower?.node,
    };
  }

  #choose(newcomer: Newcomer, now: Instant): { readonly parent: Seat; readonly lower: Seat | undefined } | undefined {
    const { seat } = newcomer;
    const isNew = seat.below.length === 0;
    const wasFed = this.#records.get(seat.node)?.lastParent !== undefined;
    const [room, builders] = [this.tree.spare, this.#generations.builders];
    const brings = seat.slots >= 1 && room + builders === 0;
    if (isNew && seat.slots < 2 && room <= builders && !brings) return undefined;
    if (isNew && !wasFed && seat.slots >= 2 && this.#lifting.makeRoom(now)) return undefined;
    const slot = chooseSlot(this.tree, newcomer, this.#suits, this.#random);
    const depth = slot?.depth === undefined ? Infinity : slot.depth + 1;
    const mayMove = (node: string): boolean => this.#moves.mayMove(node, now);
    const lower =
      chooseCrowded(this.tree, newcomer, depth, fair(this.tree), this.#suits, this.#random, mayMove) ??
      chooseAbove(this.tree, newcomer, depth, this.#suits, this.#random, mayMove);
    if (lower?.above !== undefined) return { parent: lower.above, lower };
    if (wasFed && depth + seat.height >= fair(this.tree)) {
      const help = chooseHelp(this.tree, newcomer, this.#suits, this.#random);
      if (help?.depth !== undefined && help.depth + 1 < depth) return { parent: help, lower: undefined };
    }
    const isSoon = isNew && seat.slots >= 2 && depth - (this.#root?.nearest.coming ?? 0) > WORTH_WAITING;
    return slot === undefined || isSoon ? undefined : { parent: slot, lower: undefined };
  }

  /** Other households to keep warm, when some of those before are gone. */
  spares(node: string, avoid: ReadonlySet<string>, many = SPARES): readonly string[] {
    const seat = this.tree.get(node);
    if (seat === undefined) return [];
    const prefix = (other: string): string => this.#records.get(other)?.prefix ?? '';
    return this.#spares.choose(this.tree, seat, many, avoid, prefix, this.#suits, this.#random);
  }

  /** From the parent's parent upwards. */
  ancestors(node: string): readonly string[] {
    const found: string[] = [];
    for (let at = this.tree.get(node)?.above?.above; at !== undefined && found.length < ANCESTORS; at = at.above)
      found.push(at.node);
    return found;
  }

  /** A household says who feeds it and whom it feeds. What this table did not order itself is believed when both ends say so. */
  stand(node: string, said: Said, now: Instant): void {
    const record = this.#records.get(node);
    if (record === undefined) return;
    for (const { child, parent } of this.#claims.say(node, said)) this.#believe(child, parent, now);
    const seat = this.tree.get(node);
    const gone = seat?.children.filter((child) => this.#claims.hasLeft(child, node)) ?? [];
    for (const child of gone) if (!this.#moves.has(child)) this.tree.detach(child);
    if (said.parent === undefined) {
      if (seat?.parent !== undefined && record.lastParent === seat.parent) this.tree.detach(node);
    } else if (seat?.parent === said.parent) this.#fed(node, said.parent, now);
  }

  /** That parent could not be reached. */
  failed(node: string, parent: string): void {
    if (this.tree.get(node)?.parent !== parent || this.#claims.parentOf(node) === parent) return;
    this.#moves.drop(node);
    this.#restore(this.#moves.cancel(node));
    this.#restore(node);
  }

  /** It is gone. Its strongest child is expected in its place, and one household elsewhere may be lifted for it. */
  leave(node: string, now: Instant): void {
    this.#restore(this.#moves.cancel(node));
    this.#moves.forget(node);
    const seat = this.tree.get(node);
    const above = seat?.above;
    const wasHere = this.#records.has(node);
    const heir = seat?.below.toSorted((a, b) => b.slots - a.slots || b.height - a.height)[0];
    for (const orphan of this.tree.remove(node)) {
      // It was only on its way here.
      if (this.#claims.parentOf(orphan) === node) continue;
      this.#moves.drop(orphan);
      this.#restore(orphan);
    }
    if (heir?.above === undefined && heir !== undefined && above?.isFree === true)
      this.tree.attach(heir.node, above.node);
    this.#records.delete(node);
    this.#doubts.forget(node);
    this.#claims.forget(node);
    this.#spares.forget(node);
    this.#generations.forget(node);
    if (!wasHere) return;
    this.#lifting.ledger.departed(node);
    this.#lifting.look(now);
  }

  /** A child says that a parent failed it. True when the parent is taken for one that feeds nobody from now on. */
  complain(by: string, against: string, why: Complaint, proven: boolean, now: Instant): boolean {
    const record = this.#records.get(by);
    const wasFed = this.tree.get(by)?.parent === against || record?.lastParent === against;
    if (record === undefined || (!wasFed && !proven) || this.tree.get(against)?.planted === true) return false;
    const decided = this.#doubts.complain({ node: by, prefix: record.prefix }, against, why, proven, now);
    if (why === 'silent') this.#mourn(against, now);
    this.#reenter(against, now);
    return decided;
  }

  /** Households that are to try out others now; each answers with `audited`, or not at all. */
  audits(now: Instant): readonly Audit[] {
    this.#send(now);
    return this.#audits.splice(0);
  }

  /**
   * How that went: whether a block came that the other one must have had. Who could not be reached proves nothing: then
   * nothing is said. True when the other one is taken for one that feeds nobody from now on.
   */
  audited(by: string, of: string, passed: boolean, now: Instant): boolean {
    const record = this.#records.get(by);
    if (record === undefined || !this.#records.has(of)) return false;
    const decided = this.#doubts.audited({ node: by, prefix: record.prefix }, of, passed, now);
    if (decided === undefined) return false;
    if (passed) this.#lifting.ledger.unmourn(of);
    this.#reenter(of, now);
    return decided;
  }

  /** Households to be moved now. */
  due(now: Instant): readonly Move[] {
    this.#ripen(now);
    this.#send(now);
    for (const node of this.#moves.expire(now)) this.#restore(node);
    for (const node of this.#doubts.due(now, (node) => this.#isLeafByDoubt(node))) this.#reenter(node, now);
    return this.#lifting.due(now);
  }

  wake(): Instant | undefined {
    if (this.#lifting.hasOrders) return at(0);
    let wake = earliest(earliest(this.#generations.wake(), this.#lifting.wake()), this.#moves.wake());
    return earliest(wake, this.#doubts.wake());
  }

  get #root(): Seat | undefined {
    return this.tree.root === undefined ? undefined : this.tree.get(this.tree.root);
  }

  /** A child has left it: its own departure is known here later, if at all, and the move that it gives a right to is needed now. */
  #mourn(node: string, now: Instant): void {
    if (!this.#records.has(node) || this.tree.get(node)?.planted === true) return;
    this.#lifting.ledger.mourn(node);
    this.#lifting.look(now);
  }

  /** A child has left it by itself: it may be on its way out, and is given nobody for some seconds. */
  #forsake(node: string, now: Instant): void {
    if (this.tree.get(node)?.planted === true) return;
    this.#mourn(node, now);
    this.#doubts.hesitate(node, now);
    this.#reenter(node, now);
  }

  #send(now: Instant): void {
    this.#audits.push(...this.#doubts.audits(now, (of) => this.#auditor(of, now)));
    // Where nobody asks for them they are of no use.
    this.#audits.splice(0, Math.max(0, this.#audits.length - AUDITS_KEPT));
  }

  #isLeafByDoubt(node: string): boolean {
    return this.tree.get(node)?.slots === 0 && Math.floor(this.#records.get(node)?.capacity ?? 0) > 0;
  }

  /** Somebody who has the stream, by lot, and of another prefix than all who are concerned. */
  #auditor(of: string, now: Instant): string | undefined {
    const [record, seat] = [this.#records.get(of), this.tree.get(of)];
    if (record === undefined || seat?.depth === undefined || seat.planted || record.capacity < 1) return undefined;
    const isProven = seat.slots > 0 && seat.below.some(({ node }) => this.#claims.parentOf(node) === of);
    if (isProven && seat.gate === 'open') return undefined;
    for (const { node, depth, planted, above } of this.tree.draw(this.#random, AUDITORS)) {
      const prefix = this.#records.get(node)?.prefix ?? '';
      if (depth === undefined || planted || node === of || above === seat || seat.above?.node === node) continue;
      if (prefix !== '' && (prefix === record.prefix || this.#doubts.hasWitness(of, prefix, now))) continue;
      if (!this.#doubts.isDoubted(node, now) && this.#records.get(node)?.ripe === true) return node;
    }
    return undefined;
  }

  /** It is doubted, or no more. */
  #reenter(node: string, now: Instant): void {
    const record = this.#records.get(node);
    if (record !== undefined) this.enter(node, record, now);
  }

  #believe(child: string, parent: string, now: Instant): void {
    if (this.#moves.isFrom(child, parent) || !this.#records.has(parent)) return;
    const before = this.#records.get(child)?.lastParent;
    const isOrdered = this.#moves.isTo(child, parent);
    // It found itself another place than it was given: who was to follow it stays where it is.
    if (this.tree.get(child)?.parent !== parent) {
      this.#restore(this.#moves.cancel(child));
      this.#moves.drop(child);
    }
    if (!this.#hang(child, parent)) return;
    if (before !== undefined && before !== parent && !isOrdered) this.#forsake(before, now);
    this.#fed(child, parent, now);
    // Others hang on it, and it found itself a place at the edge: that one is lifted with it at once.
    if (isTooDeep(this.tree, this.tree.get(child))) this.#lifting.hurry(now);
  }

  /** Where both ends say it is. In the way of that can only be what nobody confirmed. */
  #hang(child: string, parent: string): boolean {
    if (this.tree.get(child)?.parent === parent || this.tree.attach(child, parent)) return true;
    for (let at = this.tree.get(parent); at?.above !== undefined;) {
      const { node, above }: Seat = at;
      if (this.#claims.parentOf(node) !== above.node) this.tree.detach(node);
      at = above;
    }
    return this.tree.attach(child, parent);
  }

  /** It is not where this table had it by an order: back to where it said that it is. */
  #restore(node: string | undefined): void {
    if (node === undefined) return;
    const parent = this.#claims.parentOf(node);
    if (parent === undefined || !this.#hang(node, parent)) this.tree.detach(node);
  }

  #fed(node: string, parent: string, now: Instant): void {
    const record = this.#records.get(node);
    if (record === undefined) return;
    const hasArrived = this.#moves.arrived(node, parent);
    record.lastParent = parent;
    if (hasArrived) this.#lifting.ledger.unmourn(parent);
    // Who makes room for one that has something to give follows at once; for a newcomer it waits.
    if (hasArrived && record.ripe) this.#restore(this.#lifting.follow(node));
    if (!record.ripe) this.#generations.begin(node, now);
  }

  #ripen(now: Instant): void {
    for (const node of this.#generations.ripe(now)) {
      const record = this.#records.get(node);
      if (record === undefined || record.ripe) continue;
      record.ripe = true;
      this.enter(node, record, now);
      if (record.capacity >= 1) this.#doubts.tryLater(node, after(now, UNPROVEN_FOR));
      this.#restore(this.#lifting.follow(node));
    }
  }
}
