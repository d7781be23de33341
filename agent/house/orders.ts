import type { Address } from '../base/address.ts';
import type { NatKind, NatProfile } from '../base/nat-profile.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Method, Reason } from '../base/outcome.ts';
import type { Random } from '../base/random.ts';
import type { Instant, Millis } from '../base/time.ts';
import type { Account } from '../punch/account.ts';
import type { PunchPlan } from '../punch/plan.ts';
import type { Manner, Rules } from '../punch/rules.ts';
import type { Ground } from '../punch/target.ts';
import type { ClientEffect, ClientInput, Server } from '../rendezvous/client.ts';
import type { Cipher, KeyPair, Suite } from '../seal/cipher.ts';
import type { FirstByte, Header } from '../seal/header.ts';
import type {
  ChannelFacts,
  ChannelInfo,
  ClientRole,
  Fired,
  Introduction,
  Judged,
  Purpose,
  Volley,
  VolleyShot,
} from '../wire/messages.ts';
import type { HttpAnswer, HttpOrder } from '../portmap/client.ts';
import type { LeaseEffect } from '../portmap/orders.ts';
import type { SavedLease } from '../portmap/saved.ts';
import type { CarriagesEffect, CarryLimits } from './carriages.ts';
import type { FrontDoorEffect } from './front-door.ts';
import type { Way } from './path.ts';
import type { Uplink } from '../portmap/uplink.ts';

// -- one other household

export interface PeerOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  /** What the introduction said. */
  readonly node: Uint8Array;
  readonly theirHeaderKey: Uint8Array;
  /** Its NAT. */
  readonly profile: NatProfile;
  readonly secret: Uint8Array;
  readonly pairId: number;
  readonly initiator: boolean;
  readonly relayAllowed: boolean;
  readonly plan: PunchPlan;
  /** Before both sides start. */
  readonly startIn: Millis;
  /** Our own number for the session to come. */
  readonly index: number;
  readonly suites: readonly Suite[];
  /** The socket to punch from, and the port it is bound to. */
  readonly socket: SocketId;
  readonly port: number;
  /** The socket for IPv6, where there is one. */
  readonly six: SocketId | undefined;
  /** A number for one more socket. */
  readonly newSocket: () => SocketId;
  readonly firstByte: FirstByte;
  /** What may be knocked at from here, and what it costs the household. */
  readonly rules: Rules;
  readonly account: Account;
  /** Our own NAT. */
  readonly nat: NatKind;
}

export type PeerInput =
  /** A datagram whose header names this peer; `way` is where it came from. */
  | { readonly kind: 'datagram'; readonly header: Header; readonly bytes: Uint8Array; readonly way: Way }
  | {
      readonly kind: 'message';
      readonly bytes: Uint8Array;
      readonly deadline?: Instant | undefined;
      readonly urgent?: boolean | undefined;
    }
  /** The rendezvous: the peer hears nothing, and is here now. */
  | { readonly kind: 'nudged'; readonly address: Address }
  | Volley
  | Judged
  /** Another household carries from now on, or not any more. */
  | { readonly kind: 'bridged'; readonly up: boolean }
  /** Of the sockets that volleys asked for. */
  | Extract<NetInput, { kind: 'opened' | 'failed' }>
  /** What the house lets us send, in bytes per millisecond; undefined for as much as the path takes. */
  | { readonly kind: 'limit'; readonly rate: number | undefined }
  | { readonly kind: 'close' }
  | { readonly kind: 'tick' };

export type PeerEffect =
  | Extract<NetEffect, { kind: 'send' }>
  /** A socket of a volley. */
  | { readonly kind: 'socket'; readonly order: Extract<NetEffect, { kind: 'open' | 'close' }> }
  /** A shot of a volley at an observer, to be sealed for it. */
  | {
      readonly kind: 'probe-shot';
      readonly socket: SocketId;
      readonly observer: number;
      readonly volley: VolleyShot;
    }
  /** To be told to the rendezvous. */
  | Fired
  | { readonly kind: 'failed'; readonly reason: Reason }
  /** How full is our own router's table? */
  | { readonly kind: 'read-table' }
  /** To be wrapped and sent to the rendezvous. */
  | { readonly kind: 'relay'; readonly bytes: Uint8Array }
  /** To be sent by the household that carries. */
  | { readonly kind: 'bridge'; readonly bytes: Uint8Array }
  /** Nothing comes by it any more. */
  | { readonly kind: 'unbridged' }
  /** The peer fell silent: to be asked of the rendezvous, which can still reach it. */
  | { readonly kind: 'nudge' }
  /** Data went both ways for the first time. */
  | { readonly kind: 'open'; readonly method: Method; readonly after: Millis }
  /** A direct path carries data both ways. */
  | { readonly kind: 'direct'; readonly method: Method; readonly after: Millis }
  /** It is a relay that carries now, this one. */
  | { readonly kind: 'relayed'; readonly method: Method; readonly after: Millis }
  /** A round of punching came to nothing, for this reason; a relay may still carry. */
  | { readonly kind: 'no-direct'; readonly reason: Reason; readonly again: boolean; readonly after: Millis }
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  /** The path carries less than is offered. */
  | { readonly kind: 'slow'; readonly rate: number; readonly wanted: number }
  | { readonly kind: 'expired'; readonly count: number }
  | { readonly kind: 'closed'; readonly reason: Reason };

