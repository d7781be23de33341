import type { Address } from '../base/address.ts';
import type { SocketId } from '../base/net.ts';
import { after, type Instant, type Millis, ms, since } from '../base/time.ts';
import type { Observer, ProbeOrder } from './orders.ts';
import type { Sample } from './sample.ts';

/**
 * One probe to each observer from one fresh socket, all in one tick, those unanswered once more.
 * At zero interval a counting NAT shows its step whatever the path's latency; retransmissions are marked,
 * because nobody knows whether the first try already made the mapping.
 */
export class Burst {
  readonly socket: SocketId;
  readonly #observers: readonly Observer[];
  readonly #destinations: () => number;
  readonly #tries: Try[] = [];
  readonly #samples: Sample[] = [];
  #state: State = { name: 'opening' };

  /** `destinations` counts up: how many the run wrote to before this one. */
  constructor(socket: SocketId, observers: readonly Observer[], destinations: () => number) {
    this.socket = socket;
    this.#observers = observers;
    this.#destinations = destinations;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** How many observers were asked, once or twice. */
  get asked(): number {
    return this.#state.name === 'opening' || this.#state.name === 'failed' ? 0 : this.#observers.length;
  }

  opened(local: Address, now: Instant): ProbeOrder[] {
    this.#state = { name: 'sent', localPort: local.port, retryAt: after(now, RETRY) };
    return this.#observers.map((observer) => this.#send({ observer, before: this.#destinations(), sentAt: now }));
  }

  failed(): void {
    this.#state = { name: 'failed' };
  }

  observed(index: number, external: Address, now: Instant): void {
    const tried = this.#tries[index];
    if (tried === undefined || this.#state.name === 'opening' || this.#state.name === 'failed') return;
    if (this.#answered(tried.observer)) return;
    const { observer, before, sentAt } = tried;
    const { localPort } = this.#state;
    const again = index >= this.#observers.length;
    const from = { socket: this.socket, localPort, index, before, again, observer: observer.address };
    this.#samples.push({ ...from, external, sentAt, answeredAt: now });
  }

  tick(now: Instant): ProbeOrder[] {
    if (this.#state.name !== 'sent' || now < this.#state.retryAt) return [];
    this.#state = { name: 'retried', localPort: this.#state.localPort, at: now };
    const unanswered = this.#tries.filter(({ observer }) => !this.#answered(observer));
    return unanswered.map((tried) => this.#send({ ...tried, sentAt: now }));
  }

  wake(): Instant | undefined {
    return this.#state.name === 'sent' && this.#unanswered().length > 0 ? this.#state.retryAt : undefined;
  }

  /** When nothing more is to be expected, given how long an answer may take; undefined while that is open. */
  doneAt(patience: Millis): Instant | 'now' | undefined {
    if (this.#state.name === 'failed') return 'now';
    if (this.#state.name === 'opening') return undefined;
    if (this.#unanswered().length === 0) return 'now';
    return this.#state.name === 'retried' ? after(this.#state.at, patience) : undefined;
  }

  /** The longest round trip seen to an observer. */
  get roundTrip(): Millis | undefined {
    const trips = this.#samples.map((sample) => since(sample.sentAt, sample.answeredAt));
    return trips.length === 0 ? undefined : ms(Math.max(...trips));
  }

  #send(attempt: Try): ProbeOrder {
    const index = this.#tries.push(attempt) - 1;
    return { kind: 'probe', socket: this.socket, observer: attempt.observer.number, index };
  }

  #unanswered(): Observer[] {
    return this.#observers.filter((observer) => !this.#answered(observer));
  }

  #answered(observer: Observer): boolean {
    return this.#samples.some((sample) => sample.observer === observer.address);
  }
}

/** A probe without an answer is sent again this long after: as long as the worst round trip to a near server. */
export const RETRY = ms(250);

interface Try {
  readonly observer: Observer;
  readonly before: number;
  readonly sentAt: Instant;
}

type State =
  | { readonly name: 'opening' }
  | { readonly name: 'sent'; readonly localPort: number; readonly retryAt: Instant }
  | { readonly name: 'retried'; readonly localPort: number; readonly at: Instant }
  | { readonly name: 'failed' };
