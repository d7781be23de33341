import { after, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Block } from '../blocks/block.ts';
import { cutChunks } from '../blocks/chunk.ts';
import { encodePeer, type PeerMessage, WANT_MANIFEST } from '../wire/peer.ts';
import { Portions } from './portions.ts';

/** A new child catches up from the newest keyframe; what it can't get in this time it does not need any more. */
const CATCH_UP = seconds(4);
/** What is asked for to fill a hole is late already. */
const FILL_IN = ms(800);

/** What the children of one channel are fed from. */
export interface Stock {
  get(number: number): Block | undefined;
  from(number: number | 'newest-key'): readonly Block[];
  /** Chunks and manifests of blocks that are not whole yet. */
  partial(number: number, wanted: number): readonly Uint8Array[];
}

/** What is said of the stream to a new child. */
export interface Standing {
  readonly channel: Uint8Array;
  readonly epoch: number;
  readonly tag: number;
  readonly name: string;
  /** Households between this one and the origin. */
  readonly depth: number;
  /** Age of the newest block here. */
  readonly lag: Millis;
  readonly newest: number;
}

export type ChildrenEffect = {
  readonly kind: 'tell';
  readonly pairId: number;
  readonly bytes: Uint8Array;
  readonly deadline?: Instant;
  readonly urgent?: boolean;
};

export interface ChildFacts {
  readonly pairId: number;
  readonly since: Instant;
  sentBytes: number;
  wants: number;
}

/** The households that one household (or the origin) feeds in one channel, and what others get out of its reserve. */
export class Children {
  readonly #children = new Map<number, ChildFacts>();
  readonly #portions = new Portions();

  get facts(): readonly ChildFacts[] {
    return [...this.#children.values()];
  }

  has(pairId: number): boolean {
    return this.#children.has(pairId);
  }

  /** A household is fed from now on: it gets the standing, then everything from where it asks or from the newest keyframe. */
  feed(
    pairId: number,
    from: number | 'newest',
    standing: Standing | undefined,
    stock: Stock,
    now: Instant,
  ): readonly ChildrenEffect[] {
    const child = this.#children.get(pairId) ?? { pairId, since: now, sentBytes: 0, wants: 0 };
    this.#children.set(pairId, child);
    // Nothing has come here either yet: the child gets what we get, as it comes.
    if (standing === undefined) return [];
    const { channel, epoch, depth, lag, name } = standing;
    const out: ChildrenEffect[] = [
      {
        kind: 'tell',
        pairId,
        bytes: encodePeer({ kind: 'subscribed', channel, epoch, depth, lag, name }),
        urgent: true,
      },
    ];
    const past = backlog(from, standing, stock);
    for (const block of this.#portions.mayCatchUp(pairId, past.length, now) ? past : []) {
      for (const bytes of messagesOf(block, standing.tag, 0)) {
        child.sentBytes += bytes.length;
        out.push({ kind: 'tell', pairId, bytes, deadline: after(now, CATCH_UP) });
      }
    }
    for (const bytes of stock.partial(standing.newest, 0)) out.push({ kind: 'tell', pairId, bytes });
    return out;
  }

  /** The same bytes for each child. */
  forward(bytes: Uint8Array): readonly ChildrenEffect[] {
    const out: ChildrenEffect[] = [];
    for (const child of this.#children.values()) {
      child.sentBytes += bytes.length;
      out.push({ kind: 'tell', pairId: child.pairId, bytes });
    }
    return out;
  }

  tellAll(message: PeerMessage): readonly ChildrenEffect[] {
    const bytes = encodePeer(message);
    return [...this.#children.keys()].map((pairId) => ({ kind: 'tell', pairId, bytes, urgent: true }));
  }

  /** Repair: what somebody misses of one block. Others than children get it out of the reserve. */
  want(
    pairId: number,
    number: number,
    wanted: number,
    tag: number,
    stock: Stock,
    now: Instant,
  ): readonly ChildrenEffect[] {
    const child = this.#children.get(pairId);
    const isChild = child !== undefined;
    if (!this.#portions.mayHave(pairId, isChild, now)) return [];
    const block = stock.get(number);
    const messages = block === undefined ? stock.partial(number, wanted) : messagesOf(block, tag, wanted);
    if (messages.length === 0) return [];
    this.#portions.had(pairId, isChild, now);
    if (isChild) {
      child.wants++;
      child.sentBytes += messages.reduce((sum, bytes) => sum + bytes.length, 0);
    }
    const deadline = after(now, FILL_IN);
    return messages.map((bytes) => ({ kind: 'tell', pairId, bytes, urgent: true, deadline }));
  }

  remove(pairId: number): boolean {
    return this.#children.delete(pairId);
  }
}

/** A number from before the ring is as good as none: a keyframe it is. One to come needs nothing from the past. */
function backlog(from: number | 'newest', standing: Standing, stock: Stock): readonly Block[] {
  if (from === 'newest') return stock.from('newest-key');
  if (from > standing.newest) return [];
  return stock.from(stock.get(from) === undefined ? 'newest-key' : from);
}

/** Manifest first, then chunks; `wanted` 0 means all. */
function messagesOf(block: Block, tag: number, wanted: number): readonly Uint8Array[] {
  const chunks = cutChunks(tag, block.number, block.bytes);
  if (wanted === 0) return [block.manifest, ...chunks];
  const chosen = chunks.filter((_, index) => (wanted & (1 << index)) !== 0);
  return (wanted & WANT_MANIFEST) !== 0 ? [block.manifest, ...chosen] : chosen;
}