// -- a program's place in the network

export interface EndpointOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  readonly servers: readonly Server[];
  readonly networkSecret: Uint8Array;
  readonly role: ClientRole;
  readonly children: number;
  readonly suites: readonly Suite[];
  readonly firstByte: FirstByte;
  /** Where to bind the main socket; port 0 for a random one. */
  readonly local: Address;
  /** Our own interfaces: their addresses and how many bits of them name the network. */
  readonly networks: Ground['networks'];
  /** How hard a way through NATs is sought. */
  readonly punch: Manner;
  /** What our NAT was before the last stop, as far as it is remembered. */
  readonly known?: NatProfile | undefined;
  /** A port is to stand open to everybody, as far as gateways and the owner's rules let it; not asked for without it. */
  readonly doors?: boolean | undefined;
  /** What we carry for others; nothing without it. */
  readonly carries?: CarryLimits | undefined;
}

/** What a composition above asks of its endpoint, besides what sockets bring. */
export type EndpointInput =
  | NetInput
  | { readonly kind: 'start' }
  | Extract<
      ClientInput,
      {
        kind:
          | 'introduce'
          | 'join'
          | 'ask-channel'
          | 'forget'
          | 'publish'
          | 'position'
          | 'complain'
          | 'audited'
          | 'forked'
          | 'leave-channel'
          | 'capacity'
          | 'leave';
      }
    >
  /** One transport message for a peer. */
  | {
      readonly kind: 'tell';
      readonly pairId: number;
      readonly bytes: Uint8Array;
      readonly deadline?: Instant | undefined;
      readonly urgent?: boolean | undefined;
    }
  | { readonly kind: 'drop'; readonly pairId: number }
  | { readonly kind: 'limit'; readonly pairId: number; readonly rate: number | undefined }
  /** From a household that knows us both. */
  | Introduction
  /**
   * Lines out of the house, the one that the kernel takes first, and our interfaces, from now on; `saved` is what leases.json holds. An
   * `uplinks` that says the same as the one before does nothing.
   */
  | {
      readonly kind: 'uplinks';
      readonly uplinks: readonly Uplink[];
      readonly networks: Ground['networks'];
      readonly saved: readonly SavedLease[];
    }
  /** What a gateway answered to `http`. */
  | HttpAnswer
  /** From now on so much is carried for others. */
  | ({ readonly kind: 'carries' } & CarryLimits)
  /** The answer to `read-table`: connections in our own router's table, and how many it takes. */
  | { readonly kind: 'table'; readonly used: number; readonly most: number };

export type EndpointEffect =
  | NetEffect
  /** The rendezvous knows us and our NAT has been read; said again whenever the profile changes. */
  | { readonly kind: 'ready'; readonly profile: NatProfile }
  | { readonly kind: 'unbound'; readonly reason: string }
  /** How full is our own router's table? Answered by `table`, where this machine is the router. */
  | { readonly kind: 'read-table' }
  | {
      readonly kind: 'introduced';
      readonly request: number;
      readonly pairId: number;
      readonly node: Uint8Array;
      readonly purpose: Purpose;
      readonly channel: ChannelFacts | undefined;
      readonly instead: number | undefined;
      readonly method: Method;
    }
  /** A request to a gateway, to be carried out and answered. */
  | HttpOrder
  /** To be written to leases.json at once. */
  | Extract<LeaseEffect, { kind: 'keep' }>
  /** After `leave`: nothing of ours is left at any gateway, or it cannot be helped. */
  | { readonly kind: 'left' }
  /** Something for the log: what is carried for others, and doors. */
  | Extract<CarriagesEffect, { kind: 'event' }>
  | Extract<FrontDoorEffect, { kind: 'event' }>
  | Extract<ClientEffect, { kind: 'refused' | 'published' | 'publish-refused' | 'state' | 'moved' }>
  | ChannelInfo
  | { readonly kind: 'peer'; readonly pairId: number; readonly node: Uint8Array; readonly what: PeerNews };

export type PeerNews = Extract<
  PeerEffect,
  { kind: 'open' | 'direct' | 'relayed' | 'no-direct' | 'message' | 'slow' | 'expired' | 'closed' }
>;

export interface EndpointCounters {
  /** Datagrams that nothing here could open. */
  strangers: number;
  /** Datagrams for sessions and introductions that are over. */
  strays: number;
  /** Datagrams that named a neighbour and did not open: replayed, forged, or too late. */
  refused: number;
  failures: Partial<Record<Reason, number>>;
}
