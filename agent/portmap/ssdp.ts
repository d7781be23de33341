import { type Address, key, withoutZone } from '../base/address.ts';
import { bytesOf, textOf } from '../base/bytes.ts';

/** Simple Service Discovery Protocol: UPnP Device Architecture 2.0, section 1. */
export const SSDP = { ip: '239.255.255.250', port: 1900 } as const;
/** On one link of IPv6: annex A. Where it is written to, the link's zone goes with it. */
export const SSDP6 = { ip: 'ff02::c', port: 1900 } as const;

export type SsdpMessage =
  /** An answer to a search, or an `alive` or `update`: a device is there. */
  | {
      readonly kind: 'device';
      /** As written; whether it may be fetched is for url.ts to say. */
      readonly location: string;
      /** What it calls itself: search target or notification type. */
      readonly target: string;
      /** Counts the device's restarts, from version 1.1 on. */
      readonly bootId: number | undefined;
    }
  | { readonly kind: 'byebye'; readonly target: string };

export type SsdpRefusal = 'too-long' | 'not-ssdp' | 'no-location' | 'malformed';

/** An answer has three to five hundred bytes. */
const LONGEST = 2048;
const MOST_HEADERS = 40;
const LONGEST_LOCATION = 1024;
const LONGEST_WORDS = 200;

/** In the order asked: a gateway of version 2 answers to both device types. */
export const SEARCH_TARGETS = [
  'urn:schemas-upnp-org:device:InternetGatewayDevice:2',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
  'upnp:rootdevice',
] as const;

/**
 * Who is there? `to` is the gateway itself or SSDP; a gateway behind our own firewall answers only the former.
 * MX 1: answers are spread over a second at most; whoever is asked alone answers at once.
 */
export function encodeSearch(target: string, to: Address): Uint8Array {
  return bytesOf(
    [
      'M-SEARCH * HTTP/1.1',
      `HOST: ${key({ ...to, ip: withoutZone(to.ip) })}`,
      'MAN: "ssdp:discover"',
      'MX: 1',
      `ST: ${target}`,
      '',
      '',
    ].join('\r\n'),
  );
}

/** Reads an answer to a search, or a notification. */
export function decodeSsdp(bytes: Uint8Array): SsdpMessage | SsdpRefusal {
  if (bytes.length > LONGEST) return 'too-long';
  const [first = '', ...lines] = textOf(bytes).split(/\r?\n/);
  const answer = /^HTTP\/1\.[01] 200\b/i.test(first);
  if (!answer && !/^NOTIFY \* HTTP\/1\.[01]$/i.test(first.trim())) return 'not-ssdp';
  const headers = headersOf(lines);
  if (headers === undefined) return 'malformed';
  const target = words(headers.get(answer ? 'st' : 'nt'));
  const notice = headers.get('nts')?.toLowerCase();
  if (notice === 'ssdp:byebye') return { kind: 'byebye', target };
  if (!answer && notice !== 'ssdp:alive' && notice !== 'ssdp:update') return 'not-ssdp';
  const location = headers.get('location');
  if (location === undefined || location === '' || location.length > LONGEST_LOCATION) return 'no-location';
  return {
    kind: 'device',
    location,
    target,
    bootId: number(headers.get('nextbootid.upnp.org') ?? headers.get('bootid.upnp.org')),
  };
}

/** Names in lower case; the first of each counts. Undefined when there are too many. */
function headersOf(lines: readonly string[]): ReadonlyMap<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const line of lines) {
    if (line.trim() === '') break;
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
    if (headers.size > MOST_HEADERS) return undefined;
  }
  return headers;
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function words(text = ''): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '').slice(0, LONGEST_WORDS);
}
