import type { Address } from '../base/address.ts';
import type { Bait } from '../base/bait.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { Candidate, Opening } from '../base/opening.ts';
import type { Method, Reason } from '../base/outcome.ts';
import type { Millis } from '../base/time.ts';
import type { Misfire, VolleyPlan } from '../base/volley.ts';

export { type Misfire, MISFIRES, type Muzzle, type Shot } from '../base/volley.ts';

/**
 * What a household and a rendezvous say to each other, inside the sealed session between them.
 *
 * `request` numbers are the asker's own, 1 to 2^32 - 1. Every question is asked again until its one answer comes,
 * so the rendezvous must take the same question twice and answer it the same way.
 */
export type Message = FromClient | FromRendezvous;

export type FromClient =
  | Register
  | Beat
  | Probe
  | FilterTest
  | TryDoor
  | Introduce
  | Join
  | Publish
  | AskChannel
  | Accept
  | Relay
  | Report
  | Capacity
  | Position
  | Complain
  | Audited
  | Forked
  | LeaveChannel
  | Leave
  | Response
  | Nudge
  | Fired
  | Carrying
  | Bridged
  | LineTest
  | LineAsk
  | Stretch;

export type FromRendezvous =
  | Registered
  | Pong
  | Observed
  | Filtered
  | Knocked
  | Introduction
  | ChannelInfo
  | Done
  | Refused
  | Relayed
  | Challenge
  | Nudged
  | Volley
  | Judged
  | Carry
  | Bridge
  | LineReady
  | LineReport;

/** X25519 public key of a household (its NODE-ID), 32 bytes. */
export type NodeId = Uint8Array;
/** Ed25519 public key of a channel (its CHANNEL-ID), 32 bytes. */
export type ChannelId = Uint8Array;

export const ROLES = ['agent', 'origin', 'ping'] as const;
export type ClientRole = (typeof ROLES)[number];

/** What a rendezvous says no with. The last two only answer `join` and `ask-channel`. */
export const REFUSALS = [
  'refused',
  'peer-unknown',
  'peer-offline',
  'quota',
  'channel-unknown',
  'no-parent',
  'old-epoch',
] as const;
export type RefusedReason = (typeof REFUSALS)[number];

export const PURPOSES = ['ping', 'parent', 'child', 'spare', 'move', 'audit'] as const;
/**
 * What the introduced peer is to the receiver: `parent` will feed it, `move` shall do so instead of its present one, `spare` is kept
 * at hand for the day that fails, `audit` is to be tried out for the rendezvous; `child` is the other side of all four, and may ask to be fed.
 */
export type Purpose = (typeof PURPOSES)[number];

/** "I am here"; sent once per session, and again whenever anything in it changes. */
export interface Register {
  readonly kind: 'register';
  readonly request: number;
  readonly role: ClientRole;
  /** Streams that it can send, 0 to 31 in eighths. */
  readonly streams: number;
  /** Whole streams that it can send while others have nobody. */
  readonly most: number;
  /** Addresses of its own interfaces with the port of its main socket, up to 8. */
  readonly internal: readonly Address[];
  /** Further public addresses of its own, each proven by the token an observer sent to exactly that address; up to 4. */
  readonly proven: readonly Proven[];
  readonly profile: NatProfile;
}

export interface Proven {
  readonly address: Address;
  /** 8 bytes from `observed` or `knocked`. */
  readonly token: Uint8Array;
  /** What opened it to everybody, where `knocked` brought the token. */
  readonly opening: Opening;
}

export interface Registered {
  readonly kind: 'registered';
  readonly request: number;
  /** Where the session's datagrams come from, as the rendezvous sees it. */
  readonly observed: Address;
  /** Until the next beat, 0 to 65535; the client spreads it by a third either way. */
  readonly interval: Millis;
  /** 16 bytes bound to this session: signed by `publish`. */
  readonly nonce: Uint8Array;
  /** True when this rendezvous relays for peers that find no direct path. */
  readonly relays: boolean;
  /** Every address this rendezvous listens on, the clients' own first; up to 24. 0.0.0.0 or :: means "the IP you reached me at". */
  readonly observers: readonly Address[];
  /** What the NATs of this carrier have been so far, where that is sure enough to save the second burst. */
  readonly carrier: NatProfile | undefined;
}

export interface Beat {
  readonly kind: 'beat';
  /** Any 32 bits; comes back in the pong. */
  readonly stamp: number;
  /** The client's smoothed round trip to this rendezvous; undefined before the first measurement. */
  readonly rtt: Millis | undefined;
  /** kbit/s that it would carry for other households now, 0 to 65535; 0 where it does not. */
  readonly room: number;
}

