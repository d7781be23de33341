import { ipText, scope } from '../base/address.ts';
import { fromHex } from '../base/bytes.ts';
import type { Network } from '../base/network.ts';

/** An address of this machine, on the interface of that name. */
export interface OwnAddress extends Network {
  readonly name: string;
}

/** Flags of an address in <linux/if_addr.h>, as far as the file has them. */
const TEMPORARY = 0x01;
const DADFAILED = 0x08;
const DEPRECATED = 0x20;
const TENTATIVE = 0x40;
const PERMANENT = 0x80;

/**
 * The IPv6 addresses in the text of /proc/net/if_inet6 that others could write to, those that last longest first: what somebody set, what
 * was assigned or made from the prefix, then temporary ones (RFC 8981), at the end those of a prefix that is being given up
 * (RFC 4862, section 5.5.4). Addresses that may be somebody else's (DAD) are left out, lines that are none passed over.
 */
export function sixAddresses(ifInet6: string): readonly OwnAddress[] {
  return ifInet6
    .split('\n')
    .map((line) => read(line.trim().split(/\s+/)))
    .filter((one) => one !== undefined)
    .toSorted((a, b) => a.order - b.order || (a.own.ip < b.own.ip ? -1 : 1))
    .map(({ own }) => own);
}

/** Address, number of the interface, prefix, scope, flags, interface. */
function read(fields: readonly string[]): { readonly own: OwnAddress; readonly order: number } | undefined {
  const [address = '', , length = '', , flagged = '', name = ''] = fields;
  const bytes = fromHex(address);
  const prefix = Number.parseInt(length, 16);
  const flags = Number.parseInt(flagged, 16);
  if (bytes?.length !== 16 || name === '' || !(prefix <= 128) || Number.isNaN(flags)) return undefined;
  const ip = ipText(bytes);
  if (!isReachable(ip) || (flags & (TENTATIVE | DADFAILED)) !== 0) return undefined;
  return { own: { name, ip, prefix }, order: orderOf(flags) + (scope(ip) === 'public' ? 0 : 8) };
}

function orderOf(flags: number): number {
  return (flags & DEPRECATED ? 4 : 0) + (flags & TEMPORARY ? 2 : 0) + (flags & PERMANENT ? 0 : 1);
}

/** Neither loopback nor for one link only. */
export function isReachable(ip: string): boolean {
  return !['loopback', 'link-local', 'multicast', 'reserved'].includes(scope(ip));
}
