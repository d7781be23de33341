import type { Random } from '../base/random.ts';
import { after, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import { prospect } from '../punch/prospect.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Bridged, Carrying, Leg } from '../wire/messages.ts';
import { candidates } from './candidates.ts';
import type { Client } from './directory.ts';
import type { Floor } from './floor.ts';
import { whereabouts } from './telling.ts';
import type { Pair } from './pairs.ts';
import { type Ends, Relays } from './relays.ts';
import type { Word } from './saying.ts';
import { Wheel } from './wheel.ts';

/** Two that may still find a direct path are left to it for so long; others get a bridge with their first datagram. */
const PATIENCE = seconds(2);
/** An order or an offer that is not answered is said again after this (a round trip and a half of a slow line), so often. */
const AGAIN = ms(300);
const TIMES = 4;
/** Nobody was there to carry: people come. */
const NOBODY = seconds(10);
/** What a pair needs is known after this. */
const METERED = ms(1000);
/** After a bridge that failed, the next one. */
const BACK_OFF: readonly Millis[] = [1, 4, 15, 60].map(seconds);

/** One order: a household, and the two legs it shall carry between. */
interface Grant {
  readonly relay: string;
  readonly asker: Secret;
  readonly target: Secret;
}

type Secret = Pick<Leg, 'number' | 'secret'>;

type State =
  /** They are relayed by us; perhaps that is over soon. */
  | { readonly name: 'waiting'; readonly until: Instant }
  /** A household was told to carry. */
  | { readonly name: 'asking'; readonly grant: Grant; readonly until: Instant; readonly left: number }
  /** It will, and both were told; `up` are those who got through to it. */
  | {
      readonly name: 'offering';
      readonly grant: Grant;
      readonly until: Instant;
      readonly left: number;
      readonly up: Set<string>;
    }
  | { readonly name: 'carried'; readonly grant: Grant }
  | { readonly name: 'resting'; readonly until: Instant };

interface Bridge {
  state: State;
  readonly meter: Meter;
  /** Households that failed these two. */
  readonly avoid: Set<string>;
  failed: number;
}

/** What became of bridges so far. */
export interface BridgingCounters {
  /** Households that would carry. */
  readonly offered: number;
  readonly carried: number;
  readonly begun: number;
  readonly failed: number;
}

/** Finds a third household for two that are relayed by us, so that we need not be. */
export class Bridging {
  readonly #floor: Floor;
  readonly #cipher: Cipher;
  readonly #random: Random;
  readonly #relays: Relays;
  readonly #bridges = new Map<number, Bridge>();
  readonly #soon = new Wheel<number>(ms(50), 256);
  #begun = 0;
  #failed = 0;

  constructor(floor: Floor, cipher: Cipher, random: Random) {
    this.#floor = floor;
    this.#cipher = cipher;
    this.#random = random;
    this.#relays = new Relays(floor.directory, random);
  }

  counters(): BridgingCounters {
    let carried = 0;
    for (const { state } of this.#bridges.values()) if (state.name === 'carried') carried++;
    return { offered: this.#relays.size, carried, begun: this.#begun, failed: this.#failed };
  }

  /** What a household says in its beat. */
  offers(client: Client, kbits: number): void {
    this.#relays.offers(client, kbits);
  }

  /** A datagram of these two, of so many bytes, was relayed by us. */
  used(pair: Pair, bytes: number, now: Instant): readonly Word[] {
    const bridge = this.#bridges.get(pair.id);
    bridge?.meter.count(bytes, now);
    if (bridge === undefined) {
      const until = after(now, this.#isHopeless(pair) ? ms(0) : PATIENCE);
      const state: State = { name: 'waiting', until };
      const fresh: Bridge = { state, meter: new Meter(now), avoid: new Set(), failed: 0 };
      this.#bridges.set(pair.id, fresh);
      if (until <= now) return this.#seek(pair, fresh, now);
      this.#soon.add(pair.id, until, now);
      return [];
    }
    const { state } = bridge;
    return state.name === 'resting' && state.until <= now ? this.#seek(pair, bridge, now) : [];
  }

  /** A household's answer to an order, or its end. */
  carrying(client: Client, { pairId, leg, state: answer }: Carrying, now: Instant): readonly Word[] {
    const [bridge, pair] = [this.#bridges.get(pairId), this.#floor.matchmaker.pairs.get(pairId)];
    const grant = bridge && grantOf(bridge.state);
    if (bridge === undefined || pair === undefined || grant === undefined) return [];
    if (grant.relay !== client.nodeKey || grant.asker.number !== leg) return this.#floor.refuse('no-pair');
    switch (answer) {
      case 'yes':
        return bridge.state.name === 'asking' ? this.#offer(pair, bridge, grant, TIMES, new Set(), now) : [];
      case 'no':
        // Until its next beat.
        this.#relays.offers(client, 0);
        this.#fail(pair, bridge, now);
        return [];
      case 'over':
        this.#fail(pair, bridge, now);
        return [];
    }
  }

  /** One of the two has got through to the household, or not. */
  bridged(client: Client, { pairId, leg, up }: Bridged, now: Instant): readonly Word[] {
    const [bridge, pair] = [this.#bridges.get(pairId), this.#floor.matchmaker.pairs.get(pairId)];
    const grant = bridge && grantOf(bridge.state);
    if (bridge === undefined || pair === undefined || grant === undefined) return [];
    const own = pair.asker === client.nodeKey ? grant.asker : pair.target === client.nodeKey ? grant.target : undefined;
    if (own?.number !== leg) return this.#floor.refuse('no-pair');
    if (!up) {
      this.#fail(pair, bridge, now);
      return [];
    }
    // From now on nothing of theirs passes here, and this alone shows that they are still there.
    this.#floor.matchmaker.pairs.keep(pair, now);
    if (bridge.state.name !== 'offering') return [];
    bridge.state.up.add(client.nodeKey);
    if (bridge.state.up.size < 2) return [];
    bridge.state = { name: 'carried', grant };
    this.#begun++;
    return [];
  }

  /** They have met, or the pair is forgotten. */
  ended(pairId: number): void {
    const bridge = this.#bridges.get(pairId);
    if (bridge !== undefined) this.#release(bridge);
    this.#bridges.delete(pairId);
  }

  due(now: Instant): readonly Word[] {
    const words: Word[] = [];
    for (const pairId of this.#soon.due(now)) {
      const [bridge, pair] = [this.#bridges.get(pairId), this.#floor.matchmaker.pairs.get(pairId)];
      if (pair === undefined) this.ended(pairId);
      else if (bridge !== undefined) words.push(...this.#look(pair, bridge, now));
    }
    return words;
  }

  wake(): Instant | undefined {
    return this.#soon.wake();
  }

  #look(pair: Pair, bridge: Bridge, now: Instant): readonly Word[] {
    const { state } = bridge;
    switch (state.name) {
      case 'carried':
      // The next datagram that we have to relay brings it up.
      case 'resting':
        return [];
      case 'waiting':
      case 'asking':
      case 'offering':
        if (state.until <= now) break;
        this.#soon.add(pair.id, state.until, now);
        return [];
    }
    if (state.name === 'waiting') return this.#seek(pair, bridge, now);
    if (state.left === 0) {
      this.#fail(pair, bridge, now);
      return [];
    }
    return state.name === 'asking'
      ? this.#order(pair, bridge, state.grant, state.left - 1, now)
      : this.#offer(pair, bridge, state.grant, state.left - 1, state.up, now);
  }

  #seek(pair: Pair, bridge: Bridge, now: Instant): readonly Word[] {
    if (pair.outcome !== undefined && pair.outcome !== 'failed') {
      this.ended(pair.id);
      return [];
    }
    const ends = this.#ends(pair);
    const relay = ends === undefined ? undefined : this.#relays.choose(ends, bridge.meter.kbits, bridge.avoid);
    if (relay === undefined) {
      bridge.state = { name: 'resting', until: after(now, NOBODY) };
      return [];
    }
    const grant = { relay: relay.nodeKey, asker: this.#secret(), target: this.#secret() };
    this.#relays.burden(relay.nodeKey, 1);
    return this.#order(pair, bridge, grant, TIMES - 1, now);
  }

  #order(pair: Pair, bridge: Bridge, grant: Grant, left: number, now: Instant): readonly Word[] {
    const [ends, relay] = [this.#ends(pair), this.#floor.directory.byNode(grant.relay)];
    bridge.state = { name: 'asking', grant, left, until: after(now, AGAIN) };
    this.#soon.add(pair.id, after(now, AGAIN), now);
    if (ends === undefined || relay === undefined) return [];
    const legs = [legTo(grant.asker, ends.asker, relay), legTo(grant.target, ends.target, relay)] as const;
    const { relayKbits: kbits } = this.#floor.limits;
    return [{ to: relay, message: { kind: 'carry', pairId: pair.id, kbits, legs } }];
  }

  #offer(pair: Pair, bridge: Bridge, grant: Grant, left: number, up: Set<string>, now: Instant): readonly Word[] {
    const [ends, relay] = [this.#ends(pair), this.#floor.directory.byNode(grant.relay)];
    bridge.state = { name: 'offering', grant, left, up, until: after(now, ms(2 * AGAIN)) };
    this.#soon.add(pair.id, bridge.state.until, now);
    if (ends === undefined || relay === undefined) return [];
    return ([ends.asker, ends.target] as const).flatMap((end): Word[] => {
      if (up.has(end.nodeKey)) return [];
      const own = end === ends.asker ? grant.asker : grant.target;
      return [{ to: end, message: { kind: 'bridge', pairId: pair.id, leg: legTo(own, relay, end) } }];
    });
  }

  #fail(pair: Pair, bridge: Bridge, now: Instant): void {
    const grant = grantOf(bridge.state);
    if (grant !== undefined) bridge.avoid.add(grant.relay);
    this.#release(bridge);
    const pause = BACK_OFF[Math.min(bridge.failed, BACK_OFF.length - 1)] ?? NOBODY;
    bridge.failed++;
    this.#failed++;
    // Whom everybody has failed begins anew with all of them.
    if (bridge.failed % 8 === 0) bridge.avoid.clear();
    bridge.state = { name: 'resting', until: after(now, pause) };
    this.#floor.matchmaker.pairs.keep(pair, now);
  }

  #release({ state }: Bridge): void {
    const grant = grantOf(state);
    if (grant !== undefined) this.#relays.burden(grant.relay, -1);
  }

  #secret(): Secret {
    return { number: this.#random(2 ** 32), secret: this.#cipher.random(32) };
  }

  #ends(pair: Pair): Ends | undefined {
    const { directory, matchmaker } = this.#floor;
    const [asker, target] = [directory.byNode(pair.asker), directory.byNode(pair.target)];
    if (asker === undefined || target === undefined) return undefined;
    const tree = pair.channel === undefined ? undefined : matchmaker.channels.get(pair.channel)?.plan.tree;
    return { asker, target, tree };
  }

  #isHopeless(pair: Pair): boolean {
    const ends = this.#ends(pair);
    const [mine, theirs] = [ends?.asker.facts?.profile, ends?.target.facts?.profile];
    return mine !== undefined && theirs !== undefined && prospect(mine, theirs).kind === 'none';
  }
}

/** How much two households have sent through us lately. */
class Meter {
  #since: Instant;
  #bytes = 0;
  #kbits = 0;

  constructor(now: Instant) {
    this.#since = now;
  }

  /** With room for repair; 0 while it is not known yet. */
  get kbits(): number {
    return this.#kbits * 1.3;
  }

  count(bytes: number, now: Instant): void {
    this.#bytes += bytes;
    const span = since(this.#since, now);
    if (span < METERED) return;
    // What was relayed long before they came back says nothing of now.
    if (span < 4 * METERED) this.#kbits = (this.#bytes * 8) / span;
    this.#since = now;
    this.#bytes = 0;
  }
}

function grantOf(state: State): Grant | undefined {
  switch (state.name) {
    case 'asking':
    case 'offering':
    case 'carried':
      return state.grant;
    case 'waiting':
    case 'resting':
      return undefined;
  }
}

/** The leg as `viewer` is told of it, with `far` at its other end. */
function legTo(own: Secret, far: Client, viewer: Client): Leg {
  const all = far.facts === undefined ? [far.address] : candidates(whereabouts(far, far.facts), here(viewer));
  const six = viewer.address.ip.includes(':');
  const family = all.filter(({ ip }) => ip.includes(':') === six);
  const addresses = family.slice(0, 4).map(({ ip, port }) => ({ ip, port }));
  return { ...own, headerKey: far.headerKey, addresses };
}

function here(viewer: Client): ReturnType<typeof whereabouts> {
  return viewer.facts === undefined
    ? { observed: viewer.address, proven: [], internal: [] }
    : whereabouts(viewer, viewer.facts);
}
