import { ipBytes, ipText } from '../base/address.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import { Firewall, type FirewallShape } from './firewall.ts';
import { Ground, type Loss, type Note } from './ground.ts';
import { type ClockError, Host } from './host.ts';
import { type Edge, type KindName, NAT_KINDS } from './kinds.ts';
import type { AccessShape } from './link.ts';
import { Nat, type NatShape } from './nat.ts';
import { Access, INTERNET_HOPS, Network, type Station } from './network.ts';

/** A box that others can be behind. */
export interface Behind {
  readonly inside: Network;
}

interface Place {
  readonly name?: string;
  /** The box it is behind; without one it is on the internet. */
  readonly behind?: Behind;
  /** The line to there; ideal when left out. */
  readonly access?: AccessShape;
}

/** A household as the demo draws it: a host, and the boxes between it and the internet, nearest first. */
export interface Household {
  readonly host: Host;
  readonly boxes: readonly (Nat | Firewall)[];
  /** Its line to the internet, or to the carrier's box: to change the weather, or to cut it off. */
  readonly access: Access;
}

/**
 * A simulated internet: hosts, NATs, firewalls and links on a virtual clock, in which the machines of the product
 * run unchanged. The same seed gives the same run, datagram for datagram.
 */
export class World {
  readonly internet: Network;
  readonly #ground: Ground;
  readonly #addresses = new Map<Network, number>();
  #things = 0;

  constructor(options: { readonly seed: number; readonly journal?: (note: Note) => void }) {
    this.#ground = new Ground(options.seed);
    this.#ground.journal = options.journal;
    this.internet = new Network(this.#ground, 'internet', INTERNET_HOPS);
  }

  get now(): Instant {
    return this.#ground.now;
  }

  /** What became of all datagrams so far; `lost` by reason. */
  get counters(): { readonly sent: number; readonly delivered: number; readonly lost: ReadonlyMap<Loss, number> } {
    const { sent, delivered, lost } = this.#ground;
    return { sent, delivered, lost };
  }

  /** Follows every datagram; undefined stops it. */
  set journal(journal: ((note: Note) => void) | undefined) {
    this.#ground.journal = journal;
  }

  /** A stream of randomness of its own, for a machine of the scenario. */
  random(): Random {
    return this.#ground.chance();
  }

  /** A computer, on the internet or behind a box, with the given addresses or one that is free there. */
  host(options: Place & { readonly ips?: readonly string[]; readonly clock?: ClockError } = {}): Host {
    const host = new Host(this.#ground, this.#name(options, 'host'), options.clock);
    this.join(host, options);
    return host;
  }

  /** A further network, or further addresses, for a host. */
  join(host: Host, options: Omit<Place, 'name'> & { readonly ips?: readonly string[] } = {}): void {
    const access = this.#access(host, options);
    for (const ip of options.ips ?? [this.#free(access.network)]) host.join(access, ip);
  }

  /** A NAT; with `addresses` > 1 it has a pool of them outside. */
  nat(shape: NatShape, options: Place & { readonly ips?: readonly string[]; readonly addresses?: number } = {}): Nat {
    const nat = new Nat(this.#ground, this.#name(options, 'nat'), shape);
    const access = this.#access(nat, options);
    nat.join(access, options.ips ?? this.#outside(access.network, options.addresses ?? 1));
    return nat;
  }

  /** New outside addresses for a NAT, as when its provider dials in anew: every mapping is gone. */
  renumber(nat: Nat, ips: readonly string[] = this.#outside(nat.access.network, nat.ips.length)): void {
    nat.join(nat.access, ips);
  }

  /** A box that filters and does not translate; those behind it have addresses of the network in front. */
  firewall(shape: FirewallShape, options: Place = {}): Firewall {
    const name = this.#name(options, 'firewall');
    return new Firewall(this.#ground, name, shape, (station) => this.#access(station, options));
  }

  /**
   * A household behind one of the known kinds, or behind boxes of your own; `access` is its line to the internet
   * (or to the carrier's box in `behind`), its LAN is ideal.
   */
  household(kind: KindName | Edge, options: Place & { readonly clock?: ClockError } = {}): Household {
    const edge: Edge = typeof kind === 'string' ? NAT_KINDS[kind].edge : kind;
    const name = this.#name(options, 'household');
    const { clock = { ahead: 0, ppm: 0 } } = options;
    switch (edge.kind) {
      case 'none': {
        const host = this.host({ ...options, name, clock });
        return { host, boxes: [], access: host.access };
      }
      case 'firewall': {
        const firewall = this.firewall(edge.firewall, { ...options, name: `${name} firewall` });
        return { host: this.host({ name, clock, behind: firewall }), boxes: [firewall], access: firewall.access };
      }
      case 'nat': {
        const boxes: Nat[] = [];
        let place: Place = options;
        for (const shape of edge.nats.toReversed()) {
          const addresses = boxes.length === 0 ? (edge.addresses ?? 1) : 1;
          const box = this.nat(shape, { ...place, name: `${name} nat ${edge.nats.length - boxes.length}`, addresses });
          boxes.unshift(box);
          place = { behind: box };
        }
        const host = this.host({ ...place, name, clock });
        return { host, boxes, access: boxes.at(-1)?.access ?? host.access };
      }
    }
  }

  /** Something of the scenario itself, at that instant. */
  at(when: Instant, action: () => void): void {
    this.#ground.at(when, action);
  }

  /** When the next thing happens; a driver on a real clock arms its timer for it. */
  wake(): Instant | undefined {
    return this.#ground.next();
  }

  /** Does everything up to that instant, it included, and leaves the clock there. */
  run(until: Instant): void {
    for (let next = this.#ground.next(); next !== undefined && next <= until; next = this.#ground.next()) {
      this.#ground.step();
    }
    if (until > this.#ground.now) this.#ground.now = until;
  }

  /** Goes on until the condition holds, asked after each event; false when it does not by that instant. */
  runUntil(condition: () => boolean, limit: Instant): boolean {
    while (!condition()) {
      const next = this.#ground.next();
      if (next === undefined || next > limit) {
        this.run(limit);
        return condition();
      }
      this.#ground.step();
    }
    return true;
  }

  #access(station: Station, { behind, access = {} }: Omit<Place, 'name'>): Access {
    return new Access(this.#ground, behind?.inside ?? this.internet, station, access);
  }

  #name(options: { readonly name?: string }, what: string): string {
    this.#things++;
    return options.name ?? `${what} ${this.#things}`;
  }

  #outside(network: Network, count: number): string[] {
    return Array.from({ length: count }, () => this.#free(network, network === this.internet ? INTERNET : CARRIER));
  }

  /** An address nobody has on that network; `base` is an address of it with zeros where the number goes. */
  #free({ numbered }: Network, base = numbered === this.internet ? INTERNET : LAN): string {
    for (;;) {
      const number = (this.#addresses.get(numbered) ?? 1) + 1;
      this.#addresses.set(numbered, number);
      const ip = plus(base, number);
      if (!numbered.has(ip)) return ip;
    }
  }
}

/** RFC 2544: for benchmarks, so nobody's. */
const INTERNET = '198.18.0.0';
/** Every LAN is the same, as LANs are. */
const LAN = '192.168.1.0';
/** RFC 6598: between a carrier's NAT and its customers'. */
const CARRIER = '100.64.0.0';

function plus(base: string, number: number): string {
  const bytes = ipBytes(base) ?? new Uint8Array(4);
  for (let i = 3, rest = number; i >= 0; i--) {
    rest += bytes[i] ?? 0;
    bytes[i] = rest & 255;
    rest >>= 8;
  }
  return ipText(bytes);
}
