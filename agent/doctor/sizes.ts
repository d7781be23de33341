import type { SocketId } from '../base/net.ts';
import { after, type Instant, isDue, ms } from '../base/time.ts';
import { HEADER, TAG } from '../seal/header.ts';
import { anyOf } from './series.ts';
import type { Place, Trial, TrialEffect, TrialInput } from './trial.ts';

/**
 * Lengths of whole packets that are tried, in this order: what IPv6 promises (RFC 8200, 5), tunnels of several kinds,
 * 6in4, PPPoE, Ethernet.
 */
const PACKETS = [1280, 1360, 1400, 1420, 1452, 1480, 1492, 1500] as const;
/** Between two: a router's "too big" has come back by then, at home. */
const PACE = ms(30);
const PATIENCE = ms(700);
/** Type, length, id and index of a message. */
const FIELDS = 8;

/**
 * The longest packet that gets to observers in one piece. Of each length there go two, one after the other: whoever hears "too
 * big" (RFC 1191) cuts up all that follow, so it is the first that tells. Two observers have to agree, lest it was chance.
 */
export class Sizes implements Trial {
  readonly sockets: readonly [SocketId];
  readonly #observers: readonly Place[];
  readonly #came = new Set<number>();
  #state:
    | { readonly name: 'opening' }
    | { readonly name: 'sending'; readonly sent: number; readonly nextAt: Instant }
    | { readonly name: 'over' } = { name: 'opening' };

  /** `observers`: one of each address, the first two are asked. */
  constructor(socket: SocketId, observers: readonly Place[]) {
    this.sockets = [socket];
    this.#observers = observers.slice(0, OBSERVERS);
  }

  get over(): boolean {
    return this.#state.name === 'over';
  }

  /** Bytes, with the IP and UDP headers; undefined where none came. */
  get largest(): number | undefined {
    const lost = PACKETS.findIndex(
      (_, size) => !this.#observers.some((_o, place) => this.#came.has(indexOf(size, 0, place))),
    );
    return lost < 0 ? PACKETS.at(-1) : PACKETS[lost - 1];
  }

  begin(): readonly TrialEffect[] {
    const [first] = this.#observers;
    return first === undefined ? this.#end() : [{ kind: 'open', socket: this.sockets[0], ip: anyOf(first), port: 0 }];
  }

  step(input: TrialInput, now: Instant): readonly TrialEffect[] {
    switch (input.kind) {
      case 'opened':
        return this.#send(0, now);
      case 'failed':
        return this.#end();
      case 'observed':
        this.#came.add(input.index);
        return this.#came.size === PACKETS.length * COPIES * this.#observers.length ? this.#end() : [];
      case 'tick':
        return this.#state.name === 'sending' && isDue(this.#state.nextAt, now)
          ? this.#send(this.#state.sent, now)
          : [];
      case 'datagram':
      case 'filtered':
      case 'knocked':
        return [];
    }
  }

  wake(): Instant | undefined {
    return this.#state.name === 'sending' ? this.#state.nextAt : undefined;
  }

  /** The next round: one datagram to each observer. */
  #send(sent: number, now: Instant): readonly TrialEffect[] {
    const rounds = PACKETS.length * COPIES;
    if (sent === rounds) return this.#end();
    this.#state = { name: 'sending', sent: sent + 1, nextAt: after(now, sent + 1 === rounds ? PATIENCE : PACE) };
    const [size, copy] = [Math.floor(sent / COPIES), sent % COPIES];
    return this.#observers.map(({ number, address }, place): TrialEffect => {
      const around = (address.ip.includes(':') ? 48 : 28) + HEADER + TAG + FIELDS;
      const filler = (PACKETS[size] ?? 0) - around;
      return { kind: 'stretch', socket: this.sockets[0], observer: number, index: indexOf(size, copy, place), filler };
    });
  }

  #end(): readonly TrialEffect[] {
    this.#state = { name: 'over' };
    return [{ kind: 'close', socket: this.sockets[0] }];
  }
}

const OBSERVERS = 2;
const COPIES = 2;

function indexOf(size: number, copy: number, place: number): number {
  return (size * COPIES + copy) * OBSERVERS + place;
}
