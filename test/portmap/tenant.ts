import type { Address } from '../../agent/base/address.ts';
import { seeded } from '../../agent/base/random.ts';
import { Drive } from '../../agent/io/drive.ts';
import { askGateway } from '../../agent/io/upnp-http.ts';
import type { Door, HttpOrder } from '../../agent/portmap/client.ts';
import { Chain } from '../../agent/portmap/chain.ts';
import type { Standings } from '../../agent/portmap/contest.ts';
import type { Mapping } from '../../agent/portmap/mapping.ts';
import type { LeaseEffect, LeaseInput } from '../../agent/portmap/orders.ts';
import type { SavedLease } from '../../agent/portmap/saved.ts';

/** A household's port on real sockets: a chain of leases, and what it said. */
export class Tenant {
  readonly chain: Chain;
  mapping: Mapping | undefined;
  /** ms from the start to the first mapping. */
  heldAfter: number | undefined;
  kept: readonly SavedLease[] = [];
  stopped = false;
  readonly orders: HttpOrder[] = [];
  readonly #drive: Drive<LeaseInput, LeaseEffect>;
  readonly #waiting = new Set<() => void>();
  readonly #started = performance.now();

  /** `judge`: whether somebody outside gets in by an address; undefined where nobody tries. */
  constructor(options: {
    readonly door: Door;
    readonly observed?: string | undefined;
    readonly saved?: readonly SavedLease[];
    readonly judge?: ((external: Address) => Promise<boolean>) | undefined;
    readonly seed?: number;
  }) {
    let number = 0;
    const next = (): number => number++;
    this.chain = new Chain({ random: seeded(options.seed ?? 1), newSocket: next, newRequest: next });
    this.#drive = new Drive<LeaseInput, LeaseEffect>(this.chain, (effect) => {
      switch (effect.kind) {
        case 'http':
          this.orders.push(effect);
          void askGateway(effect).then((answer) => this.#drive.give(answer));
          break;
        case 'mapping':
          this.mapping = effect.mapping;
          this.heldAfter ??= performance.now() - this.#started;
          break;
        case 'verify':
          void options
            .judge?.(effect.external)
            .then((open) => this.#drive.give({ kind: open ? 'verified' : 'unverified', external: effect.external }));
          break;
        case 'keep':
          this.kept = effect.leases;
          break;
        case 'stopped':
          this.stopped = true;
          break;
      }
      setTimeout(() => this.#look(), 0);
    });
    if (options.observed !== undefined) this.#drive.give({ kind: 'observed', ip: options.observed });
    this.#drive.give({ kind: 'start', door: options.door, saved: options.saved ?? [] });
  }

  /** At our next hop. */
  get standings(): Standings | undefined {
    return this.chain.gateways[0]?.standings;
  }

  give(input: LeaseInput): void {
    this.#drive.give(input);
  }

  /** Waits until this is so. */
  async until(what: () => boolean, patience = 10_000): Promise<void> {
    if (what()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        done();
        reject(new Error(`not so after ${patience} ms: ${what.toString()}; ${this.told()}`));
      }, patience);
      const look = (): void => {
        if (!what()) return;
        done();
        resolve();
      };
      const poll = setInterval(look, 20);
      const done = (): void => {
        clearTimeout(timer);
        clearInterval(poll);
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
    });
  }

  told(): string {
    return JSON.stringify({ mapping: this.mapping, gateways: this.chain.gateways, refused: [...this.chain.refused] });
  }

  /** An orderly end: everything is taken back. */
  async stop(): Promise<void> {
    this.#drive.give({ kind: 'stop' });
    await this.until(() => this.stopped);
    this.#drive.stop();
  }

  /** As if the power went. */
  kill(): void {
    this.#drive.stop();
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}
