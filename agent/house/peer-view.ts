import type { Method } from '../base/outcome.ts';
import { type Instant, type Millis, ms } from '../base/time.ts';
import type { KinOptions } from './kinship.ts';
import type { Peer } from './peer.ts';

/** A neighbour as the status shows it. */
export interface PeerView {
  readonly node: Uint8Array;
  readonly method: Method | undefined;
  readonly rttMs: number | undefined;
  /** Of the packets sent to it so far. */
  readonly lossShare: number | undefined;
  readonly sentBytes: number;
}

export function viewOf(peer: Peer | undefined, node: Uint8Array, sentBytes: number, now: Instant): PeerView {
  const { rttMs, sentPackets = 0, lostPackets = 0 } = peer?.stats(now) ?? {};
  const lossShare = sentPackets === 0 ? undefined : lostPackets / sentPackets;
  return { node, method: peer?.method, rttMs, lossShare, sentBytes };
}

/** Before the first round trip was measured. */
const TRIP = ms(100);

/** What the lines of all peers say of themselves. */
export function linesOf(peer: (pairId: number) => Peer | undefined): Pick<KinOptions, 'silence' | 'trip'> {
  const of = (pairId: number, now: Instant) => peer(pairId)?.stats(now);
  return {
    silence: (pairId, now): Millis => ms(of(pairId, now)?.silentMs ?? Infinity),
    trip: (pairId, now): Millis => ms(of(pairId, now)?.rttMs ?? TRIP),
  };
}
