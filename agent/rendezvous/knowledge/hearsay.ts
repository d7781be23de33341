import type { NatProfile } from '../../base/nat-profile.ts';
import { type Method, METHODS, type Reason } from '../../base/outcome.ts';
import { type Instant, type Millis, ms, since } from '../../base/time.ts';
import { methodOf, prospect } from '../../punch/prospect.ts';
import type { Outcome } from '../../wire/messages.ts';
import type { Client } from '../directory.ts';
import type { Pair } from '../pairs.ts';
import { pairClassOf } from './fact.ts';
import type { Knowledge } from './knowledge.ts';
import { type Way, wins } from './ways.ts';

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

  /** Its NAT as it has read it itself, and what it could not see, as its neighbours found it. */
  known(client: Client, profile: NatProfile, now: Instant): NatProfile {
    const { ip } = client.address;
    const { quota, drift, step } = profile;
    return {
      ...profile,
      quota: quota === 0 ? (this.#knowledge?.quota(ip, now) ?? 0) : quota,
      drift: drift === 0 && step !== 0 ? (this.#knowledge?.drift(ip, now) ?? 0) : drift,
    };
  }

  /** How long mappings of its NAT live without traffic, where neighbours have told. */
  timeout(client: Client, now: Instant): Millis | undefined {
    return this.#knowledge?.timeout(client.address.ip, now);
  }

  /**
   * Which of these ways to go: what has gone best for such pairs; the first one where nobody learns. What nobody has tried is
   * left to those whose first attempt failed, for a viewer waits.
   */
  choose(asker: Client, target: Client, ways: readonly [Way, ...Way[]], now: Instant): Way {
    const pairClass = classOf(asker, target);
    if (this.#knowledge === undefined || pairClass === undefined || ways.length === 1) return ways[0];
    const [knowledge, ips] = [this.#knowledge, [asker.address.ip, target.address.ip]];
    const known = ways.filter((way, i) => i === 0 || knowledge.hasTried(pairClass, way, now, ips));
    return knowledge.choose(pairClass, known, now, ips);
  }

  /** How its attempt with another one ended. */
  reported(client: Client, other: Client | undefined, pair: Pair, outcome: Outcome, now: Instant): void {
    const [mine, theirs] = [client.facts?.profile, other?.facts?.profile];
    if (mine === undefined || theirs === undefined) return;
    // Who comes in by a door says nothing of how two NATs get along.
    if (mine.door !== 'none' || theirs.door !== 'none') return;
    const { way } = pair;
    // Nothing was tried yet: others were in the way.
    if (outcome.kind === 'failed' && pair.conducted && way === undefined) return;
    const led = way !== undefined && (outcome.kind === 'failed' || wins(way, outcome.method));
    const method = outcome.kind === 'connected' ? outcome.method : methodOf(prospect(mine, theirs));
    if (!TRIED.has(method)) return;
    this.#tried(client, other, pair, led ? way : method, outcome.kind === 'connected', now);
  }

  /** An attempt that was led from here came to nothing: it counts as the word of both. */
  judged(asker: Client, target: Client, pair: Pair, reason: Reason, now: Instant): void {
    const { way } = pair;
    if (way === undefined || !BLAMED.has(reason)) return;
    this.#tried(asker, target, pair, way, false, now);
    this.#tried(target, asker, pair, way, false, now);
  }

  #tried(client: Client, other: Client | undefined, pair: Pair, method: Way, success: boolean, now: Instant): void {
    const pairClass = classOf(client, other);
    if (pairClass === undefined) return;
    const from = { by: client.nodeKey, ip: client.address.ip };
    this.#knowledge?.learn({ kind: 'outcome', ...from, pairClass, method, success, after: took(pair, now) }, now);
  }
}

/** Failures that are the method's, and not of a bad line or of a household that does not punch. */
const BLAMED: ReadonlySet<Reason> = new Set(['drift', 'random', 'block-hop', 'pool', 'poison', 'filter', 'quota']);

function classOf(one: Client, other: Client | undefined): string | undefined {
  const [mine, theirs] = [one.facts?.profile, other?.facts?.profile];
  return mine === undefined || theirs === undefined ? undefined : pairClassOf(mine, theirs);
}

function took({ startAt }: Pair, now: Instant): Millis {
  return ms(Math.max(0, since(startAt, now)));
}