export interface Pong {
  readonly kind: 'pong';
  readonly stamp: number;
  readonly observed: Address;
  readonly interval: Millis;
}

/** "Which address do you see?", from any socket to any observer. Padded so that the answer is no longer than it. */
export interface Probe {
  readonly kind: 'probe';
  readonly id: number;
  /** 0 to 255: which of the burst this is. */
  readonly index: number;
  /** A shot of a volley rather than of our own curiosity: what the rendezvous sees is for the plan. */
  readonly volley: VolleyShot | undefined;
}

export interface VolleyShot {
  readonly pairId: number;
  readonly round: number;
  /** Which of the volley's sockets it left from, from 1; 0 is the main one. */
  readonly socket: number;
  /** The port that socket is bound to. */
  readonly localPort: number;
  /** Which shot of the volley it is, each port of a knock counted, from 0. */
  readonly shot: number;
}

export interface Observed {
  readonly kind: 'observed';
  readonly id: number;
  readonly index: number;
  /** Place in `observers` of the address the probe arrived at. */
  readonly observer: number;
  /** When it arrived, on the rendezvous' clock: low 32 bits of milliseconds. */
  readonly arrival: number;
  readonly address: Address;
  /** 8 bytes; whoever returns them was reachable at `address`. */
  readonly token: Uint8Array;
}

/** "Answer this socket from another of your addresses", to learn the NAT's filtering. */
export interface FilterTest {
  readonly kind: 'filter-test';
  readonly id: number;
  readonly index: number;
  /** Which observer shall answer. */
  readonly observer: number;
  /** From `observed`, and it must have been observed at the very address this comes from. */
  readonly token: Uint8Array;
}

export interface Filtered {
  readonly kind: 'filtered';
  readonly id: number;
  readonly index: number;
  readonly observer: number;
}

/**
 * "Have that observer knock at this address", to learn whether strangers get in. Only an IP that the household has proven is knocked
 * at, never a port below 1024; and the knock is no longer than this is.
 */
export interface TryDoor {
  readonly kind: 'try-door';
  readonly id: number;
  readonly index: number;
  readonly observer: number;
  readonly at: Address;
}

/** Comes to the address that was named, if anything does. */
export interface Knocked {
  readonly kind: 'knocked';
  readonly id: number;
  readonly index: number;
  readonly observer: number;
  /** 8 bytes; whoever returns them was reachable at the address that was knocked at. */
  readonly token: Uint8Array;
}

/** "Bring me together with this household." Answered by `introduction` or `refused`. */
export interface Introduce {
  readonly kind: 'introduce';
  readonly request: number;
  readonly node: NodeId;
}

export const WANTS = ['parent', 'spares'] as const;
/** A parent, with households to keep at hand beside it; or only those. */
export type Want = (typeof WANTS)[number];

/** "Find me a parent in this channel." Answered by `introduction` or `refused`; spares come as introductions that nobody asked for. */
export interface Join {
  readonly kind: 'join';
  readonly request: number;
  readonly channel: ChannelId;
  readonly want: Want;
  /** Households that failed lately or are at hand already, up to 8. */
  readonly avoid: readonly NodeId[];
}

/** "I am the origin of this channel." Answered by `done` or `refused`. */
export interface Publish {
  readonly kind: 'publish';
  readonly request: number;
  readonly channel: ChannelId;
  readonly epoch: number;
  /** Up to 64 bytes of UTF-8 without control characters. */
  readonly name: string;
  /** Ed25519 by the channel key over publishText(): 64 bytes. */
  readonly signature: Uint8Array;
}

export interface AskChannel {
  readonly kind: 'ask-channel';
  readonly request: number;
  readonly channel: ChannelId;
}

export interface ChannelInfo {
  readonly kind: 'channel-info';
  readonly request: number;
  readonly channel: ChannelId;
  readonly epoch: number;
  readonly name: string;
  readonly origin: NodeId;
}

