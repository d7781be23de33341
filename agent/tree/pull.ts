import { after, at, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import type { Contact } from './contacts.ts';
import type { Peer } from './talk.ts';

/** Between two requests for the same block. */
const AGAIN_AFTER = ms(120);
/** Spares help out, they do not feed: after this they are not asked any more until the stream has flowed again. */
const BUDGET = seconds(6);
/** A block is at most 40 ms of stream (docs/wire.md). */
const BLOCK: Millis = ms(40);
/** So many unknown blocks at once: three seconds of stream. */
const AHEAD_MOST = 75;

export interface Asked {
  readonly peer: Peer;
  readonly numbers: readonly number[];
}

/** Missing blocks, asked of several households by number, so that none has to send more than its share. */
export class Pull {
  #began: Instant | undefined;
  #next: Instant = at(0);
  /** Each round begins with another household: who did not answer is not asked for the same again. */
  #round = 0;
  /** Those that brought something since the last round: they live, and what cut us off has not cut them off. */
  readonly #givers = new Set<Peer>();

  end(): void {
    this.#began = undefined;
    this.#round = 0;
    this.#givers.clear();
  }

  /** That one brought a block. */
  had(peer: Peer): void {
    if (this.#began !== undefined) this.#givers.add(peer);
  }

  /** `newest`: the last block that is here; what comes after it is missing since `dryAt`. */
  ask(
    missing: readonly number[],
    newest: number,
    dryAt: Instant,
    contacts: readonly Contact[],
    now: Instant,
  ): readonly Asked[] {
    this.#began ??= now;
    if (this.#next > now || since(this.#began, now) > BUDGET || contacts.length === 0) return [];
    this.#next = after(now, AGAIN_AFTER);
    const ahead = newest < 0 ? 0 : Math.min(AHEAD_MOST, Math.ceil(since(dryAt, now) / BLOCK) + 2);
    const numbers = [...missing, ...Array.from({ length: ahead }, (_, i) => newest + 1 + i)];
    const round = this.#round++;
    const givers = contacts.filter(({ peer }) => this.#givers.has(peer));
    const among = givers.length > 0 ? givers : contacts;
    this.#givers.clear();
    const isOf = (number: number, i: number): boolean => (number + round) % among.length === i;
    // Viewers wait for the first one: it is worth asking the nearest for, whoever's turn it is.
    const isFirst = (number: number, i: number): boolean => round === 0 && i === 0 && number === numbers[0];
    return among
      .map(({ peer }, i) => ({ peer, numbers: numbers.filter((number) => isOf(number, i) || isFirst(number, i)) }))
      .filter((asked) => asked.numbers.length > 0);
  }

  wake(now: Instant): Instant | undefined {
    if (this.#began === undefined || since(this.#began, now) > BUDGET) return undefined;
    return this.#next;
  }
}
