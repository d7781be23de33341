import { networkInterfaces } from 'node:os';
import { scope } from '../base/address.ts';

/** One address of an interface and how many of its bits name the network. */
export interface OwnNetwork {
  readonly ip: string;
  readonly prefix: number;
}

/** The addresses of this machine that others could write to: neither loopback nor link-local, IPv4 first. */
export function ownNetworks(): readonly OwnNetwork[] {
  const found: OwnNetwork[] = [];
  for (const entries of Object.values(networkInterfaces())) {
    for (const { address, cidr, internal } of entries ?? []) {
      const prefix = Number(cidr?.split('/')[1] ?? Number.NaN);
      if (internal || Number.isNaN(prefix) || scope(address) === 'link-local') continue;
      found.push({ ip: address, prefix });
    }
  }
  return found.toSorted((a, b) => Number(a.ip.includes(':')) - Number(b.ip.includes(':')));
}
