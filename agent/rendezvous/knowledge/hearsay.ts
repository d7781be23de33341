import type { NatProfile } from '../../base/nat-profile.ts';
import { type Method, METHODS } from '../../base/outcome.ts';
import { type Instant, type Millis, ms, since } from '../../base/time.ts';
import { methodOf, prospect } from '../../punch/prospect.ts';
import type { Outcome } from '../../wire/messages.ts';
import type { Client } from '../directory.ts';
import type { Pair } from '../pairs.ts';
import { pairClassOf } from './fact.ts';
import type { Knowledge } from './knowledge.ts';

/** Ways that say something of how two NATs get along; a LAN, IPv6 or an open port do not. */
const TRIED: ReadonlySet<Method> = new Set(METHODS.slice(METHODS.indexOf('dial'), METHODS.indexOf('relay-household')));

/** What households tell of themselves, as facts for the fleet's knowledge; and what they are told in turn. */
export class Hearsay {
  readonly #knowledge: Knowledge | undefined;
  /** Who was told what to expect: such a household confirms more than it finds out. */
  readonly #primed = new WeakSet<Client>();

  constructor(knowledge: Knowledge | undefined) {
    this.#knowledge = knowledge;
  }

  /** It has said what its NAT is. Only from an address where it can be reached: that address is what is learned of. */
  registered(client: Client, profile: NatProfile, now: Instant): void {
    const { ip } = client.address;
    const isHere = profile.external.includes(ip) || profile.external.length > 1;
    if (client.path.kind !== 'valid' || !isHere) return;
    const primed = this.#primed.has(client);
    this.#knowledge?.learn({ kind: 'profile', by: client.nodeKey, ip, profile, primed }, now);
  }

  /** What to tell it of its carrier, if that is known. */
  carrier(client: Client, now: Instant): NatProfile | undefined {
    const carrier = this.#knowledge?.carrier(client.address.ip, now);
    if (carrier !== undefined) this.#primed.add(client);
    return carrier;
  }

  /** How its attempt with another one ended. */
  reported(client: Client, other: Client | undefined, pair: Pair, outcome: Outcome, now: Instant): void {
    const [mine, theirs] = [client.facts?.profile, other?.facts?.profile];
    if (mine === undefined || theirs === undefined) return;
    const method = outcome.kind === 'connected' ? outcome.method : methodOf(prospect(mine, theirs));
    if (!TRIED.has(method)) return;
    const pairClass = pairClassOf(mine, theirs);
    const success = outcome.kind === 'connected';
    const from = { by: client.nodeKey, ip: client.address.ip };
    this.#knowledge?.learn({ kind: 'outcome', ...from, pairClass, method, success, after: took(pair, now) }, now);
  }
}

function took({ startAt }: Pair, now: Instant): Millis {
  return ms(Math.max(0, since(startAt, now)));
}
