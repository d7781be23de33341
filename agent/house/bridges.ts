import type { Address } from '../base/address.ts';
import { earliest, type Instant, isDue, minutes } from '../base/time.ts';
import { Rate } from '../punch/rate.ts';
import type { Ground } from '../punch/target.ts';
import type { Header } from '../seal/header.ts';
import type { Bridge as Offer, Bridged } from '../wire/messages.ts';
import { Bridge, type BridgeEffect, type BridgeInput } from './bridge.ts';
import { type LegOptions, mayWrite } from './leg.ts';

/** A rendezvous gone mad must not make us call around. */
const OFFERS = { most: 20, within: minutes(1) } as const;

export type BridgesEffect =
  | Extract<BridgeEffect, { kind: 'send' }>
  | { readonly kind: 'say'; readonly message: Bridged }
  /** What is for that peer may go this way from now on, or not any more. */
  | { readonly kind: 'bridged'; readonly pairId: number; readonly up: boolean }
  /** A datagram of that peer. */
  | { readonly kind: 'crossed'; readonly pairId: number; readonly bytes: Uint8Array };

interface Entry {
  readonly pairId: number;
  readonly bridge: Bridge;
}

/** Other households that carry for us, one to a pair at most. */
export class Bridges {
  readonly #options: LegOptions;
  readonly #isTaken: (index: number) => boolean;
  readonly #byPair = new Map<number, Entry>();
  readonly #byLeg = new Map<number, Entry>();
  readonly #offers = new Rate(OFFERS.most, OFFERS.within);
  #refused = 0;

  /** `isTaken`: is that the number of another session of ours? */
  constructor(options: LegOptions, isTaken: (index: number) => boolean) {
    this.#options = options;
    this.#isTaken = isTaken;
  }

  /** Datagrams that named a leg of ours and did not open. */
  get refused(): number {
    let refused = this.#refused;
    for (const { bridge } of this.#byPair.values()) refused += bridge.refused;
    return refused;
  }

  has(leg: number): boolean {
    return this.#byLeg.has(leg);
  }

  /** The rendezvous says who carries between us and that peer. */
  offer({ pairId, leg }: Offer, ground: Ground, now: Instant): BridgesEffect[] {
    const known = this.#byPair.get(pairId);
    // It has not heard how that came out.
    if (known?.bridge.leg === leg.number) return known.bridge.isUp ? [said(known, true)] : [];
    if (this.#isTaken(leg.number) || this.#byLeg.has(leg.number) || !this.#offers.take(now)) return [];
    const out: BridgesEffect[] = [];
    if (known !== undefined) {
      this.#forget(known);
      out.push({ kind: 'bridged', pairId, up: false });
    }
    const addresses = leg.addresses.filter((address) => mayWrite(address, ground));
    const entry = { pairId, bridge: new Bridge(this.#options, leg, addresses, now) };
    this.#byPair.set(pairId, entry);
    this.#byLeg.set(leg.number, entry);
    return [...out, ...this.#give(entry, { kind: 'start' }, now)];
  }

  /** A datagram for that peer. */
  cross(pairId: number, bytes: Uint8Array, now: Instant): BridgesEffect[] {
    const entry = this.#byPair.get(pairId);
    return entry === undefined ? [] : this.#give(entry, { kind: 'cargo', bytes }, now);
  }

  /** The pair is over, or nothing comes this way any more: then the rendezvous is told. */
  drop(pairId: number, why: 'over' | 'silent'): BridgesEffect[] {
    const entry = this.#byPair.get(pairId);
    if (entry === undefined) return [];
    this.#forget(entry);
    return why === 'silent' ? [said(entry, false)] : [];
  }

  datagram(header: Header, bytes: Uint8Array, from: Address, now: Instant): BridgesEffect[] {
    const entry = this.#byLeg.get(header.index);
    return entry === undefined ? [] : this.#give(entry, { kind: 'datagram', header, bytes, from }, now);
  }

  tick(now: Instant): BridgesEffect[] {
    const out: BridgesEffect[] = [];
    for (const entry of this.#byPair.values()) {
      if (isDue(entry.bridge.wake(), now)) out.push(...this.#give(entry, { kind: 'tick' }, now));
    }
    return out;
  }

  wake(): Instant | undefined {
    let wake: Instant | undefined;
    for (const { bridge } of this.#byPair.values()) wake = earliest(wake, bridge.wake());
    return wake;
  }

  #give(entry: Entry, input: BridgeInput, now: Instant): BridgesEffect[] {
    const { pairId } = entry;
    return entry.bridge.step(input, now).flatMap((effect): BridgesEffect[] => {
      switch (effect.kind) {
        case 'send':
          return [effect];
        case 'cargo':
          return [{ kind: 'crossed', pairId, bytes: effect.bytes }];
        case 'up':
          return effect.again ? [said(entry, true)] : [said(entry, true), { kind: 'bridged', pairId, up: true }];
        case 'down':
          this.#forget(entry);
          return [said(entry, false), { kind: 'bridged', pairId, up: false }];
      }
    });
  }

  #forget(entry: Entry): void {
    this.#refused += entry.bridge.refused;
    this.#byPair.delete(entry.pairId);
    this.#byLeg.delete(entry.bridge.leg);
  }
}

function said({ pairId, bridge }: Entry, up: boolean): BridgesEffect {
  return { kind: 'say', message: { kind: 'bridged', pairId, leg: bridge.leg, up } };
}
