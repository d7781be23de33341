import { type Allowance, full, type Rate as Flow, spend } from '../base/allowance.ts';
import type { Address } from '../base/address.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import { at, earliest, type Instant, isDue, minutes, seconds, since } from '../base/time.ts';
import { isSteady } from '../punch/prospect.ts';
import { Rate } from '../punch/rate.ts';
import type { Ground } from '../punch/target.ts';
import type { Header } from '../seal/header.ts';
import type { Carry, Carrying, CarryingState } from '../wire/messages.ts';
import { Carriage, type CarriageEffect, type CarriageInput } from './carriage.ts';
import { type LegOptions, mayWrite } from './leg.ts';

/** What a household does for others, as its owner set it. */
export interface CarryLimits {
  /** In all, both directions of all pairs together; 0 for nothing. */
  readonly kbits: number;
  /** Pairs at once. */
  readonly pairs: number;
}

/** A rendezvous gone mad must not make us call around. */
const ORDERS = { most: 30, within: minutes(1) } as const;
/** So many datagrams without room in so long a time: the pair is better off elsewhere than with holes in its picture. */
const TOO_MUCH = { datagrams: 32, within: seconds(2) } as const;
/** What `beat` can say. */
const MOST_ROOM = 65_535;

export type CarriagesEffect =
  | Extract<CarriageEffect, { kind: 'send' }>
  | { readonly kind: 'say'; readonly message: Carrying }
  | {
      readonly kind: 'event';
      readonly name: 'relay-begun' | 'relay-ended';
      readonly fields: Readonly<Record<string, string | number>>;
    };

export interface CarriagesCounters {
  readonly pairs: number;
  /** Pairs carried so far. */
  readonly begun: number;
  readonly datagrams: number;
  readonly bytes: number;
  /** What did not open, or had no room. */
  readonly refused: number;
}

/** Where we stand when we are told to carry. */
export interface Place {
  readonly ground: Ground;
  /** Our own NAT. */
  readonly profile: NatProfile;
}

interface Entry {
  readonly carriage: Carriage;
  readonly kbits: number;
  readonly allowance: Allowance;
  short: { since: Instant; datagrams: number };
}

/** Everything that this household carries between others. */
export class Carriages {
  readonly #options: LegOptions;
  readonly #isTaken: (index: number) => boolean;
  #limits: CarryLimits;
  readonly #allowance: Allowance;
  readonly #byPair = new Map<number, Entry>();
  readonly #byLeg = new Map<number, Entry>();
  readonly #orders = new Rate(ORDERS.most, ORDERS.within);
  #measured: { readonly at: Instant; readonly bytes: number } | undefined;
  #begun = 0;
  /** Of those that are over. */
  readonly #past = { datagrams: 0, bytes: 0, refused: 0 };

  /** `isTaken`: is that the number of another session of ours? */
  constructor(options: LegOptions, limits: CarryLimits, isTaken: (index: number) => boolean) {
    this.#options = options;
    this.#limits = limits;
    this.#isTaken = isTaken;
    this.#allowance = full(flow(limits.kbits), at(0));
  }

