import { forgetOldest } from '../base/newest.ts';
import { after, type Instant, seconds } from '../base/time.ts';
import type { Entry, Peer, Short } from './talk.ts';

/** Entries kept, and told at once: 9 bytes each, so a telling is a small datagram. */
const KEPT = 32;
export const TOLD = 4;
/** Of one teller: two tellings, and one that speaks all the time does not push out what others said. */
const KEPT_OF_ONE = 2 * TOLD;
/** What was true two tellings ago is worth a try, not more. */
const GOOD_FOR = seconds(180);

const TRIED_FOR = seconds(20);
const TRIED_MOST = 128;

interface Known extends Entry {
  /** Who spoke of it, and can bring us together. */
  readonly via: Peer;
  readonly until: Instant;
}

/** Households heard of: bounded, by rumour, and enough to find a parent while no rendezvous is there. */
export class Roll {
  readonly #known = new Map<Short, Known>();
  /** Met lately: who goes round in circles finds nobody. */
  readonly #tried = new Map<Short, Instant>();

  enter(via: Peer, entries: readonly Entry[], own: Short, now: Instant): void {
    for (const entry of entries.slice(0, TOLD)) {
      const before = this.#known.get(entry.short);
      // Who was the first to speak of it brings us together with it; another one might not, and say all the same that it can.
      if (entry.short === own || (before !== undefined && before.via !== via && before.until > now)) continue;
      this.#known.delete(entry.short);
      this.#known.set(entry.short, { ...entry, via, until: after(now, GOOD_FOR) });
    }
    const told = [...this.#known.values()].filter((known) => known.via === via);
    for (const { short } of told.slice(0, Math.max(0, told.length - KEPT_OF_ONE))) this.#known.delete(short);
    forgetOldest(this.#known, KEPT);
  }

  /** One that somebody we have a session with knows: with a free slot if there is one, the shallowest first. It is taken out. */
  take(isNear: (via: Peer) => boolean, isMet: (short: Short) => boolean, now: Instant): Known | undefined {
    let best: Known | undefined;
    for (const known of this.#known.values()) {
      if (known.until <= now || !isNear(known.via) || isMet(known.short) || this.#wasTried(known.short, now)) continue;
      if (best === undefined || isBetter(known, best)) best = known;
    }
    if (best === undefined) return undefined;
    this.#known.delete(best.short);
    this.#tried.set(best.short, after(now, TRIED_FOR));
    for (const [short, until] of this.#tried) {
      if (until > now && this.#tried.size <= TRIED_MOST) break;
      this.#tried.delete(short);
    }
    return best;
  }

  #wasTried(short: Short, now: Instant): boolean {
    return (this.#tried.get(short) ?? 0) > now;
  }
}

/** Who has no room itself may know somebody. */
function isBetter(a: Known, b: Known): boolean {
  const [roomA, roomB] = [a.free > 0, b.free > 0];
  return roomA === roomB ? a.depth < b.depth : roomA;
}
