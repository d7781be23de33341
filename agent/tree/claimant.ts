import type { Millis } from '../base/time.ts';

/** What a household says of itself when it asks for a place. */
export interface Claimant {
  /** Streams it can send at once, as measured: 0 to 8, fractions allowed. */
  readonly capacity: number;
  /** Streams it could send while others have nobody; `capacity` where nothing is said. */
  readonly most?: number | undefined;
  /** What fails together has the same prefix. */
  readonly prefix: string;
}

export type Answer =
  | {
      readonly kind: 'placed';
      readonly parent: string;
      readonly spares: readonly string[];
      /** From the parent's parent upwards. */
      readonly ancestors: readonly string[];
      /** Hung on that parent until now, and is moved under the newcomer (`due`) as soon as that has something to give. */
      readonly displaced: string | undefined;
    }
  /** Nobody can take another child yet. */
  | { readonly kind: 'wait'; readonly retryIn: Millis };

/** What the table keeps of a household beside its seat. */
export interface Record extends Claimant {
  /** It received the stream for long enough to give it on. */
  ripe: boolean;
  lastParent: string | undefined;
}
