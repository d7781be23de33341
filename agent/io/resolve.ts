import { Resolver } from 'node:dns/promises';
import type { Facts, NameAnswer } from '../doctor/facts.ts';

/** RFC 2606: this one is there for ever. */
const KNOWN = 'example.com';
/** RFC 6761, 6.4: and under this one nothing ever is. */
const NOWHERE = 'hearth-doctor.invalid';

/** Asks the system's resolvers for a name that there is and one that there is not; no answer in time is none. Never rejects. */
export async function askNames(withinMs: number): Promise<NonNullable<Facts['names']>> {
  const resolver = new Resolver({ timeout: Math.floor(withinMs / 3), tries: 2 });
  const timer = setTimeout(() => resolver.cancel(), withinMs);
  const ask = async (name: string): Promise<NameAnswer> =>
    resolver.resolve4(name).then(
      (addresses) => (addresses.length > 0 ? 'address' : 'empty'),
      (error: unknown) => (isAnswer(error) ? 'empty' : 'silent'),
    );
  const [known, invented] = await Promise.all([ask(KNOWN), ask(NOWHERE)]);
  clearTimeout(timer);
  return { known, invented };
}

/** A resolver that says no is there all the same (node:dns names them after c-ares). */
const ANSWERS = new Set<unknown>(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EREFUSED', 'EFORMERR', 'ENOTIMP']);

function isAnswer(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ANSWERS.has(error.code);
}
