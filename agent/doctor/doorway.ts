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
  /** Observers see our socket there; `strangers` are places of those that it never writes to. Over IPv6 only what a gateway opens is tried. */
  | { readonly kind: 'seen'; readonly at: Address; readonly strangers: readonly number[] }
  | { readonly kind: 'knocked'; readonly index: number; readonly token: Uint8Array }
  /** The rendezvous has heard what it was asked last. */
  | { readonly kind: 'answered' }
  /** Everything is taken back. Answered by `stopped`. */
  | { readonly kind: 'stop' }
  | NetInput
  | HttpAnswer;

export type DoorwayEffect = NetEffect | HttpOrder | TryOrder | { readonly kind: 'stopped' };

/** What is asked for, s: the least that PCP knows (RFC 6887, 15), so that a doctor who was killed leaves nothing behind for long. */
const LIFETIME_S = 120;

/** One port, once: does anybody get in by it as it is, and does a gateway open it when it is asked? */
export class Doorway implements Machine<DoorwayInput, DoorwayEffect> {
  readonly #chain: Chain;
  readonly #knocking = new Knocking();
  readonly #came = new Set<string>();
  readonly #silent = new Set<string>();
  /** What gateways said of their outside, by address: also those whose mapping led nowhere. */
  readonly #wans = new Map<string, string>();
  #asked = false;
  #stopped = false;
  /** Where somebody may come in with nobody's help, if that is to be tried. */
  #bare: Address | undefined;
  /** A trial ended, and nobody knows whether it had begun. */
  #isUnheard = false;
  #mapping: Mapping | undefined;

  constructor(options: {
    readonly random: Random;
    readonly newSocket: () => SocketId;
    readonly newRequest: () => number;
  }) {
    this.#chain = new Chain({ ...options, lifetime: LIFETIME_S });
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
    if (this.#bare === undefined) return undefined;
    if (this.#silent.has(key(this.#bare))) return false;
    return this.#came.has(key(this.#bare)) && !this.#isMapping(this.#bare) ? true : undefined;
  }

  /** Nothing more is to be expected. */
  get over(): boolean {
    return this.#isTried && (!this.#asked || this.#isSettled);
  }

  /** All is taken back. */
  get stopped(): boolean {
    return this.#stopped;
  }

  step(input: DoorwayInput, now: Instant): readonly DoorwayEffect[] {
    switch (input.kind) {
      case 'start':
        return this.#start(input.way, input.port, now);
      case 'seen':
        this.#knocking.strangers = input.strangers;
        return [...this.#drive({ kind: 'observed', ip: input.at.ip }, now), ...this.#tryBare(input.at, now)];
      case 'knocked':
        return this.#knocked(input.index, input.token, now);
      case 'answered':
        this.#knocking.answered(now);
        return [];
      case 'stop':
        if (this.#asked) return this.#drive(input, now);
        this.#stopped = true;
        return [{ kind: 'stopped' }];
      case 'tick': {
        const { orders, silent, isUnheard } = this.#knocking.tick(now);
        if (isUnheard) this.#isUnheard = true;
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

  get #isTried(): boolean {
    if (!this.#knocking.isPossible || this.#bare === undefined || this.#isUnheard) return true;
    return this.#came.has(key(this.#bare)) || this.#silent.has(key(this.#bare));
  }

  get #isSettled(): boolean {
    if (this.#mapping !== undefined) {
      return this.#mapping.state !== 'claimed' || !this.#knocking.isPossible || this.#isUnheard;
    }
    const [own] = this.#chain.gateways;
    if (own?.standings === undefined) return false;
    return Object.values(own.standings).every(({ name }) => name === 'refused' || name === 'disproved');
  }

  /** An IPv4 line that has an address of the internet itself has nobody before it to be asked. */
  #start(way: Way | undefined, port: number, now: Instant): readonly DoorwayEffect[] {
    const { own, gateway } = way ?? {};
    if (own === undefined || gateway === undefined) return [];
    if (!own.includes(':') && scope(own) === 'public') return [];
    this.#asked = true;
    return this.#drive({ kind: 'start', door: { own, gateway, port }, saved: [] }, now);
  }

  /** An IPv6 address is the same with a pinhole and without: there it is for the filtering test to say who gets in as it is. */
  #tryBare(at: Address, now: Instant): readonly DoorwayEffect[] {
    if (at.ip.includes(':')) return [];
    this.#bare = at;
    return this.#knocking.try(at, now);
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
          return [effect];
        case 'stopped':
          this.#stopped = true;
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
