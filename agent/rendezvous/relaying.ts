import type { Instant } from '../base/time.ts';
import type { NodeId, Relay } from '../wire/messages.ts';
import { spend } from '../base/allowance.ts';
import type { Bridging } from './bridging.ts';
import { type Client, keyOf, NUDGING } from './directory.ts';
import type { RendezvousEffect } from './events.ts';
import type { Came, Floor } from './floor.ts';
import { say } from './saying.ts';

/** Carries between two households what does not reach the other directly. */
export class Relaying {
  readonly #floor: Floor;
  readonly #bridging: Bridging;
  #bytes = 0;

  constructor(floor: Floor, bridging: Bridging) {
    this.#floor = floor;
    this.#bridging = bridging;
  }

  /** Relayed so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Only between two who were introduced and took it, and within what the sender may. */
  relay(client: Client, { pairId, bytes }: Relay, now: Instant): RendezvousEffect[] {
    const pair = this.#floor.matchmaker.pairs.get(pairId);
    if (pair === undefined || (pair.asker !== client.nodeKey && pair.target !== client.nodeKey)) {
      return this.#floor.refuse('no-pair');
    }
    const isEarly = !pair.accepted && pair.asker === client.nodeKey;
    if (!pair.relayAllowed || this.#floor.limits.relayKbits === 0 || (!pair.accepted && !isEarly))
      return this.#floor.refuse('relay-not-allowed');
    const other = this.#floor.directory.byNode(pair.asker === client.nodeKey ? pair.target : pair.asker);
    if (other === undefined) return this.#floor.refuse('peer-offline');
    if (spend(client.relaying, this.#floor.directory.relaying, bytes.length, now) !== 'spent') {
      return this.#floor.refuse('relay-rate');
    }
    // The introduction may be on its way: the first words wait for it.
    if (isEarly) {
      pair.held = bytes;
      return [];
    }
    this.#floor.matchmaker.pairs.keep(pair, now);
    this.#bytes += bytes.length;
    const relayed = this.#floor.voice.tell(other, [{ kind: 'relayed', pairId, bytes }], now);
    const words = this.#bridging.used(pair, bytes.length, now);
    return words.length === 0 ? relayed : [...relayed, ...say(this.#floor, words, now)];
  }

  /**
   * A NAT gave one of two neighbours another port, and the other's NAT lets nothing in from there: only we can tell. It
   * says no more of a household than that household asked for, and whoever does not know it ignores it.
   */
  nudge(client: Client, node: NodeId, came: Came, now: Instant): RendezvousEffect[] {
    if (spend(client.nudging, NUDGING, 1, now) !== 'spent') return this.#floor.refuse('quota');
    const other = this.#floor.directory.byNode(keyOf(node));
    if (other === undefined) return this.#floor.refuse('peer-offline');
    return this.#floor.voice.tell(other, [{ kind: 'nudged', node: client.node, address: came.from }], now);
  }
}
