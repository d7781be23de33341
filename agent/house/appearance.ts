import { type Address, key } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import { type NatProfile, UNKNOWN } from '../base/nat-profile.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import { Probe, type ProbeEffect } from '../nat/probe.ts';
import type { Ground } from '../punch/target.ts';
import type { ClientEffect, ClientInput } from '../rendezvous/client.ts';
import type { Place } from './carriages.ts';
import type { Standpoint } from './neighbours.ts';
import type { EndpointEffect, EndpointOptions } from './orders.ts';
import { Six, type SixEffect } from './six.ts';

export type AppearanceInput =
  /** The main socket is bound there. */
  | { readonly kind: 'bound'; readonly local: Address }
  /** What the rendezvous and its observers see of us. */
  | Extract<ClientEffect, { kind: 'registered' | 'moved' | 'observed' | 'filtered' }>
  /** A punch failed: what is known of our NAT may be out of date. */
  | { readonly kind: 'doubt' }
  /** Of the sockets ordered here. */
  | Extract<NetInput, { kind: 'opened' | 'failed' | 'tick' }>;

export type AppearanceEffect =
  | Extract<NetEffect, { kind: 'open' | 'close' }>
  /** To be asked of the rendezvous. */
  | Extract<ClientInput, { kind: 'register' | 'probe' | 'filter-test' }>
  | Extract<EndpointEffect, { kind: 'ready' }>;

/** How this household looks from outside: what its NAT does, and where IPv6 shows it. Whatever is new of that is registered. */
export class Appearance implements Machine<AppearanceInput, AppearanceEffect> {
  readonly #options: EndpointOptions;
  readonly #main: SocketId;
  readonly #probe: Probe;
  readonly #six: Six;
  #local: Address | undefined;
  #observers: readonly Address[] = [];
  #profile: NatProfile = UNKNOWN;
  /** What the NATs of our carrier have always been so far. */
  #carrier: NatProfile | undefined;
  /** Our address and the observers at the last registration. */
  #seen = '';
  #ready = false;

  constructor(options: EndpointOptions, main: SocketId, newSocket: () => SocketId) {
    this.#options = options;
    this.#main = main;
    this.#probe = new Probe({ random: options.random, newSocket });
    this.#six = new Six(newSocket(), options.networks);
  }

  get profile(): NatProfile {
    return this.#profile;
  }

  /** Our NAT has been read. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Where the main socket is bound; undefined before that. */
  get local(): Address | undefined {
    return this.#local;
  }

  get place(): Place {
    return { ground: this.#ground(), profile: this.#profile };
  }

  get standpoint(): Standpoint {
    const port = this.#local?.port ?? 0;
    return { ground: this.#ground(), socket: this.#main, port, six: this.#six.door, nat: this.#profile.kind };
  }

  step(input: AppearanceInput, now: Instant): readonly AppearanceEffect[] {
    switch (input.kind) {
      case 'bound':
        this.#local = input.local;
        return [this.#presence()];
      case 'registered':
        return this.#registered(input, now);
      case 'moved':
        return this.#look(now);
      case 'observed':
        if (input.socket === this.#six.socket) return this.#actOnSix(this.#six.step(input, now));
        return this.#actOnProbe(this.#probe.step(input, now));
      case 'opened':
      case 'failed':
        if (input.socket === this.#six.socket) return this.#actOnSix(this.#six.step({ kind: input.kind }, now));
        return this.#actOnProbe(this.#probe.step(input, now));
      case 'filtered':
      case 'doubt':
        return this.#actOnProbe(this.#probe.step(input, now));
      case 'tick':
        return [
          ...(isDue(this.#probe.wake(), now) ? this.#actOnProbe(this.#probe.step(input, now)) : []),
          ...(isDue(this.#six.wake(), now) ? this.#actOnSix(this.#six.step(input, now)) : []),
        ];
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#probe.wake(), this.#six.wake());
  }

  #registered(input: Extract<AppearanceInput, { kind: 'registered' }>, now: Instant): readonly AppearanceEffect[] {
    const { observed, observers, carrier } = input;
    const seen = [observed, ...observers].map(key).join(' ');
    const isNew = seen !== this.#seen;
    this.#seen = seen;
    this.#observers = observers;
    this.#carrier = this.#expected(observed.ip, carrier);
    return isNew ? this.#look(now) : [];
  }

  /** Our own memory is the finer one where we still are; elsewhere it is better than nothing. One burst tests either. */
  #expected(ip: string, carrier: NatProfile | undefined): NatProfile | undefined {
    const { known } = this.#options;
    return known?.external.includes(ip) === true ? known : (carrier ?? known);
  }

  /** After a registration that shows something new, and whenever our address changed. */
  #look(now: Instant): readonly AppearanceEffect[] {
    const observers = this.#observers;
    const own = this.#options.networks.map(({ ip }) => ip);
    const start = { kind: 'start', observers, own, carrier: this.#carrier } as const;
    return [
      ...this.#actOnProbe(this.#probe.step(start, now)),
      ...this.#actOnSix(this.#six.step({ kind: 'observers', observers }, now)),
    ];
  }

  #actOnProbe(effects: readonly ProbeEffect[]): readonly AppearanceEffect[] {
    return effects.flatMap((effect): readonly AppearanceEffect[] => {
      if (effect.kind !== 'profile') return [effect];
      const { profile } = effect;
      this.#profile = profile;
      this.#ready = true;
      return [this.#presence(), { kind: 'ready', profile }];
    });
  }

  #actOnSix(effects: readonly SixEffect[]): readonly AppearanceEffect[] {
    return effects.map((effect) => (effect.kind === 'moved' ? this.#presence() : effect));
  }

  #presence(): Extract<ClientInput, { kind: 'register' }> {
    const { role, children, networks } = this.#options;
    const port = this.#local?.port ?? 0;
    // The main socket is one of IPv4; where the other one is, is proven.
    const four = networks.filter(({ ip }) => !ip.includes(':'));
    const internal = four.slice(0, 8).map(({ ip }) => ({ ip, port }));
    return { kind: 'register', role, children, internal, proven: this.#six.proven, profile: this.#profile };
  }

  #ground(): Ground {
    const servers = this.#options.servers.map(({ address }) => address);
    return { networks: this.#options.networks, rendezvous: [...servers, ...this.#observers] };
  }
}
