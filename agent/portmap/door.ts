import { ipBytes, withoutZone, zoneOf } from '../base/address.ts';
import type { Door } from './client.ts';

/** What our sockets for this door are bound to. */
export function boundTo({ own, from }: Door): string {
  return from ?? own;
}

export function isSix({ own }: Door): boolean {
  return own.includes(':');
}

/** The gateway is not on our LAN: what it tells everybody does not come as far as us. */
export function isDistant({ own, from }: Door): boolean {
  return from !== undefined && from !== own;
}

/** What systems call networks: at most fifteen printable characters, on Linux. */
const ZONE = /^[\w.:@-]{1,15}$/;

/** A gateway's address: any, and with a zone where it is one of IPv6. */
export function isGateway(ip: string): boolean {
  const zone = zoneOf(ip);
  const bytes = ipBytes(withoutZone(ip));
  return bytes !== undefined && (zone === undefined || (bytes.length === 16 && ZONE.test(zone)));
}
