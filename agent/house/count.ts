/**
 * The member of a tree counts on when the origin begins anew, the blocks do not: number n of this epoch is n + base to the
 * member.
 */
export class Count {
  #base = 0;
  #newest = -1;

  /** The origin has begun anew. */
  epoch(): void {
    this.#base += this.#newest + 1;
    this.#newest = -1;
  }

  /** A block of this epoch is here. */
  had(number: number): void {
    this.#newest = Math.max(this.#newest, number);
  }

  /** As the member counts. */
  on(number: number): number {
    return number + this.#base;
  }

  /** As the epoch counts; undefined for a block of one before. */
  back(counted: number): number | undefined {
    return counted < this.#base ? undefined : counted - this.#base;
  }
}
