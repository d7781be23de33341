import type { Address } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import { earliest, type Instant } from '../base/time.ts';
import type { Header } from '../seal/header.ts';
import type { Bridge as Offer, Carry } from '../wire/messages.ts';
import { Bridges, type BridgesEffect } from './bridges.ts';
import { Carriages, type CarriagesCounters, type CarriagesEffect, type CarryLimits, type Place } from './carriages.ts';
import type { LegOptions } from './leg.ts';

export type LegsInput =
  | { readonly kind: 'datagram'; readonly header: Header; readonly bytes: Uint8Array; readonly from: Address }
  /** The rendezvous: carry between those two. */
  | { readonly kind: 'carry'; readonly order: Carry; readonly place: Place }
  /** The rendezvous: that one carries between you and your peer. */
  | { readonly kind: 'offer'; readonly offer: Offer; readonly place: Place }
  /** A datagram for that peer. */
  | { readonly kind: 'cross'; readonly pairId: number; readonly bytes: Uint8Array }
  /** The pair is over, or nothing comes that way any more. */
  | { readonly kind: 'drop'; readonly pairId: number; readonly why: 'over' | 'silent' }
  /** From now on so much is carried for others. */
  | ({ readonly kind: 'carries' } & CarryLimits)
  | { readonly kind: 'leave' }
  | { readonly kind: 'tick' };

export type LegsEffect = BridgesEffect | CarriagesEffect;

export interface LegsOptions extends LegOptions {
  readonly carries?: CarryLimits | undefined;
}

/** What is carried for us by other households, and by us for others: all sessions that are no neighbour's. */
export class Legs implements Machine<LegsInput, LegsEffect> {
  readonly #bridges: Bridges;
  readonly #carriages: Carriages;

  /** `isNeighbour`: is that the number of a neighbour's session? */
  constructor(options: LegsOptions, isNeighbour: (index: number) => boolean) {
    const isTaken = (index: number): boolean => isNeighbour(index) || this.has(index);
    this.#bridges = new Bridges(options, isTaken);
    this.#carriages = new Carriages(options, options.carries ?? { kbits: 0, pairs: 0 }, isTaken);
  }

  /** What was and is carried for others. */
  get carried(): CarriagesCounters {
    return this.#carriages.counters;
  }

  /** Datagrams of those that carry for us that did not open. */
  get refused(): number {
    return this.#bridges.refused;
  }

  /** Is that the number of a leg? */
  has(index: number): boolean {
    return this.#bridges.has(index) || this.#carriages.has(index);
  }

  /** kbit/s that we would carry for others besides what we do. */
  room(profile: NatProfile, now: Instant): number {
    return this.#carriages.room(profile, now);
  }

  step(input: LegsInput, now: Instant): readonly LegsEffect[] {
    switch (input.kind) {
      case 'datagram': {
        const { header, bytes, from } = input;
        if (this.#bridges.has(header.index)) return this.#bridges.datagram(header, bytes, from, now);
        return this.#carriages.datagram(header, bytes, from, now);
      }
      case 'carry':
        return this.#carriages.carry(input.order, input.place, now);
      case 'offer':
        return this.#bridges.offer(input.offer, input.place.ground, now);
      case 'cross':
        return this.#bridges.cross(input.pairId, input.bytes, now);
      case 'drop':
        return this.#bridges.drop(input.pairId, input.why);
      case 'carries':
        return this.#carriages.limit(input, now);
      case 'leave':
        return this.#carriages.leave(now);
      case 'tick':
        return [...this.#bridges.tick(now), ...this.#carriages.tick(now)];
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#bridges.wake(), this.#carriages.wake());
  }
}
