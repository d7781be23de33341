/** What is looked for in a tree, from the top down. */
export type Sought =
  /** A member that can take one more child. */
  | 'free'
  /** The same, or one that can help out with one more than it is to feed for long. */
  | 'help'
  /** The same, or one that will be able to in a moment. */
  | 'coming'
  /** A member that feeds nobody and never will. */
  | 'leaf'
  /** A member that feeds one at most. */
  | 'narrow';

const ALL: readonly Sought[] = ['free', 'help', 'coming', 'leaf', 'narrow'];

export type Gate = 'open' | 'young' | 'shut';

/**
 * One member's place in the table. Beside its neighbours it carries how many steps below it, itself included, the nearest
 * free slot, the nearest leaf and its deepest descendant are: what makes every search a walk down one branch.
 */
export class Seat {
  readonly node: string;
  slots: number;
  /** Children that it could feed while others have nobody. */
  most: number;
  /** Whether it may be given children: in a moment while its own ring is too young, not while it is doubted. */
  gate: Gate = 'open';
  above: Seat | undefined;
  readonly below: Seat[] = [];
  planted = false;
  /** The table has it where it was sent to, and nobody has said yet that it is there. */
  isOnItsWay = false;
  /** Children that it still feeds, and that the table has elsewhere already. */
  going = 0;
  readonly nearest: Record<Sought, number> = {
    free: Infinity,
    help: Infinity,
    coming: Infinity,
    leaf: Infinity,
    narrow: Infinity,
  };
  height = 0;

  constructor(node: string, slots: number) {
    this.node = node;
    this.slots = this.most = slots;
  }

  get parent(): string | undefined {
    return this.above?.node;
  }

  get children(): readonly string[] {
    return this.below.map(({ node }) => node);
  }

  get isFree(): boolean {
    return this.gate === 'open' && this.fed < this.slots;
  }

  /** Streams that it sends, or will in a moment. */
  get fed(): number {
    return this.below.length + this.going;
  }

  /** Feeds more than it is to for long. */
  get isCrowded(): boolean {
    return this.below.length > this.slots;
  }

  /** Neither it nor anybody above it is on the way to another place: whoever is sent there comes to where the table says. */
  get isSettled(): boolean {
    if (this.isOnItsWay) return false;
    for (let { above } = this; above !== undefined; above = above.above) if (above.isOnItsWay) return false;
    return true;
  }

  /** Steps from the origin; undefined while it hangs on nobody. */
  get depth(): number | undefined {
    if (this.above === undefined) return this.planted ? 0 : undefined;
    let steps = 1;
    let top = this.above;
    for (; top.above !== undefined; top = top.above) steps++;
    return top.planted ? steps : undefined;
  }

  is(sought: Sought): boolean {
    switch (sought) {
      case 'free':
        return this.isFree;
      case 'help':
        return this.gate === 'open' && this.fed < Math.max(this.slots, this.most);
      case 'coming':
        return this.gate !== 'shut' && this.fed < this.slots;
      case 'leaf':
        return this.slots < 1 && !this.planted;
      case 'narrow':
        return this.slots < 2 && !this.planted;
    }
  }

  /** True when it is `top` or hangs somewhere under it. */
  isUnder(top: Seat): boolean {
    if (this === top) return true;
    for (let { above } = this; above !== undefined; above = above.above) if (above === top) return true;
    return false;
  }

  /** Works out anew what it knows of those below it; false when nothing is different. */
  weigh(): boolean {
    let isNew = false;
    for (const sought of ALL) {
      let steps = this.is(sought) ? 0 : Infinity;
      for (const child of this.below) steps = Math.min(steps, child.nearest[sought] + 1);
      isNew ||= steps !== this.nearest[sought];
      this.nearest[sought] = steps;
    }
    let height = 0;
    for (const child of this.below) height = Math.max(height, child.height + 1);
    isNew ||= height !== this.height;
    this.height = height;
    return isNew;
  }
}
