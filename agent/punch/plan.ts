import { type Address, key } from '../base/address.ts';
import type { Candidate, Opening } from '../base/opening.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { Method, Reason } from '../base/outcome.ts';
import { type Millis, ms } from '../base/time.ts';
import {
  DIAL,
  HOLD_BACK,
  LAN_GRACE,
  LISTEN_FIRST,
  ON_LAN,
  RELAY_AFTER,
  RETRIES,
  ROUND,
  SHORT_LIVED,
  SHORT_ROUND,
  SIMULTANEOUS,
} from './limits.ts';
import { methodOf, type Prospect, prospect, readingOf, SURE } from './prospect.ts';
import { allowedTarget, type Ground, sharesWire } from './target.ts';

/** Where a peer may be. */
export interface Candidates {
  /** Public addresses that observers have seen it at or have come in by. */
  readonly observed: readonly Candidate[];
  /** Addresses on its own LAN: of use only on the same LAN. */
  readonly internal: readonly Address[];
}

/** One datagram to come. */
export interface Knock {
  readonly after: Millis;
  readonly to: Address;
  /** Only where it is meant to open our own NAT and die before the other one. */
  readonly ttl?: number;
  /** Leaves at once when the peer is known to have begun. */
  readonly held?: true;
}

/** What one side does by itself in one round; where ports have to be read, the rendezvous orders volleys besides. */
export interface PunchPlan {
  /** How the path is called if a knock at an observed address wins it. */
  readonly method: Method;
  /** Addresses of the peer that stand open to everybody: paths to them are called by what opened them. */
  readonly doors: readonly Candidate[];
  /** The peer is expected to come in by this one of ours, unasked. */
  readonly door: Opening;
  /** In order of time. */
  readonly schedule: readonly Knock[];
  /** From the start to giving up. */
  readonly patience: Millis;
  /** Pauses before the further rounds. */
  readonly retries: readonly Millis[];
  /** How long a path that works waits for a better one on the LAN. */
  readonly lanGrace: Millis;
  /** How long the relay waits for a direct path. */
  readonly relayAfter: Millis;
  /** Volleys are to come, and a verdict when they came to nothing. */
  readonly conducted: boolean;
  /** The honest word if nothing at all is heard. */
  readonly reason: Reason;
}

/** Everything one side does for an introduction. `initiator` decides who dials when both could be dialled. */
export function plan(
  mine: NatProfile,
  theirs: NatProfile,
  candidates: Candidates,
  initiator: boolean,
  conducted: boolean,
): PunchPlan {
  const outlook = prospect(mine, theirs);
  const sameHome = candidates.observed.some(({ ip }) => mine.external.includes(ip));
  // Only behind the same external address can its LAN be ours.
  const internal = sameHome ? candidates.internal : [];
  const alone = !conducted && !isPlain(outlook);
  // What a NAT does to IPv4 is nothing to it: both sides send at the same time.
  const six = candidates.observed.filter(isSix);
  const hopeless = alone && six.length === 0 && Math.min(mine.confidence, theirs.confidence) >= SURE && !sameHome;
  const few = hopeless || conducted;
  const timid = isPlain(outlook) && theirs.poison === 'yes' && theirs.door === 'none';
  // Volleys find the port; what is knocked at beside it comes in only where a filter was read wrongly.
  const four = candidates.observed.filter((address) => !isSix(address));
  const left = conducted && isStrict(mine) && isStrict(theirs) ? [] : four;
  const sure = readingOf(mine) !== 'stable' || readingOf(theirs) !== 'stable';
  const usual = few ? ON_LAN : times(outlook, sure ? DIAL : SIMULTANEOUS, initiator);
  const observed = timid ? timidly(four) : knocksAt(left, usual);
  return {
    method: methodOf(outlook),
    door: listens(outlook, initiator) ? mine.door : 'none',
    doors: candidates.observed.filter(({ opening }) => opening !== 'none'),
    schedule: [...knocksAt(internal, ON_LAN), ...knocksAt(six, SIMULTANEOUS), ...observed].sort(
      (a, b) => a.after - b.after,
    ),
    patience: hopeless ? SHORT_ROUND : ROUND,
    retries: hopeless ? [] : RETRIES,
    lanGrace: initiator && internal.length > 0 ? LAN_GRACE : ms(0),
    // A word over the relay also tells a timid side that the other one has begun.
    relayAfter: few || alone || timid || mine.poison === 'yes' ? ms(0) : RELAY_AFTER,
    conducted,
    reason: sameHome ? 'hairpin' : reasonFor(outlook, mine, theirs),
  };
}

/** Sorts what an introduction names into candidates and leaves out what nobody may be made to knock at. */
export function candidatesOf(addresses: readonly Candidate[], ground: Ground): Candidates {
  const observed: Candidate[] = [];
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

function isSix({ ip }: Address): boolean {
  return ip.includes(':');
}

/** The two clients can do it alone. */
function isPlain({ kind }: Prospect): boolean {
  return kind === 'dial' || kind === 'simultaneous';
}

/** Surely lets in only whom it has written to. */
function isStrict({ filtering, confidence }: NatProfile): boolean {
  return filtering === 'address-and-port-dependent' && confidence >= SURE;
}

function times(outlook: Prospect, usual: readonly Millis[], initiator: boolean): readonly Millis[] {
  if (outlook.kind !== 'dial') return usual;
  return DIAL.map((time) => ms(time + (listens(outlook, initiator) ? LISTEN_FIRST : 0)));
}

function listens(outlook: Prospect, initiator: boolean): boolean {
  if (outlook.kind !== 'dial') return false;
  return outlook.listener === 'mine' || (outlook.listener === 'both' && !initiator);
}

/** Opens our own NAT without reaching the other one, which would give away its port. */
function timidly(addresses: readonly Address[]): Knock[] {
  return addresses.flatMap((to) => [
    ...SHORT_LIVED.map((knock) => ({ ...knock, to })),
    ...SIMULTANEOUS.map((time) => ({ after: ms(HOLD_BACK + time), to, held: true as const })),
  ]);
}

function reasonFor(outlook: Prospect, mine: NatProfile, theirs: NatProfile): Reason {
  switch (outlook.kind) {
    case 'none':
      return outlook.reason;
    case 'dial':
      // The port was right and its NAT lets everybody in, said the test: something else refuses. A door may have been shut since.
      return mine.door === 'none' && theirs.door === 'none' ? 'filter' : 'timeout';
    case 'simultaneous':
      return mine.external.length > 1 || theirs.external.length > 1 ? 'pool' : 'timeout';
    case 'bracket':
    case 'walk':
      return 'drift';
    case 'block':
    case 'birthday':
    case 'lottery':
    case 'fill':
      return 'random';
  }
}

function knocksAt(addresses: readonly Address[], when: readonly Millis[]): Knock[] {
  return addresses.flatMap((to) => when.map((time) => ({ after: time, to })));
}
