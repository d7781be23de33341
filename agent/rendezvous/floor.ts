import type { Address } from '../base/address.ts';
import type { SocketId } from '../base/net.ts';
import type { Directory } from './directory.ts';
import type { Limits } from './limits.ts';
import type { Matchmaker } from './matchmaker.ts';
import type { Proofs } from './proofs.ts';
import type { Voice } from './voice.ts';

/** What all parts of a rendezvous stand on. */
export interface Floor {
  readonly directory: Directory;
  readonly matchmaker: Matchmaker;
  readonly proofs: Proofs;
  readonly voice: Voice;
  readonly limits: Limits;
  /** Where it listens; undefined until that socket is open. */
  readonly locals: readonly (Address | undefined)[];
  /** Counts a question that is not served. */
  readonly refuse: (reason: string) => [];
}

/** How one opened datagram came. */
export interface Came {
  readonly socket: SocketId;
  readonly from: Address;
  readonly length: number;
  readonly body: Uint8Array;
  readonly fresh: boolean;
}
