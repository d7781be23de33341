import type { Address } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Instant } from '../base/time.ts';
import type { ClientEffect, ClientInput } from '../rendezvous/client.ts';

/** An observer: its place in the rendezvous' list, and its address. */
export interface Place {
  readonly number: number;
  readonly address: Address;
}

export type TrialInput = NetInput | Extract<ClientEffect, { kind: 'observed' | 'filtered' | 'knocked' }>;
export type TrialEffect =
  | NetEffect
  | Extract<ClientInput, { kind: 'probe' | 'filter-test' | 'stretch' }>
  /** An observer sees us there, and this is the proof. */
  | { readonly kind: 'placed'; readonly at: Address; readonly token: Uint8Array };

/** One question put to the network by way of the observers, from sockets of its own. */
export interface Trial extends Machine<TrialInput, TrialEffect> {
  /** Sockets whose inputs are its own. */
  readonly sockets: readonly SocketId[];
  /** Nothing more is to be learned. */
  readonly over: boolean;
  begin(now: Instant): readonly TrialEffect[];
}
