import { type Address, key } from '../base/address.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { Ground } from './ground.ts';
import { type Dependence, scoped } from './nat.ts';
import { type Access, type Gateway, Network, type Station } from './network.ts';
import type { Packet } from './packet.ts';

/** How a box that does not translate filters. */
export interface FirewallShape {
  /** What a datagram from outside must match of an earlier one from inside; `none`: a plain router. */
  readonly filtering?: Dependence | 'none';
  readonly expiry?: { readonly unanswered: Millis; readonly answered: Millis };
  /** No UDP through here, either way. */
  readonly blocked?: boolean;
}

const LINUX = { unanswered: seconds(30), answered: seconds(120) };

/** A router whose inside has addresses of the outside network: a public address behind a stateful filter, or none. */
export class Firewall implements Station, Gateway {
  readonly name: string;
  readonly inside: Network;
  readonly shape: FirewallShape;
  readonly #ground: Ground;
  readonly #access: Access;
  /** Inside socket and peer, as far as the filtering looks: until when, and whether it was answered. */
  readonly #flows = new Map<string, { until: number; answered: boolean }>();

  constructor(ground: Ground, name: string, shape: FirewallShape, access: (station: Station) => Access) {
    this.#ground = ground;
    this.name = name;
    this.shape = shape;
    this.#access = access(this);
    this.inside = new Network(ground, `${name} inside`, 0, this, this.#access.network.numbered);
  }

  /** The line to the outside. */
  get access(): Access {
    return this.#access;
  }

  announced(ip: string, present: boolean): void {
    if (present) this.#access.network.assign(ip, this.#access);
    else this.#access.network.withdraw(ip);
  }

  leave(packet: Packet): void {
    if (this.shape.blocked === true) this.#ground.drop('blocked', packet, this.name);
    else if (--packet.ttl <= 0) this.#ground.drop('ttl', packet, this.name);
    else {
      this.#refresh(this.#name(packet.from, packet.to));
      this.#access.up(packet);
    }
  }

  arrive(packet: Packet): void {
    if (this.shape.blocked === true) this.#ground.drop('blocked', packet, this.name);
    else if (!this.#lets(packet)) this.#ground.drop('filter', packet, this.name);
    else if (--packet.ttl <= 0) this.#ground.drop('ttl', packet, this.name);
    else this.inside.carry(packet);
  }

  #lets(packet: Packet): boolean {
    if (this.shape.filtering === 'none') return true;
    const name = this.#name(packet.to, packet.from);
    const flow = this.#flows.get(name);
    if (flow === undefined || flow.until <= this.#ground.now) return false;
    flow.answered = true;
    this.#refresh(name);
    return true;
  }

  #refresh(name: string): void {
    if (this.shape.filtering === 'none') return;
    const flow = this.#flows.get(name) ?? { until: 0, answered: false };
    const { unanswered, answered } = this.shape.expiry ?? LINUX;
    flow.until = this.#ground.now + (flow.answered ? answered : unanswered);
    this.#flows.set(name, flow);
  }

  #name(inside: Address, outside: Address): string {
    const { filtering = 'address-and-port-dependent' } = this.shape;
    return `${key(inside)} ${filtering === 'none' ? '' : scoped(filtering, outside)}`;
  }
}
