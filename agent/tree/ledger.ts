/** Departures that found nothing to move are kept for later, so many at most. */
const CREDIT_MOST = 256;

/** Departures, and the moves that they pay for: one each. */
export class Ledger {
  /** Moves ordered: those that departures paid for, and those that made room for newcomers; and the departures themselves. */
  readonly moved = { lifted: 0, followed: 0, departed: 0 };
  /** A child has left it by itself: its own departure is known later, if at all, and was counted by that. */
  readonly #mourned = new Set<string>();
  #credit = 0;

  /** Moves that are paid for and have not been made. */
  get credit(): number {
    return this.#credit;
  }

  /** So many that the tree is made one step lower than it has to be: the next failure finds it so. */
  get isRich(): boolean {
    return this.#credit > CREDIT_MOST / 2;
  }

  departed(node: string): void {
    this.moved.departed++;
    if (!this.#mourned.delete(node)) this.#pay();
  }

  /** It will be gone soon, as it seems. */
  mourn(node: string): void {
    if (this.#mourned.has(node)) return;
    this.#mourned.add(node);
    this.#pay();
  }

  /** It is there, and feeds: what was paid for its departure is paid back. */
  unmourn(node: string): void {
    if (this.#mourned.delete(node)) this.#credit--;
  }

  /** False when so many moves are not paid for; then nothing is taken. */
  spend(moves: number): boolean {
    if (moves > this.#credit) return false;
    this.#credit -= moves;
    this.moved.lifted += moves;
    return true;
  }

  #pay(): void {
    this.#credit = Math.min(CREDIT_MOST, this.#credit + 1);
  }
}
