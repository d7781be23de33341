import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Door } from './client.ts';
import { ANNOUNCEMENTS } from './pcp.ts';
import { SSDP } from './ssdp.ts';

/**
 * Listens to what gateways tell everybody: PCP's and NAT-PMP's announcements, SSDP's notifications. Without multicast, or with
 * a firewall that stops it, nothing is heard, and a restarted gateway is noticed at the next renewal.
 */
export class Ears {
  readonly #door: Door;
  readonly #groups: readonly { readonly socket: SocketId; readonly ip: string; readonly port: number }[];

  constructor(door: Door, newSocket: () => SocketId) {
    this.#door = door;
    const groups = door.own.includes(':') ? [] : [ANNOUNCEMENTS, SSDP];
    this.#groups = groups.map(({ ip, port }) => ({ socket: newSocket(), ip, port }));
  }

  open(): NetEffect[] {
    return this.#groups.map(({ socket, ip, port }) => ({ kind: 'open', socket, ip, port, memberOn: this.#door.own }));
  }

  close(): NetEffect[] {
    return this.#groups.map(({ socket }) => ({ kind: 'close', socket }));
  }

  /** What the gateway itself said to everybody; undefined for everything else. */
  heard(input: NetInput): Uint8Array | undefined {
    if (input.kind !== 'datagram' || input.from.ip !== this.#door.gateway) return undefined;
    return this.#groups.some(({ socket }) => socket === input.socket) ? input.bytes : undefined;
  }
}
