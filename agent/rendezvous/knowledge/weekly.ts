/** One mean, as a weight and the sum it weighs. */
export interface Mean {
  readonly weight: number;
  readonly sum: number;
}

/** Hours of a week, from Monday 0:00. */
export const HOURS = 168;
/** An hour with few observations leans on the whole week as if that were so many. */
const LEAN = 4;
/** Foreign mappings per second that any carrier's address was ever seen to have, with room. */
const MOST = 2000;
export const MOST_LOG = Math.log1p(MOST);

/**
 * How fast a carrier's counter runs, by the hour of the week: new mappings of others per second.
 * The mean of logarithms, because loads differ by factors, and so that one wild report is one report.
 */
export class Weekly {
  readonly #hours = new Map<number, Mean>();

  learn(hour: number, perSecond: number, weight: number): void {
    this.add(hour, { weight, sum: weight * Math.log1p(Math.max(0, Math.min(MOST, perSecond))) });
  }

  add(hour: number, { weight, sum }: Mean): void {
    const before = this.#hours.get(hour) ?? { weight: 0, sum: 0 };
    this.#hours.set(hour, { weight: before.weight + weight, sum: before.sum + sum });
  }

  /** Per second at that hour, where `coarser` is the mean logarithm that a coarser key expects. */
  mean(hour: number, coarser: number | undefined): number | undefined {
    let week: Mean = { weight: 0, sum: 0 };
    for (const { weight, sum } of this.#hours.values()) week = { weight: week.weight + weight, sum: week.sum + sum };
    if (week.weight === 0) return coarser;
    const usual = coarser === undefined ? week.sum / week.weight : leaning(week, coarser);
    return leaning(this.#hours.get(hour) ?? { weight: 0, sum: 0 }, usual);
  }

  all(): IterableIterator<[number, Mean]> {
    return this.#hours.entries();
  }

  fade(factor: number): void {
    for (const [hour, { weight, sum }] of this.#hours) {
      this.#hours.set(hour, { weight: weight * factor, sum: sum * factor });
    }
  }
}

function leaning({ weight, sum }: Mean, on: number): number {
  return (sum + LEAN * on) / (weight + LEAN);
}
