import { scope } from '../base/address.ts';
import type { Door } from './client.ts';

/** Three is what the defaults of routers come down to; each is asked in every language. */
const MOST = 3;

/** What routers call themselves where nobody changed it, by the first byte of the private range. */
const USUAL: ReadonlyMap<string, readonly string[]> = new Map([
  ['192', ['192.168.0.1', '192.168.1.1']],
  ['10', ['10.0.0.1']],
  ['172', ['172.16.0.1']],
]);

/**
 * Where the gateway behind our gateway may be, the likeliest first: nobody tells us, so it is guessed from our gateway's outside
 * address `wan`. Private addresses only, and none that is on our own LAN: that would be somebody else. Not for 100.64/10
 * (RFC 6598): what a carrier's customers may ask of it is not guessed.
 */
export function upstreamOf(wan: string, { own, gateway }: Door): readonly string[] {
  if (wan.includes(':') || scope(wan) !== 'private') return [];
  const near = network(wan);
  const ours = new Set([network(own), network(gateway)]);
  const usual = USUAL.get(wan.split('.', 1)[0] ?? '') ?? [];
  const guesses = [`${near}.1`, `${near}.254`, ...usual];
  return [...new Set(guesses)].filter((ip) => ip !== wan && !ours.has(network(ip))).slice(0, MOST);
}

/** The /24: what routers give their LAN. */
function network(ip: string): string {
  return ip.slice(0, ip.lastIndexOf('.'));
}
