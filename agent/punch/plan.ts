import { type Address, key } from '../base/address.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { Method, Reason } from '../base/outcome.ts';
import { type Millis, ms } from '../base/time.ts';
import { LAN_GRACE, LISTEN_FIRST, ON_LAN, RETRIES, ROUND, SHORT_ROUND, SIMULTANEOUS } from './limits.ts';
import { allowedTarget, type Ground, sharesWire } from './target.ts';

/** Where a peer may be. */
export interface Candidates {
  /** Public addresses that observers have seen it at. */
  readonly observed: readonly Address[];
  /** Addresses on its own LAN: of use only on the same LAN. */
  readonly internal: readonly Address[];
}

/** One datagram to come. */
export interface Knock {
  readonly after: Millis;
  readonly to: Address;
  /** Only where it is meant to open our own NAT and die before the other one. */
  readonly ttl?: number;
}

/** What one side does in one round; the prediction of hard NATs will fill in more of the same. */
export interface PunchPlan {
  /** How the path is called if a knock at an observed address wins it. */
  readonly method: Method;
  /** In order of time. */
  readonly schedule: readonly Knock[];
  /** From the start to giving up. */
  readonly patience: Millis;
  /** Pauses before the further rounds. */
  readonly retries: readonly Millis[];
  /** How long a path that works waits for a better one on the LAN. */
  readonly lanGrace: Millis;
  /** The honest word if nothing at all is heard. */
  readonly reason: Reason;
}

/**
 * What can become of two NATs. Both sides reckon with the same two profiles and come to the same result.
 *
 *   | one side           | other side                      |                                           |
 *   |--------------------|---------------------------------|-------------------------------------------|
 *   | dialable           | any                             | the other dials                           |
 *   | stable port        | stable port                     | both send at the same time                |
 *   | stable port, lets  | any, from an IP already seen    | both send; the first of the hard side to  |
 *   | in any port of an IP |                               | come in shows its port                    |
 *   | else               |                                 | nobody knows the port: unreadable         |
 */
export type Prospect =
  | { readonly kind: 'dial'; readonly listener: 'mine' | 'theirs' | 'both' }
  | { readonly kind: 'simultaneous' }
  | { readonly kind: 'unreadable'; readonly reason: Reason };

export function prospect(mine: NatProfile, theirs: NatProfile): Prospect {
  const [here, there] = [dialable(mine), dialable(theirs)];
  if (here || there) return { kind: 'dial', listener: here && there ? 'both' : here ? 'mine' : 'theirs' };
  const hard = [mine, theirs].filter((profile) => !stable(profile));
  const [first] = hard;
  if (first === undefined) return { kind: 'simultaneous' };
  const other = first === mine ? theirs : mine;
  if (hard.length === 1 && other.filtering === 'address-dependent' && first.external.length <= 1) {
    return { kind: 'simultaneous' };
  }
  return { kind: 'unreadable', reason: unreadable(hard) };
}

/** Everything one side does for an introduction. `initiator` decides who dials when both could be dialled. */
export function plan(mine: NatProfile, theirs: NatProfile, candidates: Candidates, initiator: boolean): PunchPlan {
  const outlook = prospect(mine, theirs);
  const sameHome = candidates.observed.some(({ ip }) => mine.external.includes(ip));
  // Only behind the same external address can its LAN be ours.
  const internal = sameHome ? candidates.internal : [];
  const listening = outlook.kind === 'dial' && listens(outlook.listener, initiator);
  const hopeless = outlook.kind === 'unreadable' && Math.min(mine.confidence, theirs.confidence) >= SURE && !sameHome;
  const times = hopeless ? ON_LAN : SIMULTANEOUS.map((time) => ms(time + (listening ? LISTEN_FIRST : 0)));
  const knocks = [...knocksAt(internal, ON_LAN), ...knocksAt(candidates.observed, times)];
  return {
    method: outlook.kind === 'dial' ? 'dial' : 'simultaneous',
    schedule: knocks.sort((a, b) => a.after - b.after),
    patience: hopeless ? SHORT_ROUND : ROUND,
    retries: hopeless ? [] : RETRIES,
    lanGrace: initiator && internal.length > 0 ? LAN_GRACE : ms(0),
    reason: sameHome ? 'hairpin' : reasonFor(outlook, mine, theirs),
  };
}

/** Sorts what an introduction names into candidates and leaves out what nobody may be made to knock at. */
export function candidatesOf(addresses: readonly Address[], ground: Ground): Candidates {
  const observed: Address[] = [];
  const internal: Address[] = [];
  const seen = new Set<string>();
  for (const address of addresses) {
    const way = allowedTarget(address, ground);
    if (way === undefined || seen.has(key(address))) continue;
    seen.add(key(address));
    (way === 'lan' && !sharesWire(ground) ? internal : observed).push(address);
  }
  return { observed, internal };
}

/** Beliefs below are guesses: enough to try, not enough to give up on. */
const SURE = 0.8;

/** One port for every peer, so that an observer's answer is true for the peer as well. */
function stable({ kind }: NatProfile): boolean {
  switch (kind) {
    case 'open':
    case 'preserve':
    case 'offset':
    case 'endpoint-independent':
    // Nothing is known, so the commonest NAT is assumed.
    case 'unknown':
      return true;
    case 'address-dependent':
    case 'sequential':
    case 'random':
      return false;
  }
}

/** Anybody may write to its observed address at any time. */
function dialable(profile: NatProfile): boolean {
  return stable(profile) && profile.filtering === 'endpoint-independent' && profile.confidence >= SURE;
}

function listens(listener: 'mine' | 'theirs' | 'both', initiator: boolean): boolean {
  return listener === 'mine' || (listener === 'both' && !initiator);
}

function unreadable(hard: readonly NatProfile[]): Reason {
  if (hard.some(({ external }) => external.length > 1)) return 'pool';
  // A counter can be read, but it has moved on by the time the peer knocks.
  return hard.some(({ kind }) => kind === 'random' || kind === 'address-dependent') ? 'random' : 'drift';
}

function reasonFor(outlook: Prospect, mine: NatProfile, theirs: NatProfile): Reason {
  switch (outlook.kind) {
    case 'unreadable':
      return outlook.reason;
    case 'dial':
      // The port was right and its NAT lets everybody in, said the test: something else refuses.
      return 'filter';
    case 'simultaneous':
      return mine.external.length > 1 || theirs.external.length > 1 ? 'pool' : 'timeout';
  }
}

function knocksAt(addresses: readonly Address[], times: readonly Millis[]): Knock[] {
  return addresses.flatMap((to) => times.map((time) => ({ after: time, to })));
}
