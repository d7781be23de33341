import { networkInterfaces } from 'node:os';
import { scope } from '../base/address.ts';
import type { Network } from '../base/network.ts';

/** An address of an interface and how many of its bits name the network. */
export interface OwnNetwork extends Network {
  /** The interface. */
  readonly name: string;
}

/** The addresses of this machine that others could write to: neither loopback nor link-local, IPv4 first. */
export function ownNetworks(): readonly OwnNetwork[] {
  const found: OwnNetwork[] = [];
  for (const [label, entries] of Object.entries(networkInterfaces())) {
    for (const { address, cidr, internal } of entries ?? []) {
      const prefix = Number(cidr?.split('/')[1] ?? Number.NaN);
      if (internal || Number.isNaN(prefix) || scope(address) === 'link-local') continue;
      // A further IPv4 address may have a label of its own: eth0:1.
      found.push({ name: label.replace(/:.*$/, ''), ip: address, prefix });
    }
  }
  return found.toSorted((a, b) => Number(a.ip.includes(':')) - Number(b.ip.includes(':')));
}
