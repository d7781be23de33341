import type { Address } from '../base/address.ts';
import type { NetEffect, NetInput } from '../base/net.ts';
import type { Instant } from '../base/time.ts';
import type { HttpAnswer, HttpOrder, Protocol } from '../portmap/client.ts';
import type { LeaseEffect } from '../portmap/orders.ts';
import type { SavedLease } from '../portmap/saved.ts';
import type { TryOrder } from './knocking.ts';
import type { Uplink } from './uplink.ts';

export type FrontDoorInput =
  /** The socket that is to be reached is bound to this port. */
  | { readonly kind: 'bound'; readonly port: number }
  /** Whom to ask for a mapping, from now on; `saved` is what an earlier run left at gateways. */
  | { readonly kind: 'way'; readonly way: Uplink | undefined; readonly saved: readonly SavedLease[] }
  /** An observer sees our socket there; `strangers` are places of observers that it never writes to. */
  | {
      readonly kind: 'seen';
      readonly at: Address;
      readonly strangers: readonly number[];
      /** In a session of the rendezvous that has just begun: nothing is proven to it yet. */
      readonly isNew: boolean;
    }
  | { readonly kind: 'knocked'; readonly index: number; readonly token: Uint8Array }
  /** The rendezvous has heard what was asked of it last. */
  | { readonly kind: 'answered' }
  /** A household could not come in. */
  | { readonly kind: 'doubt' }
  /** Our socket has written to the strangers: for a while it proves nothing that they come in. */
  | { readonly kind: 'stirred' }
  /** Everything is taken back. Answered by `stopped`. */
  | { readonly kind: 'stop' }
  | NetInput
  | HttpAnswer;

export type FrontDoorEffect =
  | NetEffect
  | HttpOrder
  | TryOrder
  | Extract<LeaseEffect, { kind: 'keep' | 'stopped' }>
  /** What stands open is another, or is proven anew: to be registered. */
  | { readonly kind: 'changed' }
  /** Something for the log. */
  | { readonly kind: 'event'; readonly name: string; readonly fields: Readonly<Record<string, string | number>> };

/** One line of `mappings` in the status. */
export interface MappingView {
  readonly protocol: Protocol;
  readonly external: Address | undefined;
  readonly verified: boolean;
  /** NATs that gave it. */
  readonly layers: number;
  readonly expires: Instant;
}
