import { type Address, key, sameAddress, scope } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Opening } from '../base/opening.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, isDue, minutes, seconds, since } from '../base/time.ts';
import type { HttpAnswer, HttpOrder, Protocol } from '../portmap/client.ts';
import { Chain } from '../portmap/chain.ts';
import type { Mapping } from '../portmap/mapping.ts';
import type { LeaseEffect, LeaseInput } from '../portmap/orders.ts';
import type { SavedLease } from '../portmap/saved.ts';
import type { Proven } from '../wire/messages.ts';
import { Knocking, type TryOrder } from './knocking.ts';
import { OpenPlaces } from './open-places.ts';

/** Where our datagrams leave the house. */
export interface Way {
  /** Our own address there. */
  readonly own: string;
  /** The next hop; undefined where the line has none. */
  readonly gateway: string | undefined;
}

export type FrontDoorInput =
  /** The socket that is to be reached is bound to this port. */
  | { readonly kind: 'bound'; readonly port: number }
  /** Whom to ask for a mapping, from now on; `saved` is what an earlier run left at gateways. */
  | { readonly kind: 'way'; readonly way: Way | undefined; readonly saved: readonly SavedLease[] }
  /** An observer sees our socket there; `strangers` are places of observers that it never writes to. */
  | {
      readonly kind: 'seen';
      readonly at: Address;
      readonly strangers: readonly number[];
      /** In a session of the rendezvous that has just begun: nothing is proven to it yet. */
      readonly isNew: boolean;
    }
  | { readonly kind: 'knocked'; readonly index: number; readonly token: Uint8Array }
  /** A household could not come in. */
  | { readonly kind: 'doubt' }
  /** Our socket has written to the strangers: for a while it proves nothing that they come in. */
  | { readonly kind: 'stirred' }
  /** Everything is taken back. Answered by `stopped`. */
  | { readonly kind: 'stop' }
  | NetInput
  | HttpAnswer;

export type FrontDoorEffect =
  | NetEffect
  | HttpOrder
  | TryOrder
  | Extract<LeaseEffect, { kind: 'keep' | 'stopped' }>
  /** What stands open is another, or is proven anew: to be registered. */
  | { readonly kind: 'changed' }
  /** Something for the log. */
  | { readonly kind: 'event'; readonly name: string; readonly fields: Readonly<Record<string, string | number>> };

/** One line of `mappings` in the status. */
export interface MappingView {
  readonly protocol: Protocol;
  readonly external: Address | undefined;
  readonly verified: boolean;
  /** NATs that gave it. */
  readonly layers: number;
  readonly expires: Instant;
}

/** Rules are changed by hand, and gateways are restarted: what is open is looked at so often. */
const REGULAR = minutes(10);
const BETWEEN_DOUBTS = seconds(5);

