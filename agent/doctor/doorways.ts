import { type Address, scope } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetInput, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import type { HttpAnswer } from '../portmap/client.ts';
import { Doorway, type DoorwayEffect, type DoorwayInput, type Way } from './doorway.ts';
import type { Sight } from './sight.ts';

export interface DoorwaysOptions {
  readonly random: Random;
  readonly newSocket: () => SocketId;
  /** Whom to ask for a mapping, and whom for a pinhole. */
  readonly four: Way | undefined;
  readonly six: Way | undefined;
}

export type DoorwaysInput =
  /** The main socket is bound to this port. */
  | { readonly kind: 'bound'; readonly port: number }
  /** Observers see us there; `observers`: all of them, by their places. `written`: the IPs among them that the socket writes to. */
  | {
      readonly kind: 'seen';
      readonly at: Address;
      readonly observers: readonly Address[];
      readonly written: readonly string[];
    }
  | {
      readonly kind: 'knocked';
      readonly socket: SocketId;
      readonly index: number;
      readonly token: Uint8Array;
    }
  | Extract<DoorwayInput, { kind: 'answered' | 'stop' }>
  | NetInput
  | HttpAnswer;

/** The ways into the house: the main socket's over IPv4, and one over IPv6, whose socket never writes to anybody. */
export class Doorways implements Machine<DoorwaysInput, DoorwayEffect> {
  readonly #four: Doorway;
  readonly #six: { readonly door: Doorway; readonly way: Way; readonly socket: SocketId } | undefined;
  readonly #fourWay: Way | undefined;
  #sixPort: number | undefined;

  constructor({ four, six, random, newSocket }: DoorwaysOptions) {
    let requests = 0;
    const options = { random, newSocket, newRequest: (): number => ++requests };
    this.#fourWay = four;
    this.#four = new Doorway(options);
    const isAsked = six?.gateway !== undefined && scope(six.own) === 'public';
    this.#six = isAsked ? { door: new Doorway(options), way: six, socket: newSocket() } : undefined;
  }

  get sight(): Pick<Sight, 'gateways' | 'mapping' | 'isOpen' | 'pinhole'> {
    const { gateways, mapping, isOpen } = this.#four;
    const six = this.#six?.door;
    return { gateways, mapping, isOpen, pinhole: six && { gateways: six.gateways, mapping: six.mapping } };
  }

  get over(): boolean {
    return this.#doors.every(({ over }) => over);
  }

  step(input: DoorwaysInput, now: Instant): readonly DoorwayEffect[] {
    switch (input.kind) {
      case 'bound': {
        const six = this.#six;
        const four = this.#four.step({ kind: 'start', way: this.#fourWay, port: input.port }, now);
        return six === undefined ? four : [...four, { kind: 'open', socket: six.socket, ip: six.way.own, port: 0 }];
      }
      case 'seen':
        return this.#seen(input, now);
      case 'knocked': {
        const { index, token } = input;
        const door = input.socket === this.#six?.socket ? this.#six.door : this.#four;
        return door.step({ kind: 'knocked', index, token }, now);
      }
      case 'opened':
        if (input.socket !== this.#six?.socket) return this.#give(this.#doors, input, now);
        this.#sixPort = input.local.port;
        return this.#six.door.step({ kind: 'start', way: this.#six.way, port: this.#sixPort }, now);
      case 'stop':
        return this.#give(this.#doors, input, now);
      case 'tick':
        return this.#give(
          this.#doors.filter((door) => isDue(door.wake(), now)),
          input,
          now,
        );
      case 'answered':
      case 'failed':
      case 'datagram':
      case 'http-answered':
      case 'http-failed':
        return this.#give(this.#doors, input, now);
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#four.wake(), this.#six?.door.wake());
  }

  get #doors(): readonly Doorway[] {
    return this.#six === undefined ? [this.#four] : [this.#four, this.#six.door];
  }

  /** `stopped` is said once, when it holds for both. */
  #give(doors: readonly Doorway[], input: DoorwayInput, now: Instant): readonly DoorwayEffect[] {
    const wasStopped = this.#isStopped;
    const effects = doors.flatMap((door) => door.step(input, now)).filter(({ kind }) => kind !== 'stopped');
    return this.#isStopped && !wasStopped ? [...effects, { kind: 'stopped' }] : effects;
  }

  get #isStopped(): boolean {
    return this.#doors.every(({ stopped }) => stopped);
  }

  #seen({ at, observers, written }: Extract<DoorwaysInput, { kind: 'seen' }>, now: Instant): readonly DoorwayEffect[] {
    const isSix = at.ip.includes(':');
    const strangers = [...observers.entries()]
      .filter(([, { ip }]) => ip.includes(':') === isSix && !written.includes(ip))
      .map(([number]) => number);
    if (!isSix) return this.#four.step({ kind: 'seen', at, strangers }, now);
    if (this.#sixPort === undefined || this.#six === undefined) return [];
    return this.#six.door.step({ kind: 'seen', at: { ip: at.ip, port: this.#sixPort }, strangers }, now);
  }
}
