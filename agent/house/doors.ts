import type { Address } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetInput, SocketId } from '../base/net.ts';
import type { Opening } from '../base/opening.ts';
import type { Random } from '../base/random.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import type { HttpAnswer } from '../portmap/client.ts';
import type { SavedLease } from '../portmap/saved.ts';
import type { Proven } from '../wire/messages.ts';
import { FrontDoor, type FrontDoorEffect, type FrontDoorInput, type MappingView } from './front-door.ts';
import type { Uplink } from './uplink.ts';

const FAMILIES = ['four', 'six'] as const;
type Family = (typeof FAMILIES)[number];

export type DoorsInput =
  /** Which lines there are, from now on, of each family the one first that the kernel takes; `saved` is what an earlier run left at gateways. */
  | { readonly kind: 'uplinks'; readonly uplinks: readonly Uplink[]; readonly saved: readonly SavedLease[] }
  | ({ readonly family: Family } & Extract<FrontDoorInput, { kind: 'bound' }>)
  /** `observers`: all of the rendezvous; `written`: the IPs among them that our socket writes to. */
  | {
      readonly kind: 'seen';
      readonly family: Family;
      readonly at: Address;
      readonly observers: readonly Address[];
      readonly written: readonly string[];
      readonly isNew: boolean;
    }
  | { readonly kind: 'knocked'; readonly family: Family; readonly index: number; readonly token: Uint8Array }
  | Extract<FrontDoorInput, { kind: 'answered' | 'doubt' | 'stirred' | 'stop' }>
  | NetInput
  | HttpAnswer;

/** The front doors of a household, one for IPv4 and one for IPv6. */
export class Doors implements Machine<DoorsInput, FrontDoorEffect> {
  readonly #fronts: Readonly<Record<Family, FrontDoor>>;
  readonly #sockets = new Set<SocketId>();
  readonly #kept: Record<Family, readonly SavedLease[]> = { four: [], six: [] };
  #isStopping = false;
  #running = FAMILIES.length;

  constructor(random: Random, newSocket: () => SocketId) {
    let request = 0;
    const newRequest = (): number => ++request;
    const options = { random, newSocket, newRequest };
    this.#fronts = { four: new FrontDoor(options), six: new FrontDoor(options) };
  }

  /** Is that one of our sockets towards gateways? */
  owns(socket: SocketId): boolean {
    return this.#sockets.has(socket);
  }

  /** What stands open, with its proofs. */
  get open(): readonly Proven[] {
    return FAMILIES.flatMap((family) => this.#fronts[family].open ?? []);
  }

  /** How an IPv4 port stands open. */
  get opening(): Opening {
    return this.#fronts.four.open?.opening ?? 'none';
  }

  /** IPv4 addresses that gateways gave and nobody has tried. */
  get claimed(): readonly Address[] {
    return this.#fronts.four.mappings.flatMap(({ external, verified }) => (verified ? [] : (external ?? [])));
  }

  get mappings(): readonly MappingView[] {
    return FAMILIES.flatMap((family) => this.#fronts[family].mappings);
  }

  step(input: DoorsInput, now: Instant): readonly FrontDoorEffect[] {
    switch (input.kind) {
      case 'uplinks':
        return FAMILIES.flatMap((family) => {
          const ours = ({ own }: { readonly own: string }): boolean => own.includes(':') === (family === 'six');
          const saved = input.saved.filter(ours);
          if (saved.length > 0) this.#kept[family] = saved;
          const way = input.uplinks.find(ours);
          return this.#give(family, { kind: 'way', way, saved }, now);
        });
      case 'bound':
      case 'knocked':
        return this.#give(input.family, input, now);
      case 'seen': {
        const { family, at, observers, written, isNew } = input;
        const strangers = observers.flatMap(({ ip }, place) =>
          ip.includes(':') === at.ip.includes(':') && !written.includes(ip) ? [place] : [],
        );
        return this.#give(family, { kind: 'seen', at, strangers, isNew }, now);
      }
      case 'stop':
        if (this.#isStopping) return [];
        this.#isStopping = true;
        return this.#giveAll(input, now);
      case 'tick':
        return FAMILIES.flatMap((family) =>
          isDue(this.#fronts[family].wake(), now) ? this.#give(family, input, now) : [],
        );
      case 'answered':
      case 'doubt':
      case 'stirred':
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'http-answered':
      case 'http-failed':
        return this.#giveAll(input, now);
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#fronts.four.wake(), this.#fronts.six.wake());
  }

  #giveAll(input: FrontDoorInput, now: Instant): FrontDoorEffect[] {
    return FAMILIES.flatMap((family) => this.#give(family, input, now));
  }

  #give(family: Family, input: FrontDoorInput, now: Instant): FrontDoorEffect[] {
    return this.#fronts[family].step(input, now).flatMap((effect): readonly FrontDoorEffect[] => {
      switch (effect.kind) {
        case 'open':
          this.#sockets.add(effect.socket);
          return [effect];
        case 'close':
          this.#sockets.delete(effect.socket);
          return [effect];
        case 'keep':
          this.#kept[family] = effect.leases;
          return [{ kind: 'keep', leases: FAMILIES.flatMap((each) => this.#kept[each]) }];
        case 'stopped':
          return --this.#running === 0 ? [effect] : [];
        case 'send':
        case 'http':
        case 'try-door':
        case 'changed':
        case 'event':
          return [effect];
      }
    });
  }
}
