/** Values told apart per facet; a hostile household can invent more, and gets the memory of these. */
const MOST_VALUES = 24;
/** Where the count of a value goes that lost its cell: no count of a facet is ever lost. */
const OTHER = 'other';

/** One value of a facet and how much was seen of it. */
export interface Count {
  readonly value: string;
  readonly weight: number;
}

/** Weights of named values, some facets of them: the counts of Dirichlet distributions, sparse. */
export class Cells {
  /** By `facet value`: most keys know five cells, and one map of them is a third of the memory of a map per facet. */
  readonly #weights = new Map<string, number>();

  add(facet: string, value: string, weight: number): void {
    const name = `${facet} ${value}`;
    const before = this.#weights.get(name);
    if (before === undefined && value !== OTHER) this.#makeRoom(facet);
    this.#weights.set(name, (before ?? 0) + weight);
  }

  /** Takes back what was said; never more than there is. */
  take(facet: string, value: string, weight: number): void {
    const name = `${facet} ${value}`;
    const left = (this.#weights.get(name) ?? 0) - weight;
    if (left > 0) this.#weights.set(name, left);
    else this.#weights.delete(name);
  }

  weight(facet: string, value: string): number {
    return this.#weights.get(`${facet} ${value}`) ?? 0;
  }

  total(facet: string): number {
    return this.counts(facet).reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The values of one facet, heaviest first. */
  counts(facet: string): readonly Count[] {
    const found: Count[] = [];
    for (const [name, weight] of this.#weights) {
      if (name.startsWith(facet) && name[facet.length] === ' ')
        found.push({ value: name.slice(facet.length + 1), weight });
    }
    return found.sort((a, b) => b.weight - a.weight);
  }

  /** Every cell by `facet value`. */
  all(): IterableIterator<[string, number]> {
    return this.#weights.entries();
  }

  fade(factor: number): void {
    for (const [name, weight] of this.#weights) this.#weights.set(name, weight * factor);
  }

  #makeRoom(facet: string): void {
    const known = this.counts(facet).filter(({ value }) => value !== OTHER);
    const least = known.at(-1);
    if (known.length < MOST_VALUES || least === undefined) return;
    this.#weights.delete(`${facet} ${least.value}`);
    this.add(facet, OTHER, least.weight);
  }
}
