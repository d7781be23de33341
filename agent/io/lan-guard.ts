import { type Scope, ipBytes, parseAddress, sameAddress, scope } from '../base/address.ts';

/** Who may talk to the pages of the household, and under which name: all decisions of the LAN side's door. */

const AT_HOME: readonly Scope[] = ['private', 'loopback', 'link-local'];

/** True for a remote address that can only be in the house. A socket's zone (`%eth0`) and `::ffff:` are understood. */
export function isLanPeer(ip: string | undefined): boolean {
  return ip !== undefined && AT_HOME.includes(scope(withoutZone(ip)));
}

/**
 * True for a Host header that a page of the house may carry. A public name that resolves to the router (DNS
 * rebinding) is no such name. Old players that speak HTTP/1.0 send none, and no browser does that: allowed.
 * `own` are this machine's own addresses, `names` the configured ones.
 */
export function isHostAllowed(host: string | undefined, own: readonly string[], names: readonly string[]): boolean {
  if (host === undefined) return true;
  const name = hostName(host);
  if (name === undefined) return false;
  if (ipBytes(name) !== undefined) return AT_HOME.includes(scope(name)) || own.includes(name);
  return (
    name === 'localhost' ||
    names.includes(name) ||
    // Ends that no public zone can have: OpenWrt's default, RFC 6762, RFC 8375, RFC 6761.
    ['.lan', '.local', '.home.arpa', '.localhost'].some((end) => name.endsWith(end) && name.length > end.length)
  );
}

/** The lower-case name or IP of a Host header, without port and brackets; undefined when it is neither. */
export function hostName(host: string): string | undefined {
  if (host.length > 255) return undefined;
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9a-zA-Z._-]{1,253}))(?::\d{1,5})?$/.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
}

/**
 * True for an order (POST) that a page of this very server gave, or a program. Browsers always name the origin of a
 * POST; `null` (sandboxed frames, files) is foreign like any other.
 */
export function isOriginOwn(origin: string | undefined, host: string | undefined): boolean {
  return origin === undefined || (host !== undefined && origin.toLowerCase() === `http://${host.toLowerCase()}`);
}

/** `http://ADDR:PORT` as a device in the house reaches us: by the Host it used, else by the address it came to. */
export function baseUrl(host: string | undefined, address: string, port: number): string {
  if (host !== undefined) return `http://${host}`;
  const ip = withoutZone(address).replace(/^::ffff:/, '');
  const literal = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
  const parsed = parseAddress(literal);
  return parsed !== undefined && sameAddress(parsed, { ip, port }) ? `http://${literal}` : 'http://localhost';
}

function withoutZone(ip: string): string {
  return ip.replace(/%.*$/, '');
}
