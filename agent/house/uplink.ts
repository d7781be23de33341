import { type Address, scope } from '../base/address.ts';
import { isWithin } from '../base/network.ts';
import type { Door } from '../portmap/client.ts';

/** A line out of the house, by which our datagrams leave. */
export interface Uplink {
  /** Our own address there. */
  readonly own: string;
  /** The next hop; undefined where the line has none. */
  readonly gateway: string | undefined;
  /** This machine is the gateway of the house: what lets strangers in is its own firewall. */
  readonly isGateway?: boolean;
}

/** All addresses that one interface makes up for itself begin alike (RFC 4291, 2.5.1). */
const NETWORK6 = 64;

/**
 * Whom to ask for a mapping of that port of ours; nobody on a line that has an IPv4 address of the internet itself: there only our own firewall
 * counts. Of IPv6 the address counts that others are told of, `seen`: the system may speak from another one than we would
 * (RFC 8981), so nobody is asked before it is known.
 */
export function doorOf(
  uplink: Uplink | undefined,
  port: number | undefined,
  seen: Address | undefined,
): Door | undefined {
  const { own, gateway } = uplink ?? {};
  if (port === undefined || own === undefined || gateway === undefined) return undefined;
  if (!own.includes(':')) return scope(own) === 'public' ? undefined : { own, gateway, port };
  if (seen === undefined) return undefined;
  return { own: isWithin(seen.ip, { ip: own, prefix: NETWORK6 }) ? seen.ip : own, gateway, port };
}
