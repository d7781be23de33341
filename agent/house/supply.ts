import type { Instant } from '../base/time.ts';
import type { MemberEffect, Peer } from '../tree/talk.ts';
import { ASK_MOST, type PeerMessage } from '../wire/peer.ts';
import type { Children } from './children.ts';
import type { Count } from './count.ts';
import type { KinOptions, Orders } from './kinship.ts';
import { tell } from './words.ts';

/** Blocks between this household and others: what it gives to whom, what it asks of whom, by the numbers of the epoch. */
export class Supply {
  readonly #options: Pick<KinOptions, 'channel' | 'larder'>;
  readonly #children: Children;
  readonly #count: Count;

  constructor(options: Pick<KinOptions, 'channel' | 'larder'>, children: Children, count: Count) {
    this.#options = options;
    this.#children = children;
    this.#count = count;
  }

  get tag(): number | undefined {
    return this.#options.larder.standing()?.tag;
  }

  /** To a child, from that block on. */
  feed(pairId: Peer, from: number | 'newest', now: Instant, out: Orders): void {
    const { larder } = this.#options;
    out.push(...this.#children.feed(pairId, from, larder.standing(), larder, now));
    out.push({ kind: 'event', name: 'child', fields: { pair: pairId } });
  }

  /** What somebody misses, if it is of the same epoch. */
  give(pairId: Peer, asked: Extract<PeerMessage, { kind: 'want' | 'ask' }>, now: Instant, out: Orders): void {
    const { tag } = asked;
    if (tag !== this.tag) return;
    const numbers = asked.kind === 'want' ? [asked.number] : asked.numbers;
    const wanted = asked.kind === 'want' ? asked.wanted : 0;
    for (const number of numbers)
      out.push(...this.#children.want(pairId, number, wanted, tag, this.#options.larder, now));
  }

  /** Asks to be fed. */
  subscribe(order: Extract<MemberEffect, { kind: 'subscribe' }>, out: Orders): void {
    const { peer, slots, height, instead } = order;
    const from = order.from === 'newest' ? 'newest' : (this.#count.back(order.from) ?? 'newest');
    const { channel } = this.#options;
    tell([peer], { kind: 'subscribe', channel, tag: this.tag ?? 0, from, slots, height, instead }, out);
  }

  /** Asks for blocks: by their pieces where some are here, whole otherwise. */
  ask({ peer, numbers }: Extract<MemberEffect, { kind: 'ask' }>, out: Orders): void {
    const { tag } = this;
    if (tag === undefined) return;
    const whole: number[] = [];
    for (const number of numbers.flatMap((counted) => this.#count.back(counted) ?? [])) {
      const wanted = this.#options.larder.wanted(number);
      if (wanted === 0) whole.push(number);
      else tell([peer], { kind: 'want', tag, number, wanted }, out);
    }
    if (whole.length > 0) tell([peer], { kind: 'ask', tag, numbers: whole.slice(0, ASK_MOST) }, out);
  }
}
