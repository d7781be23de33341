import { after, type Instant, seconds } from '../base/time.ts';
import type { Entry, Peer, Short } from './talk.ts';

/** Entries kept, and told at once: 9 bytes each, so a telling is a small datagram. */
const KEPT = 32;
export const TOLD = 4;
/** What was true two tellings ago is worth a try, not more. */
const GOOD_FOR = seconds(180);

interface Known extends Entry {
  /** Who spoke of it, and can bring us together. */
  readonly via: Peer;
  readonly until: Instant;
}

/** Households heard of: bounded, by rumour, and enough to find a parent while no rendezvous is there. */
export class Roll {
  readonly #known = new Map<Short, Known>();

  enter(via: Peer, entries: readonly Entry[], own: Short, now: Instant): void {
    for (const entry of entries.slice(0, TOLD)) {
      if (entry.short === own) continue;
      this.#known.delete(entry.short);
      this.#known.set(entry.short, { ...entry, via, until: after(now, GOOD_FOR) });
    }
    for (const short of this.#known.keys()) {
      if (this.#known.size <= KEPT) return;
      this.#known.delete(short);
    }
  }

  /** One with a free slot, the shallowest first, that somebody we have a session with knows; it is taken out. */
  take(isKnown: (via: Peer) => boolean, now: Instant): Known | undefined {
    let best: Known | undefined;
    for (const known of this.#known.values()) {
      if (known.until <= now || known.free < 1 || !isKnown(known.via)) continue;
      if (best === undefined || known.depth < best.depth) best = known;
    }
    if (best !== undefined) this.#known.delete(best.short);
    return best;
  }
}
