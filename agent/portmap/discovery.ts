import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Instant } from '../base/time.ts';
import type { Door, HttpOrder, Refusal } from './client.ts';
import { type Description, decodeDescription } from './description.ts';
import { isSix } from './door.ts';
import type { Exchange, Reply } from './exchange.ts';
import { type Found, Search } from './search.ts';
import { type Candidate, candidatesOf } from './service.ts';
import type { Tally } from './tally.ts';
import type { Place } from './url.ts';

/** A gateway that was found, and its services that may be asked. */
export interface Device {
  readonly description: Description;
  readonly candidates: readonly Candidate[];
  /** Counts its restarts, where it tells. */
  readonly bootId: number | undefined;
}

/** How far it is; `over` once nobody is left who might be it. */
export type Progress =
  | { readonly kind: 'under-way'; readonly effects: readonly (NetEffect | HttpOrder)[] }
  | { readonly kind: 'found'; readonly device: Device }
  | { readonly kind: 'over'; readonly reason: Refusal };

interface Spot {
  readonly place: Place;
  readonly bootId: number | undefined;
}

/** Finds the device at the gateway's address that opens ports: searches, and reads the descriptions one by one until one fits. */
export class Discovery {
  readonly #door: Door;
  readonly #exchange: Exchange;
  readonly #tally: Tally;
  readonly #search: Search;
  /** The description that is being fetched. */
  #reading: Spot | undefined;
  #waiting: readonly Spot[] = [];
  /** No more will be found. */
  #over = false;

  constructor(options: {
    readonly door: Door;
    readonly socket: SocketId;
    readonly exchange: Exchange;
    readonly tally: Tally;
  }) {
    const { door, socket, exchange, tally } = options;
    this.#door = door;
    this.#exchange = exchange;
    this.#tally = tally;
    this.#search = new Search({ socket, door, tally });
  }

  open(): NetEffect[] {
    return this.#search.open();
  }

  close(): NetEffect[] {
    return this.#search.close();
  }

  step(input: NetInput, now: Instant): Progress {
    const { effects, found } = this.#search.step(input, now);
    const progress = this.#found(found, now);
    return progress.kind === 'under-way' ? { ...progress, effects: [...effects, ...progress.effects] } : progress;
  }

  wake(): Instant | undefined {
    return this.#search.wake();
  }

  /** Whoever is being looked for has just told everybody where it is. */
  announced(bytes: Uint8Array, now: Instant): Progress {
    return this.#found(this.#search.heard(this.#door.gateway, bytes), now);
  }

  /** What came for the description that was asked for. */
  described(reply: Reply, now: Instant): Progress {
    const spot = this.#reading;
    if (spot === undefined) return UNDER_WAY;
    this.#reading = undefined;
    if (reply.kind === 'failed') return this.#next(now, reply.reason === 'too-slow' ? 'slow' : 'bad-answer');
    const description = decodeDescription(reply.bytes);
    if (typeof description === 'string') {
      this.#tally.count(description);
      return this.#next(now, 'bad-answer');
    }
    const candidates = candidatesOf(description, spot.place, isSix(this.#door));
    if (candidates.length > 0) return { kind: 'found', device: { description, candidates, bootId: spot.bootId } };
    if (description.services.length > 0) this.#tally.count('elsewhere');
    return this.#next(now);
  }

  #found(found: Found, now: Instant): Progress {
    switch (found.kind) {
      case 'nothing':
        return UNDER_WAY;
      case 'place':
        this.#waiting = [...this.#waiting, found];
        return this.#next(now);
      case 'gave-up':
        this.#over = true;
        return this.#next(now, found.reason);
    }
  }

  /** The next description, where none is being fetched; `reason` is why there is none. */
  #next(now: Instant, reason: Refusal = 'no-service'): Progress {
    if (this.#reading !== undefined) return UNDER_WAY;
    const [spot, ...waiting] = this.#waiting;
    if (spot === undefined) return this.#over ? { kind: 'over', reason } : UNDER_WAY;
    this.#reading = spot;
    this.#waiting = waiting;
    return { kind: 'under-way', effects: [this.#exchange.get(spot.place, now)] };
  }
}

const UNDER_WAY: Progress = { kind: 'under-way', effects: [] };
