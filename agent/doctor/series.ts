import type { SocketId } from '../base/net.ts';
import { after, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import type { Place, Trial, TrialEffect, TrialInput } from './trial.ts';

/** What became of a series of probes. */
export interface Trips {
  readonly asked: number;
  /** Round trips, in the order in which the answers came. */
  readonly trips: readonly Millis[];
}

/** Enough for a share of loss that a viewer would notice, at a pace that no line notices. */
const PROBES = 50;
const PACE = ms(30);
/** An answer that takes longer is as good as lost to a stream. */
const PATIENCE = seconds(1);

/** Loss and latency between here and one observer: a steady series of probes. */
export class Series implements Trial {
  readonly sockets: readonly [SocketId];
  readonly #observer: Place;
  readonly #sentAt: Instant[] = [];
  readonly #trips = new Map<number, Millis>();
  #state: 'opening' | 'sending' | 'over' = 'opening';
  #nextAt: Instant | undefined;

  constructor(socket: SocketId, observer: Place) {
    this.sockets = [socket];
    this.#observer = observer;
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  get result(): Trips {
    return { asked: this.#sentAt.length, trips: [...this.#trips.values()] };
  }

  begin(): readonly TrialEffect[] {
    return [{ kind: 'open', socket: this.sockets[0], ip: anyOf(this.#observer), port: 0 }];
  }

  step(input: TrialInput, now: Instant): readonly TrialEffect[] {
    switch (input.kind) {
      case 'opened':
        this.#state = 'sending';
        return this.#send(now);
      case 'failed':
        this.#state = 'over';
        return [];
      case 'observed': {
        const sentAt = this.#sentAt[input.index];
        if (sentAt !== undefined && !this.#trips.has(input.index)) this.#trips.set(input.index, since(sentAt, now));
        return this.#trips.size === PROBES ? this.#end() : [];
      }
      case 'tick':
        return this.#nextAt === undefined || now < this.#nextAt ? [] : this.#send(now);
      case 'datagram':
      case 'filtered':
      case 'knocked':
        return [];
    }
  }

  wake(): Instant | undefined {
    return this.#nextAt;
  }

  #send(now: Instant): readonly TrialEffect[] {
    const index = this.#sentAt.length;
    if (index === PROBES) return this.#end();
    this.#sentAt.push(now);
    this.#nextAt = after(now, this.#sentAt.length === PROBES ? PATIENCE : PACE);
    return [{ kind: 'probe', socket: this.sockets[0], observer: this.#observer.number, index }];
  }

  #end(): readonly TrialEffect[] {
    this.#state = 'over';
    this.#nextAt = undefined;
    return [{ kind: 'close', socket: this.sockets[0] }];
  }
}

/** What to bind to, for whom. */
export function anyOf({ address }: Pick<Place, 'address'>): string {
  return address.ip.includes(':') ? '::' : '0.0.0.0';
}
