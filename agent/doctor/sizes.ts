import type { SocketId } from '../base/net.ts';
import { after, type Instant, isDue, seconds } from '../base/time.ts';
import { HEADER, TAG } from '../seal/header.ts';
import { anyOf } from './series.ts';
import type { Place, Trial, TrialEffect, TrialInput } from './trial.ts';

/**
 * Lengths of whole packets that are tried: what IPv6 promises (RFC 8200, 5), tunnels of several kinds, WireGuard, L2TP, DS-Lite,
 * PPPoE, Ethernet.
 */
const PACKETS = [1280, 1360, 1400, 1420, 1452, 1460, 1480, 1492, 1500] as const;
/** Each so often, in the same tick: once a router has said "too big", the system cuts the next one up. */
const TIMES = 2;
const PATIENCE = seconds(1);
/** Type, length, id and index of a message. */
const FIELDS = 8;

/** The longest packet that gets to an observer in one piece. */
export class Sizes implements Trial {
  readonly sockets: readonly [SocketId];
  readonly #observer: Place;
  readonly #came = new Set<number>();
  #state: 'opening' | 'waiting' | 'over' = 'opening';
  #until: Instant | undefined;

  constructor(socket: SocketId, observer: Place) {
    this.sockets = [socket];
    this.#observer = observer;
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  /** Bytes, with the IP and UDP headers; undefined where none came. */
  get largest(): number | undefined {
    const came = PACKETS.filter((_, index) => this.#came.has(index));
    return came.at(-1);
  }

  begin(): readonly TrialEffect[] {
    return [{ kind: 'open', socket: this.sockets[0], ip: anyOf(this.#observer), port: 0 }];
  }

  step(input: TrialInput, now: Instant): readonly TrialEffect[] {
    switch (input.kind) {
      case 'opened':
        this.#state = 'waiting';
        this.#until = after(now, PATIENCE);
        return this.#send();
      case 'failed':
        return this.#end();
      case 'observed':
        this.#came.add(input.index);
        return this.#came.size === PACKETS.length ? this.#end() : [];
      case 'tick':
        return isDue(this.#until, now) ? this.#end() : [];
      case 'datagram':
      case 'filtered':
      case 'knocked':
        return [];
    }
  }

  wake(): Instant | undefined {
    return this.#until;
  }

  #send(): readonly TrialEffect[] {
    const { number: observer, address } = this.#observer;
    const around = (address.ip.includes(':') ? 48 : 28) + HEADER + TAG + FIELDS;
    const [socket] = this.sockets;
    return Array.from({ length: TIMES }, () =>
      PACKETS.map((length, index): TrialEffect => {
        return { kind: 'stretch', socket, observer, index, filler: length - around };
      }),
    ).flat();
  }

  #end(): readonly TrialEffect[] {
    this.#state = 'over';
    this.#until = undefined;
    return [{ kind: 'close', socket: this.sockets[0] }];
  }
}
