import type { Random } from '../base/random.ts';
import type { Instant, Millis } from '../base/time.ts';

export interface Options {
  readonly random: Random;
  /** How long a message is worth sending when it brings no deadline of its own. */
  readonly deadline?: Millis;
  /** Bytes that may wait; past it the oldest give way. */
  readonly queue?: number;
  /** The round-trip time the handshake saw. */
  readonly rtt?: Millis;
  /** A ping after so much silence of our own, spread by a third, keeps NAT mappings alive. */
  readonly keepAlive?: Millis;
  /** So much silence of the other side ends it. */
  readonly idle?: Millis;
  /** After so long without a message such pings are enough. */
  readonly rest?: { readonly after: Millis; readonly keepAlive: Millis } | undefined;
  /** The same until enough was heard to know that little is lost, when that is longer. */
  readonly firstWord?: Millis;
  /** Chooses the padding of a message's packet, 0 to `most` bytes: whoever seals may have one ready. */
  readonly pad?: (counter: number, most: number) => number;
}

export type Input =
  /** At most 1,152 bytes, kept by reference until settled. Urgent ones overtake. */
  | {
      readonly kind: 'message';
      readonly bytes: Uint8Array;
      readonly deadline?: Instant | undefined;
      readonly urgent?: boolean | undefined;
    }
  /** An opened data datagram: its packet number and plain body. */
  | { readonly kind: 'body'; readonly counter: number; readonly bytes: Uint8Array }
  /** The peer's address changed; given before the body that showed it. `portOnly`: same IP, so the same path (RFC 9000 section 9.4). */
  | { readonly kind: 'moved'; readonly portOnly?: boolean }
  /** Somebody we trust carries from now on: there is no address to be proven. `arrives`: what went the old way still does. */
  | { readonly kind: 'rerouted'; readonly arrives: boolean }
  /** What is in flight may be lost with the path: it goes once more. */
  | { readonly kind: 'doubt' }
  /** Something is to be sent now, whatever window and pace say: the other side may be waiting for any word. */
  | { readonly kind: 'ping' }
  /** No faster than this, in bytes per millisecond, whatever the path would take; undefined lifts it. */
  | { readonly kind: 'limit'; readonly rate: number | undefined }
  | { readonly kind: 'close'; readonly reason: number }
  | { readonly kind: 'tick' };

export type Effect =
  /**
   * Seal `body` under exactly this packet number, with so many bytes of padding, and send it. The body is the
   * connection's own memory, good until its next step: an allocation for every datagram was a tenth of a relay's work.
   */
  | { readonly kind: 'send'; readonly counter: number; readonly body: Uint8Array; readonly pad: number }
  /** A message, once, as soon as it is here, in no order. A view into the body it came in. */
  | { readonly kind: 'deliver'; readonly bytes: Uint8Array }
  /** So many of our messages were too late or had no room, and were dropped. */
  | { readonly kind: 'expired'; readonly count: number }
  /** The path delivers `rate` bytes a second, `wanted` were offered, and messages pile up. At most once a second. */
  | { readonly kind: 'slow'; readonly rate: number; readonly wanted: number }
  /** A steady stream has fallen silent: somebody between us may have changed an address. */
  | { readonly kind: 'quiet' }
  /** What became of the address change. */
  | { readonly kind: 'path'; readonly proven: boolean }
  /** The end: by the peer's CLOSE, by ours, or for want of any word from it. */
  | { readonly kind: 'closed'; readonly by: 'peer' | 'us' | 'silence'; readonly reason: number };

export interface Stats {
  readonly rttMs: number;
  /** Of the last packet that was acknowledged, unsmoothed. */
  readonly latestRttMs: number;
  /** Share of the last some hundred packets taken for lost. */
  readonly lossRate: number;
  readonly bytesInFlight: number;
  /** Bytes a second. */
  readonly deliveryRate: number;
  /** Acknowledged so far, packets with all that is around them. */
  readonly deliveredBytes: number;
  readonly window: number;
  readonly phase: string;
  /** Bytes waiting. */
  readonly queued: number;
  readonly sentPackets: number;
  readonly lostPackets: number;
  readonly falselyLostPackets: number;
  readonly receivedPackets: number;
  readonly duplicateMessages: number;
  readonly expiredMessages: number;
  readonly refusedBodies: number;
  /** Times in a row that a probe went unanswered; RFC 9002's persistent congestion begins at about 3. */
  readonly probes: number;
  readonly silentMs: number;
}
