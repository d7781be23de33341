import type { Facts } from './facts.ts';

/** Silence alone is none: somebody who behaves like a rendezvous has to be there over TCP, and not a word has come over UDP. */
export function isBlocked({ sight, greetings }: Facts): boolean {
  const isThere = greetings?.some(({ greeting }) => greeting === 'closed') ?? false;
  return sight.met === false && !sight.isHeard && isThere;
}