/** Both sides get one, with the same pair, secret and profiles crossed. */
export interface Introduction {
  readonly kind: 'introduction';
  /** The receiver's own question, or 0 when the other side asked. */
  readonly request: number;
  readonly pairId: number;
  /** Exactly one side is it; it sends kk1. */
  readonly initiator: boolean;
  readonly purpose: Purpose;
  /** May `relay` be used with this pair? */
  readonly relayAllowed: boolean;
  /** The rendezvous conducts the punch: volleys follow, and `judged` when they came to nothing. */
  readonly conducted: boolean;
  /** Present unless the purpose is ping. */
  readonly channel: ChannelFacts | undefined;
  readonly peer: NodeId;
  /** 16 bytes: the header key of the peer's datagrams. */
  readonly peerHeaderKey: Uint8Array;
  /** 32 fresh bytes, for one handshake within 60 s. */
  readonly secret: Uint8Array;
  /** Where to knock, best first: open doors, observed, proven, then internal ones if both share a public IP. Up to 12. */
  readonly candidates: readonly Candidate[];
  /** The peer's NAT, and the receiver's own as the peer was told of it: both sides plan from the same two facts. */
  readonly profile: NatProfile;
  readonly mine: NatProfile;
  /** Wait this long, so that both sides start together although one heard earlier. 0 to 65535. */
  readonly startIn: Millis;
  /** For a parent: the child of its own that makes room for the new one, and goes under that. First 4 bytes of its NODE-ID. */
  readonly instead: number | undefined;
}

export interface ChannelFacts {
  readonly id: ChannelId;
  readonly epoch: number;
  readonly name: string;
}

/** "I have the introduction": it need not be sent again. */
export interface Accept {
  readonly kind: 'accept';
  readonly pairId: number;
}

export interface Done {
  readonly kind: 'done';
  readonly request: number;
}

export interface Refused {
  readonly kind: 'refused';
  readonly request: number;
  readonly reason: RefusedReason;
  /** When asking again makes sense; 0 when it does not. Whole milliseconds on the wire: who lost the stream asks again after 100. */
  readonly retryIn: Millis;
}

/** A datagram for the peer of a living pair, sealed between the two: up to 1232 bytes. */
export interface Relay {
  readonly kind: 'relay';
  readonly pairId: number;
  readonly bytes: Uint8Array;
}

export interface Relayed {
  readonly kind: 'relayed';
  readonly pairId: number;
  readonly bytes: Uint8Array;
}

/** How an introduction ended. Answered by `done`. */
export interface Report {
  readonly kind: 'report';
  readonly request: number;
  readonly pairId: number;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: 'connected'; readonly method: Method }
  | { readonly kind: 'failed'; readonly reason: Reason };

/** "So many streams I can send now." Answered by `done`. */
export interface Capacity {
  readonly kind: 'capacity';
  readonly request: number;
  /** In any channel that is not named, as in `register`. */
  readonly streams: number;
  readonly most: number;
  /** Of these channels, where several share the line; up to 8. */
  readonly shares: readonly ChannelShare[];
}

export interface ChannelShare {
  readonly channel: ChannelId;
  readonly streams: number;
  readonly most: number;
}

/** "This is where I stand in the tree": rebuilds the table of a rendezvous that was restarted. Answered by `done`. */
export interface Position {
  readonly kind: 'position';
  readonly request: number;
  readonly channel: ChannelId;
  /** Who feeds me and how; undefined while nobody does. */
  readonly parent: { readonly node: NodeId; readonly method: Method } | undefined;
  /** Whom I feed, up to 16. */
  readonly children: readonly NodeId[];
}

export const FAULTS = ['silent', 'slow', 'corrupt'] as const;
export type Fault = (typeof FAULTS)[number];

/** "This parent did not feed me as it should." Answered by `done`, believed when others say it too. */
export interface Complain {
  readonly kind: 'complain';
  readonly request: number;
  readonly channel: ChannelId;
  readonly node: NodeId;
  readonly fault: Fault;
}

export const VERDICTS = ['good', 'bad', 'silent'] as const;
/** It gave what it should; what it gave was wrong; it gave nothing, or not enough. */
export type Verdict = (typeof VERDICTS)[number];

/** "I have tried out the household that you sent me to." Not said where it was not reached. Answered by `done`. */
export interface Audited {
  readonly kind: 'audited';
  readonly request: number;
  readonly pairId: number;
  readonly verdict: Verdict;
}

/** "This channel's key has signed two different blocks of one number." Proof by itself, whoever brings it. Answered by `done`. */
export interface Forked {
  readonly kind: 'forked';
  readonly request: number;
  readonly channel: ChannelId;
  /** Both manifests as they came, up to 512 bytes each. */
  readonly manifests: readonly [Uint8Array, Uint8Array];
}

/** "I no longer watch this channel." Answered by `done`. */
export interface LeaveChannel {
  readonly kind: 'leave-channel';
  readonly request: number;
  readonly channel: ChannelId;
}

/** An orderly stop; not answered. */
export interface Leave {
  readonly kind: 'leave';
}

/** "Prove that you are at the address you moved to." 8 bytes. */
export interface Challenge {
  readonly kind: 'challenge';
  readonly token: Uint8Array;
}

