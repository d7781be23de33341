import { sameAddress } from '../base/address.ts';
import type { Candidate } from '../base/opening.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import { type Instant, type Millis, ms, since } from '../base/time.ts';
import type { Beat, FromRendezvous, Proven, Register } from '../wire/messages.ts';
import type { Bridging } from './bridging.ts';
import type { Client } from './directory.ts';
import { event, type RendezvousEffect, short } from './events.ts';
import type { Floor } from './floor.ts';
import type { Hearsay } from './knowledge/hearsay.ts';
import { mayBeBlock } from './observing.ts';

/** As many as `registered` carries. */
const MOST_OBSERVERS = 24;
/** Beats slow down in this many equal steps from the pairing to the rest interval, one per minute. */
const REST_STEPS = 3;

/** What a household says of itself, and how often it is to say that it is still there. */
export class Registering {
  readonly #floor: Floor;
  readonly #bridging: Bridging;
  readonly #hearsay: Hearsay;

  constructor(floor: Floor, bridging: Bridging, hearsay: Hearsay) {
    this.#floor = floor;
    this.#bridging = bridging;
    this.#hearsay = hearsay;
  }

  register(client: Client, message: Register, answers: FromRendezvous[], now: Instant): RendezvousEffect[] {
    const { proofs, matchmaker, limits, locals } = this.#floor;
    const { role, streams, most, internal } = message;
    const proven = message.proven.flatMap((one) => this.#believed(client, one, now));
    const isNew = client.facts === undefined;
    // Nobody is told of a door that nobody has come in by.
    const isOpen = proven.some(({ ip, opening }) => !ip.includes(':') && opening === message.profile.door);
    const profile: NatProfile = isOpen ? message.profile : { ...message.profile, door: 'none' };
    client.facts = { role, streams, most, internal, proven, profile };
    if (!mayBeBlock(client)) client.seen = undefined;
    this.#hearsay.registered(client, profile, now);
    client.interval = this.#interval(client, now);
    for (const channel of client.channels) matchmaker.channels.resize(channel, client, now);
    answers.push({
      kind: 'registered',
      request: message.request,
      observed: client.address,
      interval: client.interval,
      nonce: proofs.nonce(client.index, client.node),
      relays: limits.relayKbits > 0,
      observers: locals.filter((local) => local !== undefined).slice(0, MOST_OBSERVERS),
      carrier: this.#hearsay.carrier(client, now),
    });
    return isNew ? [event('registered', { node: short(client), role, nat: profile.kind })] : [];
  }

  /** Nothing that is neither known nor proven; and no door without a knock. */
  #believed(client: Client, { address, token, opening }: Proven, now: Instant): readonly Candidate[] {
    const { proofs } = this.#floor;
    const known = (client.facts?.proven ?? []).filter((one) => sameAddress(one, address));
    const was = (brought: 'answer' | 'knock'): boolean => proofs.wasAt(brought, client.index, address, token, now);
    if (known.some((one) => one.opening !== 'none') || was('knock')) return [{ ...address, opening }];
    return known.length > 0 || was('answer') ? [{ ...address, opening: 'none' }] : [];
  }

  beat(client: Client, { stamp, rtt, room }: Beat, answers: FromRendezvous[], now: Instant): [] {
    client.rtt = rtt ?? client.rtt;
    client.interval = this.#interval(client, now);
    this.#bridging.offers(client, room);
    answers.push({ kind: 'pong', stamp, observed: client.address, interval: client.interval });
    return [];
  }

  /** Slower step by step once nothing is being paired: 60,000 households at rest are 3,000 beats a second. */
  #interval(client: Client, now: Instant): Millis {
    const { pairingInterval, restInterval, pairingFor } = this.#floor.limits;
    const calm = since(client.pairingUntil, now);
    if (calm <= 0) return pairingInterval;
    const step = Math.min(REST_STEPS, 1 + Math.floor(calm / pairingFor));
    return ms(pairingInterval + ((restInterval - pairingInterval) * step) / REST_STEPS);
  }
}
