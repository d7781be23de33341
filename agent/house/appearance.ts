import { type Address, key } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import { type NatProfile, UNKNOWN } from '../base/nat-profile.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import { Probe, type ProbeEffect, type ProbeInput } from '../nat/probe.ts';
import type { HttpAnswer } from '../portmap/client.ts';
import type { Ground } from '../punch/target.ts';
import type { ClientEffect, ClientInput } from '../rendezvous/client.ts';
import type { Place } from './carriages.ts';
import { Doors, type DoorsInput } from './doors.ts';
import type { FrontDoorEffect } from './front-door.ts';
import type { Standpoint } from './neighbours.ts';
import type { EndpointEffect, EndpointInput, EndpointOptions } from './orders.ts';
import { Six, type SixEffect, type SixInput } from './six.ts';

export type AppearanceInput =
  /** The main socket is bound there. */
  | { readonly kind: 'bound'; readonly local: Address }
  /** What the rendezvous and its observers see of us. */
  | Extract<ClientEffect, { kind: 'registered' | 'moved' | 'observed' | 'filtered' | 'knocked' }>
  /** A punch failed: what is known of our NAT may be out of date. */
  | { readonly kind: 'doubt' }
  /** The rendezvous has heard what was asked of it last. */
  | { readonly kind: 'answered' }
  /** Our main socket has written to observers: that they come in proves nothing for a while. */
  | { readonly kind: 'stirred' }
  /** Which lines out of the house there are. */
  | Extract<EndpointInput, { kind: 'uplinks' }>
  /** Doors are to be shut: mappings are taken back. */
  | { readonly kind: 'stop' }
  /** Of the sockets ordered here. */
  | NetInput
  | HttpAnswer;

export type AppearanceEffect =
  | NetEffect
  /** To be asked of the rendezvous. */
  | Extract<ClientInput, { kind: 'register' | 'probe' | 'filter-test' | 'try-door' }>
  | Extract<EndpointEffect, { kind: 'ready' | 'http' | 'keep' | 'event' | 'left' }>;

/**
 * How this household looks from outside: what its NAT does, where IPv6 shows it, and which port of it stands open. Whatever is new of
 * that is registered.
 */
export class Appearance implements Machine<AppearanceInput, AppearanceEffect> {
  readonly #options: EndpointOptions;
  readonly #main: SocketId;
  readonly #probe: Probe;
  readonly #six: Six;
  readonly #doors: Doors;
  #networks: Ground['networks'];
  #local: Address | undefined;
  #observers: readonly Address[] = [];
  #profile: NatProfile = UNKNOWN;
  /** What the NATs of our carrier have always been so far. */
  #carrier: NatProfile | undefined;
  /** Our address and the observers at the last registration. */
  #seen = '';
  /** Nothing of our IPv6 side has been proven in this session of the rendezvous yet. */
  #isSixNew = true;
  #ready = false;
  #isLeaving = false;

  constructor(options: EndpointOptions, main: SocketId, newSocket: () => SocketId) {
    this.#options = options;
    this.#main = main;
    this.#networks = options.networks;
    this.#probe = new Probe({ random: options.random, newSocket });
    this.#six = new Six(newSocket(), options.networks);
    this.#doors = new Doors(options.random, newSocket);
  }

