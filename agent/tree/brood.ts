import { type Instant, at } from '../base/time.ts';
import { DEEPEST, DEEPEST_FOR_NOW } from './suits.ts';
import type { MemberInput, NoChild, Peer, Short } from './talk.ts';

export interface Child {
  readonly peer: Peer;
  readonly short: Short;
  slots: number;
  height: number;
  /** Was told to go elsewhere; fed until it does, and not counted. */
  isMoving: boolean;
  /** It said that it goes: its heir may have the place at once. */
  isLeaving: boolean;
  heard: Instant;
  /** Our path as it was told to it, and whether it was told to be our heir. */
  path: readonly Short[] | undefined;
  isHeir: boolean;
}

export type Reply =
  | { readonly kind: 'no'; readonly reason: NoChild }
  /** `down`: a child that is to go under the new one. `starve`: a child that is fed no more from now on; at the origin that is `down`. */
  | {
      readonly kind: 'yes';
      readonly child: Child;
      readonly down: Child | undefined;
      readonly starve: Peer | undefined;
    };

/** The households that this one feeds. */
export class Brood {
  slots: number;
  /** What can be sent at all: with that it helps out while others have nobody. */
  most: number;
  readonly #children = new Map<Peer, Child>();
  /** Never more than that, not even while one of them changes over. */
  readonly #isStrict: boolean;

  constructor(slots: number, most = slots, isStrict = false) {
    this.#isStrict = isStrict;
    this.slots = slots;
    this.most = Math.max(slots, most);
  }

  get size(): number {
    return this.#children.size;
  }

  get free(): number {
    return Math.max(0, this.slots - this.#staying);
  }

  /** Feeds more than it is to for long. */
  get isCrowded(): boolean {
    return this.#staying > this.slots;
  }

  get #staying(): number {
    let counted = 0;
    for (const { isMoving } of this.#children.values()) if (!isMoving) counted++;
    return counted;
  }

  get peers(): readonly Peer[] {
    return [...this.#children.keys()];
  }

  get height(): number {
    let height = 0;
    for (const child of this.#children.values()) height = Math.max(height, child.height + 1);
    return height;
  }

  /** Those that could feed somebody and feed nobody. */
  get roomy(): readonly Short[] {
    return [...this.#children.values()]
      .filter(({ slots, height }) => slots >= 1 && height < 1)
      .map(({ short }) => short);
  }

  all(): IterableIterator<Child> {
    return this.#children.values();
  }

  get(peer: Peer): Child | undefined {
    return this.#children.get(peer);
  }

  has(short: Short): boolean {
    return this.#byShort(short) !== undefined;
  }

  /** The one to take our place: who can feed most, and of these who feeds the most below it. */
  get heir(): Child | undefined {
    let best: Child | undefined;
    for (const child of this.#children.values()) {
      if (child.isMoving) continue;
      if (best === undefined || child.slots > best.slots || (child.slots === best.slots && child.height > best.height))
        best = child;
    }
    return best;
  }

  /**
   * Somebody wants to be fed. `path`: ourselves and everybody above; `displaced`: a child that the rendezvous puts under the
   * new one; `isGone`: a child that is in fact not there any more.
   */
  ask(
    input: Extract<MemberInput, { kind: 'subscribe' }>,
    short: Short,
    path: readonly Short[],
    displaced: Short | undefined,
    isGone: (child: Child) => boolean,
  ): Reply {
    if (path.includes(short)) return { kind: 'no', reason: 'loop' };
    if (path.length > (input.height > 0 ? DEEPEST_FOR_NOW : DEEPEST)) return { kind: 'no', reason: 'too-deep' };
    const { peer, slots, height, instead } = input;
    const child: Child = {
      ...{ peer, short, slots, height, heard: at(0), path: undefined },
      ...{ isMoving: false, isLeaving: false, isHeir: false },
    };
    const before = this.#byShort(short);
    if (before !== undefined) return this.#take(child, before.peer, undefined);
    const replaced = instead === undefined ? undefined : this.#byShort(instead);
    const heirOf = replaced !== undefined && isGone(replaced) ? replaced : undefined;
    if (this.#isOverrun && heirOf === undefined) return { kind: 'no', reason: 'full' };
    const making = displaced === undefined ? undefined : this.#byShort(displaced);
    if (making !== undefined) making.isMoving = true;
    if (this.free > 0 && this.#hasRoom) return this.#take(child, undefined, undefined);
    if (heirOf !== undefined) return this.#take(child, heirOf.peer, undefined);
    // Who had the stream already would lose it; the last place is for one with others below it.
    const isOrphan = input.from !== 'newest';
    if (isOrphan && this.most - this.#children.size > (height > 0 ? 0 : 1))
      return this.#take(child, undefined, undefined);
    const lower = slots >= 2 && (!this.#isStrict || isOrphan) ? this.#weakest() : undefined;
    if (lower === undefined) return { kind: 'no', reason: 'full' };
    // One household without a parent for as long as it takes to change over, instead of all below the new one.
    if (this.#isStrict) return this.#take(child, lower.peer, lower);
    lower.isMoving = true;
    return this.#take(child, undefined, lower);
  }

  delete(peer: Peer): boolean {
    return this.#children.delete(peer);
  }

  /** Children over that number, the weakest first. */
  surplus(number: number): readonly Child[] {
    const staying = [...this.#children.values()].filter(({ isMoving }) => !isMoving);
    return staying
      .sort((a, b) => a.slots - b.slots || a.height - b.height)
      .slice(0, Math.max(0, staying.length - number));
  }

  get #hasRoom(): boolean {
    return !this.#isStrict || this.#children.size < this.slots;
  }

  /** Those on their way out are fed as well: whoever comes and pushes others aside must not make more of them than can be sent. */
  get #isOverrun(): boolean {
    return this.#children.size >= (this.#isStrict ? this.slots + 1 : 2 * this.most);
  }

  #byShort(short: Short): Child | undefined {
    for (const child of this.#children.values()) if (child.short === short) return child;
    return undefined;
  }

  #take(child: Child, instead: Peer | undefined, down: Child | undefined): Reply {
    const before = instead === undefined ? undefined : this.#children.get(instead);
    if (instead !== undefined) this.#children.delete(instead);
    this.#children.set(child.peer, child);
    // Who leaves in an orderly way is fed until its children have changed over: nobody is to miss a block by that. The origin
    // has promised its line to so many copies; who leaves it sees to it that nobody needs its own any more.
    const isKept = before === undefined || instead === child.peer || (before.isLeaving && !this.#isStrict);
    return { kind: 'yes', child, down, starve: isKept ? undefined : instead };
  }

  /** A child that feeds nobody, for one that can feed it beside its own. */
  #weakest(): Child | undefined {
    let weakest: Child | undefined;
    for (const child of this.#children.values()) {
      if (child.isMoving || child.height > 0 || child.slots >= 1) continue;
      weakest ??= child;
    }
    return weakest;
  }
}
