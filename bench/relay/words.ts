import type { StackName } from '../transport/stack.ts';

/** What players and their director say to each other. */
export interface LinkEnd {
  readonly link: number;
  readonly initiator: boolean;
  readonly local: string;
  readonly remote: string;
  readonly port: number;
}

export type Part =
  | { readonly kind: 'source'; readonly mbit: number }
  /** From the first link to all others. */
  | { readonly kind: 'relay' }
  | { readonly kind: 'sink' };

export type Order =
  | { readonly kind: 'begin'; readonly stack: StackName; readonly ends: readonly LinkEnd[]; readonly part: Part }
  | { readonly kind: 'signal'; readonly link: number; readonly word: unknown }
  | { readonly kind: 'go' }
  /** A source of hearth: so many children; a sink of hearth: whom to ask for what. */
  | { readonly kind: 'origin'; readonly mbit: number; readonly children: number }
  | { readonly kind: 'household'; readonly rendezvous: string; readonly channel: string; readonly depth: number }
  /** Forget what was counted so far. */
  | { readonly kind: 'mark' }
  | { readonly kind: 'report' };

export type Answer =
  | { readonly kind: 'signal'; readonly link: number; readonly word: unknown }
  | { readonly kind: 'ready' }
  | { readonly kind: 'published'; readonly rendezvous: string; readonly channel: string }
  | { readonly kind: 'child' }
  /** Pairs of block number and instant: when it left a source, or when a message of it came to a sink. */
  | { readonly kind: 'report'; readonly times: Float64Array };
