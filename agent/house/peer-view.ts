import type { Method } from '../base/outcome.ts';
import type { Instant } from '../base/time.ts';
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
