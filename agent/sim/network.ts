import type { Ground } from './ground.ts';
import { type AccessShape, Link } from './link.ts';
import type { Packet } from './packet.ts';

/** Anything that has an address on a network: a host, or the outside of a box. */
export interface Station {
  readonly name: string;
  /** A datagram for one of its addresses has come. */
  arrive(packet: Packet): void;
}

/** The box at the edge of a network, which takes what is for elsewhere. */
export interface Gateway {
  /** A datagram from inside that is for no address inside. */
  leave(packet: Packet): void;
  /** Inside, someone now has this address: only a box that does not translate cares. */
  announced(ip: string, present: boolean): void;
}

/** How far a station on the internet is from its middle, routers: two stations are twice as far apart. */
export const INTERNET_HOPS = 5;

/** A network in which every station reaches every other: a LAN, a carrier's inside, the internet. */
export class Network {
  readonly name: string;
  /** Routers between a station and this network's middle. */
  readonly hops: number;
  /** The network whose addresses are used here: this one, or the one in front of a box that does not translate. */
  readonly numbered: Network;
  readonly #ground: Ground;
  readonly #gateway: Gateway | undefined;
  readonly #access = new Map<string, Access>();

  constructor(ground: Ground, name: string, hops: number, gateway?: Gateway, numbered?: Network) {
    this.numbered = numbered ?? this;
    this.#ground = ground;
    this.name = name;
    this.hops = hops;
    this.#gateway = gateway;
  }

  has(ip: string): boolean {
    return this.#access.has(ip);
  }

  /** Gives an address to a station; throws when somebody has it. */
  assign(ip: string, access: Access): void {
    if (this.#access.has(ip)) throw new Error(`${this.name}: two stations at ${ip}`);
    this.#access.set(ip, access);
    this.#gateway?.announced(ip, true);
  }

  withdraw(ip: string): void {
    this.#access.delete(ip);
    this.#gateway?.announced(ip, false);
  }

  carry(packet: Packet): void {
    const access = this.#access.get(packet.to.ip);
    if (access !== undefined) access.down(packet);
    else if (this.#gateway !== undefined) this.#gateway.leave(packet);
    else this.#ground.drop('no-route', packet, this.name);
  }
}

/** The line that joins a station to a network. */
export class Access {
  readonly uplink: Link;
  readonly downlink: Link;
  readonly network: Network;
  readonly #ground: Ground;
  readonly #station: Station;

  constructor(ground: Ground, network: Network, station: Station, shape: AccessShape) {
    const [up, down] = 'up' in shape ? [shape.up, shape.down] : [shape, shape];
    this.#ground = ground;
    this.network = network;
    this.#station = station;
    this.uplink = new Link(ground, up, `${station.name} up`, (packet) => network.carry(packet));
    this.downlink = new Link(ground, down, `${station.name} down`, (packet) => station.arrive(packet));
  }

  up(packet: Packet): void {
    if (this.#livesOn(packet)) this.uplink.carry(packet);
  }

  down(packet: Packet): void {
    if (this.#livesOn(packet)) this.downlink.carry(packet);
  }

  /** Each router on the way takes one from the TTL; at 0 the datagram dies there (RFC 791 section 3.2). */
  #livesOn(packet: Packet): boolean {
    packet.ttl -= this.network.hops;
    if (packet.ttl > 0) return true;
    this.#ground.drop('ttl', packet, this.#station.name);
    return false;
  }
}
