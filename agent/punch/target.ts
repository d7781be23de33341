import { type Address, sameAddress, scope } from '../base/address.ts';
import { isWithin, type Network } from '../base/network.ts';
import { LOWEST_PORT } from './limits.ts';

/** What a household knows of its own ground, to judge an address it is asked to knock at. */
export interface Ground {
  /** Networks of our own interfaces, with the length of their prefix in bits. */
  readonly networks: readonly Network[];
  /** Every address of the rendezvous that speaks of peers. */
  readonly rendezvous: readonly Address[];
}

/** Which way a knock at an address goes, or why there is none. */
export type Verdict =
  | 'direct'
  | 'ipv6'
  | 'lan'
  | 'low-port'
  | 'infrastructure'
  /** Private, but not one of our networks: some stranger's, or behind somebody else's NAT. */
  | 'off-link'
  /** Nobody's: multicast, loopback, link-local, reserved. */
  | 'no-target';

export type Way = Extract<Verdict, 'direct' | 'ipv6' | 'lan'>;

/**
 * May a household be made to send there? Only to public addresses, and to private ones on a wire of its own,
 * never to system ports or to the rendezvous itself (docs/security.md, rule 13).
 * Where the rendezvous is itself on private ground (a laboratory, a building), what it observes is private, too.
 */
export function judge(to: Address, ground: Ground): Verdict {
  if (to.port < LOWEST_PORT) return 'low-port';
  if (ground.rendezvous.some((known) => sameAddress(known, to))) return 'infrastructure';
  const kind = scope(to.ip);
  switch (kind) {
    case 'public':
      if (!to.ip.includes(':')) return 'direct';
      return onLink(to.ip, ground) ? 'lan' : 'ipv6';
    case 'private':
    case 'shared':
      if (onLink(to.ip, ground)) return 'lan';
      return observedFromInside(kind, ground) ? 'direct' : 'off-link';
    case 'loopback':
      return observedFromInside(kind, ground) ? 'direct' : 'no-target';
    case 'link-local':
    case 'multicast':
    case 'reserved':
      return 'no-target';
  }
}

/** The way of an allowed target; undefined for all others. */
export function allowedTarget(to: Address, ground: Ground): Way | undefined {
  const verdict = judge(to, ground);
  return verdict === 'direct' || verdict === 'ipv6' || verdict === 'lan' ? verdict : undefined;
}

/** The rendezvous is on a wire of our own: what it observes of peers there is no NAT's outside. */
export function sharesWire(ground: Ground): boolean {
  return ground.rendezvous.some(({ ip }) => scope(ip) === 'private' && onLink(ip, ground));
}

function observedFromInside(kind: ReturnType<typeof scope>, { rendezvous }: Ground): boolean {
  return rendezvous.some(({ ip }) => scope(ip) === kind);
}

function onLink(ip: string, { networks }: Ground): boolean {
  return networks.some((network) => isWithin(ip, network));
}
