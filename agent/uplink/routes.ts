import { ipText } from '../base/address.ts';
import { fromHex } from '../base/bytes.ts';

/** A route for whatever has no nearer one. */
export interface DefaultRoute {
  readonly family: 4 | 6;
  /** The interface. */
  readonly name: string;
  /** The next hop; undefined on a line that has only one other end. */
  readonly gateway: string | undefined;
  /** The kernel takes the lowest. */
  readonly metric: number;
}

/** Flags of <linux/route.h>. */
const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;

/** Linux' longest name of an interface, IFNAMSIZ - 1. */
const NAME = /^[^\s/%]{1,15}$/;

/** A line may be flooded with advertisements of routers (RFC 6104): more of them than any house has are not looked at. */
const MOST = 16;

/**
 * The default routes of the text of /proc/net/route and of /proc/net/ipv6_route: IPv4 first, the lowest metric first, among equals in the
 * kernel's order. Of IPv4 the file has the main table and the first next hop of each route, of IPv6 all tables. Lines that are no routes
 * are passed over.
 */
export function defaultRoutes(route: string, ipv6Route: string): readonly DefaultRoute[] {
  return [...firstOf(route, line4), ...firstOf(ipv6Route, line6)];
}

function firstOf(text: string, read: (fields: readonly string[]) => DefaultRoute | undefined): readonly DefaultRoute[] {
  const found = new Map<string, DefaultRoute>();
  const routes = text.split('\n').map((line) => read(line.trim().split(/\s+/)));
  for (const one of routes.filter((route) => route !== undefined).toSorted((a, b) => a.metric - b.metric)) {
    const way = `${one.name} ${one.gateway}`;
    if (!found.has(way)) found.set(way, one);
  }
  return [...found.values()].slice(0, MOST);
}

/** Iface Destination Gateway Flags RefCnt Use Metric Mask …: addresses are numbers of the machine, which is little-endian. */
function line4(fields: readonly string[]): DefaultRoute | undefined {
  const [name = '', destination, gateway = '', flags = '', , , metric = '', mask] = fields;
  if (destination !== '00000000' || mask !== '00000000' || !/^\d{1,10}$/.test(metric)) return undefined;
  const hop = fromHex(gateway)?.toReversed();
  return hop?.length === 4 ? routeOf(4, name, flags, hop, Number(metric)) : undefined;
}

/**
 * Destination, its length, source, its length, next hop, metric, references, uses, flags, interface; all in hexadecimal. OpenWrt routes by
 * source: one default route for the router's own address, one for each delegated prefix.
 */
function line6(fields: readonly string[]): DefaultRoute | undefined {
  const [destination, length, , , nextHop = '', metric = '', , , flags = '', name = ''] = fields;
  if (destination !== '0'.repeat(32) || length !== '00' || !HEX.test(metric)) return undefined;
  const hop = fromHex(nextHop);
  return hop?.length === 16 ? routeOf(6, name, flags, hop, Number.parseInt(metric, 16)) : undefined;
}

const HEX = /^[0-9a-f]{1,8}$/i;

function routeOf(
  family: 4 | 6,
  name: string,
  flags: string,
  hop: Uint8Array,
  metric: number,
): DefaultRoute | undefined {
  const bits = HEX.test(flags) ? Number.parseInt(flags, 16) : 0;
  if ((bits & RTF_UP) === 0 || (bits & RTF_REJECT) !== 0 || !NAME.test(name)) return undefined;
  const gateway = (bits & RTF_GATEWAY) === 0 ? undefined : zoned(ipText(hop), name);
  return { family, name, gateway, metric };
}

/** A link-local address means something only together with its interface (RFC 4007). */
export function zoned(ip: string, name: string): string {
  return /^fe[89ab]/i.test(ip) ? `${ip}%${name}` : ip;
}
