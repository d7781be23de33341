import { type Millis, minutes, seconds } from '../base/time.ts';

/** What one rendezvous allows its clients; each is an option of the role, and these are the defaults. */
export interface Limits {
  /** Sessions at most. One takes 20 kB here, most of it OpenSSL's (measured 2026-11, Node 24): 1.2 GB when full. */
  readonly clients: number;
  /** Between beats while a household is pairing: the 3 s of the published anchors, which keeps any NAT's mapping. */
  readonly pairingInterval: Millis;
  /** A household counts as pairing for this long after it registered or was introduced. */
  readonly pairingFor: Millis;
  /** Between beats later. With a third more it stays under 27 s, below the 30 s after which common NATs forget. */
  readonly restInterval: Millis;
  /** Introductions a client may ask for, so that no crawler learns many addresses (docs/security.md, rule 12). */
  readonly introductionsPerMinute: number;
  /** How many of them at once. */
  readonly introductionBurst: number;
  /** What a join costs in introductions: the rendezvous chooses the parent, so nothing can be crawled by it. */
  readonly joinCost: number;
  /** Introductions at once that make others knock at one address (the same rule). */
  readonly atOncePerTarget: number;
  /** What one client may have relayed, in kbit/s; 0 turns relaying off. */
  readonly relayKbits: number;
  /** A pair that neither reports nor relays is forgotten after this; its secret is good for as long. */
  readonly pairLife: Millis;
  /** A household that is gone is `peer-offline` for this long, then `peer-unknown`. */
  readonly knownFor: Millis;
  readonly knownMost: number;
  readonly channels: number;
  readonly channelsPerClient: number;
}

export const DEFAULT_LIMITS: Limits = {
  clients: 60_000,
  pairingInterval: seconds(3),
  pairingFor: seconds(60),
  restInterval: seconds(20),
  introductionsPerMinute: 6,
  introductionBurst: 6,
  joinCost: 0.25,
  atOncePerTarget: 2,
  relayKbits: 12_000,
  pairLife: seconds(60),
  knownFor: minutes(24 * 60),
  knownMost: 500_000,
  channels: 10_000,
  channelsPerClient: 8,
};
