import type { NatKind, PortRange } from '../base/nat-profile.ts';

/** One way to explain the ports that were seen, and how well it does. */
export interface Reading {
  readonly kind: NatKind;
  readonly step: number;
  readonly counters: number;
  readonly ports: PortRange | undefined;
  /** Log of the likelihood of all ports together, the prior of this reading among those of its kind included. */
  readonly log: number;
}
