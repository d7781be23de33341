import type { Address } from '../base/address.ts';
import type { NetEffect } from '../base/net.ts';
import type { Instant } from '../base/time.ts';
import type { Door, HttpOrder } from './client.ts';
import type { Standings } from './contest.ts';
import { Lease, type LeaseOptions } from './lease.ts';
import type { Mapping } from './mapping.ts';
import type { LeaseInput } from './orders.ts';
import type { Outside } from './outside.ts';
import { judgeOutside } from './outside.ts';
import type { SavedLease } from './saved.ts';

/** One gateway that was asked, for those who want to know how it went. */
export interface GatewayReport {
  readonly address: string;
  /** What it calls itself, over UPnP. */
  readonly name: string | undefined;
  /** 1 is our next hop, 2 the one behind it. */
  readonly layer: number;
  readonly standings: Standings | undefined;
  /** Its outside address, as it names it, and what that is worth. */
  readonly wan: string | undefined;
  readonly outside: Outside | undefined;
  readonly mapping: Mapping | undefined;
}

export type LinkEffect =
  | NetEffect
  | HttpOrder
  | { readonly kind: 'verify'; readonly external: Address }
  | { readonly kind: 'kept' };

/** One gateway of a chain: the lease there, and what it said last. */
export class Link {
  readonly address: string;
  readonly layer: number;
  readonly #lease: Lease;
  #mapping: Mapping | undefined;
  #kept: readonly SavedLease[] = [];
  #stopped = false;

  constructor(address: string, layer: number, options: LeaseOptions) {
    this.address = address;
    this.layer = layer;
    this.#lease = new Lease(options);
  }

  get mapping(): Mapping | undefined {
    return this.#mapping;
  }

  /** What may be there and is to be written down. */
  get kept(): readonly SavedLease[] {
    return this.#kept;
  }

  /** All is taken back. */
  get stopped(): boolean {
    return this.#stopped;
  }

  get refused(): ReadonlyMap<string, number> {
    return this.#lease.refused;
  }

  report(observed: string | undefined): GatewayReport {
    const { standings, gatewayName: name } = this.#lease;
    const wan = this.#mapping?.grant.ip ?? wanIn(standings);
    const outside = wan === undefined ? undefined : judgeOutside(wan, observed);
    return { address: this.address, name, layer: this.layer, standings, wan, outside, mapping: this.#mapping };
  }

  start(door: Door, saved: readonly SavedLease[], now: Instant): LinkEffect[] {
    this.#stopped = false;
    return this.step({ kind: 'start', door, saved }, now);
  }

  step(input: LeaseInput, now: Instant): LinkEffect[] {
    return this.#lease.step(input, now).flatMap((effect): LinkEffect[] => {
      switch (effect.kind) {
        case 'mapping':
          this.#mapping = effect.mapping;
          return [];
        case 'keep':
          this.#kept = effect.leases;
          return [{ kind: 'kept' }];
        case 'stopped':
          this.#mapping = undefined;
          this.#stopped = true;
          return [];
        case 'verify':
        case 'send':
        case 'open':
        case 'close':
        case 'http':
          return [effect];
      }
    });
  }

  wake(): Instant | undefined {
    return this.#lease.wake();
  }
}

/** The outside address that came without a mapping. */
function wanIn(standings: Standings | undefined): string | undefined {
  for (const standing of Object.values(standings ?? {})) {
    if ((standing.name === 'refused' || standing.name === 'present') && standing.wan !== undefined) return standing.wan;
  }
  return undefined;
}
