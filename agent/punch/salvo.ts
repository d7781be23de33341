import type { SocketId } from '../base/net.ts';
import { after, type Instant, type Millis, ms, since } from '../base/time.ts';
import type { Misfire, VolleyPlan } from '../base/volley.ts';
import { GRID, LONGEST_WAIT } from './limits.ts';
import { type Round, rounds } from './magazine.ts';

/** A socket that fires, and the port it is bound to. */
export interface Barrel {
  readonly socket: SocketId;
  readonly port: number;
}

/** Fires one datagram: undefined when it is gone, else which limit is in the way. */
export type Trigger = (round: Round, barrel: Barrel) => Misfire | undefined;

/** One volley being fired: which datagram is next, and when. Paced ones leave on a grid of 5 ms. */
export class Salvo {
  readonly volley: VolleyPlan;
  readonly #barrels: readonly Barrel[];
  readonly #rounds: Generator<Round, undefined>;
  readonly #gap: Millis;
  readonly #from: Instant;
  #next: Round | undefined;
  /** When the next datagram would leave without a grid. */
  #due: Instant;
  #waitingSince: Instant | undefined;

  /** `again`: the knocks once more, at the pace of `pace`. */
  constructor(volley: VolleyPlan, barrels: readonly Barrel[], start: Instant, pace: number, again: boolean) {
    this.volley = volley;
    this.#barrels = barrels;
    this.#rounds = rounds(volley, barrels.length, again);
    this.#next = this.#rounds.next().value;
    this.#gap = ms(pace === 0 ? 0 : 1000 / pace);
    this.#from = start;
    this.#due = start;
  }

  get isOver(): boolean {
    return this.#next === undefined;
  }

  wake(): Instant {
    return after(this.#from, ms(Math.ceil(since(this.#from, this.#due) / GRID) * GRID));
  }

  /** Fires what is due. A burst that a limit cuts off is over, a paced one waits a little for the limit. */
  fire(now: Instant, trigger: Trigger): Misfire | undefined {
    while (this.#next !== undefined && this.wake() <= now) {
      const barrel = this.#barrels[this.#next.by - 1];
      const refused = barrel === undefined ? undefined : trigger(this.#next, barrel);
      if (refused !== undefined) return this.#wait(refused, now);
      this.#waitingSince = undefined;
      // A machine that was stopped for a while does not make up for it.
      this.#due = after(this.#due, this.#gap);
      if (since(this.#due, now) > 2 * GRID) this.#due = now;
      this.#next = this.#rounds.next().value;
    }
    return undefined;
  }

  #wait(refused: Misfire, now: Instant): Misfire | undefined {
    this.#waitingSince ??= now;
    const isOver = this.#gap === 0 || refused === 'table' || since(this.#waitingSince, now) >= LONGEST_WAIT;
    if (!isOver) {
      this.#due = after(now, GRID);
      return undefined;
    }
    this.#next = undefined;
    return refused;
  }
}
