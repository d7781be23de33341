import type { NatProfile } from '../base/nat-profile.ts';
import type { Method, Reason } from '../base/outcome.ts';

type Side = 'mine' | 'theirs';

/** What can become of two NATs. `hard` is the side whose port has to be read or met, the other one's is known. */
export type Prospect =
  | { readonly kind: 'dial'; readonly listener: Side | 'both' }
  | { readonly kind: 'simultaneous' }
  | { readonly kind: 'bracket'; readonly hard: Side }
  /** The walker is the one whose counter moves on more slowly. */
  | { readonly kind: 'walk'; readonly walker: Side }
  | { readonly kind: 'block'; readonly hard: Side }
  | { readonly kind: 'birthday'; readonly hard: Side }
  | { readonly kind: 'lottery'; readonly block: Side }
  /** Both draw from a block. */
  | { readonly kind: 'fill' }
  | { readonly kind: 'none'; readonly reason: Reason };

/**
 * How the next port of a NAT is learned by somebody who wants to be let in:
 *
 *   stable   observers see the very port that peers will see
 *   address  one port for all ports of a peer's address, and a bracket shows it: then as good as stable
 *   first    a fresh socket whose first datagram goes to the peer has its own port
 *   stepping a bracket shows the port towards one port of the peer
 *   spread   one random port for all ports of a peer's address
 *   block    a random port out of at most 4096
 *   random   any
 */
export type Reading = 'stable' | 'address' | 'first' | 'stepping' | 'spread' | 'block' | 'random';

/** Beliefs below are guesses: enough to try, not enough to leave it to the other side. */
export const SURE = 0.8;

/**
 * The one approach to a pair of NATs. Both sides and the rendezvous reckon with the same two profiles and come to the
 * same result, each from its own view; where the two are alike it is 'mine' for both.
 *
 *   | one side          | other side         |                                                                   |
 *   |-------------------|--------------------|-------------------------------------------------------------------|
 *   | dialable          | any                | the other dials                                                   |
 *   | stable            | stable             | both send at the same time                                        |
 *   | stable, any port  | any, one address   | both send; the first of the hard side that comes in shows its port |
 *   |  of an IP may in  |                    |                                                                   |
 *   | stable, address   | first, address,    | bracket                                                           |
 *   |  or first         |  stepping          |                                                                   |
 *   | stable or address | block              | block                                                             |
 *   | stable or address | spread, random     | birthday                                                          |
 *   | stepping          | stepping           | walk                                                              |
 *   | first or stepping | block              | lottery                                                           |
 *   | block             | block              | fill                                                              |
 *   | else              |                    | none: relay                                                       |
 */
export function prospect(mine: NatProfile, theirs: NatProfile): Prospect {
  const [here, there] = [isDialable(mine), isDialable(theirs)];
  if (here || there) return { kind: 'dial', listener: here && there ? 'both' : here ? 'mine' : 'theirs' };
  const [left, right] = [readingOf(mine), readingOf(theirs)];
  if (left === 'stable' && right === 'stable') return { kind: 'simultaneous' };
  if (left === 'stable') return withStable(mine, theirs, right, 'theirs');
  if (right === 'stable') return withStable(theirs, mine, left, 'mine');
  if (isScattered(mine) || isScattered(theirs)) return { kind: 'none', reason: 'pool' };
  return betweenHard({ profile: mine, reading: left }, { profile: theirs, reading: right });
}

/** Does the rendezvous send volleys for it? */
export function conducted(outlook: Prospect): boolean {
  switch (outlook.kind) {
    case 'dial':
    case 'simultaneous':
    case 'none':
      return false;
    case 'bracket':
    case 'walk':
    case 'block':
    case 'birthday':
    case 'lottery':
    case 'fill':
      return true;
  }
}

/** What a path is called that is won this way; the lottery scans a block like any other block. */
export function methodOf(outlook: Prospect): Method {
  switch (outlook.kind) {
    case 'dial':
    case 'simultaneous':
    case 'bracket':
    case 'walk':
    case 'block':
    case 'birthday':
      return outlook.kind;
    case 'lottery':
    case 'fill':
      return 'block';
    case 'none':
      return 'simultaneous';
  }
}