  get counters(): CarriagesCounters {
    let { datagrams, bytes, refused } = this.#past;
    for (const { carriage } of this.#byPair.values()) {
      datagrams += carriage.counters.datagrams;
      bytes += carriage.counters.bytes;
      refused += carriage.counters.refused;
    }
    return { pairs: this.#byPair.size, begun: this.#begun, datagrams, bytes, refused };
  }

  /** kbit/s we would carry besides what we do: what the beat says. Measured from call to call. */
  room(profile: NatProfile, now: Instant): number {
    const { bytes } = this.counters;
    const before = this.#measured ?? { at: now, bytes };
    this.#measured = { at: now, bytes };
    const span = since(before.at, now);
    const used = span > 0 ? ((bytes - before.bytes) * 8) / span : 0;
    if (!isSteady(profile) || this.#byPair.size >= this.#limits.pairs) return 0;
    return Math.max(0, Math.min(MOST_ROOM, Math.floor(this.#limits.kbits - used)));
  }

  has(leg: number): boolean {
    return this.#byLeg.has(leg);
  }

  /** From now on so much; what is over it ends. */
  limit(limits: CarryLimits, now: Instant): CarriagesEffect[] {
    this.#limits = limits;
    const most = limits.kbits === 0 ? 0 : limits.pairs;
    return [...this.#byPair.values()].slice(most).flatMap((entry) => this.#give(entry, { kind: 'stop' }, now));
  }

  /** The rendezvous orders it; the answer goes to it each time. */
  carry(order: Carry, place: Place, now: Instant): CarriagesEffect[] {
    const known = this.#byPair.get(order.pairId);
    if (known?.carriage.legs[0] === order.legs[0].number) return [answer(known.carriage, 'yes')];
    const out = known === undefined ? [] : this.#give(known, { kind: 'stop' }, now);
    const [one, other] = order.legs.map(({ number }) => number);
    const isFree = (number = 0): boolean => !this.#isTaken(number) && !this.#byLeg.has(number);
    const { kbits, pairs } = this.#limits;
    const allowed = kbits > 0 && this.#byPair.size < pairs && isSteady(place.profile) && this.#orders.take(now);
    if (!allowed || one === other || !isFree(one) || !isFree(other)) {
      return [...out, { kind: 'say', message: { kind: 'carrying', pairId: order.pairId, leg: one ?? 0, state: 'no' } }];
    }
    const entry = this.#enter(order, place, now);
    return [...out, answer(entry.carriage, 'yes'), ...this.#give(entry, { kind: 'start' }, now)];
  }

  datagram(header: Header, bytes: Uint8Array, from: Address, now: Instant): CarriagesEffect[] {
    const entry = this.#byLeg.get(header.index);
    return entry === undefined ? [] : this.#give(entry, { kind: 'datagram', header, bytes, from }, now);
  }

  /** An orderly stop: all are told. */
  leave(now: Instant): CarriagesEffect[] {
    return [...this.#byPair.values()].flatMap((entry) => this.#give(entry, { kind: 'stop' }, now));
  }

  tick(now: Instant): CarriagesEffect[] {
    const out: CarriagesEffect[] = [];
    for (const entry of this.#byPair.values()) {
      if (isDue(entry.carriage.wake(), now)) out.push(...this.#give(entry, { kind: 'tick' }, now));
    }
    return out;
  }

  wake(): Instant | undefined {
    let wake: Instant | undefined;
    for (const { carriage } of this.#byPair.values()) wake = earliest(wake, carriage.wake());
    return wake;
  }

  #enter(order: Carry, { ground, profile }: Place, now: Instant): Entry {
    const kbits = Math.min(order.kbits, this.#limits.kbits);
    const carriage = new Carriage(
      {
        ...this.#options,
        writesFirst: profile.filtering !== 'endpoint-independent',
        mayWrite: (to) => mayWrite(to, ground),
        spend: (bytes, when) => this.#spend(entry, bytes, when),
      },
      order,
      now,
    );
    const short = { since: now, datagrams: 0 };
    const entry: Entry = { carriage, kbits, allowance: full(flow(kbits), now), short };
    this.#byPair.set(order.pairId, entry);
    for (const leg of carriage.legs) this.#byLeg.set(leg, entry);
    return entry;
  }

  #spend(entry: Entry, bytes: number, now: Instant): boolean {
    const fits =
      spend(entry.allowance, flow(entry.kbits), bytes, now) === 'spent' &&
      spend(this.#allowance, flow(this.#limits.kbits), bytes, now) === 'spent';
    if (fits) return true;
    if (since(entry.short.since, now) > TOO_MUCH.within) entry.short = { since: now, datagrams: 0 };
    entry.short.datagrams++;
    return false;
  }

  #give(entry: Entry, input: CarriageInput, now: Instant): CarriagesEffect[] {
    const out = this.#carryOut(entry, entry.carriage.step(input, now), now);
    if (entry.short.datagrams < TOO_MUCH.datagrams || entry.carriage.isOver) return out;
    return [...out, ...this.#carryOut(entry, entry.carriage.step({ kind: 'stop' }, now), now)];
  }

  #carryOut({ carriage }: Entry, effects: readonly CarriageEffect[], now: Instant): CarriagesEffect[] {
    return effects.flatMap((effect): CarriagesEffect[] => {
      switch (effect.kind) {
        case 'send':
          return [effect];
        case 'begun':
          this.#begun++;
          return [{ kind: 'event', name: 'relay-begun', fields: { pair: carriage.pairId } }];
        case 'over': {
          const { datagrams, bytes, refused } = carriage.counters;
          this.#past.datagrams += datagrams;
          this.#past.bytes += bytes;
          this.#past.refused += refused;
          this.#byPair.delete(carriage.pairId);
          for (const leg of carriage.legs) this.#byLeg.delete(leg);
          const facts = { pair: carriage.pairId, why: effect.why, datagrams, bytes };
          const fields = { ...facts, seconds: Math.round(carriage.age(now) / 1000) };
          return [answer(carriage, 'over'), { kind: 'event', name: 'relay-ended', fields }];
        }
      }
    });
  }
}

function answer(carriage: Carriage, state: CarryingState): CarriagesEffect {
  return { kind: 'say', message: { kind: 'carrying', pairId: carriage.pairId, leg: carriage.legs[0], state } };
}

/** In bytes; half a second of it may come at once. */
function flow(kbits: number): Flow {
  return { burst: Math.max(1500, kbits * 62.5), perSecond: Math.max(1, kbits * 125) };
}
