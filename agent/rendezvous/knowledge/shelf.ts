import type { Instant, Millis } from '../../base/time.ts';
import { Dossier } from './dossier.ts';

/** The dossiers of one step of the ladder; those longest unused make room. */
export class Shelf {
  readonly #most: number;
  readonly #halfLife: Millis;
  readonly #dossiers = new Map<string, Dossier>();

  constructor(most: number, halfLife: Millis) {
    this.#most = most;
    this.#halfLife = halfLife;
  }

  get size(): number {
    return this.#dossiers.size;
  }

  /** The dossier of a key at the present, made if need be. */
  open(key: string, now: Instant): Dossier {
    const dossier = this.find(key, now) ?? new Dossier(now);
    this.#dossiers.delete(key);
    this.#dossiers.set(key, dossier);
    if (this.#dossiers.size > this.#most) {
      const [oldest] = this.#dossiers.keys();
      if (oldest !== undefined) this.#dossiers.delete(oldest);
    }
    return dossier;
  }

  find(key: string, now: Instant): Dossier | undefined {
    const dossier = this.#dossiers.get(key);
    dossier?.fade(now, this.#halfLife);
    return dossier;
  }

  /** All of them, the longest unused first. */
  all(now: Instant): readonly [string, Dossier][] {
    for (const dossier of this.#dossiers.values()) dossier.fade(now, this.#halfLife);
    return [...this.#dossiers];
  }
}
