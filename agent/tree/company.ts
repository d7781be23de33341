import { Deadlines } from '../base/deadlines.ts';
import { keepNewest } from '../base/newest.ts';
import { between, type Random } from '../base/random.ts';
import { after, at, type Instant, type Millis, minutes, ms, seconds } from '../base/time.ts';
import type { Brood } from './brood.ts';
import { Contacts, isLower } from './contacts.ts';
import { Roll, TOLD } from './roll.ts';
import type { Entry, MemberEffect, MemberInput, Peer, Short } from './talk.ts';

/** Households kept warm beside the grandparent. */
const SPARES = 2;
/** A branch that grows is not told of at every step. */
const TELL_HEIGHT_AFTER = seconds(1);
/** Sessions of others that may ask us: spares of theirs, grandchildren. */
const GUESTS_MOST = 32;
/** A spare that went is replaced without haste: there is another. */
const REFILL_WITHIN = seconds(2);
const REFILL_EVERY = seconds(5);
/** Those that may come to us hear of it when we stand so much higher or lower. */
const TOLD_STEPS = 2;
/** Who could not be reached is not met again in this time, and so many of them: two NATs do not change that soon. */
const UNREACHED_FOR = minutes(2);
const UNREACHED_MOST = 4;
/** Whether the spares of a household with others below it stand as high as itself by now. */
const LOOK_HIGHER_EVERY = seconds(20);
/** 20,000 households with an hour each change by 3 % in two tellings. */
const TELL_EVERY = seconds(60);

interface Guest {
  readonly short: Short;
  readonly instead: Short | undefined;
}

interface Place {
  readonly parent: Peer | undefined;
  readonly grandparent: Short | undefined;
  readonly brood: Pick<Brood, 'peers' | 'roomy' | 'has'>;
  readonly free: number;
  readonly depth: number;
  /** Steps from here to the last one below. */
  readonly height: number;
}

/** Everybody with whom a session stands: who may be asked, who may ask us, and who is known by rumour. */
export class Company {
  readonly contacts = new Contacts();
  readonly roll = new Roll();
  readonly #random: Random;
  readonly #short: Short;
  readonly #guests = new Map<Peer, Guest>();
  readonly #unreached = new Map<Short, Instant>();
  readonly #deadlines = new Deadlines<'refill' | 'tell' | 'height'>();
  #isThere = true;
  /** Where we stood last: what counts on the day that the parent is gone. */
  #stood:
    | {
        readonly short: Short;
        readonly grandparent: Short | undefined;
        readonly isHeir: boolean;
        readonly depth: number;
      }
    | undefined;
  readonly #tellEvery: Millis;
  #hadFree = false;
  #toldDepth = 0;
  /** What the parent was told of our branch. */
  #told: { readonly parent: Peer | undefined; readonly height: number } = { parent: undefined, height: 0 };
  #now: Instant = at(0);

  constructor(random: Random, short: Short, tellEvery: Millis = TELL_EVERY) {
    this.#tellEvery = tellEvery;
    this.#random = random;
    this.#short = short;
  }

