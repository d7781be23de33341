import type { Millis } from '../base/time.ts';

/** A session with one other household, by its number. */
export type Peer = number;
/** A household in a path: the first four bytes of its NODE-ID as a number. */
export type Short = number;

/** Why a household is introduced to us: what the introduction says, or what we asked for. */
export type Role =
  | 'parent'
  /** The rendezvous, or our parent, wants us there instead of where we are. */
  | 'move'
  | 'spare'
  /** It may ask us: to be fed, or for blocks. */
  | 'child';

/** One of the households that somebody knows of: what is passed on so that parents are found without a rendezvous. */
export interface Entry {
  readonly short: Short;
  readonly free: number;
  readonly depth: number;
}

export type NoChild = 'full' | 'loop' | 'stopping' | 'too-deep';

export type MemberInput =
  | { readonly kind: 'start' }
  | {
      readonly kind: 'introduced';
      readonly peer: Peer;
      readonly short: Short;
      readonly role: Role;
      /** For a child: the one of ours that makes room for it, and will be told to go under it. */
      readonly instead?: Short | undefined;
    }
  /** The rendezvous has no parent now. */
  | { readonly kind: 'refused'; readonly retryIn: Millis }
  | { readonly kind: 'rendezvous'; readonly isThere: boolean }
  | { readonly kind: 'open'; readonly peer: Peer; readonly rtt: Millis }
  | { readonly kind: 'lost'; readonly peer: Peer }
  /** Anything that came of it: a piece of the stream, a beat, or a beat that says that the source itself is quiet. */
  | { readonly kind: 'heard'; readonly peer: Peer; readonly what: 'data' | 'beat' | 'idle' }
  /** A block is complete; the peer is who sent the last of it. */
  | { readonly kind: 'had'; readonly peer: Peer; readonly number: number }
  /** Blocks with holes that the parent's transport did not mend in time. */
  | { readonly kind: 'missing'; readonly numbers: readonly number[] }
  /** The parent is alive and itself without the stream for `since`; the break is `hops` households above it. */
  | { readonly kind: 'hold'; readonly peer: Peer; readonly since: Millis; readonly hops: number }
  /** Where the parent stands: its answer to `subscribe`, and whenever that changes. From its own parent up to the origin. */
  | {
      readonly kind: 'path';
      readonly peer: Peer;
      readonly path: readonly Short[];
      /** We are the one to take its place if it goes. */
      readonly heir: boolean;
    }
  /** Of a household that may feed us, or of a child: its free slots, its place, and how many steps its branch goes down. */
  | {
      readonly kind: 'standing';
      readonly peer: Peer;
      readonly free: number;
      readonly depth: number;
      readonly height: number;
    }
  | { readonly kind: 'roll'; readonly peer: Peer; readonly entries: readonly Entry[] }
  /** The newest block came so much later than it left the parent's own parent: a slow parent, or a slow line. */
  | { readonly kind: 'behind'; readonly by: Millis }
  /** Signature or hash were wrong; `proof` is whatever shows it to others. */
  | { readonly kind: 'bad'; readonly peer: Peer; readonly proof: number }
  | { readonly kind: 'refuse'; readonly peer: Peer; readonly reason: string }
  | { readonly kind: 'leaving'; readonly peer: Peer }
  | {
      readonly kind: 'subscribe';
      readonly peer: Peer;
      readonly from: number | 'newest';
      /** Streams that it can send itself. */
      readonly slots: number;
      /** Households below it, counted in steps. */
      readonly height: number;
      /** The child of ours in whose place it wants to be. */
      readonly instead: Short | undefined;
    }
  | { readonly kind: 'unsubscribe'; readonly peer: Peer }
  /** Something of the stream went to all children. */
  | { readonly kind: 'forwarded' }
  /** Children that it feeds, and `most` that it could while others have nobody; `slots` where nothing is said of it. */
  | { readonly kind: 'capacity'; readonly slots: number; readonly most?: number | undefined }
  | { readonly kind: 'leave' }
  | { readonly kind: 'tick' };

export type MemberEffect =
  /** Ask the rendezvous for a parent, or for households to keep warm. */
  | { readonly kind: 'join'; readonly want: 'parent' | 'spares'; readonly avoid: readonly Short[] }
  /** Ask `via` to bring us together with somebody it knows. */
  | { readonly kind: 'meet'; readonly via: Peer; readonly short: Short; readonly role: Role }
  | {
      readonly kind: 'subscribe';
      readonly peer: Peer;
      readonly from: number | 'newest';
      readonly slots: number;
      readonly height: number;
      readonly instead: Short | undefined;
    }
  | { readonly kind: 'unsubscribe'; readonly peer: Peer }
  /** Feed this child, from that block on. */
  | { readonly kind: 'feed'; readonly peer: Peer; readonly from: number | 'newest' }
  /** Feed it no more. */
  | { readonly kind: 'starve'; readonly peer: Peer }
  | { readonly kind: 'refuse'; readonly peer: Peer; readonly reason: NoChild }
  | { readonly kind: 'path'; readonly peer: Peer; readonly path: readonly Short[]; readonly heir: boolean }
  | { readonly kind: 'beat'; readonly peers: readonly Peer[]; readonly idle: boolean }
  | { readonly kind: 'hold'; readonly peers: readonly Peer[]; readonly since: Millis; readonly hops: number }
  | {
      readonly kind: 'standing';
      readonly peers: readonly Peer[];
      readonly free: number;
      readonly depth: number;
      readonly height: number;
    }
  | { readonly kind: 'roll'; readonly peer: Peer; readonly entries: readonly Entry[] }
  /** What is missing here and may be there. */
  | { readonly kind: 'ask'; readonly peer: Peer; readonly numbers: readonly number[] }
  /** Tell a child to go under another, and keep feeding it until it does. */
  | { readonly kind: 'move'; readonly child: Peer; readonly under: Short }
  | { readonly kind: 'leaving'; readonly peers: readonly Peer[] }
  /** Of no use any more. */
  | { readonly kind: 'drop'; readonly peer: Peer; readonly why: string }
  /** Tell the rendezvous what this parent did. */
  | {
      readonly kind: 'complain';
      readonly short: Short;
      readonly why: 'silent' | 'slow' | 'corrupt';
      readonly proof: number | undefined;
    }
  /** Who feeds us or whom we feed has changed: tell the rendezvous. */
  | { readonly kind: 'stand'; readonly parent: Peer | undefined; readonly children: readonly Peer[] }
  /** All children have gone, or had their time. */
  | { readonly kind: 'left' };
