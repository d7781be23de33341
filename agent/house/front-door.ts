import { type Address, key, sameAddress } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, isDue, minutes, seconds, since } from '../base/time.ts';
import { Chain } from '../portmap/chain.ts';
import type { Mapping } from '../portmap/mapping.ts';
import type { LeaseInput } from '../portmap/orders.ts';
import type { SavedLease } from '../portmap/saved.ts';
import type { Proven } from '../wire/messages.ts';
import type { FrontDoorEffect, FrontDoorInput, MappingView } from './door-orders.ts';
import { Knocking } from './knocking.ts';
import { openingOf, OpenPlaces } from './open-places.ts';
import { doorOf, type Uplink } from './uplink.ts';

export type { FrontDoorEffect, FrontDoorInput, MappingView } from './door-orders.ts';

/** Rules are changed by hand, and gateways are restarted: what is open is looked at so often. */
const REGULAR = minutes(10);
const BETWEEN_DOUBTS = seconds(5);

/**
 * Keeps a port of this household open to everybody, if that can be: asks the gateways for a mapping, and believes neither them nor the
 * owner's own rule before a stranger has come in by it. One for each family of addresses.
 *
 *     shut ──a stranger comes in where we are seen, or at what a gateway gave──▶ open
 *          ◀── nobody comes in any more, three times; the mapping is gone ──────
 */
export class FrontDoor implements Machine<FrontDoorInput, FrontDoorEffect> {
  readonly #chain: Chain;
  readonly #knocking = new Knocking();
  #port: number | undefined;
  #way: Uplink | undefined;
  #saved: readonly SavedLease[] = [];
  /** Whether gateways are asked; `leaving` while they take back what they gave. */
  #asking: 'no' | 'yes' | 'leaving' = 'no';
  #seen: Address | undefined;
  #mapping: Mapping | undefined;
  readonly #places = new OpenPlaces();
  #regularAt: Instant | undefined;
  #doubtedAt: Instant | undefined;
  #stirredAt: Instant | undefined;
  /** Something was tried while the rendezvous was away. */
  #isOwed = false;
  #startedAt: Instant | undefined;
  #isShutSaid = false;
  #isLeaving = false;

  constructor(options: {
    readonly random: Random;
    readonly newSocket: () => SocketId;
    readonly newRequest: () => number;
  }) {
    this.#chain = new Chain(options);
  }

