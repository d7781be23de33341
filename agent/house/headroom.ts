import { type Instant, ms } from '../base/time.ts';
import { Capacity } from './capacity/capacity.ts';
import type { Allowed, Around, CapacityEffect, CapacityView, Claim } from './capacity/orders.ts';
import type { Sight } from './capacity/pressure.ts';
import type { UploadKnown } from './capacity/upload.ts';
import { encodePeer } from '../wire/peer.ts';
import type { EndpointInput } from './orders.ts';
import type { Peer } from './peer.ts';
import type { Watch } from './watch.ts';

export interface HeadroomOptions extends Allowed {
  readonly watches: readonly Watch[];
  /** Everybody we have a session with. */
  readonly peers: () => Iterable<Peer>;
  readonly known: UploadKnown | undefined;
}

export type HeadroomEffect =
  | { readonly kind: 'feed'; readonly watch: Watch; readonly slots: number; readonly most: number }
  | Extract<EndpointInput, { kind: 'capacity' | 'limit' | 'tell' }>
  | Extract<CapacityEffect, { kind: 'learned' | 'event' }>;

/** A limit that is this much like the one before is left alone. */
const SAME = 0.05;
/** Needs no answer but that it arrived. */
const QUESTION = encodePeer({ kind: 'echo', reply: true, token: new Uint8Array(8) });

/** What a household has left to give, seen from its sessions and channels: the capacity machine with eyes and hands. */
export class Headroom {
  readonly #options: HeadroomOptions;
  readonly #capacity: Capacity;
  readonly #limits = new Map<number, number>();

  constructor(options: HeadroomOptions) {
    this.#options = options;
    this.#capacity = new Capacity({ ...options, channels: options.watches.length });
  }

  get view(): CapacityView {
    return this.#capacity.view;
  }

  wake(): Instant {
    return this.#capacity.wake();
  }

  allow(allowed: Allowed, now: Instant): readonly HeadroomEffect[] {
    this.#capacity.step({ ...allowed, kind: 'allowed' }, now);
    return this.look(now);
  }

  /** The machine around us has been looked at. */
  around(around: Around, now: Instant): void {
    this.#capacity.step({ ...around, kind: 'around' }, now);
  }

  look(now: Instant): readonly HeadroomEffect[] {
    const { watches } = this.#options;
    const channels = watches.map((watch) => {
      const children = watch.kin.children.facts.length;
      return { rate: watch.rate.rate, children, isLate: children > 0 && watch.isLate(now) };
    });
    const orders = this.#capacity.step({ kind: 'looked', sessions: this.#sights(now), channels }, now);
    const out: HeadroomEffect[] = [];
    for (const order of orders) {
      switch (order.kind) {
        case 'slots': {
          const watch = watches[order.channel];
          if (watch !== undefined) out.push({ kind: 'feed', watch, slots: order.slots, most: order.most });
          break;
        }
        case 'tell':
          out.push(this.#claim(order.claims));
          break;
        case 'learned':
        case 'event':
          out.push(order);
          break;
      }
    }
    return [...out, ...(this.view.weather.isDoubtful ? this.#questions() : []), ...this.paces()];
  }

  /** Little is said to those above us, so how long it takes is not known unless they are asked. */
  #questions(): readonly HeadroomEffect[] {
    const { watches, peers } = this.#options;
    const isFed = (pairId: number): boolean => watches.some(({ kin }) => kin.children.has(pairId));
    const asked = [...peers()].filter(({ open, pairId }) => open && !isFed(pairId));
    return asked.map(({ pairId }) => ({ kind: 'tell', pairId, bytes: QUESTION, urgent: true }));
  }

  #claim(claims: readonly Claim[]): HeadroomEffect {
    const { watches } = this.#options;
    const shares = watches.flatMap(({ channel }, i) => {
      const claim = claims[i];
      return claim === undefined ? [] : [{ channel, ...claim }];
    });
    const [streams, most] = [claims.map((one) => one.streams), claims.map((one) => one.most)];
    const whole = { streams: Math.max(0, ...streams), most: Math.max(0, ...most) };
    return { kind: 'capacity', ...whole, shares: shares.length > 1 ? shares : [] };
  }

  #sights(now: Instant): readonly Sight[] {
    const { watches, peers } = this.#options;
    return [...peers()].flatMap((peer): Sight[] => {
      const stats = peer.stats(now);
      if (stats === undefined) return [];
      const { pairId } = peer;
      const isChild = watches.some(({ kin }) => kin.children.has(pairId));
      const { deliveredBytes, sentPackets, lostPackets, latestRttMs, queued: waitingBytes } = stats;
      const counts = { deliveredBytes, sentPackets, lostPackets, waitingBytes };
      return [{ pairId, isChild, ...counts, rtt: ms(latestRttMs), deliveryRate: stats.deliveryRate / 1000 }];
    });
  }

  /**
   * What each session may be sent from now on, as far as that has changed: to be asked whenever somebody has come or is fed. Nobody gets
   * more at once than the house's part of the line, neither a child that catches up nor a neighbour that lost something.
   */
  paces(): readonly HeadroomEffect[] {
    const { watches, peers } = this.#options;
    const rates = new Map<number, number>();
    for (const { rate, kin } of watches) for (const { pairId } of kin.children.facts) rates.set(pairId, rate.rate ?? 0);
    const total = [...rates.values()].reduce((sum, rate) => sum + rate, 0);
    const out: HeadroomEffect[] = [];
    const here = new Set<number>();
    for (const { pairId, open } of peers()) {
      if (!open) continue;
      here.add(pairId);
      const rate = rates.get(pairId);
      const limit = rate === undefined ? this.#capacity.reserve : this.#capacity.pace(rate, total, rates.size);
      const before = this.#limits.get(pairId);
      if (limit === before) continue;
      if (limit !== undefined && before !== undefined && Math.abs(limit - before) < SAME * before) continue;
      if (limit === undefined) this.#limits.delete(pairId);
      else this.#limits.set(pairId, limit);
      out.push({ kind: 'limit', pairId, rate: limit });
    }
    for (const pairId of this.#limits.keys()) if (!here.has(pairId)) this.#limits.delete(pairId);
    return out;
  }
}
