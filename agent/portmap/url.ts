import { type Address, ipBytes, scope, withoutZone } from '../base/address.ts';

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
 * address of the house, and by that address. Anything else would let any host of the LAN send us anywhere. A link-local gateway
 * of IPv6 names whichever of its addresses it likes; it is asked at the one that answered, which nobody beyond the link can have.
 */
export function allowedLocation(location: string, gateway: string): Place | PlaceRefusal {
  const place = readPlace(location);
  if (typeof place === 'string') return place;
  if (!names(place.to.ip, gateway)) return 'not-the-gateway';
  if (!HOUSE.has(scope(withoutZone(gateway)))) return 'not-on-the-lan';
  return { ...place, to: { ...place.to, ip: gateway } };
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
    return isAt(place, description) ? { to: description.to, path: place.path } : 'elsewhere';
  }
  if (text.startsWith('//')) return 'elsewhere';
  return onPath(description.to, text.startsWith('/') ? text : folder(base, description) + text);
}

/** A gateway with a public address of its own is our provider's, not the household's. */
const HOUSE = new Set(['private', 'shared', 'link-local', 'loopback']);

function readPlace(text: string): Place | PlaceRefusal {
  const match =
    /^http:\/\/(?:\[([0-9a-f:.]{2,45})(?:%[\w.:-]{1,20})?\]|([0-9.]{7,15}))(?::(\d{1,5}))?(\/[^#]*)?(?:#.*)?$/i.exec(
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
  const near = typeof named === 'object' && isAt(named, description);
  const path = (near ? named : description).path.split('?', 1)[0] ?? '/';
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function isAt({ to }: Place, description: Place): boolean {
  return names(to.ip, description.to.ip) && to.port === description.to.port;
}

/** Whether a gateway that is asked at `gateway` may call itself `ip`. */
function names(ip: string, gateway: string): boolean {
  if (!ip.includes(':') || !gateway.includes(':')) return ip === gateway;
  const asked = withoutZone(gateway);
  return scope(asked) === 'link-local' || String(ipBytes(ip)) === String(ipBytes(asked));
}
