import type { LeaseEffect } from './orders.ts';
import type { SavedLease } from './saved.ts';

/** What is written down about mappings that may be at gateways. It is told only when it changed. */
export class Ledger {
  #leases: readonly SavedLease[] = [];
  #text = '';

  get leases(): readonly SavedLease[] {
    return this.#leases;
  }

  /** The order to write it down, where it is not what was written last. */
  keep(leases: readonly SavedLease[]): LeaseEffect[] {
    const text = JSON.stringify(leases);
    if (text === this.#text) return [];
    this.#leases = leases;
    this.#text = text;
    return [{ kind: 'keep', leases }];
  }
}
