import type { Address } from '../base/address.ts';
import type { NetEffect, NetInput } from '../base/net.ts';
import type { Door, HttpAnswer, HttpOrder } from './client.ts';
import type { Mapping } from './mapping.ts';
import type { SavedLease } from './saved.ts';

export type LeaseInput =
  /** Open this door, or another one from now on; `saved` is what was kept last, by this run or an earlier one. */
  | { readonly kind: 'start'; readonly door: Door; readonly saved: readonly SavedLease[] }
  /** The address that a rendezvous sees us come from. */
  | { readonly kind: 'observed'; readonly ip: string }
  /** Somebody outside could come in by this address, or could not. */
  | { readonly kind: 'verified' | 'unverified'; readonly external: Address }
  /** Take everything back. Answered by `stopped`. */
  | { readonly kind: 'stop' }
  | NetInput
  | HttpAnswer;

export type LeaseEffect =
  | NetEffect
  | HttpOrder
  /** Changed: the mapping that we have, or none. */
  | { readonly kind: 'mapping'; readonly mapping: Mapping | undefined }
  /** Have somebody outside try this address. */
  | { readonly kind: 'verify'; readonly external: Address }
  /** Write this down at once: what we may have at gateways. */
  | { readonly kind: 'keep'; readonly leases: readonly SavedLease[] }
  | { readonly kind: 'stopped' };
