import { between } from '../base/random.ts';
import type { House } from './house.ts';
import type { Sim } from './sim.ts';

/** Slots of twenty lines: the shares of docs/tree.md. Dealt like cards, so that thirty households have them too. */
const DECK = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 8, 8, 8];
/** How often is looked who is missing or one too many, and who has stayed his time; in milliseconds. */
const LOOK_EVERY = 100;
/** Of those that are missing or too many this share comes or goes at a look, and one at least: a thousand within seconds. */
const AT_A_LOOK = 0.02;
/** Who was killed does not come back in the same moment, or healing would be hard to tell from newcomers. */
const BACK_AFTER = 10_000;
/** Of those that go by themselves. */
const ANNOUNCED = 0.5;

/** Keeps a forest at the size somebody wants, with households that come and go. */
export class Population {
  wanted: number;
  /** Mean stay in milliseconds; Infinity for ever. */
  stay = Infinity;
  readonly #sim: Sim;
  #deck: number[] = [];
  /** When those that were killed come back. */
  readonly #back: number[] = [];
  /** Slots of those that went: who comes next has such a line, so that the forest does not grow weaker by every blow. */
  readonly #lines: number[] = [];

  constructor(sim: Sim, wanted: number) {
    this.#sim = sim;
    this.wanted = wanted;
    this.#look();
  }

  /** Without the origin. */
  get size(): number {
    return this.#sim.houses.size - 1;
  }

  /** These are going by a visitor's hand. */
  mourn(houses: readonly House[]): void {
    for (const { slots } of houses) {
      this.#lines.push(slots);
      this.#back.push(this.#sim.now + BACK_AFTER);
    }
  }

  households(): House[] {
    return [...this.#sim.houses.values()].filter(({ id }) => id !== 0);
  }

  #look(): void {
    const sim = this.#sim;
    this.#churn();
    while ((this.#back[0] ?? Infinity) <= sim.now) this.#back.shift();
    const short = this.wanted - this.size - this.#back.length;
    const many = Math.max(1, Math.round(Math.abs(short) * AT_A_LOOK));
    for (let i = 0; short > 0 && i < many; i++) sim.enter(this.#lines.shift() ?? this.#deal(), 'honest');
    const tooMany = this.size - this.wanted;
    if (tooMany > 0) for (const house of this.#some(Math.min(many, tooMany))) sim.leave(house);
    sim.at(sim.now + LOOK_EVERY, () => this.#look());
  }

  #churn(): void {
    if (this.stay === Infinity) return;
    const expected = (this.size * LOOK_EVERY) / this.stay;
    const many = Math.floor(expected) + (between(this.#sim.random, 0, 1) < expected % 1 ? 1 : 0);
    for (const house of this.#some(many)) {
      this.#lines.push(house.slots);
      if (between(this.#sim.random, 0, 1) < ANNOUNCED) this.#sim.leave(house);
      else this.#sim.crash(house);
    }
  }

  #some(many: number): House[] {
    if (many === 0) return [];
    const all = this.households();
    const some: House[] = [];
    while (some.length < many && all.length > 0) some.push(...all.splice(this.#sim.random(all.length), 1));
    return some;
  }

  /** The strongest lines feed as many as anybody may. */
  #deal(): number {
    if (this.#deck.length === 0) this.#deck = [...DECK];
    return this.#deck.splice(this.#sim.random(this.#deck.length), 1)[0] ?? 0;
  }
}
