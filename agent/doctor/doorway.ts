import { type Address, key, sameAddress, scope } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import { Knocking, type TryOrder } from '../house/knocking.ts';
import type { HttpAnswer, HttpOrder } from '../portmap/client.ts';
import type { Standing } from '../portmap/contest.ts';
import { Chain } from '../portmap/chain.ts';
import type { Mapping } from '../portmap/mapping.ts';
import type { LeaseInput } from '../portmap/orders.ts';
import type { GatewaySeen } from './sight.ts';

/** Where our datagrams leave, and the port that is to be reached. */
export interface Way {
  readonly own: string;
  /** The next hop; undefined where the line has none. */
  readonly gateway: string | undefined;
}

export type DoorwayInput =
  | { readonly kind: 'start'; readonly way: Way | undefined; readonly port: number }
  /** Observers see our socket there; `strangers` are places of those that it never writes to. */
  | { readonly kind: 'seen'; readonly at: Address; readonly strangers: readonly number[] }
  | { readonly kind: 'knocked'; readonly index: number; readonly token: Uint8Array }
  /** Everything is taken back. Answered by `stopped`. */
  | { readonly kind: 'stop' }
  | NetInput
  | HttpAnswer;

export type DoorwayEffect = NetEffect | HttpOrder | TryOrder | { readonly kind: 'stopped' };

/** One port, once: does anybody get in by it as it is, and does a gateway open it when it is asked? */
export class Doorway implements Machine<DoorwayInput, DoorwayEffect> {
  readonly #chain: Chain;
  readonly #knocking = new Knocking();
  readonly #came = new Set<string>();
  readonly #silent = new Set<string>();
  /** What gateways said of their outside, by address: also those whose mapping led nowhere. */
  readonly #wans = new Map<string, string>();
  #asked = false;
  #seen: Address | undefined;
  #mapping: Mapping | undefined;

  constructor(options: {
    readonly random: Random;
    readonly newSocket: () => SocketId;
    readonly newRequest: () => number;
  }) {
    this.#chain = new Chain(options);
  }

  /** Those that were asked and exist: behind our own, addresses are guessed. */
  get gateways(): readonly GatewaySeen[] {
    return this.#chain.gateways.flatMap(({ standings, ...gateway }) => {
      if (standings === undefined) return [];
      const said = Object.values(standings).some((standing) => hasSaid(standing));
      const wan = gateway.wan ?? this.#wans.get(gateway.address);
      return gateway.layer === 1 || said ? [{ ...gateway, wan, standings }] : [];
    });
  }

  get mapping(): Mapping | undefined {
    return this.#mapping;
  }

  /**
   * Whether a stranger came in where we are seen, with nobody's help; undefined where that was not tried to the end, and where it is a
   * mapping that leads there.
   */
  get isOpen(): boolean | undefined {
    if (this.#seen === undefined) return undefined;
    if (this.#silent.has(key(this.#seen))) return false;
    return this.#came.has(key(this.#seen)) && !this.#isMapping(this.#seen) ? true : undefined;
  }

  /** Nothing more is to be expected. */
  get over(): boolean {
    const name = this.#seen === undefined ? '' : key(this.#seen);
    const isTried = !this.#knocking.isPossible || this.#came.has(name) || this.#silent.has(name);
    return isTried && (!this.#asked || this.#isSettled);
  }

  step(input: DoorwayInput, now: Instant): readonly DoorwayEffect[] {
    switch (input.kind) {
      case 'start':
        return this.#start(input.way, input.port, now);
      case 'seen':
        this.#seen = input.at;
        this.#knocking.strangers = input.strangers;
        return [...this.#drive({ kind: 'observed', ip: input.at.ip }, now), ...this.#knocking.try(input.at, now)];
      case 'knocked':
        return this.#knocked(input.index, input.token, now);
      case 'stop':
        return this.#asked ? this.#drive(input, now) : [{ kind: 'stopped' }];
      case 'tick': {
        const { orders, silent } = this.#knocking.tick(now);
        const driven = isDue(this.#chain.wake(), now) ? this.#drive(input, now) : [];
        return [...orders, ...silent.flatMap((at) => this.#kept(at, now)), ...driven];
      }
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'http-answered':
      case 'http-failed':
        return this.#drive(input, now);
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#chain.wake(), this.#knocking.wake());
  }

  get #isSettled(): boolean {
    if (this.#mapping !== undefined) return this.#mapping.state !== 'claimed' || !this.#knocking.isPossible;
    const [own] = this.#chain.gateways;
    if (own?.standings === undefined) return false;
    return Object.values(own.standings).every(({ name }) => name === 'refused' || name === 'disproved');
  }

  /** A line that has an address of the internet itself has nobody before it to be asked. */
  #start(way: Way | undefined, port: number, now: Instant): readonly DoorwayEffect[] {
    const { own, gateway } = way ?? {};
    if (own === undefined || gateway === undefined || scope(own) === 'public') return [];
    this.#asked = true;
    return this.#drive({ kind: 'start', door: { own, gateway, port }, saved: [] }, now);
  }

  #drive(input: LeaseInput, now: Instant): readonly DoorwayEffect[] {
    const effects = this.#chain.step(input, now);
    for (const { address, wan } of this.#chain.gateways) if (wan !== undefined) this.#wans.set(address, wan);
    return effects.flatMap((effect): readonly DoorwayEffect[] => {
      switch (effect.kind) {
        case 'open':
        case 'send':
        case 'close':
        case 'http':
        case 'stopped':
          return [effect];
        case 'mapping':
          this.#mapping = effect.mapping;
          return [];
        case 'verify':
          return this.#knocking.try(effect.external, now);
        case 'keep':
          return [];
      }
    });
  }

  #knocked(index: number, token: Uint8Array, now: Instant): readonly DoorwayEffect[] {
    const entered = this.#knocking.knocked(index, token);
    if (entered === undefined) return [];
    this.#came.add(key(entered.at));
    return this.#isMapping(entered.at) ? this.#drive({ kind: 'verified', external: entered.at }, now) : [];
  }

  /** Nobody came in there. */
  #kept(at: Address, now: Instant): readonly DoorwayEffect[] {
    this.#silent.add(key(at));
    return this.#isMapping(at) ? this.#drive({ kind: 'unverified', external: at }, now) : [];
  }

  #isMapping(at: Address): boolean {
    const external = this.#mapping?.external;
    return external !== undefined && sameAddress(external, at);
  }
}

function hasSaid(standing: Standing): boolean {
  switch (standing.name) {
    case 'looking':
    case 'asked':
      return false;
    case 'present':
    case 'granted':
    case 'disproved':
      return true;
    case 'refused':
      return standing.reason !== 'silent' && standing.reason !== 'no-service' && standing.reason !== 'no-socket';
  }
}
