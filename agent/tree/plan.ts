/**
 * Who feeds whom in one channel, as a table, and the one decision made on it: where a household goes.
 *
 * The root is the origin. A member whose parent left keeps its own children and is a loose root of its own until it is
 * placed again; only members that hang on the origin are offered as parents, so no loop can form.
 */
export interface Member {
  readonly node: string;
  /** Most children it feeds. */
  slots: number;
  parent: string | undefined;
  readonly children: Set<string>;
  /** Steps from the origin; undefined while it hangs on nobody. */
  depth: number | undefined;
}

export class Tree {
  readonly #members = new Map<string, Member>();
  /** By depth: members with a free slot. Makes placing cost the same for ten households and for a million. */
  readonly #free: Set<string>[] = [];
  #root: string | undefined;

  get root(): string | undefined {
    return this.#root;
  }

  get size(): number {
    return this.#members.size;
  }

  get(node: string): Member | undefined {
    return this.#members.get(node);
  }

  members(): IterableIterator<Member> {
    return this.#members.values();
  }

  /** Makes this node the origin; another one before it stays as a loose root, its children with it. */
  plant(node: string, slots: number): void {
    if (this.#root === node) return this.resize(node, slots);
    const old = this.#root === undefined ? undefined : this.#members.get(this.#root);
    this.#root = undefined;
    if (old !== undefined) this.#settle(old, undefined);
    const member = this.#enter(node, slots);
    this.detach(node);
    this.#root = node;
    this.#settle(member, 0);
  }

  /** Enters a member without a place, or changes how many children it feeds. */
  enter(node: string, slots: number): void {
    if (this.#members.has(node)) this.resize(node, slots);
    else this.#enter(node, slots);
  }

  /** Children over the new number stay: they are fed until they leave. */
  resize(node: string, slots: number): void {
    const member = this.#members.get(node);
    if (member === undefined) return;
    member.slots = slots;
    this.#index(member);
  }

  /** Hangs a member under another; false when either is not here or a loop would form. */
  attach(child: string, parent: string): boolean {
    const member = this.#members.get(child);
    const above = this.#members.get(parent);
    if (member === undefined || above === undefined || child === this.#root || this.isBelow(parent, child))
      return false;
    this.detach(child);
    member.parent = parent;
    above.children.add(child);
    this.#index(above);
    this.#settle(member, above.depth === undefined ? undefined : above.depth + 1);
    return true;
  }

  /** Takes a member from its parent; it keeps its own children. */
  detach(child: string): void {
    const member = this.#members.get(child);
    if (member?.parent === undefined) return;
    const above = this.#members.get(member.parent);
    member.parent = undefined;
    above?.children.delete(child);
    if (above !== undefined) this.#index(above);
    this.#settle(member, undefined);
  }

  /** Takes a member out; answers with its children, who need a new parent each. */
  remove(node: string): readonly string[] {
    const member = this.#members.get(node);
    if (member === undefined) return [];
    this.detach(node);
    const orphans = [...member.children];
    for (const orphan of orphans) this.detach(orphan);
    if (member.depth !== undefined) this.#free[member.depth]?.delete(node);
    this.#members.delete(node);
    if (this.#root === node) this.#root = undefined;
    return orphans;
  }

  /** Members with a free slot, the shallowest first. */
  *free(): Generator<Member> {
    for (const nodes of this.#free) {
      for (const node of nodes) {
        const member = this.#members.get(node);
        if (member !== undefined) yield member;
      }
    }
  }

  /** True when `node` is `top` or hangs somewhere under it. */
  isBelow(node: string, top: string): boolean {
    for (let at: string | undefined = node; at !== undefined; at = this.#members.get(at)?.parent) {
      if (at === top) return true;
    }
    return false;
  }

  #enter(node: string, slots: number): Member {
    const known = this.#members.get(node);
    if (known !== undefined) {
      known.slots = slots;
      return known;
    }
    const member: Member = { node, slots, parent: undefined, children: new Set(), depth: undefined };
    this.#members.set(node, member);
    return member;
  }

  /** Gives a member its depth, and everyone below it theirs. */
  #settle(top: Member, depth: number | undefined): void {
    const waiting: [Member, number | undefined][] = [[top, depth]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [member, level] = next;
      if (member.depth !== undefined) this.#free[member.depth]?.delete(member.node);
      member.depth = level;
      this.#index(member);
      for (const node of member.children) {
        const child = this.#members.get(node);
        if (child !== undefined) waiting.push([child, level === undefined ? undefined : level + 1]);
      }
    }
  }

  #index(member: Member): void {
    if (member.depth === undefined) return;
    while (this.#free.length <= member.depth) this.#free.push(new Set());
    const level = this.#free[member.depth];
    if (member.children.size < member.slots) level?.add(member.node);
    else level?.delete(member.node);
  }
}

/** How far placing looks past members that do not suit, so that a long avoid list or a picky rule stays cheap. */
const MOST_LOOKED_AT = 256;

/**
 * The parent for a household: the shallowest member with a free slot that is neither itself, nor below it, nor avoided.
 * Among those of one depth the one `rank` likes best (least number; Infinity = never); undefined when there is none.
 */
export function place(
  tree: Tree,
  joiner: string,
  avoid: ReadonlySet<string>,
  rank: (parent: string) => number = () => 0,
): string | undefined {
  let best: { node: string; depth: number; rank: number } | undefined;
  let looked = 0;
  for (const { node, depth = Infinity } of tree.free()) {
    if (best !== undefined && depth > best.depth) break;
    if (++looked > MOST_LOOKED_AT) break;
    if (avoid.has(node) || tree.isBelow(node, joiner)) continue;
    const value = rank(node);
    if (value < (best?.rank ?? Infinity)) best = { node, depth, rank: value };
    if (best?.rank === 0) break;
  }
  return best?.node;
}