const METHODS: Readonly<Record<Protocol, Opening>> = {
  pcp: 'mapped-pcp',
  natpmp: 'mapped-natpmp',
  upnp: 'mapped-upnp',
};

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
  #way: Way | undefined;
  #saved: readonly SavedLease[] = [];
  #isAsked = false;
  #seen: Address | undefined;
  #mapping: Mapping | undefined;
  readonly #places = new OpenPlaces();
  #regularAt: Instant | undefined;
  #doubtedAt: Instant | undefined;
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
      case 'doubt': {
        if (this.#doubtedAt !== undefined && since(this.#doubtedAt, now) < BETWEEN_DOUBTS) return [];
        this.#doubtedAt = now;
        return this.#places.all.flatMap(({ address }) => this.#knocking.try(address, now));
      }
      case 'stirred':
        if (this.#regularAt !== undefined) this.#regularAt = after(now, REGULAR);
        return [];
      case 'stop':
        this.#isLeaving = true;
        this.#places.rest();
        this.#regularAt = undefined;
        return this.#isAsked ? this.#drive(input, now) : [{ kind: 'stopped' }];
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

  wake(): Instant | undefined {
    const trying = earliest(this.#knocking.wake(), this.#places.wake());
    return [this.#chain.wake(), this.#regularAt].reduce(earliest, trying);
  }

  // -- mappings

  #leadBy(way: Way | undefined, saved: readonly SavedLease[], now: Instant): FrontDoorEffect[] {
    const isSame = way?.own === this.#way?.own && way?.gateway === this.#way?.gateway;
    if (isSame && this.#isAsked) return [];
    this.#way = way;
    this.#saved = saved;
    return this.#ask(now);
  }

  /** A line that has an address of the internet itself has nobody before it to be asked; only its own firewall counts. */
  #ask(now: Instant): FrontDoorEffect[] {
    const { own, gateway } = this.#way ?? {};
    this.#startedAt ??= now;
    if (this.#port === undefined || own === undefined || gateway === undefined) return [];
    if (!own.includes(':') && scope(own) === 'public') return [];
    this.#isAsked = true;
    const door = { own, gateway, port: this.#port };
    return this.#drive({ kind: 'start', door, saved: this.#saved }, now);
  }

  #drive(input: LeaseInput, now: Instant): FrontDoorEffect[] {
    return this.#chain.step(input, now).flatMap((effect): readonly FrontDoorEffect[] => {
      switch (effect.kind) {
        case 'open':
        case 'send':
        case 'close':
        case 'http':
        case 'stopped':
          return [effect];
        case 'keep':
          this.#saved = effect.leases;
          return [effect];
        case 'mapping':
          return this.#mapped(effect.mapping, now);
        case 'verify':
          return this.#knocking.try(effect.external, now);
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
    const observed =
      before?.ip === at.ip ? [] : [...this.#leave(at), ...this.#drive({ kind: 'observed', ip: at.ip }, now)];
    const isElsewhere = before === undefined || !sameAddress(before, at);
    if (!isNew && !isElsewhere) return observed;
    return [...observed, ...this.#look(now)];
  }

  /** What stood open at another IP is not ours any more. */
  #leave(at: Address): FrontDoorEffect[] {
    const gone = this.#places.all.filter(({ address }) => address.ip !== at.ip);
    for (const { address } of gone) this.#places.drop(address);
    return gone.flatMap(({ address }) => this.#shut(address));
  }

  /** Everywhere that somebody might come in: where we are seen, at the same port by a rule made by hand, at a mapping. */
  #look(now: Instant): FrontDoorEffect[] {
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
    const opening = this.#openingOf(at);
    this.#places.enter(at, token, opening);
    const isMapping = this.#isMapping(at);
    const effects: FrontDoorEffect[] = [{ kind: 'changed' }];
    if (before?.opening !== opening) {
      const after_ms = Math.round(since(this.#startedAt ?? now, now));
      effects.push({ kind: 'event', name: 'door-open', fields: { by: opening, port: at.port, after_ms } });
    }
    return isMapping ? [...effects, ...this.#drive({ kind: 'verified', external: at }, now)] : effects;
  }

  /** Where there is a mapping it is what opened the port: before it was asked for, one of an earlier run may have stood there. */
  #openingOf(at: Address): Opening {
    const isSix = at.ip.includes(':');
    if (this.#mapping === undefined || !this.#isMapping(at)) return isSix ? 'none' : 'dial';
    return isSix ? 'pinhole' : METHODS[this.#mapping.protocol];
  }

  #isMapping(at: Address): boolean {
    const external = this.#mapping?.external;
    return external !== undefined && sameAddress(external, at);
  }

  #tick(now: Instant): FrontDoorEffect[] {
    const { orders, silent } = this.#knocking.tick(now);
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

  /** On a line with an address of its own it is the house's own firewall that lets nobody in. */
  #closed(): FrontDoorEffect[] {
    const own = this.#way?.own;
    if (own === undefined || own !== this.#seen?.ip || this.#places.all.length > 0 || this.#isShutSaid) return [];
    this.#isShutSaid = true;
    return [{ kind: 'event', name: 'port-closed', fields: { port: this.#port ?? 0 } }];
  }
}
