import { type Address, sameAddress } from '../base/address.ts';
import type { SocketId } from '../base/net.ts';
import type { Method } from '../base/outcome.ts';
import { after, at, type Instant, ms, since } from '../base/time.ts';

/** A way datagrams take to the peer and back. */
export type Way =
  | { readonly kind: 'direct'; readonly socket: SocketId; readonly address: Address }
  /** Another household carries. */
  | { readonly kind: 'bridge' }
  /** The rendezvous does. */
  | { readonly kind: 'relay' };

export const BRIDGE = { kind: 'bridge' } as const;
export const RELAY = { kind: 'relay' } as const;

/** An address that flaps must not make us flap. */
const MOVES_APART = ms(1000);
/** Where the rendezvous sees a peer that hears nothing gets what would go to its old address, so long ... */
const TRY_FOR = ms(300);
/** ... and so much of it: nobody has answered from there yet. */
const TRY_BYTES = 64 * 1024;
const NUDGES_APART = ms(500);
/** A path so long without a word (two keep-alives and more) gets the relay beside it ... */
const DOUBT = ms(600);
/** ... and is given up when it has not come back by then. */
const LOST = ms(2500);
/** A peer that uses the relay although we have something better may not hear us there: it gets both, so long after each word. */
const BESIDE = ms(600);
/** Two pauses of a stream so close to each other are no accident: the household that carries may be gone. */
const PAUSES = ms(400);
/** ... and then not again for so long: by then a side that hears nothing has moved to the relay altogether. */
const BESIDE_APART = ms(3000);

/** Which way is the better one. */
const RANK: Readonly<Record<Way['kind'], number>> = { relay: 0, bridge: 1, direct: 2 };

/**
 * Where the next datagram to a peer goes. A path moves only after a datagram that was authentic and new; while it is in
 * doubt, datagrams also go where the peer may be: to an address the rendezvous saw it at, or over the relay. A direct path
 * is better than a household between, and that is better than the rendezvous.
 */
export class Path {
  readonly #relayAllowed: boolean;
  #way: Way | undefined;
  #movedAt: Instant = at(-Infinity);
  /** When the path last brought something, or began. */
  #heardAt: Instant = at(-Infinity);
  #relayedAt: Instant = at(-Infinity);
  #besideUntil: Instant = at(-Infinity);
  #pausedAt: Instant = at(-Infinity);
  /** Where the peer may be by now. */
  #perhaps: { readonly address: Address; readonly until: Instant; bytes: number } | undefined;
  #nudgedAt: Instant = at(-Infinity);
  /** Nobody says anything: silence is no reason for doubt. */
  #isResting = false;

  constructor(relayAllowed: boolean) {
    this.#relayAllowed = relayAllowed;
  }

  get way(): Way | undefined {
    return this.#way;
  }

  /** Whether words are expected to come that way; true when that has changed. */
  rest(isResting: boolean, now: Instant): boolean {
    if (isResting === this.#isResting) return false;
    this.#isResting = isResting;
    this.#heardAt = now;
    return true;
  }

  /** Goes there from now on; true when only the port is another one. */
  move(way: Way, now: Instant): boolean {
    const old = this.#way;
    this.#way = way;
    this.#heardAt = now;
    // What is still under way over the rendezvous says nothing of whether the peer hears us by the bridge.
    if (way.kind === 'bridge') this.#movedAt = now;
    return old?.kind === 'direct' && way.kind === 'direct' && old.address.ip === way.address.ip;
  }

  /** An authentic datagram came by that way; `fresh` when it is newer than all before. True when the path should move there. */
  heard(way: Way, fresh: boolean, now: Instant): boolean {
    const old = this.#way;
    // It is still where it was, or is followed by now.
    if (way.kind === 'direct') this.#perhaps = undefined;
    if (old !== undefined && RANK[way.kind] >= RANK[old.kind]) {
      this.#heardAt = now;
      this.#pausedAt = at(-Infinity);
    }
    if (old === undefined || !fresh || sameWay(old, way)) return false;
    if (RANK[way.kind] < RANK[old.kind]) return false;
    // To a better kind of way at once.
    if (old.kind === 'direct' && since(this.#movedAt, now) < MOVES_APART) return false;
    this.#movedAt = now;
    return true;
  }

  /** Something of the peer came by a relay, new or not. True when the relay is to help from now on. */
  relayed(way: Way, now: Instant): boolean {
    this.#relayedAt = now;
    if (this.#way === undefined || RANK[way.kind] >= RANK[this.#way.kind]) return false;
    return since(this.#movedAt, now) >= MOVES_APART && this.#help(now);
  }

  /** A steady stream that comes by a bridge has paused. True when the relay is to help from now on. */
  paused(now: Instant): boolean {
    if (this.#way?.kind !== 'bridge') return false;
    const again = since(this.#pausedAt, now) < PAUSES;
    this.#pausedAt = now;
    return again && this.#help(now);
  }

  /** What comes twice now may have come by two ways. */
  isDoubled(now: Instant): boolean {
    return since(this.#relayedAt, now) < LOST;
  }

  /** The rendezvous saw the peer there. */
  suggest(address: Address, now: Instant): void {
    this.#perhaps = { address, until: after(now, TRY_FOR), bytes: TRY_BYTES };
  }

  /** True when it is time to have the rendezvous tell the peer where we are. */
  mayNudge(now: Instant): boolean {
    return since(this.#nudgedAt, now) >= NUDGES_APART;
  }

  nudged(now: Instant): void {
    this.#nudgedAt = now;
  }

  /** Where a datagram of so many bytes goes. */
  next(bytes: number, now: Instant): Way | undefined {
    const way = this.#way;
    const perhaps = this.#perhaps;
    if (perhaps === undefined || way?.kind !== 'direct') return way;
    perhaps.bytes -= bytes;
    if (perhaps.until >= now && perhaps.bytes >= 0) return { ...way, address: perhaps.address };
    this.#perhaps = undefined;
    return way;
  }

  /** The relay, where it carries everything too because the direct path is in doubt. */
  beside(now: Instant): Way | undefined {
    if (!this.#isWatched()) return undefined;
    return this.#besideUntil > now || since(this.#heardAt, now) >= DOUBT ? RELAY : undefined;
  }

  /** When a path that has fallen silent is given up for the relay; undefined where there is no relay. */
  lostAt(): Instant | undefined {
    return this.#isWatched() ? after(this.#heardAt, LOST) : undefined;
  }

  /** Until when a silent path is not in doubt yet: then a word should go over the relay. */
  doubtAt(now: Instant): Instant | undefined {
    if (!this.#isWatched()) return undefined;
    const doubt = after(this.#heardAt, DOUBT);
    return doubt > now ? doubt : undefined;
  }

  /** Not prolonged by what it calls forth itself: the other side answers alike, and both would never end. */
  #help(now: Instant): boolean {
    if (!this.#relayAllowed || since(this.#besideUntil, now) < BESIDE_APART) return false;
    this.#besideUntil = after(now, BESIDE);
    return true;
  }

  /** There is something to fall back to. */
  #isWatched(): boolean {
    return !this.#isResting && this.#way !== undefined && this.#way.kind !== 'relay' && this.#relayAllowed;
  }
}

export function sameWay(a: Way, b: Way): boolean {
  if (a.kind !== 'direct' || b.kind !== 'direct') return a.kind === b.kind;
  return a.socket === b.socket && sameAddress(a.address, b.address);
}

/** What a way that somebody carries is called. */
export function methodBy({ kind }: Exclude<Way, { kind: 'direct' }>): Method {
  return kind === 'bridge' ? 'relay-household' : 'relay-rendezvous';
}
