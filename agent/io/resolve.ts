import { Resolver } from 'node:dns/promises';
import type { Facts } from '../doctor/facts.ts';

/** RFC 2606: this one is there for ever. */
const KNOWN = 'example.com';
/** RFC 6761, 6.4: and under this one nothing ever is. */
const NOWHERE = 'hearth-doctor.invalid';

/** Asks the system's resolvers for a name that there is and one that there is not; no answer in time is none. Never rejects. */
export async function askNames(withinMs: number): Promise<NonNullable<Facts['names']>> {
  const resolver = new Resolver({ timeout: Math.floor(withinMs / 3), tries: 2 });
  const timer = setTimeout(() => resolver.cancel(), withinMs);
  const resolves = async (name: string): Promise<boolean> =>
    resolver.resolve4(name).then(
      (addresses) => addresses.length > 0,
      () => false,
    );
  const [found, invented] = await Promise.all([resolves(KNOWN), resolves(NOWHERE)]);
  clearTimeout(timer);
  return { found, invented };
}
