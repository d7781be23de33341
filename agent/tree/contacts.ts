import { after, at, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Peer, Role, Short } from './talk.ts';

/** Two spares, the grandparent, and one more while the others change. */
const MOST = 4;
/** While a parent is looked for without a rendezvous. */
const MOST_FOR_NOW = 12;
/** Who refused or did not answer is not asked again in this time. */
const RESTS_FOR = seconds(2);

export interface Contact {
  readonly peer: Peer;
  readonly short: Short;
  role: Exclude<Role, 'child'>;
  isOpen: boolean;
  rtt: Millis;
  /** Free slots and place as it last said; as deep as can be before it has said anything. */
  free: number;
  depth: number;
  /** Not asked to feed us before this. */
  restsUntil: Instant;
}

/** Where one stands that looks for a parent. */
export interface Standing {
  readonly depth: number;
  /** Steps from here to the last one below. */
  readonly height: number;
}

/** So much lower than before, and with it all below: the rendezvous may know something better. */
const LOWER = 2;

/** It stands so far below us that our branch would go too deep under it. */
export function isLower({ depth }: Contact, own: Standing): boolean {
  return own.height > 0 && depth + 1 >= own.depth + LOWER;
}

/** Households with which a session stands, beside parent and children: asked for blocks, and to become the parent. */
export class Contacts {
  readonly #all = new Map<Peer, Contact>();

  get size(): number {
    return this.#all.size;
  }

  get(peer: Peer): Contact | undefined {
    return this.#all.get(peer);
  }

  all(): IterableIterator<Contact> {
    return this.#all.values();
  }

  byShort(short: Short): Contact | undefined {
    for (const contact of this.#all.values()) if (contact.short === short) return contact;
    return undefined;
  }

  enter(peer: Peer, short: Short, role: Contact['role']): Contact {
    const contact = { peer, short, role, isOpen: false, rtt: ms(100), free: 0, depth: Infinity, restsUntil: at(0) };
    this.#all.set(peer, contact);
    return contact;
  }

  delete(peer: Peer): boolean {
    return this.#all.delete(peer);
  }

  rest(peer: Peer, now: Instant): void {
    const contact = this.#all.get(peer);
    if (contact !== undefined) contact.restsUntil = after(now, RESTS_FOR);
  }

  /** Whom to ask for blocks, the nearest first. */
  warm(except: Peer | undefined): readonly Contact[] {
    return [...this.#all.values()]
      .filter(({ isOpen, peer }) => isOpen && peer !== except)
      .sort((a, b) => a.rtt - b.rtt);
  }

  /**
   * Whom to ask to feed us next: first who was named for it, then the grandparent where its slot is ours to take, then
   * whoever has a free slot, then the others, who may hand one of theirs down or help out. Those that stand far below
   * where `own` was with a branch come last, or not at all.
   */
  next(
    except: ReadonlySet<Peer>,
    grandparent: Short | undefined,
    isHeir: boolean,
    only: 'named' | 'high' | 'any',
    own: Standing,
    now: Instant,
  ): Contact | undefined {
    const isLow = (contact: Contact): boolean => contact.short !== grandparent && isLower(contact, own);
    const order = (contact: Contact): number => {
      if (contact.role !== 'spare') return 0;
      if (contact.short === grandparent) return isHeir ? 1 : 3;
      return (contact.free > 0 ? 2 : 4) + (isLow(contact) ? 4 : 0);
    };
    let best: Contact | undefined;
    for (const contact of this.#all.values()) {
      if (!contact.isOpen || except.has(contact.peer) || contact.restsUntil > now) continue;
      if (only === 'named' && contact.role === 'spare') continue;
      if (only === 'high' && contact.role === 'spare' && isLow(contact)) continue;
      if (
        best === undefined ||
        order(contact) < order(best) ||
        (order(contact) === order(best) && contact.rtt < best.rtt)
      ) {
        best = contact;
      }
    }
    return best;
  }

  /** With far too many: the one that refused us longest ago. */
  useless(): Peer | undefined {
    if (this.#all.size <= MOST_FOR_NOW) return undefined;
    const refused = [...this.#all.values()].filter(
      ({ isOpen, role, restsUntil }) => isOpen && role === 'spare' && restsUntil > 0,
    );
    return refused.sort((a, b) => a.restsUntil - b.restsUntil)[0]?.peer;
  }

  /** Sessions over the number that is kept, the least useful first. */
  surplus(keep: ReadonlySet<Short>, own: Standing): readonly Peer[] {
    const loose = [...this.#all.values()].filter(({ short, role }) => role === 'spare' && !keep.has(short));
    const over = this.#all.size - MOST;
    return over <= 0
      ? []
      : loose
          .sort((a, b) => Number(isLower(b, own)) - Number(isLower(a, own)) || a.free - b.free)
          .slice(0, over)
          .map(({ peer }) => peer);
  }
}
