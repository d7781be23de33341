import { scope } from '../base/address.ts';

/**
 * What the outside address that a gateway names is worth. `open`: it is the one the rendezvous sees. `double-nat`,
 * `carrier-nat` (100.64/10, RFC 6598) and `no-address`: another NAT stands in front, or the line is down, and
 * the mapping alone opens nothing. `differs`: public, but the rendezvous sees another one. `unconfirmed`: public, and nobody has seen us yet.
 */
export type Outside = 'open' | 'double-nat' | 'carrier-nat' | 'no-address' | 'differs' | 'unconfirmed';

/** Compares the address a gateway named with the one that a rendezvous saw us come from. */
export function judgeOutside(named: string | undefined, observed: string | undefined): Outside {
  switch (named === undefined ? 'reserved' : scope(named)) {
    case 'private':
      return 'double-nat';
    case 'shared':
      return 'carrier-nat';
    case 'loopback':
    case 'link-local':
    case 'multicast':
    case 'reserved':
      return 'no-address';
    case 'public':
      return observed === undefined ? 'unconfirmed' : observed === named ? 'open' : 'differs';
  }
}

/** Something else stands between the gateway and the internet, so that a closed port is not the gateway's lie. */
export function isBehindAnother(outside: Outside): boolean {
  return outside === 'double-nat' || outside === 'carrier-nat' || outside === 'no-address';
}
