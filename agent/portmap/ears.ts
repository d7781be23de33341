import { type Address, zoneOf } from '../base/address.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Door, HttpAnswer } from './client.ts';
import { isDistant, isSix } from './door.ts';
import { ANNOUNCEMENTS, ANNOUNCEMENTS6 } from './pcp.ts';
import { SSDP, SSDP6 } from './ssdp.ts';

/**
 * Listens to what gateways tell everybody: PCP's and NAT-PMP's announcements, SSDP's notifications. Without multicast, or with
 * a firewall that stops it, nothing is heard, and a restarted gateway is noticed at the next renewal. So it is where the gateway
 * is not on our LAN, and where its address does not say which link of IPv6 it is on.
 */
export class Ears {
  readonly #door: Door;
  readonly #groups: readonly { readonly socket: SocketId; readonly ip: string; readonly port: number }[];
  readonly #memberOn: string;

  constructor(door: Door, newSocket: () => SocketId) {
    this.#door = door;
    const zone = zoneOf(door.gateway);
    this.#memberOn = zone === undefined ? door.own : `::%${zone}`;
    const groups = isSix(door) ? onLink(zone) : isDistant(door) ? [] : [ANNOUNCEMENTS, SSDP];
    this.#groups = groups.map(({ ip, port }) => ({ socket: newSocket(), ip, port }));
  }

  open(): NetEffect[] {
    return this.#groups.map(({ socket, ip, port }) => ({ kind: 'open', socket, ip, port, memberOn: this.#memberOn }));
  }

  close(): NetEffect[] {
    return this.#groups.map(({ socket }) => ({ kind: 'close', socket }));
  }

  /** What the gateway itself said to everybody; undefined for everything else. */
  heard(input: NetInput | HttpAnswer): Uint8Array | undefined {
    if (input.kind !== 'datagram' || input.from.ip !== this.#door.gateway) return undefined;
    return this.#groups.some(({ socket }) => socket === input.socket) ? input.bytes : undefined;
  }
}

function onLink(zone: string | undefined): readonly Address[] {
  return zone === undefined ? [] : [ANNOUNCEMENTS6, SSDP6].map(({ ip, port }) => ({ ip: `${ip}%${zone}`, port }));
}