  get profile(): NatProfile {
    return { ...this.#profile, door: this.#doors.opening };
  }

  /** Our NAT has been read. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Where the main socket is bound; undefined before that. */
  get local(): Address | undefined {
    return this.#local;
  }

  get doors(): Doors {
    return this.#doors;
  }

  get place(): Place {
    return { ground: this.#ground(), profile: this.profile };
  }

  get standpoint(): Standpoint {
    const port = this.#local?.port ?? 0;
    return { ground: this.#ground(), socket: this.#main, port, six: this.#six.door, nat: this.#profile.kind };
  }

  step(input: AppearanceInput, now: Instant): readonly AppearanceEffect[] {
    return this.#isLeaving ? this.#goOnLeaving(input, now) : this.#take(input, now);
  }

  #take(input: AppearanceInput, now: Instant): readonly AppearanceEffect[] {
    switch (input.kind) {
      case 'bound':
        this.#local = input.local;
        return [
          this.#presence(),
          ...this.#tellSix({ kind: 'bound', port: input.local.port }, now),
          ...this.#tellDoors({ kind: 'bound', family: 'four', port: input.local.port }, now),
        ];
      case 'registered':
        return this.#registered(input, now);
      case 'moved':
        return [...this.#look(now), ...this.#seenAt(input.observed, false, now)];
      case 'observed':
        return input.socket === this.#six.socket ? this.#sixObserved(input, now) : this.#tellProbe(input, now);
      case 'knocked': {
        const family = input.socket === this.#six.socket ? 'six' : 'four';
        return this.#tellDoors({ ...input, family }, now);
      }
      case 'opened':
      case 'failed':
        if (input.socket === this.#six.socket) return this.#sixBound(input, now);
        return this.#doors.owns(input.socket) ? this.#tellDoors(input, now) : this.#tellProbe(input, now);
      case 'filtered':
        return this.#tellProbe(input, now);
      case 'doubt':
        return [...this.#tellProbe(input, now), ...this.#tellDoors(input, now)];
      case 'uplinks':
        this.#networks = input.networks;
        return [
          ...this.#tellSix({ kind: 'networks', networks: input.networks }, now),
          ...(this.#options.doors === true ? this.#tellDoors(input, now) : []),
          ...(this.#local === undefined ? [] : [this.#presence()]),
        ];
      case 'stop':
        this.#isLeaving = true;
        return this.#tellDoors(input, now);
      case 'answered':
      case 'datagram':
      case 'stirred':
      case 'http-answered':
      case 'http-failed':
        return this.#tellDoors(input, now);
      case 'tick':
        return [
          ...(isDue(this.#probe.wake(), now) ? this.#tellProbe(input, now) : []),
          ...(isDue(this.#six.wake(), now) ? this.#tellSix(input, now) : []),
          ...(isDue(this.#doors.wake(), now) ? this.#tellDoors(input, now) : []),
        ];
    }
  }

  /** Only gateways are spoken with any more; who has left does not register again. */
  #goOnLeaving(input: AppearanceInput, now: Instant): readonly AppearanceEffect[] {
    switch (input.kind) {
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'http-answered':
      case 'http-failed':
      case 'tick':
        return this.#tellDoors(input, now);
      case 'bound':
      case 'registered':
      case 'moved':
      case 'answered':
      case 'observed':
      case 'filtered':
      case 'knocked':
      case 'doubt':
      case 'stirred':
      case 'uplinks':
      case 'stop':
        return [];
    }
  }

  wake(): Instant | undefined {
    if (this.#isLeaving) return this.#doors.wake();
    return earliest(earliest(this.#probe.wake(), this.#six.wake()), this.#doors.wake());
  }

  // -- what the rendezvous sees

  #registered(input: Extract<AppearanceInput, { kind: 'registered' }>, now: Instant): readonly AppearanceEffect[] {
    const { observed, observers, carrier } = input;
    const seen = [observed, ...observers].map(key).join(' ');
    const isNew = seen !== this.#seen;
    this.#seen = seen;
    this.#observers = observers;
    this.#carrier = this.#expected(observed.ip, carrier);
    if (input.isNew) this.#isSixNew = true;
    const doors = this.#seenAt(observed, input.isNew, now);
    if (isNew) return [...this.#look(now), ...doors];
    // Nothing that was proven to the one before it is known to a rendezvous that was started anew.
    return input.isNew ? [...this.#tellSix({ kind: 'observers', observers }, now), ...doors] : doors;
  }

  /** Our own memory is the finer one where we still are; elsewhere it is better than nothing. One burst tests either. */
  #expected(ip: string, carrier: NatProfile | undefined): NatProfile | undefined {
    const { known } = this.#options;
    return known?.external.includes(ip) === true ? known : (carrier ?? known);
  }

  /** After a registration that shows something new, and whenever our address changed. */
  #look(now: Instant): readonly AppearanceEffect[] {
    const observers = this.#observers;
    const own = this.#networks.map(({ ip }) => ip);
    const start = { kind: 'start', observers, own, carrier: this.#carrier } as const;
    return [...this.#tellProbe(start, now), ...this.#tellSix({ kind: 'observers', observers }, now)];
  }

  #seenAt(at: Address, isNew: boolean, now: Instant): readonly AppearanceEffect[] {
    if (this.#options.doors !== true || at.ip.includes(':')) return [];
    const written = this.#options.servers.map(({ address }) => address.ip);
    return this.#tellDoors({ kind: 'seen', family: 'four', at, observers: this.#observers, written, isNew }, now);
  }

  #sixBound(input: Extract<NetInput, { kind: 'opened' | 'failed' }>, now: Instant): readonly AppearanceEffect[] {
    if (input.kind === 'failed') return this.#tellSix({ kind: 'failed' }, now);
    const bound = { kind: 'bound', family: 'six', port: input.local.port } as const;
    return [...this.#tellSix({ kind: 'opened' }, now), ...this.#tellDoors(bound, now)];
  }

  #sixObserved(input: Extract<ClientEffect, { kind: 'observed' }>, now: Instant): readonly AppearanceEffect[] {
    const seen = this.#tellSix(input, now);
    const observers = this.#observers;
    const asked = observers[input.observer]?.ip;
    if (this.#options.doors !== true || asked === undefined) return seen;
    const [at, isNew] = [input.external, this.#isSixNew];
    this.#isSixNew = false;
    return [...seen, ...this.#tellDoors({ kind: 'seen', family: 'six', at, observers, written: [asked], isNew }, now)];
  }

  // -- the parts

  #tellProbe(input: ProbeInput, now: Instant): readonly AppearanceEffect[] {
    return this.#probe.step(input, now).flatMap((effect: ProbeEffect): readonly AppearanceEffect[] => {
      if (effect.kind !== 'profile') return [effect];
      this.#profile = effect.profile;
      this.#ready = true;
      return [this.#presence(), { kind: 'ready', profile: this.profile }];
    });
  }

  #tellSix(input: SixInput, now: Instant): readonly AppearanceEffect[] {
    return this.#six.step(input, now).map((effect: SixEffect) => (effect.kind === 'moved' ? this.#presence() : effect));
  }

  #tellDoors(input: DoorsInput, now: Instant): readonly AppearanceEffect[] {
    return this.#doors.step(input, now).flatMap((effect: FrontDoorEffect): readonly AppearanceEffect[] => {
      switch (effect.kind) {
        case 'changed':
          return this.#local === undefined ? [] : [this.#presence()];
        case 'stopped':
          return [{ kind: 'left' }];
        case 'open':
        case 'close':
        case 'send':
        case 'http':
        case 'keep':
        case 'try-door':
        case 'event':
          return [effect];
      }
    });
  }

  #presence(): Extract<ClientInput, { kind: 'register' }> {
    const { role, children: streams } = this.#options;
    const port = this.#local?.port ?? 0;
    // The main socket is one of IPv4; where the other one is, is proven.
    const four = this.#networks.filter(({ ip }) => !ip.includes(':')).map(({ ip }) => ({ ip, port }));
    const internal = [...this.#doors.claimed, ...four].slice(0, 8);
    const proven = [...this.#doors.open, ...this.#six.proven];
    return { kind: 'register', role, streams, most: streams, internal, proven, profile: this.profile };
  }

  #ground(): Ground {
    const servers = this.#options.servers.map(({ address }) => address);
    return { networks: this.#networks, rendezvous: [...servers, ...this.#observers] };
  }
}
