import type { Machine } from '../base/machine.ts';
import type { Method, Reason } from '../base/outcome.ts';
import { after, type Instant, type Millis, since } from '../base/time.ts';

export type ResultInput =
  /** The introduction has been asked for: all times count from here. */
  | { readonly kind: 'asked' }
  /** A path has carried data both ways. */
  | { readonly kind: 'carried'; readonly method: Method }
  /** Punching failed; `again` when it goes on trying. */
  | { readonly kind: 'gave-up'; readonly reason: Reason; readonly again: boolean }
  /** Nothing can come of it: the peer is unknown, offline, or the rendezvous cannot be reached. */
  | { readonly kind: 'refused'; readonly reason: Reason }
  | { readonly kind: 'tick' };

export interface ResultEffect {
  readonly kind: 'result';
  /** The one line of `hearth ping`, without its end. */
  readonly line: string;
  readonly exitCode: 0 | 1;
}

/**
 * What `hearth ping` says in the end, and when it knows. A direct path is the result at once. A relay is the result
 * when the patience is over, or punching has nothing more to try; nothing is, when neither came.
 */
export class Result implements Machine<ResultInput, ResultEffect> {
  readonly #patience: Millis;
  #state: State = { name: 'before' };

  constructor(options: { readonly patience: Millis }) {
    this.#patience = options.patience;
  }

  step(input: ResultInput, now: Instant): readonly ResultEffect[] {
    if (this.#state.name === 'said') return [];
    switch (input.kind) {
      case 'asked':
        if (this.#state.name === 'before') this.#state = { name: 'open', from: now, facts: NOTHING };
        return [];
      case 'carried':
        return this.#carried(input.method, now);
      case 'gave-up':
        this.#learn({ reason: input.reason, exhausted: !input.again });
        return this.#exhausted() ? this.#relayed() : [];
      case 'refused':
        return this.#say(`not connected: ${input.reason}`, 1);
      case 'tick':
        return this.#tick(now);
    }
  }

  wake(): Instant | undefined {
    return this.#state.name === 'open' ? after(this.#state.from, this.#patience) : undefined;
  }

  #carried(method: Method, now: Instant): ResultEffect[] {
    if (this.#state.name !== 'open') return [];
    const { from, facts } = this.#state;
    const first = facts.first ?? { method, after: since(from, now) };
    if (!isRelay(method)) {
      const [whole, byte] = [inSeconds(since(from, now)), inSeconds(first.after)];
      return this.#say(`connected direct ${method} after ${whole} s, first byte after ${byte} s by ${first.method}`, 0);
    }
    this.#learn({ first, relay: method });
    return this.#exhausted() ? this.#relayed() : [];
  }

  #tick(now: Instant): ResultEffect[] {
    if (this.#state.name !== 'open' || now < after(this.#state.from, this.#patience)) return [];
    const { first, reason } = this.#state.facts;
    return first === undefined ? this.#say(`not connected: ${reason}`, 1) : this.#relayed();
  }

  #relayed(): ResultEffect[] {
    if (this.#state.name !== 'open') return [];
    const { first, relay, reason } = this.#state.facts;
    if (first === undefined || relay === undefined) return [];
    return this.#say(`connected relay ${relay} after ${inSeconds(first.after)} s: ${reason}`, 0);
  }

  #exhausted(): boolean {
    return this.#state.name === 'open' && this.#state.facts.exhausted;
  }

  #learn(news: Partial<Facts>): void {
    if (this.#state.name !== 'open') return;
    this.#state = { ...this.#state, facts: { ...this.#state.facts, ...news } };
  }

  #say(line: string, exitCode: 0 | 1): ResultEffect[] {
    this.#state = { name: 'said' };
    return [{ kind: 'result', line, exitCode }];
  }
}

interface Facts {
  /** The first path that carried, and how long that took. */
  readonly first: { readonly method: Method; readonly after: Millis } | undefined;
  /** The relay that carries now. */
  readonly relay: Method | undefined;
  /** Why there is no direct path, as far as is known. */
  readonly reason: Reason;
  /** Punching has given up for good. */
  readonly exhausted: boolean;
}

const NOTHING: Facts = { first: undefined, relay: undefined, reason: 'timeout', exhausted: false };

type State =
  | { readonly name: 'before' }
  | { readonly name: 'open'; readonly from: Instant; readonly facts: Facts }
  | { readonly name: 'said' };

function isRelay(method: Method): boolean {
  return method === 'relay-household' || method === 'relay-rendezvous';
}

/** Milliseconds to three decimals of a second: the resolution of the clock that counts them. */
function inSeconds(span: Millis): string {
  return (span / 1000).toFixed(3);
}
