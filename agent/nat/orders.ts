import type { Address } from '../base/address.ts';
import type { NetEffect, SocketId } from '../base/net.ts';

/** One observer: its number in the list that the rendezvous client holds too, and its address. */
export interface Observer {
  readonly number: number;
  readonly address: Address;
}

/** What probing wants sent; the rendezvous client seals it. The answer comes back with the same socket and index. */
export type ProbeOrder =
  | Extract<NetEffect, { kind: 'open' | 'close' }>
  /** From `socket` to that observer: what do you see? */
  | { readonly kind: 'probe'; readonly socket: SocketId; readonly observer: number; readonly index: number }
  /** From `socket` to `observer`: have `answerer` write to this address, which the token proves to be ours. */
  | {
      readonly kind: 'filter-test';
      readonly socket: SocketId;
      readonly observer: number;
      readonly answerer: number;
      readonly index: number;
      readonly token: Uint8Array;
    };

export type ProbeAnswer =
  /** What probe `index` of `socket` looked like from outside; the token stands for that address. */
  | {
      readonly kind: 'observed';
      readonly socket: SocketId;
      readonly index: number;
      readonly external: Address;
      readonly token: Uint8Array;
    }
  /** The answerer's datagram of a filter test came in. */
  | { readonly kind: 'filtered'; readonly socket: SocketId; readonly index: number };
