/** What a household says of its place: who feeds it, and whom it feeds. */
export interface Said {
  readonly parent: string | undefined;
  readonly children: readonly string[];
}

interface Claim {
  readonly parent: string | undefined;
  readonly children: ReadonlySet<string>;
}

/** An edge of the tree as a rendezvous learns of it: nobody is believed alone, neither about a parent nor about a child. */
export class Claims {
  readonly #claims = new Map<string, Claim>();

  /** Enters what one household says; answers with the edges that both ends have said now. */
  say(node: string, { parent, children }: Said): readonly { readonly child: string; readonly parent: string }[] {
    this.#claims.set(node, { parent, children: new Set(children) });
    const edges = children
      .filter((child) => this.#claims.get(child)?.parent === node)
      .map((child) => ({ child, parent: node }));
    return parent !== undefined && this.#claims.get(parent)?.children.has(node) === true
      ? [{ child: node, parent }, ...edges]
      : edges;
  }

  /** The child said once that it is fed by that parent, and the parent no longer speaks of it. */
  hasLeft(child: string, parent: string): boolean {
    return this.#claims.get(child)?.parent === parent && this.#claims.get(parent)?.children.has(child) !== true;
  }

  /** Who feeds it, as both ends said last. */
  parentOf(child: string): string | undefined {
    const parent = this.#claims.get(child)?.parent;
    return parent !== undefined && this.#claims.get(parent)?.children.has(child) === true ? parent : undefined;
  }

  forget(node: string): void {
    this.#claims.delete(node);
  }
}
