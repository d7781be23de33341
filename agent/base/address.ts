/** Where a datagram goes or comes from. IPv4 dotted or IPv6 without brackets and zone. */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** One string per address, for maps and for people. */
export function key(address: Address): string {
  return address.ip.includes(':') ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.ip === b.ip;
}

/**
 * The network that a link-local address belongs to, `eth0` of `fe80::1%eth0`: RFC 4007, section 11. It means
 * nothing to others, so it is never sent, and only sockets and gateways have addresses with one.
 */
export function zoneOf(ip: string): string | undefined {
  const mark = ip.indexOf('%');
  return mark < 0 ? undefined : ip.slice(mark + 1);
}

export function withoutZone(ip: string): string {
  const mark = ip.indexOf('%');
  return mark < 0 ? ip : ip.slice(0, mark);
}

/** Reads `1.2.3.4:567` or `[2001:db8::1]:567`; undefined when it is neither. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const ip = match[1] ?? match[2] ?? '';
  const port = Number(match[3]);
  if (port > 65535) return undefined;
  const bytes = ipBytes(ip);
  return bytes === undefined || (match[1] !== undefined) !== (bytes.length === 16) ? undefined : { ip, port };
}

/** 4 or 16 bytes in network order; undefined for anything that is no IP address. */
export function ipBytes(ip: string): Uint8Array | undefined {
  return ip.includes(':') ? ipv6Bytes(ip) : ipv4Bytes(ip);
}

function ipv4Bytes(ip: string): Uint8Array | undefined {
  const parts = ip.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

function ipv6Bytes(ip: string): Uint8Array | undefined {
  const halves = ip.split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] ?? '');
  const tail = halves.length === 2 ? groups(halves[1] ?? '') : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array.from<number>({ length: missing }).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  for (const [i, group] of all.entries()) {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 255;
  }
  return bytes;
}

function groups(text: string): number[] | undefined {
  if (text === '') return [];
  const found: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.') && i === parts.length - 1) {
      const four = ipv4Bytes(part);
      if (four === undefined) return undefined;
      found.push(((four[0] ?? 0) << 8) | (four[1] ?? 0), ((four[2] ?? 0) << 8) | (four[3] ?? 0));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      found.push(Number.parseInt(part, 16));
    }
  }
  return found;
}

/** The text of 4 or 16 bytes in network order; IPv6 shortened after RFC 5952. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && words[end] === 0) end++;
    if (end - start > bestLength) [bestStart, bestLength] = [start, end - start];
  }
  const text = words.map((word) => word.toString(16));
  if (bestStart < 0) return text.join(':');
  return `${text.slice(0, bestStart).join(':')}::${text.slice(bestStart + bestLength).join(':')}`;
}

/** What an address is good for, by the registries of RFC 6890 and RFC 6598. */
export type Scope = 'public' | 'private' | 'shared' | 'loopback' | 'link-local' | 'multicast' | 'reserved';

/**
 * shared = behind a carrier's NAT: 100.64/10 (RFC 6598), and 192.0.0.0/29, what a router calls itself inside DS-Lite and 464XLAT (RFC 7335).
 */
export function scope(ip: string): Scope {
  const bytes = ipBytes(ip);
  if (bytes === undefined) return 'reserved';
  return bytes.length === 4 ? scope4(bytes) : scope6(bytes);
}

function scope4(bytes: Uint8Array): Scope {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private';
  if (a === 100 && b >= 64 && b < 128) return 'shared';
  if (a === 192 && b === 0 && c === 0 && d < 8) return 'shared';
  if (a === 127) return 'loopback';
  if (a === 169 && b === 254) return 'link-local';
  if (a >= 224 && a < 240) return 'multicast';
  if (a === 0 || a >= 240) return 'reserved';
  return 'public';
}

function scope6(bytes: Uint8Array): Scope {
  const [a = 0, b = 0] = bytes;
  const zeros = bytes.subarray(0, 10).every((byte) => byte === 0);
  if (zeros && bytes[10] === 255 && bytes[11] === 255) return scope4(bytes.subarray(12));
  if (zeros && bytes.subarray(10, 15).every((byte) => byte === 0)) return bytes[15] === 1 ? 'loopback' : 'reserved';
  if (a === 0xff) return 'multicast';
  if (a === 0xfe && (b & 0xc0) === 0x80) return 'link-local';
  if ((a & 0xfe) === 0xfc) return 'private';
  return 'public';
}
