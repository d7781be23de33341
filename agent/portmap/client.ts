import type { Address } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput } from '../base/net.ts';
import type { Millis } from '../base/time.ts';
import type { NatPmpResult } from './natpmp.ts';
import type { PcpResult } from './pcp.ts';
import type { Denial } from './step.ts';

/** In the order of preference: the first two are one datagram each way. */
export const PROTOCOLS = ['pcp', 'natpmp', 'upnp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Whom to ask, and for what: a UDP port of ours, on our address towards that gateway. */
export interface Door {
  /** A link-local one of IPv6 with its zone: `fe80::1%eth0`. */
  readonly gateway: string;
  /** Whom the gateway knows as its client. */
  readonly own: string;
  readonly port: number;
  /** What our sockets are bound to where that is not `own`: a gateway behind ours knows us by our gateway's outside address. */
  readonly from?: string;
}

export interface Wish {
  /** The external port we would like, or have already; 0 leaves it to the gateway. */
  readonly external: number;
  readonly externalIp?: string | undefined;
  /** Seconds. */
  readonly lifetime: number;
  /** No other port will do. */
  readonly exact?: boolean;
}

export interface Grant {
  readonly protocol: Protocol;
  readonly external: number;
  /** What the gateway says its own outside address is; undefined where it would not say. */
  readonly ip: string | undefined;
  /** What is left of it; a permanent one has as much as we asked for, and is asked for again as if it ended. */
  readonly lifetime: Millis;
  readonly permanent: boolean;
  /** The number that a firewall of IPv6 gave it (UniqueID). */
  readonly pinhole?: number;
}

/** Why a gateway gives no mapping. `other-port`: not the port that had to be; `slow`: its time was over. */
export type Refusal =
  | Exclude<PcpResult | NatPmpResult, 'success'>
  | Denial
  | 'silent'
  | 'slow'
  | 'other-port'
  | 'no-socket'
  | 'no-service'
  | 'bad-answer';

/** An HTTP request to a gateway: no redirects, no more than `limit` bytes, all of it `within` that time. */
export interface HttpOrder {
  readonly kind: 'http';
  readonly request: number;
  readonly to: Address;
  /** Our own address that it leaves from. */
  readonly from: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly limit: number;
  readonly within: Millis;
}

export type HttpFault = 'too-long' | 'too-slow' | 'unreachable';

export type HttpAnswer =
  | { readonly kind: 'http-answered'; readonly request: number; readonly status: number; readonly body: Uint8Array }
  | { readonly kind: 'http-failed'; readonly request: number; readonly reason: HttpFault };

export type ClientInput =
  | NetInput
  | HttpAnswer
  /** Is anybody there? Creates nothing. Answered by `present` or `refused`. */
  | { readonly kind: 'look' }
  /** Make the mapping, or renew it. Answered by `granted` or `refused`. */
  | { readonly kind: 'ask'; readonly wish: Wish }
  /**
   * Take the mapping away; `doubtful`: only if it is ours; `pinhole`: its number, where it had one. Answered by `released`,
   * whether it worked or not.
   */
  | {
      readonly kind: 'release';
      readonly external: number;
      readonly doubtful: boolean;
      readonly pinhole?: number | undefined;
    }
  /** A datagram to everybody, from the gateway's address. */
  | { readonly kind: 'announced'; readonly bytes: Uint8Array };

export type ClientEffect =
  | NetEffect
  | HttpOrder
  | { readonly kind: 'present'; readonly wan: string | undefined }
  | { readonly kind: 'granted'; readonly grant: Grant }
  | {
      readonly kind: 'refused';
      readonly reason: Refusal;
      /** The outside address that came with the refusal: why, often enough. */
      readonly wan?: string | undefined;
    }
  | { readonly kind: 'released' }
  /** The gateway has forgotten its mappings, or has another outside address. */
  | { readonly kind: 'rebooted' };

/** One protocol spoken with one gateway about one port. */
export interface Client extends Machine<ClientInput, ClientEffect> {
  /** What came that was no good, by reason. */
  readonly refused: ReadonlyMap<string, number>;
}
