import { type Address, key } from '../base/address.ts';
import type { Random } from '../base/random.ts';
import { type Millis, seconds } from '../base/time.ts';
import { type Allocation, Allocator, type Foreign } from './allocation.ts';
import type { Ground } from './ground.ts';
import type { Access, Gateway, Station } from './network.ts';
import { Network } from './network.ts';
import type { Packet } from './packet.ts';

/** The words of RFC 4787 sections 4.1 and 5: what a mapping, or leave to come in, depends on. */
export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

/** How a NAT behaves. What is left out is as in most home routers, which are Linux. */
export interface NatShape {
  readonly mapping?: Dependence;
  readonly filtering?: Dependence;
  readonly allocation?: Allocation;
  /** Life of a mapping that saw no answer, and of one that did; Linux has 30 and 120 s. */
  readonly expiry?: { readonly unanswered: Millis; readonly answered: Millis };
  /** What lengthens a mapping's life (RFC 4787 REQ-6): what goes out always does. */
  readonly refresh?: 'outbound' | 'both';
  /** What becomes of a datagram from inside to our own outside: nothing, or sent back with this source (REQ-9). */
  readonly hairpin?: 'none' | 'external-source' | 'internal-source';
  /** Which of several outside addresses a new mapping gets (RFC 4787 section 4.1, IP address pooling). */
  readonly pooling?: 'paired' | 'arbitrary' | 'round-robin';
  /** Limits per inside address: living mappings, new mappings per second; and of the whole table. */
  readonly quota?: { readonly mappings?: number; readonly perSecond?: number; readonly table?: number };
  /**
   * A NAT whose own input is open (Linux with policy accept): a datagram that comes before ours to the same peer
   * takes the port for that peer, and ours leaves from another one.
   */
  readonly poison?: boolean;
  readonly foreign?: Foreign;
}

export interface NatCounters {
  out: number;
  in: number;
  mapped: number;
  filtered: number;
  /** Mappings refused by a quota or for want of a port. */
  refused: number;
  hairpinned: number;
  poisoned: number;
}

/** One living mapping, as a picture may show it. */
export interface Mapping {
  readonly inside: Address;
  readonly outside: Address;
  /** The destination, or its address, that it is for; empty when for all. */
  readonly toward: string;
}

interface Entry extends Mapping {
  readonly name: string;
  /** When it was last lengthened, and whether it was ever answered: what its life depends on. */
  refreshed: number;
  answered: boolean;
  /** Who may come in, addresses or addresses with ports as the filtering has it, and when that was last lengthened. */
  readonly permits: Map<string, number>;
}

interface Outside {
  readonly ip: string;
  readonly allocator: Allocator;
  readonly entries: Map<number, Entry>;
  /** Ports a rebinding has left, which are not given out again. */
  readonly barred: Set<number>;
}

const LINUX = { unanswered: seconds(30), answered: seconds(120) };

/** A box that puts its own addresses in front of a network (RFC 4787). */
export class Nat implements Station, Gateway {
  readonly name: string;
  readonly inside: Network;
  readonly counters: NatCounters = { out: 0, in: 0, mapped: 0, filtered: 0, refused: 0, hairpinned: 0, poisoned: 0 };
  readonly shape: NatShape;
  readonly #ground: Ground;
  readonly #random: Random;
  #access: Access | undefined;
  #outsides: Outside[] = [];
  #turn = 0;
  readonly #entries = new Map<string, Entry>();
  /** Per inside address: how many mappings live (an upper bound until swept), and its pace. */
  readonly #subscribers = new Map<string, Subscriber>();
  /** Until when a stranger's flow to one of our ports stands in the table of an open input. */
  readonly #strangers = new Map<string, number>();

  constructor(ground: Ground, name: string, shape: NatShape) {
    this.#ground = ground;
    this.name = name;
    this.shape = shape;
    this.#random = ground.chance();
    this.inside = new Network(ground, `${name} inside`, 0, this);
  }

  get ips(): readonly string[] {
    return this.#outsides.map(({ ip }) => ip);
  }