  /** By what everybody may come in, and what proves it. */
  get open(): Proven | undefined {
    const mapped = this.#mapping?.external;
    return (mapped && this.#places.get(mapped)) ?? this.#places.all[0];
  }

  get mappings(): readonly MappingView[] {
    if (this.#mapping === undefined) return [];
    const { protocol, external, state, layers, expires } = this.#mapping;
    return [{ protocol, external, verified: state === 'verified', layers, expires }];
  }

  step(input: FrontDoorInput, now: Instant): readonly FrontDoorEffect[] {
    return this.#isLeaving ? this.#goOnLeaving(input, now) : this.#take(input, now);
  }

  wake(): Instant | undefined {
    if (this.#isLeaving) return this.#chain.wake();
    const trying = earliest(this.#knocking.wake(), this.#places.wake());
    return [this.#chain.wake(), this.#regularAt].reduce(earliest, trying);
  }

  #take(input: FrontDoorInput, now: Instant): readonly FrontDoorEffect[] {
    switch (input.kind) {
      case 'bound':
        this.#port = input.port;
        return this.#ask(now);
      case 'way':
        return this.#leadBy(input.way, input.saved, now);
      case 'seen':
        return this.#see(input, now);
      case 'knocked':
        return this.#enter(input.index, input.token, now);
      case 'answered':
        this.#knocking.answered(now);
        return this.#isOwed ? this.#look(now) : [];
      case 'doubt': {
        if (this.#doubtedAt !== undefined && since(this.#doubtedAt, now) < BETWEEN_DOUBTS) return [];
        this.#doubtedAt = now;
        return this.#places.all.flatMap(({ address }) => this.#knocking.try(address, now));
      }
      case 'stirred':
        this.#stirredAt = now;
        if (this.#regularAt !== undefined) this.#regularAt = after(now, REGULAR);
        return [];
      case 'stop':
        this.#isLeaving = true;
        return this.#asking === 'no' ? [{ kind: 'stopped' }] : this.#drive(input, now);
      case 'tick':
        return [...(isDue(this.#chain.wake(), now) ? this.#drive(input, now) : []), ...this.#tick(now)];
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'http-answered':
      case 'http-failed':
        return this.#drive(input, now);
    }
  }

  /** Nothing is begun any more: neither a mapping, nor a look. */
  #goOnLeaving(input: FrontDoorInput, now: Instant): readonly FrontDoorEffect[] {
    switch (input.kind) {
      case 'tick':
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'http-answered':
      case 'http-failed':
        return this.#drive(input, now);
      case 'bound':
      case 'way':
      case 'seen':
      case 'knocked':
      case 'answered':
      case 'doubt':
      case 'stirred':
      case 'stop':
        return [];
    }
  }

  // -- mappings

  #leadBy(way: Uplink | undefined, saved: readonly SavedLease[], now: Instant): FrontDoorEffect[] {
    // A line that is away may come back as it was.
    if (way === undefined || (way.own === this.#way?.own && way.gateway === this.#way.gateway)) return [];
    const isAnother = this.#way !== undefined;
    this.#way = way;
    this.#saved = saved;
    const asked = this.#ask(now);
    return isAnother && this.#seen !== undefined ? [...asked, ...this.#look(now)] : asked;
  }

  #ask(now: Instant): FrontDoorEffect[] {
    this.#startedAt ??= now;
    const door = doorOf(this.#way, this.#port, this.#seen);
    if (door === undefined) return this.#askNobody(now);
    this.#asking = 'yes';
    return this.#drive({ kind: 'start', door, saved: this.#saved }, now);
  }

  /** What was given on another line is taken back. */
  #askNobody(now: Instant): FrontDoorEffect[] {
    if (this.#asking !== 'yes') return [];
    this.#asking = 'leaving';
    return this.#drive({ kind: 'stop' }, now);
  }

  #drive(input: LeaseInput, now: Instant): FrontDoorEffect[] {
    return this.#chain.step(input, now).flatMap((effect): readonly FrontDoorEffect[] => {
      switch (effect.kind) {
        case 'open':
        case 'send':
        case 'close':
        case 'http':
          return [effect];
        case 'stopped':
          this.#asking = 'no';
          return this.#isLeaving ? [effect] : [];
        case 'keep':
          this.#saved = effect.leases;
          return [effect];
        case 'mapping':
          return this.#mapped(effect.mapping, now);
        case 'verify':
          return this.#isLeaving ? [] : this.#knocking.try(effect.external, now);
      }
    });
  }

  #mapped(mapping: Mapping | undefined, now: Instant): FrontDoorEffect[] {
    const gone = this.#mapping?.external;
    this.#mapping = mapping;
    if (this.#isLeaving) return [];
    if (gone === undefined || this.#isMapping(gone)) return [];
    if (!this.#places.drop(gone)) return [];
    // It may have been open without.
    return [...this.#shut(gone), ...this.#look(now)];
  }

  // -- who comes in

  #see({ at, strangers, isNew }: Extract<FrontDoorInput, { kind: 'seen' }>, now: Instant): FrontDoorEffect[] {
    const before = this.#seen;
    this.#seen = at;
    this.#knocking.strangers = strangers;
    const observed = before?.ip === at.ip ? [] : this.#move(at, now);
    const isElsewhere = before === undefined || !sameAddress(before, at);
    if (!isNew && !isElsewhere) return observed;
    return [...observed, ...this.#look(now)];
  }

  #move(to: Address, now: Instant): FrontDoorEffect[] {
    this.#stirredAt = undefined;
    const asked = to.ip.includes(':') ? this.#ask(now) : [];
    return [...this.#leave(to), ...asked, ...this.#drive({ kind: 'observed', ip: to.ip }, now)];
  }

  /** What stood open at another IP is not ours any more. */
  #leave(at: Address): FrontDoorEffect[] {
    const gone = this.#places.all.filter(({ address }) => address.ip !== at.ip);
    for (const { address } of gone) this.#places.drop(address);
    return gone.flatMap(({ address }) => this.#shut(address));
  }

  /** Everywhere that somebody might come in: where we are seen, at the same port by a rule made by hand, at a mapping. */
  #look(now: Instant): FrontDoorEffect[] {
    this.#isOwed = false;
    const places = new Map<string, Address>();
    const add = (at: Address | undefined): void => void (at !== undefined && places.set(key(at), at));
    add(this.#mapping?.external);
    add(this.#seen);
    if (this.#seen !== undefined && this.#port !== undefined) add({ ip: this.#seen.ip, port: this.#port });
    for (const { address } of this.#places.all) add(address);
    this.#regularAt = this.#knocking.isPossible ? after(now, REGULAR) : undefined;
    return [...places.values()].flatMap((at) => this.#knocking.try(at, now));
  }

  #enter(index: number, token: Uint8Array, now: Instant): FrontDoorEffect[] {
    const entered = this.#knocking.knocked(index, token);
    if (entered === undefined) return [];
    const { at } = entered;
    const before = this.#places.get(at);
    const isMapping = this.#isMapping(at);
    if (before === undefined && !isMapping && this.#isStirred(now)) return [];
    const opening = openingOf(at, isMapping ? this.#mapping : undefined);
    this.#places.enter(at, token, opening);
    const effects: FrontDoorEffect[] = [{ kind: 'changed' }];
    if (before?.opening !== opening) {
      const after_ms = Math.round(since(this.#startedAt ?? now, now));
      const by = opening === 'none' ? 'ipv6' : opening;
      effects.push({ kind: 'event', name: 'door-open', fields: { by, port: at.port, after_ms } });
    }
    return isMapping ? [...effects, ...this.#drive({ kind: 'verified', external: at }, now)] : effects;
  }

  /** Our NAT may remember the strangers: that they come in shows no door. */
  #isStirred(now: Instant): boolean {
    return this.#stirredAt !== undefined && since(this.#stirredAt, now) < REGULAR;
  }

  #isMapping(at: Address): boolean {
    const external = this.#mapping?.external;
    return external !== undefined && sameAddress(external, at);
  }

  #tick(now: Instant): FrontDoorEffect[] {
    const { orders, silent, isUnheard } = this.#knocking.tick(now);
    if (isUnheard) this.#isOwed = true;
    const effects: FrontDoorEffect[] = [...orders, ...silent.flatMap((at) => this.#silence(at, now))];
    effects.push(...this.#places.due(now).flatMap((at) => this.#knocking.try(at, now)));
    if (isDue(this.#regularAt, now)) effects.push(...this.#look(now));
    return effects;
  }

  /** Nobody came in: by chance, or not any more. */
  #silence(at: Address, now: Instant): FrontDoorEffect[] {
    const isMapping = this.#isMapping(at);
    if (this.#places.silent(at, isMapping, now) === 'again') return [];
    const shut = this.#places.drop(at) ? this.#shut(at) : this.#closed();
    return isMapping ? [...shut, ...this.#drive({ kind: 'unverified', external: at }, now)] : shut;
  }

  #shut({ port }: Address): FrontDoorEffect[] {
    return [{ kind: 'changed' }, { kind: 'event', name: 'door-shut', fields: { port } }];
  }

  /** On a line with an address of its own it is our own firewall that lets nobody in; of IPv6 only where we are the gateway. */
  #closed(): FrontDoorEffect[] {
    const { own, isGateway = false } = this.#way ?? {};
    if (own === undefined || own !== this.#seen?.ip || this.#places.all.length > 0 || this.#isShutSaid) return [];
    if (own.includes(':') && !isGateway) return [];
    this.#isShutSaid = true;
    return [{ kind: 'event', name: 'port-closed', fields: { port: this.#port ?? 0 } }];
  }
}
