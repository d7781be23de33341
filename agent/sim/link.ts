import { between, type Random } from '../base/random.ts';
import { type Instant, type Millis, ms } from '../base/time.ts';
import type { Ground } from './ground.ts';
import { HEADERS, type Packet } from './packet.ts';

/** One direction of a link. What is left out does not happen; an empty one is ideal. */
export interface LinkShape {
  readonly delay?: Millis;
  /** Added to the delay, evenly spread from 0 to this; never changes the order. */
  readonly jitter?: Millis;
  /** Share of datagrams lost. */
  readonly loss?: number;
  /** Mean number of datagrams lost in a row, where losses come in bursts (after Gilbert); 1 without. */
  readonly burst?: number;
  /** Share of datagrams held back by `reorderBy`, so that later ones overtake them. */
  readonly reorder?: number;
  readonly reorderBy?: Millis;
  /** Share of datagrams that arrive twice. */
  readonly duplicate?: number;
  /** Bits per second, headers included. */
  readonly rate?: number;
  /** How long a datagram may wait for a rate-limited link before it is dropped; default 100 ms. */
  readonly queue?: Millis;
  /** Least time between two datagrams: a router that needs 0.5 ms for each. */
  readonly spacing?: Millis;
}

/** A link the same in both directions, or each its own; up is away from the one who has the link. */
export type AccessShape = LinkShape | { readonly up: LinkShape; readonly down: LinkShape };

const QUEUE = ms(100);

/** Carries datagrams one way. */
export class Link {
  /** May be replaced while running: the weather changes. */
  shape: LinkShape;
  readonly #ground: Ground;
  readonly #where: string;
  readonly #deliver: (packet: Packet) => void;
  #random: Random | undefined;
  #lastArrival = 0;
  #freeAt = 0;
  #losing = false;

  constructor(ground: Ground, shape: LinkShape, where: string, deliver: (packet: Packet) => void) {
    this.shape = shape;
    this.#ground = ground;
    this.#where = where;
    this.#deliver = deliver;
  }

  carry(packet: Packet): void {
    if (this.#loses()) {
      this.#ground.drop('loss', packet, this.#where);
      return;
    }
    const leaves = this.#leaves(packet);
    if (leaves === undefined) {
      this.#ground.drop('queue', packet, this.#where);
      return;
    }
    this.#arrive(packet, leaves);
    if (this.#happens(this.shape.duplicate)) this.#arrive({ ...packet, bytes: packet.bytes.slice() }, leaves);
  }

  #arrive(packet: Packet, leaves: number): void {
    const { delay = 0, jitter = 0, reorder, reorderBy = 0 } = this.shape;
    let arrives = leaves + delay;
    if (jitter > 0) {
      arrives = Math.max(arrives + between(this.#chance(), 0, jitter), this.#lastArrival);
      this.#lastArrival = arrives;
    }
    if (this.#happens(reorder)) arrives += reorderBy;
    if (arrives <= this.#ground.now) this.#deliver(packet);
    else this.#ground.at(arrives, () => this.#deliver(packet));
  }

  /** When its last bit is on the wire; undefined when it would wait too long. */
  #leaves(packet: Packet): number | undefined {
    const { rate, spacing = 0, queue = QUEUE } = this.shape;
    const now: Instant = this.#ground.now;
    if (rate === undefined && spacing === 0) return now;
    const starts = Math.max(now, this.#freeAt);
    if (starts - now > queue) return undefined;
    const takes = rate === undefined ? 0 : ((packet.bytes.length + HEADERS) * 8000) / rate;
    this.#freeAt = starts + Math.max(takes, spacing);
    return this.#freeAt;
  }

  /** Two states, after Gilbert: a loss begins so often that the share over time is `loss`. */
  #loses(): boolean {
    const { loss = 0, burst = 1 } = this.shape;
    if (loss <= 0) return false;
    if (burst <= 1) return this.#happens(loss);
    this.#losing = this.#losing ? !this.#happens(1 / burst) : this.#happens(loss / ((1 - loss) * burst));
    return this.#losing;
  }

  #happens(share: number | undefined): boolean {
    return share !== undefined && share > 0 && between(this.#chance(), 0, 1) < share;
  }

  #chance(): Random {
    this.#random ??= this.#ground.chance();
    return this.#random;
  }
}
