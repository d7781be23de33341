import { type Address, ipBytes, scope } from '../base/address.ts';

/** A plain http address of a gateway: always a literal IP, always with its port. */
export interface Place {
  readonly to: Address;
  /** Begins with a slash. */
  readonly path: string;
}

export type PlaceRefusal = 'not-http' | 'not-the-gateway' | 'not-on-the-lan' | 'bad-port' | 'bad-path' | 'elsewhere';

const LONGEST_PATH = 1024;
const [HTTP_PORT, LAST_PORT] = [80, 65_535];
/** Printable ASCII: nothing that could end the request line or add one. */
const PATH = /^\/[\x21-\x7e]*$/;

/**
 * Whether a device may be fetched from where it says it is: only from the default gateway itself, which must have an
 * address of the house, and by that address. Anything else would let any host of the LAN send us anywhere.
 */
export function allowedLocation(location: string, gateway: string): Place | PlaceRefusal {
  const place = readPlace(location);
  if (typeof place === 'string') return place;
  if (!sameIp(place.to.ip, gateway)) return 'not-the-gateway';
  return HOUSE.has(scope(gateway)) ? place : 'not-on-the-lan';
}

/**
 * Where a service is controlled: the same host and port as its description, whatever the description says. A base
 * that names another place is passed over, as most stacks do; a control address that does is refused.
 */
export function allowedControl(control: string, base: string | undefined, description: Place): Place | PlaceRefusal {
  const text = control.trim();
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) {
    const place = readPlace(text);
    if (typeof place === 'string') return place;
    return sameIp(place.to.ip, description.to.ip) && place.to.port === description.to.port
      ? { to: description.to, path: place.path }
      : 'elsewhere';
  }
  if (text.startsWith('//')) return 'elsewhere';
  return onPath(description.to, text.startsWith('/') ? text : folder(base, description) + text);
}

/** A gateway with a public address of its own is our provider's, not the household's. */
const HOUSE = new Set(['private', 'shared', 'link-local', 'loopback']);

function readPlace(text: string): Place | PlaceRefusal {
  const match = /^http:\/\/(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))(?::(\d{1,5}))?(\/[^#]*)?(?:#.*)?$/i.exec(
    text.trim(),
  );
  if (match === null) return 'not-http';
  const ip = match[1] ?? match[2] ?? '';
  if (ipBytes(ip) === undefined) return 'not-http';
  const port = match[3] === undefined ? HTTP_PORT : Number(match[3]);
  if (port < 1 || port > LAST_PORT) return 'bad-port';
  return onPath({ ip, port }, match[4] ?? '/');
}

function onPath(to: Address, path: string): Place | PlaceRefusal {
  return path.length <= LONGEST_PATH && PATH.test(path) ? { to, path } : 'bad-path';
}

/** The folder that relative addresses start from, with its slash. */
function folder(base: string | undefined, description: Place): string {
  const named = base === undefined ? undefined : readPlace(base);
  const near =
    typeof named === 'object' && sameIp(named.to.ip, description.to.ip) && named.to.port === description.to.port;
  const path = (near ? named : description).path.split('?', 1)[0] ?? '/';
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function sameIp(a: string, b: string): boolean {
  return a === b || (a.includes(':') && String(ipBytes(a)) === String(ipBytes(b)));
}