export interface Response {
  readonly kind: 'response';
  readonly token: Uint8Array;
}

/** "I hear nothing of this peer any more: tell it where I am." Not answered. */
export interface Nudge {
  readonly kind: 'nudge';
  readonly node: NodeId;
}

/** "This household says that it does not hear you; it is here now." */
export interface Nudged {
  readonly kind: 'nudged';
  readonly node: NodeId;
  /** Where its nudge came from. */
  readonly address: Address;
}

/**
 * One step of a plan that the rendezvous made for both sides of a pair: "send these datagrams". Carried out once,
 * however often it comes, and answered by `fired` each time.
 */
export interface Volley extends VolleyPlan {
  readonly kind: 'volley';
  readonly pairId: number;
}

/** "That volley is under way." Not answered. */
export interface Fired {
  readonly kind: 'fired';
  readonly pairId: number;
  readonly round: number;
  readonly misfire: Misfire;
  /** Ports the first 8 fresh sockets are bound to. */
  readonly localPorts: readonly number[];
}

/** "This pair got no direct path, for this reason." */
export interface Judged {
  readonly kind: 'judged';
  readonly pairId: number;
  readonly reason: Reason;
  /** The rendezvous tries again after this; 0: it does not. Whole seconds on the wire, up to 65535. */
  readonly retryIn: Millis;
}

/** One end of a household's carrying: a session between it and one of the two, whose keys come from here. */
export interface Leg {
  /** The session's number, for both. */
  readonly number: number;
  /** 16 bytes: the header key of whoever is at the other end. */
  readonly headerKey: Uint8Array;
  /** 32 fresh bytes. */
  readonly secret: Uint8Array;
  /** Where that one may be, best first; up to 4. */
  readonly addresses: readonly Address[];
}

/** "Carry between these two, who find no direct path." Sent again until `carrying` comes. */
export interface Carry {
  readonly kind: 'carry';
  readonly pairId: number;
  /** At most so much, both directions together. */
  readonly kbits: number;
  readonly legs: readonly [Leg, Leg];
}

export const CARRYING_STATES = ['yes', 'no', 'over'] as const;
/** Will do; will not; not any more. */
export type CarryingState = (typeof CARRYING_STATES)[number];

export interface Carrying {
  readonly kind: 'carrying';
  readonly pairId: number;
  /** Number of the first of the two legs: which order it speaks of. */
  readonly leg: number;
  readonly state: CarryingState;
}

/** "Through this household you reach the peer of that pair." Sent again until `bridged` comes. */
export interface Bridge {
  readonly kind: 'bridge';
  readonly pairId: number;
  readonly leg: Leg;
}

/** "That household carries for us", said again every 20 s; or "it does not", or "not any more". */
export interface Bridged {
  readonly kind: 'bridged';
  readonly pairId: number;
  readonly leg: number;
  readonly up: boolean;
}

/** "Echo what my connections bring." Answered by `line-ready`; connections from this address are taken for 30 s. */
export interface LineTest {
  readonly kind: 'line-test';
  readonly request: number;
}

/** "What became of my connections?" Answered by `line-report`. */
export interface LineAsk {
  readonly kind: 'line-ask';
  readonly request: number;
}

/** A probe that is as long as it is, to learn what fits through whole. Answered by `observed`, to where it came from. */
export interface Stretch {
  readonly kind: 'stretch';
  readonly id: number;
  readonly index: number;
  /** Bytes of nothing, up to 1440. */
  readonly filler: number;
}

export interface LineReady {
  readonly kind: 'line-ready';
  readonly request: number;
  /** Milliseconds since 1970 where the rendezvous knows the time, else 0: the date of a machine that has none. */
  readonly clock: number;
  /** The TCP port of the address that the household speaks to; 0: no connections are taken here. */
  readonly port: number;
}

/** How a connection ended, as this end saw it: never by a reset of its own. */
export const LINE_ENDS = ['open', 'closed', 'reset', 'silence'] as const;
export type LineEnd = (typeof LINE_ENDS)[number];

export interface LineSeen {
  /** What it began with; nothing: not a byte came. */
  readonly content: Bait | 'other' | 'nothing';
  /** Bytes, up to 2048. */
  readonly received: number;
  readonly sent: number;
  readonly end: LineEnd;
}

export interface LineReport {
  readonly kind: 'line-report';
  readonly request: number;
  /** The latest 8 of this household's address. */
  readonly lines: readonly LineSeen[];
}

/** Most bytes of a datagram that `relay` takes: 1200 of ours and room for a larger path later. */
export const RELAY_LIMIT = 1232;
