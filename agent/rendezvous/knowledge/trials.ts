import { isWay, type Way } from './ways.ts';

/** How one method fared with one class of pairs. */
export interface Row {
  readonly won: number;
  readonly lost: number;
  /** Seconds to the path, of those that won: the sum. */
  readonly seconds: number;
}

/** 13 kinds make 91 classes, a carrier meets a few of them. */
const MOST_ROWS = 64;
/** Trials a row keeps in mind; older ones give way, so that a method which stops working is left alone soon. */
const MEMORY = 200;
/** Nobody waits longer; a report of more is a mistake. */
const MOST_SECONDS = 600;

/** What came of the methods that were tried. */
export class Trials {
  readonly #rows = new Map<string, Row>();

  learn(pairClass: string, method: Way, success: boolean, seconds: number): void {
    const took = Math.max(0, Math.min(MOST_SECONDS, seconds));
    const name = rowName(pairClass, method);
    this.add(name, success ? { won: 1, lost: 0, seconds: took } : { won: 0, lost: 1, seconds: 0 });
    const row = this.#rows.get(name);
    if (row === undefined) return;
    const total = row.won + row.lost;
    if (total > MEMORY) this.#rows.set(name, faded(row, MEMORY / total));
  }

  add(name: string, { won, lost, seconds }: Row): void {
    const before = this.#rows.get(name);
    if (before === undefined && this.#rows.size >= MOST_ROWS) this.#dropLightest();
    const { won: w, lost: l, seconds: s } = before ?? { won: 0, lost: 0, seconds: 0 };
    this.#rows.set(name, { won: w + won, lost: l + lost, seconds: s + seconds });
  }

  row(pairClass: string, method: Way): Row | undefined {
    return this.#rows.get(rowName(pairClass, method));
  }

  all(): IterableIterator<[string, Row]> {
    return this.#rows.entries();
  }

  fade(factor: number): void {
    for (const [name, row] of this.#rows) this.#rows.set(name, faded(row, factor));
  }

  #dropLightest(): void {
    const weight = ({ won, lost }: Row): number => won + lost;
    const [first] = [...this.#rows].sort(([, a], [, b]) => weight(a) - weight(b));
    if (first !== undefined) this.#rows.delete(first[0]);
  }
}

function faded({ won, lost, seconds }: Row, factor: number): Row {
  return { won: won * factor, lost: lost * factor, seconds: seconds * factor };
}

function rowName(pairClass: string, method: string): string {
  return `${pairClass} ${method}`;
}

export function isRowName(text: string): boolean {
  const [pairClass = '', method = '', ...rest] = text.split(' ');
  return rest.length === 0 && /^[a-z-]{1,40}\+[a-z-]{1,40}$/.test(pairClass) && isWay(method);
}
