import type { Address } from '../base/address.ts';
import type { SocketId } from '../base/net.ts';
import type { Instant } from '../base/time.ts';

/**
 * One answered probe: what one observer saw of one datagram of ours.
 * Richer than the easy classes need: steps, blocks and drift are read from the order and the times.
 */
export interface Sample {
  /** A fresh socket per burst: samples of one socket are one burst. */
  readonly socket: SocketId;
  readonly localPort: number;
  /** Order of sending within the burst, from 0, retransmissions included. */
  readonly index: number;
  /** Destinations that this run wrote to before this one was first asked: own mappings, where each costs one. */
  readonly before: number;
  /** True for a second try to the same observer: its mapping may be older than `sentAt`. */
  readonly again: boolean;
  readonly observer: Address;
  /** Our address as the observer saw it. */
  readonly external: Address;
  readonly sentAt: Instant;
  readonly answeredAt: Instant;
}

/** Whether a datagram from an address the socket never wrote to came in; `unasked` where no observer could send it. */
export type Trial = 'came' | 'silent' | 'unasked';

/** The filtering test of RFC 4787 section 5, from a socket that wrote to one observer only. */
export interface FilterTrials {
  readonly otherPort: Trial;
  readonly otherAddress: Trial;
  /**
   * The outside port towards an answerer that was not let in, when at last it was written to: that of the socket's
   * first observer, or another? `unasked` where nobody was kept out, or nothing came back.
   */
  readonly portAfter: 'kept' | 'changed' | 'unasked';
}
