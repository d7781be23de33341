import { earliest, type Instant, type Millis, ms, since } from '../base/time.ts';
import type { Contact } from './contacts.ts';
import { type Asked, Pull } from './pull.ts';
import type { Peer } from './talk.ts';
import { Vigil } from './vigil.ts';

/** The stream as it comes to one household: from its parent, and where that fails from others, block by block. */
export class Inflow {
  readonly vigil = new Vigil();
  readonly #pull = new Pull();
  /** The last time that anybody brought something; undefined before the first. */
  #fresh: Instant | undefined;
  #newest = -1;
  #missing: readonly number[] = [];

  /** The first block to ask a new parent for. */
  get from(): number | 'newest' {
    return this.#newest < 0 ? 'newest' : this.#newest + 1;
  }

  wake(hasParent: boolean, now: Instant): Instant | undefined {
    return earliest(hasParent ? this.vigil.wake(now) : undefined, this.#pull.wake(now));
  }

  /** How long nothing has come. */
  dry(now: Instant): Millis {
    return this.#fresh === undefined ? ms(0) : since(this.#fresh, now);
  }

  /** The parent was heard. */
  heard(what: 'data' | 'beat' | 'idle', now: Instant): void {
    this.vigil.heard(what, now);
    if (what === 'data') this.#fresh = now;
  }

  /** A block is whole. */
  had(number: number, peer: Peer, isFromParent: boolean, now: Instant): void {
    this.#newest = Math.max(this.#newest, number);
    this.#missing = this.#missing.filter((missing) => missing !== number);
    this.#fresh = now;
    this.#pull.had(peer);
    if (!isFromParent) this.vigil.compare(now);
  }

  missing(numbers: readonly number[]): void {
    this.#missing = numbers;
  }

  /** What to ask others for, while the parent does not bring it. */
  repair(hasParent: boolean, contacts: () => readonly Contact[], now: Instant): readonly Asked[] {
    if (this.#fresh === undefined) return [];
    const finding = hasParent ? this.vigil.find(now) : 'dead';
    if (finding === 'held') return [];
    if (finding === 'well' && this.#missing.length === 0) {
      this.#pull.end();
      return [];
    }
    return this.#pull.ask(this.#missing, this.#newest, this.#fresh, contacts(), now);
  }
}
