import type { Address } from '../base/address.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { NetEffect, SocketId } from '../base/net.ts';
import type { Method } from '../base/outcome.ts';
import type { Millis } from '../base/time.ts';
import type { KeyPair } from '../seal/cipher.ts';
import type { Header } from '../seal/header.ts';
import type {
  Bridge,
  Bridged,
  Carry,
  Carrying,
  ChannelId,
  ChannelInfo,
  ChannelShare,
  ClientRole,
  Fault,
  Fired,
  Introduction,
  Judged,
  LineReady,
  LineReport,
  NodeId,
  Outcome,
  Proven,
  RefusedReason,
  Verdict,
  Volley,
  VolleyShot,
  Want,
} from '../wire/messages.ts';

/** What the rendezvous is told of this household. */
export interface Presence {
  readonly role: ClientRole;
  /** That it can send; and in need. */
  readonly streams: number;
  readonly most: number;
  readonly internal: readonly Address[];
  readonly proven?: readonly Proven[];
  readonly profile: NatProfile;
}

/** `request` numbers are the caller's, from 1 to 2^31 - 1. */
export type ClientInput =
  /** The first one starts everything; later ones tell what changed. */
  | ({ readonly kind: 'register' } & Presence)
  /** Whatever `takes` says yes to. */
  | {
      readonly kind: 'datagram';
      readonly socket: SocketId;
      readonly from: Address;
      readonly bytes: Uint8Array;
      readonly header?: Header | undefined;
    }
  | { readonly kind: 'introduce'; readonly request: number; readonly node: NodeId; readonly patience?: Millis }
  | {
      readonly kind: 'join';
      readonly request: number;
      readonly channel: ChannelId;
      /** A parent unless something else is said. */
      readonly want?: Want;
      /** The last 8 count. */
      readonly avoid: readonly NodeId[];
      readonly patience?: Millis;
    }
  | { readonly kind: 'ask-channel'; readonly request: number; readonly channel: ChannelId; readonly patience?: Millis }
  /** The question no longer matters. */
  | { readonly kind: 'forget'; readonly request: number }
  /** Lead this channel from now on, also after a restart of the rendezvous. */
  | { readonly kind: 'publish'; readonly channel: KeyPair; readonly epoch: number; readonly name: string }
  | { readonly kind: 'report'; readonly pairId: number; readonly outcome: Outcome }
  /** So many can be sent from now on, and in these channels so many. */
  | {
      readonly kind: 'capacity';
      readonly streams: number;
      readonly most: number;
      readonly shares: readonly ChannelShare[];
    }
  /** Where we stand now; repeated by itself to a rendezvous that was restarted. */
  | {
      readonly kind: 'position';
      readonly channel: ChannelId;
      readonly parent: { readonly node: NodeId; readonly method: Method } | undefined;
      readonly children: readonly NodeId[];
    }
  | { readonly kind: 'complain'; readonly channel: ChannelId; readonly node: NodeId; readonly fault: Fault }
  /** What a trial that it asked for has shown. */
  | { readonly kind: 'audited'; readonly pairId: number; readonly verdict: Verdict }
  /** What the channel's key signed twice. */
  | { readonly kind: 'forked'; readonly channel: ChannelId; readonly manifests: readonly [Uint8Array, Uint8Array] }
  | { readonly kind: 'leave-channel'; readonly channel: ChannelId }
  | { readonly kind: 'relay'; readonly pairId: number; readonly bytes: Uint8Array }
  /** A volley is under way, or why not. */
  | Fired
  /** What became of an order to carry, and of a bridge. */
  | Carrying
  | Bridged
  /** These two as nat/ orders them; `observer` and `answerer` are places in the list of observers. */
  | {
      readonly kind: 'probe';
      readonly socket: SocketId;
      readonly observer: number;
      readonly index: number;
      /** A shot of a volley: what is seen of it is for the plan. */
      readonly volley?: VolleyShot;
    }
  | {
      readonly kind: 'filter-test';
      readonly socket: SocketId;
      readonly observer: number;
      readonly answerer: number;
      readonly index: number;
      /** From `observed` of the same socket. */
      readonly token: Uint8Array;
    }
  /** Have that observer knock at an address of ours. `answered` shows that the question has come through, whoever knocks. */
  | { readonly kind: 'try-door'; readonly observer: number; readonly index: number; readonly at: Address }
  /** A probe with so many bytes more: does it get through whole? Answered by `observed`. */
  | {
      readonly kind: 'stretch';
      readonly socket: SocketId;
      readonly observer: number;
      readonly index: number;
      readonly filler: number;
    }
  /** Connections of ours will come: echo them; and later: what became of them? */
  | { readonly kind: 'line-test' | 'line-ask'; readonly request: number; readonly patience?: Millis }
  /** A neighbour is not heard any more: let it know where we are now, in case our NAT has moved us. */
  | { readonly kind: 'nudge'; readonly node: NodeId }
  /** The network may have changed: beat at once, so that the rendezvous learns of a new address. */
  | { readonly kind: 'hurry' }
  /** An orderly stop. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'tick' };

export type ClientState = 'idle' | 'connecting' | 'registered' | 'unreachable';

export type ClientEffect =
  | Extract<NetEffect, { kind: 'send' }>
  | { readonly kind: 'state'; readonly state: ClientState; readonly server: Address }
  /** After each registration, so also after a restart of the rendezvous. */
  | {
      readonly kind: 'registered';
      /** In a session that has just begun: what was proven in an earlier one is not known any more. */
      readonly isNew: boolean;
      readonly observed: Address;
      readonly observers: readonly Address[];
      readonly relays: boolean;
      /** What the NATs of our carrier have always been so far, where that is known. */
      readonly carrier: NatProfile | undefined;
    }
  /** To a beat that nothing was said after: the rendezvous hears us, and we hear it. */
  | { readonly kind: 'answered' }
  /** The rendezvous sees us elsewhere than before: our NAT or our line changed. */
  | { readonly kind: 'moved'; readonly observed: Address }
  /** Ours (`request` > 0) or another's wish; each pair is told once. */
  | Introduction
  /**
   * The answer is no. May follow an introduction, when its target turned out not to be there: then 'peer-offline'.
   * `retryIn` > 0: asking again after that makes sense.
   */
  | {
      readonly kind: 'refused';
      readonly request: number;
      readonly reason: RefusedReason | 'timeout' | 'rendezvous-unreachable';
      readonly retryIn: Millis;
    }
  | ChannelInfo
  | LineReady
  | LineReport
  | { readonly kind: 'published'; readonly channel: ChannelId }
  | { readonly kind: 'publish-refused'; readonly channel: ChannelId; readonly reason: RefusedReason }
  /** What a probe brought; `token` proves that `external` is ours (filter-test, Presence.proven). */
  | {
      readonly kind: 'observed';
      readonly socket: SocketId;
      readonly index: number;
      readonly observer: number;
      readonly external: Address;
      readonly token: Uint8Array;
    }
  /** An observer's knock came in; `token` proves that we are where it was sent to. */
  | { readonly kind: 'knocked'; readonly socket: SocketId; readonly index: number; readonly token: Uint8Array }
  /** A filter test's answer came in. */
  | { readonly kind: 'filtered'; readonly socket: SocketId; readonly index: number }
  | { readonly kind: 'relayed'; readonly pairId: number; readonly bytes: Uint8Array }
  /** A household that may be a neighbour does not hear us, and is at this address now. */
  | { readonly kind: 'nudged'; readonly node: NodeId; readonly address: Address }
  /** The rendezvous conducts a pair: it may come again, until `fired` has arrived. */
  | Volley
  | Judged
  /** It wants us to carry between two others, or tells us who carries for us; either may come again until answered. */
  | Carry
  | Bridge;

/** One line of `rendezvous` in the status. */
export interface ServerStatus {
  readonly address: Address;
  readonly state: ClientState;
  readonly rtt: Millis | undefined;
}