  /** Its place is not to be had: it was left for what it did, and not because it was gone. */
  parentLives(): void {
    if (this.#stood !== undefined) this.#stood = { ...this.#stood, isHeir: false };
  }

  get formerParent(): Short | undefined {
    return this.#stood?.short;
  }

  get formerGrandparent(): Short | undefined {
    return this.#stood?.grandparent;
  }

  get formerDepth(): number {
    return this.#stood?.depth ?? 0;
  }

  get isHeir(): boolean {
    return this.#stood?.isHeir === true;
  }

  get peers(): readonly Peer[] {
    return [...[...this.contacts.all()].filter(({ isOpen }) => isOpen).map(({ peer }) => peer), ...this.#guests.keys()];
  }

  guest(peer: Peer): Guest | undefined {
    return this.#guests.get(peer);
  }

  wake(): Instant | undefined {
    return this.#deadlines.next();
  }

  under(parent: { readonly short: Short; readonly path: readonly Short[]; readonly isHeir: boolean }): void {
    const { short, path, isHeir } = parent;
    this.#stood = { short, grandparent: path[0], isHeir, depth: path.length + 1 };
    this.#deadlines.set(
      'refill',
      this.#deadlines.get('refill') ?? after(this.#now, ms(between(this.#random, 0, REFILL_WITHIN))),
    );
  }

  introduced(
    { peer, short, role, instead }: Extract<MemberInput, { kind: 'introduced' }>,
    isFed: (peer: Peer) => boolean,
  ): readonly MemberEffect[] {
    if (role === 'child') {
      this.#guests.delete(peer);
      this.#guests.set(peer, { short, instead });
      if (this.#guests.size <= GUESTS_MOST) return [];
      // Somebody comes who may be in need; the one that has been here longest without being fed can be met again.
      const oldest = [...this.#guests.keys()].find((guest) => !isFed(guest)) ?? peer;
      this.#guests.delete(oldest);
      return this.contacts.get(oldest) === undefined ? [{ kind: 'drop', peer: oldest, why: 'full' }] : [];
    }
    this.contacts.enter(peer, short, role);
    // While a parent is looked for far and wide, those that were of no use make room.
    const useless = role === 'spare' ? this.contacts.useless() : undefined;
    if (useless === undefined) return [];
    return this.#dismiss(useless);
  }

  open(peer: Peer, rtt: Millis): void {
    const contact = this.contacts.get(peer);
    if (contact !== undefined) [contact.isOpen, contact.rtt] = [true, rtt];
  }

  forget(peer: Peer): void {
    const contact = this.contacts.get(peer);
    if (contact?.isOpen === false && contact.role === 'spare')
      keepNewest(this.#unreached, contact.short, after(this.#now, UNREACHED_FOR), UNREACHED_MOST);
    this.contacts.delete(peer);
    this.#guests.delete(peer);
    this.#refillSoon();
  }

  standing({ peer, free, depth }: Extract<MemberInput, { kind: 'standing' }>): void {
    const contact = this.contacts.get(peer);
    if (contact === undefined) return;
    [contact.free, contact.depth] = [free, depth];
  }

  /** Who tells nobody wants to be told. */
  hearRoll(peer: Peer, entries: readonly Entry[], place: Place, now: Instant): readonly MemberEffect[] {
    this.roll.enter(peer, entries, this.#short, now);
    return entries.length > 0 ? [] : [{ kind: 'roll', peer, entries: this.#entries(peer, place) }];
  }

  rendezvous(isThere: boolean): void {
    this.#isThere = isThere;
  }

  step(place: Place, now: Instant): readonly MemberEffect[] {
    this.#now = now;
    const out: MemberEffect[] = [];
    if (this.#deadlines.get('tell') === undefined)
      this.#deadlines.set('tell', after(now, ms(this.#tellEvery * between(this.#random, 0, 1))));
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'refill':
          this.#refill(place, now, out);
          break;
        case 'tell':
          this.#tell(place, now, out);
          break;
        case 'height':
          this.#tellHeight(place, out);
          break;
      }
    }
    const hasFree = place.free > 0;
    const hasMoved = Math.abs(place.depth - this.#toldDepth) >= TOLD_STEPS;
    if ((hasFree !== this.#hadFree || hasMoved) && this.#guests.size > 0) {
      [this.#hadFree, this.#toldDepth] = [hasFree, place.depth];
      out.push({
        kind: 'standing',
        peers: [...this.#guests.keys()],
        free: place.free,
        depth: place.depth,
        height: place.height,
      });
    }
    const isTold = this.#told.parent === place.parent && this.#told.height === place.height;
    if (!isTold && this.#deadlines.get('height') === undefined)
      this.#deadlines.set('height', after(now, TELL_HEIGHT_AFTER));
    return out;
  }

  /** A session of no use to us; whoever may be fed by us, or is, keeps it. */
  #dismiss(peer: Peer): readonly MemberEffect[] {
    this.contacts.delete(peer);
    return this.#guests.has(peer) ? [] : [{ kind: 'drop', peer, why: 'surplus' }];
  }

  #refillSoon(): void {
    if (this.#deadlines.get('refill') !== undefined) return;
    this.#deadlines.set('refill', after(this.#now, ms(between(this.#random, 0, REFILL_WITHIN))));
  }

  #refill(place: Place, now: Instant, out: MemberEffect[]): void {
    if (place.parent === undefined) return;
    const { parent, grandparent } = place;
    const keep = new Set(grandparent === undefined ? [] : [grandparent]);
    // A spare that we feed by now has nothing that we have not.
    for (const { peer, short, role } of [...this.contacts.all()])
      if (role === 'spare' && place.brood.has(short)) out.push(...this.#dismiss(peer));
    for (const peer of this.contacts.surplus(keep, place)) {
      if (peer !== parent) out.push(...this.#dismiss(peer));
    }
    let isWanting = false;
    for (const [short, until] of this.#unreached) if (until <= now) this.#unreached.delete(short);
    const lacksGrandparent =
      grandparent !== undefined && grandparent !== this.#short && this.contacts.byShort(grandparent) === undefined;
    if (lacksGrandparent && !this.#unreached.has(grandparent)) {
      isWanting = true;
      out.push({ kind: 'meet', via: parent, short: grandparent, role: 'spare' });
    }
    const spares = [...this.contacts.all()].filter(({ peer, short }) => peer !== parent && short !== grandparent);
    const high = spares.filter((spare) => !isLower(spare, place));
    if (high.length < SPARES) {
      isWanting ||= spares.length < SPARES;
      const known = this.#isThere ? undefined : this.#known(now);
      if (this.#isThere) out.push({ kind: 'join', want: 'spares', avoid: [...this.#tried] });
      else if (known !== undefined) out.push({ kind: 'meet', via: known.via, short: known.short, role: 'spare' });
    }
    const again = isWanting ? REFILL_EVERY : place.height > 0 || lacksGrandparent ? LOOK_HIGHER_EVERY : undefined;
    if (again !== undefined) this.#deadlines.set('refill', after(now, ms(again * between(this.#random, 0.67, 1.33))));
  }

  /** Those that could not be reached lately, and those that are here. */
  get #tried(): ReadonlySet<Short> {
    return new Set([...this.#unreached.keys(), ...[...this.contacts.all()].map(({ short }) => short)]);
  }

  /** The parent chooses its heir by it, and the plan what to move. */
  #tellHeight({ parent, free, depth, height }: Place, out: MemberEffect[]): void {
    this.#told = { parent, height };
    if (parent !== undefined) out.push({ kind: 'standing', peers: [parent], free, depth, height });
  }

  #tell(place: Place, now: Instant, out: MemberEffect[]): void {
    const to = [...this.peers, ...place.brood.peers];
    const peer = to[this.#random(Math.max(1, to.length))];
    if (peer !== undefined) out.push({ kind: 'roll', peer, entries: this.#entries(peer, place) });
    this.#deadlines.set('tell', after(now, ms(this.#tellEvery * between(this.#random, 0.67, 1.33))));
  }

  #known(now: Instant): ReturnType<Roll['take']> {
    return this.roll.take(
      (via) => this.contacts.get(via)?.isOpen === true,
      (short) => this.#tried.has(short),
      now,
    );
  }

  /**
   * Ourselves, and whom we have a session with: we can bring others together with these. Those with room first, and
   * children that feed nobody yet have it.
   */
  #entries(peer: Peer, { free, depth, brood }: Place): readonly Entry[] {
    const near = [...this.contacts.all()].filter((contact) => contact.isOpen && contact.peer !== peer);
    const known = [
      ...near.map(({ short, free, depth }) => ({ short, free, depth })),
      ...brood.roomy.map((short) => ({ short, free: 1, depth: depth + 1 })),
    ];
    const first = this.#random(Math.max(1, known.length));
    const told = [...known.slice(first), ...known.slice(0, first)].sort((a, b) => b.free - a.free);
    return [{ short: this.#short, free, depth }, ...told].slice(0, TOLD);
  }
}