  /** Puts it on a network under these addresses; again to get others, as when the provider dials in anew. */
  join(access: Access, ips: readonly string[]): void {
    for (const { ip } of this.#outsides) this.#access?.network.withdraw(ip);
    this.#entries.clear();
    this.#subscribers.clear();
    this.#access = access;
    for (const ip of ips) access.network.assign(ip, access);
    this.#outsides = ips.map((ip) => ({
      ip,
      allocator: new Allocator(
        this.shape.allocation ?? { kind: 'preserve' },
        this.shape.foreign,
        this.#ground.chance(),
      ),
      entries: new Map<number, Entry>(),
      barred: new Set<number>(),
    }));
  }

  /** The line to the outside. */
  get access(): Access {
    if (this.#access === undefined) throw new Error(`${this.name} is on no network`);
    return this.#access;
  }

  /** Forgets mappings, all or those of one inside address; the next datagram gets another port than before. */
  rebind(inside?: string): void {
    for (const entry of this.#entries.values()) {
      if (inside !== undefined && entry.inside.ip !== inside) continue;
      this.#outsideOf(entry)?.barred.add(entry.outside.port);
      this.#forget(entry);
    }
  }

  /** Mappings of others by hand, for a scenario that wants an exact number of them. */
  skip(mappings: number): void {
    for (const outside of this.#outsides) outside.allocator.skip(mappings);
  }

  /** What lives now. */
  table(): readonly Mapping[] {
    return [...this.#entries.values()].filter((entry) => this.#lives(entry));
  }

  /** Flows that live now: what a router's own table counts. */
  flows(): number {
    let flows = 0;
    for (const entry of this.#entries.values()) {
      for (const refreshed of entry.permits.values()) if (this.#lives(entry, refreshed)) flows++;
    }
    return flows;
  }

  announced(): void {
    // Nobody outside hears of inside addresses.
  }

  leave(packet: Packet): void {
    if (--packet.ttl <= 0) {
      this.#ground.drop('ttl', packet, this.name);
      return;
    }
    const { from } = packet;
    const home = this.#outsides.some(({ ip }) => ip === packet.to.ip);
    if (home && (this.shape.hairpin ?? 'none') === 'none') {
      this.#ground.drop('hairpin', packet, this.name);
      return;
    }
    const { mapped } = this.counters;
    const entry = this.#mappingFor(packet);
    if (entry === undefined) {
      this.counters.refused++;
      this.#ground.drop('quota', packet, this.name);
      return;
    }
    this.#refresh(entry, packet.to);
    this.counters.out++;
    packet.from = entry.outside;
    if (this.counters.mapped > mapped) this.#ground.note('mapped', packet, this.name);
    if (home) this.#hairpin(packet, from);
    else this.access.up(packet);
  }

  arrive(packet: Packet): void {
    const now = this.#ground.now;
    const entry = this.#outsides.find(({ ip }) => ip === packet.to.ip)?.entries.get(packet.to.port);
    if (entry === undefined || !this.#lives(entry) || !this.#permits(entry, packet.from)) {
      this.counters.filtered++;
      if (this.shape.poison === true) {
        this.#strangers.set(`${packet.to.port} ${key(packet.from)}`, now + this.#expiry.unanswered);
      }
      this.#ground.drop('filter', packet, this.name);
      return;
    }
    if (--packet.ttl <= 0) {
      this.#ground.drop('ttl', packet, this.name);
      return;
    }
    entry.answered = true;
    if (this.shape.refresh !== 'outbound') this.#refresh(entry, packet.from);
    this.counters.in++;
    this.#ground.note('admitted', packet, this.name);
    packet.to = entry.inside;
    this.inside.carry(packet);
  }

  #hairpin(packet: Packet, inside: Address): void {
    this.counters.hairpinned++;
    const external = packet.from;
    const target = this.#outsides.find(({ ip }) => ip === packet.to.ip)?.entries.get(packet.to.port);
    // The filter sees the outside address either way; what differs is what the receiver sees.
    if (target !== undefined && this.shape.hairpin === 'internal-source' && this.#permits(target, external)) {
      packet.from = inside;
      packet.to = target.inside;
      this.inside.carry(packet);
    } else this.arrive(packet);
  }

  #mappingFor(packet: Packet): Entry | undefined {
    const { from, to } = packet;
    const toward = scoped(this.shape.mapping ?? 'endpoint-independent', to);
    const name = `${key(from)} ${toward}`;
    const known = this.#living(name) ?? this.#map(name, from, toward);
    if (this.shape.poison !== true || known === undefined) return known;
    return this.#unpoisoned(known, from, to);
  }

  /** The mapping itself, or one for this peer only where the peer's own datagram came first. */
  #unpoisoned(entry: Entry, from: Address, to: Address): Entry | undefined {
    const name = `${key(from)} alone ${key(to)}`;
    const alone = this.#living(name);
    if (alone !== undefined) return alone;
    const until = this.#strangers.get(`${entry.outside.port} ${key(to)}`) ?? 0;
    if (until <= this.#ground.now || this.#lives(entry, entry.permits.get(this.#permit(to)) ?? -Infinity)) return entry;
    this.counters.poisoned++;
    // A socket that had no mapping yet has its port in the table all the same.
    if (entry.refreshed === -Infinity) entry.refreshed = this.#ground.now;
    return this.#map(name, from, key(to));
  }

  #living(name: string): Entry | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || this.#lives(entry)) return entry;
    this.#forget(entry);
    return undefined;
  }

  #map(name: string, inside: Address, toward: string): Entry | undefined {
    const subscriber = this.#subscriber(inside.ip);
    if (!this.#within(subscriber)) return undefined;
    const outside = this.#pool(subscriber);
    if (outside === undefined) return undefined;
    const port = outside.allocator.choose(
      {
        insidePort: inside.port,
        subscriber: inside.ip,
        flow: name,
        taken: (candidate) => outside.barred.has(candidate) || this.#holds(outside, candidate),
      },
      this.#ground.now,
    );
    if (port === undefined) return undefined;
    const entry: Entry = {
      name,
      inside,
      outside: { ip: outside.ip, port },
      toward,
      refreshed: -Infinity,
      answered: false,
      permits: new Map(),
    };
    this.#entries.set(name, entry);
    outside.entries.set(port, entry);
    subscriber.living++;
    this.counters.mapped++;
    return entry;
  }

  #holds(outside: Outside, port: number): boolean {
    const entry = outside.entries.get(port);
    if (entry === undefined) return false;
    if (this.#lives(entry)) return true;
    this.#forget(entry);
    return false;
  }

  #within(subscriber: Subscriber): boolean {
    const { mappings, perSecond, table } = this.shape.quota ?? {};
    if (table !== undefined && this.#entries.size >= table && this.#sweep() >= table) return false;
    if (mappings !== undefined && subscriber.living >= mappings) {
      this.#sweep();
      if (subscriber.living >= mappings) return false;
    }
    if (perSecond === undefined) return true;
    // A bucket of one second's mappings.
    const { now } = this.#ground;
    subscriber.tokens = Math.min(perSecond, subscriber.tokens + ((now - subscriber.filled) / 1000) * perSecond);
    subscriber.filled = now;
    if (subscriber.tokens < 1) return false;
    subscriber.tokens--;
    return true;
  }

  /** Forgets what has expired; how many are left. */
  #sweep(): number {
    for (const entry of this.#entries.values()) if (!this.#lives(entry)) this.#forget(entry);
    return this.#entries.size;
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.name) !== entry) return;
    this.#entries.delete(entry.name);
    const entries = this.#outsideOf(entry)?.entries;
    if (entries?.get(entry.outside.port) === entry) entries.delete(entry.outside.port);
    this.#subscriber(entry.inside.ip).living--;
  }

  #outsideOf(entry: Entry): Outside | undefined {
    return this.#outsides.find(({ ip }) => ip === entry.outside.ip);
  }

  #subscriber(ip: string): Subscriber {
    const known = this.#subscribers.get(ip);
    if (known !== undefined) return known;
    const subscriber = {
      living: 0,
      tokens: this.shape.quota?.perSecond ?? 0,
      filled: this.#ground.now,
      outside: this.#subscribers.size,
    };
    this.#subscribers.set(ip, subscriber);
    return subscriber;
  }

  #pool(subscriber: Subscriber): Outside | undefined {
    const { length } = this.#outsides;
    if (length === 0) return undefined;
    switch (this.shape.pooling ?? 'paired') {
      case 'paired':
        return this.#outsides[subscriber.outside % length];
      case 'arbitrary':
        return this.#outsides[this.#random(length)];
      case 'round-robin':
        return this.#outsides[this.#turn++ % length];
    }
  }

  get #expiry(): { readonly unanswered: Millis; readonly answered: Millis } {
    return this.shape.expiry ?? LINUX;
  }

  #refresh(entry: Entry, peer: Address): void {
    entry.refreshed = this.#ground.now;
    entry.permits.set(this.#permit(peer), entry.refreshed);
  }

  /** Lengthened at `refreshed`, is it still there? */
  #lives(entry: Entry, refreshed = entry.refreshed): boolean {
    return refreshed + (entry.answered ? this.#expiry.answered : this.#expiry.unanswered) > this.#ground.now;
  }

  #permits(entry: Entry, peer: Address): boolean {
    if (this.#filtering === 'endpoint-independent') return true;
    const refreshed = entry.permits.get(this.#permit(peer));
    return refreshed !== undefined && this.#lives(entry, refreshed);
  }

  #permit(peer: Address): string {
    return scoped(this.#filtering, peer);
  }

  get #filtering(): Dependence {
    return this.shape.filtering ?? 'address-and-port-dependent';
  }
}

interface Subscriber {
  living: number;
  tokens: number;
  filled: number;
  /** Its number in order of appearance, which pairs it with an outside address. */
  readonly outside: number;
}

/** As much of an address as matters. */
export function scoped(dependence: Dependence, { ip, port }: Address): string {
  switch (dependence) {
    case 'endpoint-independent':
      return '';
    case 'address-dependent':
      return ip;
    case 'address-and-port-dependent':
      return `${ip}:${port}`;
  }
}