/** Anybody may write to an address of its that is known, at any time. */
function isDialable(profile: NatProfile): boolean {
  if (profile.door !== 'none') return true;
  const open = profile.filtering === 'endpoint-independent' && profile.confidence >= SURE;
  return open && readingOf(profile) === 'stable';
}

/** Everybody finds it at the same port, for sure. */
export function isSteady(profile: NatProfile): boolean {
  if (profile.door !== 'none') return true;
  return profile.kind !== 'unknown' && profile.confidence >= SURE && readingOf(profile) === 'stable';
}

export function readingOf({ kind, step }: Pick<NatProfile, 'kind' | 'step'>): Reading {
  switch (kind) {
    // Nothing is known, so the commonest NAT is assumed.
    case 'unknown':
    case 'open':
    case 'preserve':
    case 'offset':
    case 'endpoint-independent':
      return 'stable';
    case 'address-dependent':
      return step === 0 ? 'spread' : 'address';
    case 'preserve-first':
      return 'first';
    case 'sequential':
    case 'per-core':
    case 'block-sequential':
      return 'stepping';
    case 'block-random':
      return 'block';
    case 'range-random':
    case 'random':
      return 'random';
  }
}

/** A new mapping may have any of several addresses. */
function isScattered({ external, pooling }: NatProfile): boolean {
  return external.length > 1 && pooling === 'arbitrary';
}

function lets(profile: NatProfile): boolean {
  return profile.filtering === 'address-dependent' || profile.filtering === 'endpoint-independent';
}

function withStable(easy: NatProfile, hard: NatProfile, reading: Reading, side: Side): Prospect {
  if (lets(easy)) return isScattered(hard) ? { kind: 'bracket', hard: side } : { kind: 'simultaneous' };
  switch (reading) {
    case 'first':
    case 'address':
    case 'stepping':
      return { kind: 'bracket', hard: side };
    case 'block':
      return isScattered(hard) ? { kind: 'none', reason: 'pool' } : { kind: 'block', hard: side };
    case 'stable':
    case 'spread':
    case 'random':
      return isScattered(hard) ? { kind: 'none', reason: 'pool' } : { kind: 'birthday', hard: side };
  }
}

interface View {
  readonly profile: NatProfile;
  readonly reading: Reading;
}

function betweenHard(mine: View, theirs: View): Prospect {
  if (mine.reading === 'block' && theirs.reading === 'block') return { kind: 'fill' };
  const left = fromHere(mine, theirs, 'mine', 'theirs');
  return left ?? fromHere(theirs, mine, 'theirs', 'mine') ?? { kind: 'none', reason: 'random' };
}

/** What the first of two hard NATs makes possible, as the one whose port is known or the walker; undefined when nothing. */
function fromHere(one: View, other: View, here: Side, there: Side): Prospect | undefined {
  switch (one.reading) {
    case 'address':
      return besideKnown(other, here, there);
    case 'first':
      if (other.reading === 'stepping' || other.reading === 'first') return { kind: 'bracket', hard: there };
      return other.reading === 'block' ? { kind: 'lottery', block: there } : undefined;
    case 'stepping':
      if (other.reading === 'block') return { kind: 'lottery', block: there };
      // Only one of the two calls answers, so that both sides name the same walker.
      if (other.reading !== 'stepping' || restless(one.profile) > restless(other.profile)) return undefined;
      return { kind: 'walk', walker: here };
    case 'spread':
      // Its one port lets in every port of the peer's address, and the peer spends one mapping on all of its ports.
      return other.reading === 'spread' && lets(one.profile) ? { kind: 'birthday', hard: here } : undefined;
    case 'stable':
    case 'block':
    case 'random':
      return undefined;
  }
}

/** How badly its counter is known a moment later: several that take turns are worse than any number of strangers. */
function restless({ kind, drift }: NatProfile): number {
  return kind === 'per-core' ? Infinity : drift;
}

/** Once a bracket has shown the port of the one, it is as good as stable. */
function besideKnown(other: View, here: Side, there: Side): Prospect {
  switch (other.reading) {
    case 'stable':
    case 'first':
      return { kind: 'bracket', hard: here };
    case 'address':
    case 'stepping':
      return { kind: 'bracket', hard: there };
    case 'block':
      return { kind: 'block', hard: there };
    case 'spread':
    case 'random':
      return { kind: 'birthday', hard: there };
  }
}
