import type { Address } from '../base/address.ts';
import type { NetEffect, NetInput } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import type { HttpAnswer, HttpOrder } from '../portmap/client.ts';
import type { Server } from '../rendezvous/client.ts';
import type { Cipher, KeyPair, Suite } from '../seal/cipher.ts';
import type { Way } from './doorway.ts';

export interface ExaminationOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  /** None: only the gateway is asked. */
  readonly servers: readonly Server[];
  readonly networkSecret: Uint8Array;
  readonly suites: readonly Suite[];
  /** Where to bind the main socket; anywhere else where that is taken. */
  readonly local: Address;
  /** Addresses of our own interfaces. */
  readonly own: readonly string[];
  /** Whom to ask for a mapping, and whom for a pinhole. */
  readonly four: Way | undefined;
  readonly six: Way | undefined;
}

export type ExaminationInput =
  | NetInput
  | HttpAnswer
  | { readonly kind: 'start' }
  /** Our connections have been made, and have ended: what did the other end see of them? */
  | { readonly kind: 'lines-tried' }
  /** Take back what was asked of gateways, say goodbye. Answered by `left`. */
  | { readonly kind: 'leave' };

export type ExaminationEffect =
  | NetEffect
  | HttpOrder
  /** What the time is there, and where connections may be made now; these are answered by `lines-tried`. */
  | { readonly kind: 'line-ready'; readonly clock: number; readonly to: Address | undefined }
  /** Nothing more is to be seen. */
  | { readonly kind: 'over' }
  | { readonly kind: 'left' };
