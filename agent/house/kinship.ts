import type { Random } from '../base/random.ts';
import type { Instant, Millis } from '../base/time.ts';
import type { Fault, Want } from '../wire/messages.ts';
import type { PeerMessage } from '../wire/peer.ts';
import type { ChildrenEffect, Standing, Stock } from './children.ts';
import type { Relative } from './relatives.ts';

/** What is here of the stream. */
export interface Larder extends Stock {
  /** Undefined before the first piece. */
  standing(): Standing | undefined;
  /** What is missing of a block that is here in part, as in `want`; 0: nothing of it is here. */
  wanted(number: number): number;
}

export interface KinOptions {
  readonly random: Random;
  readonly channel: Uint8Array;
  /** Our own NODE-ID. */
  readonly node: Uint8Array;
  /** Households that can be fed. */
  readonly slots: number;
  readonly isOrigin: boolean;
  readonly larder: Larder;
  /** How long nothing at all came from that peer. */
  readonly silence: (pairId: number, now: Instant) => Millis;
  /** Its round trip. */
  readonly trip: (pairId: number, now: Instant) => Millis;
}

export type KinInput =
  | { readonly kind: 'start' }
  | {
      readonly kind: 'introduced';
      readonly pairId: number;
      readonly node: Uint8Array;
      readonly purpose: Relative['purpose'];
      readonly instead: number | undefined;
    }
  | { readonly kind: 'refused'; readonly want: Want; readonly retryIn: Millis }
  | { readonly kind: 'rendezvous'; readonly isThere: boolean }
  | { readonly kind: 'open'; readonly pairId: number }
  | { readonly kind: 'lost'; readonly pairId: number }
  | { readonly kind: 'control'; readonly pairId: number; readonly message: PeerMessage }
  /** A piece of the stream; `isNews` when nobody had brought it, or it is of the last moments. */
  | { readonly kind: 'piece'; readonly pairId: number; readonly isNews: boolean }
  | { readonly kind: 'block'; readonly pairId: number; readonly number: number }
  | { readonly kind: 'bad'; readonly pairId: number }
  /** The stream comes so much later than the parent has it. */
  | { readonly kind: 'behind'; readonly by: Millis }
  | { readonly kind: 'missing'; readonly numbers: readonly number[] }
  | { readonly kind: 'epoch' }
  | { readonly kind: 'capacity'; readonly slots: number; readonly most?: number | undefined }
  | { readonly kind: 'leave' }
  | { readonly kind: 'tick' };

export type KinEffect =
  | ChildrenEffect
  | { readonly kind: 'join'; readonly want: Want; readonly avoid: readonly Uint8Array[] }
  | { readonly kind: 'complain'; readonly node: Uint8Array; readonly fault: Fault }
  /** This peer is of no use any more. */
  | { readonly kind: 'drop'; readonly pairId: number; readonly why: string }
  /** Bring these two together, who both have a session with us: the second is to be that of the first. */
  | {
      readonly kind: 'acquaint';
      readonly pairId: number;
      readonly other: number;
      readonly purpose: 'parent' | 'spare' | 'move';
    }
  /** Who feeds us or whom we feed has changed. */
  | { readonly kind: 'stand' }
  /** All children have gone, or had their time. */
  | { readonly kind: 'left' }
  | { readonly kind: 'event'; readonly name: string; readonly fields: Readonly<Record<string, string | number>> };

/** Where orders are put down: a list of these, or of these and others. */
export interface Orders {
  push(...effects: readonly KinEffect[]): unknown;
}
