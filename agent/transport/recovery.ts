import type { Instant } from '../base/time.ts';
import { ACK_PATIENCE, type Acks } from './acks.ts';
import type { Bbr } from './bbr.ts';
import type { Ack } from './frames.ts';
import type { Flight, Packet } from './loss.ts';
import type { Outbox } from './outbox.ts';
import type { Parts } from './parts.ts';
import type { Rtt } from './rtt.ts';

/** Weight of one packet in the loss rate. */
const LOSS_SHARE = 1 / 256;

/** What becomes of the packets that left: messages that arrived are settled, lost ones go again, and bbr learns of both. */
export class Recovery {
  readonly #rtt: Rtt;
  readonly #acks: Acks;
  readonly #outbox: Outbox;
  readonly #flight: Flight;
  readonly #bbr: Bbr;
  /** Everything in flight went to the old address: sent again after the next body, which may still acknowledge some of it. */
  #inDoubt = false;
  #lossRate = 0;
  #lost = 0;
  #late = 0;

  constructor({ rtt, acks, outbox, flight, bbr }: Parts) {
    this.#rtt = rtt;
    this.#acks = acks;
    this.#outbox = outbox;
    this.#flight = flight;
    this.#bbr = bbr;
  }

  /** Share of the last some hundred packets taken for lost. */
  get lossRate(): number {
    return this.#lossRate;
  }

  /** Packets taken for lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** Those of them that were acknowledged after all. */
  get late(): number {
    return this.#late;
  }

  /** A tick is due, unless a body comes first. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /** What is in flight may be lost with its path. */
  doubt(): void {
    this.#inDoubt = true;
  }

  /** False when it speaks of packets that were never sent. */
  acknowledge(ack: Ack, now: Instant): boolean {
    const flight = this.#flight;
    if (!flight.acknowledge(ack, this.#rtt, ACK_PATIENCE, now)) return false;
    for (const packet of flight.acknowledged) this.#arrived(packet);
    for (const packet of flight.late) this.#arrived(packet);
    this.#lossRate *= (1 - LOSS_SHARE) ** flight.acknowledged.length;
    this.#late += flight.late.length;
    this.#repairLost(now);
    this.#bbr.acknowledged(flight.acknowledged, flight.lost, flight.bytes, now);
    return true;
  }

  /** Everything in doubt goes once more. */
  startAgain(now: Instant): void {
    if (!this.#inDoubt) return;
    this.#inDoubt = false;
    this.#flight.abandon();
    this.#repairLost(now);
  }

  /** True when a probe must leave. */
  tick(now: Instant): boolean {
    this.startAgain(now);
    const probe = this.#flight.tick(this.#rtt, ACK_PATIENCE, now);
    if (this.#flight.lost.length > 0) {
      this.#repairLost(now);
      this.#bbr.acknowledged([], this.#flight.lost, this.#flight.bytes, now);
      this.#flight.lost.length = 0;
    }
    return probe;
  }

  #arrived(packet: Packet): void {
    if (packet.message !== undefined) this.#outbox.acknowledged(packet.message);
    packet.message = undefined;
    if (packet.reported >= 0) this.#acks.settle(packet.reported);
  }

  #repairLost(now: Instant): void {
    for (const packet of this.#flight.lost) {
      this.#lost++;
      this.#lossRate += (1 - this.#lossRate) * LOSS_SHARE;
      if (packet.message !== undefined) this.#outbox.repair(packet.message, now);
    }
  }
}
