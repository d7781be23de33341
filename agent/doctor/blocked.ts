import type { Address } from '../base/address.ts';
import type { Facts } from './facts.ts';

/** Silence alone is none: somebody who behaves like a rendezvous has to be there over TCP, and not a word has come over UDP. */
export function isBlocked({ sight, greetings }: Facts): boolean {
  const isThere = greetings?.some(({ to, greeting }) => greeting === 'closed' && !isSix(to)) ?? false;
  return sight.met === false && !sight.isHeard && isThere;
}

/** Every rendezvous that was named is of IPv6: houses speak with theirs over IPv4, so nothing can come back. */
export function isOnlySix({ greetings = [] }: Facts): boolean {
  return greetings.length > 0 && greetings.every(({ to }) => isSix(to));
}

function isSix({ ip }: Address): boolean {
  return ip.includes(':');
}
