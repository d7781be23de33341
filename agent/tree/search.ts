import { between, type Random } from '../base/random.ts';
import { Deadlines } from '../base/deadlines.ts';
import { after, at, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Contact, Contacts, Standing } from './contacts.ts';
import type { Roll } from './roll.ts';
import type { MemberEffect, Peer, Short } from './talk.ts';

/** Three round trips of the nearest, or this: an answer that takes longer is none. */
const COURT_FOR = ms(250);
const COURT_TRIPS = 3;
/** Between two looks at who could be asked, while nobody can. */
const LOOK_AGAIN = ms(300);
/** The rendezvous answers in a round trip; a lost question is asked again. */
const ASK_AGAIN = seconds(1);
/** Nearly every punch is over by then: longer than that nobody waits for the one that was named. */
const MEETING_FOR = seconds(4);
/** Who has viewers that wait asks for another one beside it: nine in ten punches are done in a tenth of that. */
const MEETING_FOR_VIEWERS = seconds(1);
/** A spare that is there sooner than the parent that was named is not asked before: most punches are done by then. */
const NAMED_FIRST = ms(300);
/** Long enough for the rendezvous to find a place that is as high as the one before, short enough for spares to bridge. */
const HIGH_FIRST = seconds(2);
/** And while it meets the one that the rendezvous named: nearly every punch is done by then. */
const HIGH_WITH_NAMED = ms(2600);
/** As long as others bring the stream block by block: so much longer for each step below us, for the taller, the fewer there are. */
const HIGH_PER_STEP = ms(500);
const HIGH_MOST = ms(5500);
/** The same while a parent is there that leaves: it stays for two seconds, and a place far down wants a while of these. */
const HIGH_BEFORE = ms(1200);
/** Who is to move to one that has no room yet asks again: somebody is on the way from there. */
const MOVE_TRIES = 4;
/** Without a rendezvous: so many that others know are met at once, and so many are asked whom they know. */
const MET_AT_ONCE = 3;
const ASKED_AT_ONCE = 4;
/** How long a parent that failed is not asked again, and so many of them. */
const AVOIDED_FOR = seconds(15);
const AVOIDED_MOST = 8;
/** The first question after the rendezvous is back: 20,000 households are not all to come at once. */
const RETURN_WITHIN = seconds(5);

/** Why a parent is looked for: we were sent to another, the one that is there will go or is too slow, or there is none. */
export type Need = 'none' | 'move' | 'better' | 'any';
const URGENCY: Record<Need, number> = { none: 0, move: 1, better: 2, any: 3 };

export interface Surroundings {
  readonly contacts: Contacts;
  readonly roll: Roll;
  readonly grandparent: Short | undefined;
  readonly isHeir: boolean;
  /** The stream was here already, and is missed. */
  readonly hasViewers: boolean;
  /** There is no parent, and others bring what one would. */
  readonly isCarried: boolean;
  readonly own: Standing;
  /** Children and the present parent: never candidates. */
  readonly except: ReadonlySet<Peer>;
}

/** The way to a new parent: those that are warm one after another, then the rendezvous, then who is known by rumour. */
export class Search {
  readonly #random: Random;
  readonly #deadlines = new Deadlines<'court' | 'look' | 'ask'>();
  readonly #avoid = new Map<Short, Instant>();
  need: Need = 'none';
  #courting: Peer | undefined;
  #named: Short | undefined;
  /** Until then only who was named for it is asked. */
  #namedUntil: Instant = at(0);
  /** Until then nobody is asked who stands far below where we stood. */
  #highUntil: Instant = at(0);
  #highFrom: Instant = at(0);
  #isThere = true;
  #refusals = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get courting(): Peer | undefined {
    return this.#courting;
  }

  wake(): Instant | undefined {
    return this.need === 'none' ? undefined : this.#deadlines.next();
  }

  begin(need: Need, now: Instant): void {
    // Who waited already, and lost what it had meanwhile, has waited enough.
    if (URGENCY[this.need] < URGENCY.better) {
      this.#highFrom = now;
      this.#highUntil = after(now, need === 'any' ? HIGH_FIRST : HIGH_BEFORE);
    }
    if (URGENCY[need] > URGENCY[this.need]) this.need = need;
    this.#deadlines.set('look', now);
  }

  avoid(short: Short, now: Instant): void {
    this.#avoid.delete(short);
    this.#avoid.set(short, after(now, AVOIDED_FOR));
  }

  avoided(now: Instant): readonly Short[] {
    for (const [short, until] of this.#avoid) if (until <= now) this.#avoid.delete(short);
    return [...this.#avoid.keys()].slice(-AVOIDED_MOST);
  }

  /** The one that was asked feeds us now. */
  found(): void {
    this.need = 'none';
    this.#refusals = 0;
    this.#courting = this.#named = undefined;
    this.#namedUntil = at(0);
    for (const name of ['court', 'look', 'ask'] as const) this.#deadlines.clear(name);
  }

  /** That one does not want, or is gone. */
  refused(peer: Peer, contacts: Contacts, now: Instant): void {
    contacts.rest(peer, now);
    if (this.#courting !== peer) return;
    this.#courting = undefined;
    this.#deadlines.clear('court');
    const contact = contacts.get(peer);
    if (this.need === 'move' && contact !== undefined && ++this.#refusals < MOVE_TRIES) {
      this.#deadlines.set('look', contact.restsUntil);
      return;
    }
    this.#refusals = 0;
    if (contact !== undefined && contact.short === this.#named) this.missed(now);
    if (contact !== undefined) contact.role = 'spare';
    // Nobody has to move: where we are is well.
    if (this.need === 'move') this.need = 'none';
    if (this.need !== 'none') this.#deadlines.set('look', now);
  }

  /** Somebody to ask is here now; undefined for one that may ask us. */
  met(contact: Contact | undefined, contacts: Contacts, now: Instant): void {
    if (this.need === 'none') return;
    this.#deadlines.set('look', now);
    // A spare that has not answered yet may be gone itself; the place that was named is there.
    const asked = this.#courting === undefined ? undefined : contacts.get(this.#courting);
    if (contact !== undefined && contact.role !== 'spare' && asked?.role === 'spare')
      this.refused(asked.peer, contacts, now);
  }

  /** The rendezvous named a parent: it is being connected to. `hasViewers`: the stream was here already. */
  answered(short: Short, hasViewers: boolean, now: Instant): void {
    if (this.need === 'none') return;
    this.#deadlines.set('ask', after(now, hasViewers ? MEETING_FOR_VIEWERS : MEETING_FOR));
    this.#named = short;
    this.#namedUntil = after(now, NAMED_FIRST);
    if (this.need === 'any' && now < this.#highUntil)
      this.#highUntil = at(Math.max(this.#highUntil, after(this.#highFrom, HIGH_WITH_NAMED)));
    this.#deadlines.set('look', this.#namedUntil);
  }

  /** That one could not be reached. */
  missed(now: Instant): void {
    if (this.need === 'none') return;
    this.#deadlines.set('ask', now);
    this.#namedUntil = now;
  }

  wait(retryIn: Millis, now: Instant): void {
    this.#deadlines.set('ask', after(now, retryIn));
  }

  rendezvous(isThere: boolean, now: Instant): void {
    const isBack = isThere && !this.#isThere;
    this.#isThere = isThere;
    if (isBack && this.need !== 'none') this.wait(ms(between(this.#random, 0, RETURN_WITHIN)), now);
  }

  /** What to do now; `court` gets whom to ask for the stream. */
  step(around: Surroundings, court: (contact: Contact) => MemberEffect, now: Instant): readonly MemberEffect[] {
    const out: MemberEffect[] = [];
    if (this.need === 'none') return out;
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'court':
          if (this.#courting !== undefined) this.refused(this.#courting, around.contacts, now);
          break;
        case 'look':
        case 'ask':
          break;
      }
      // Whatever was due, the look that follows sees to all of it.
      this.#look(around, court, now, out);
    }
    return out;
  }

  #look(around: Surroundings, court: (contact: Contact) => MemberEffect, now: Instant, out: MemberEffect[]): void {
    if (this.#courting !== undefined) return;
    const { contacts, roll, grandparent, isHeir, own, except } = around;
    const only =
      this.need === 'move' || now < this.#namedUntil
        ? 'named'
        : this.#isThere && now < this.#waitsHigh(around)
          ? 'high'
          : 'any';
    const contact = contacts.next(except, grandparent, isHeir, only, own, now);
    if (contact !== undefined) {
      this.#courting = contact.peer;
      this.#deadlines.set('court', after(now, ms(Math.max(COURT_FOR, COURT_TRIPS * contact.rtt))));
      out.push(court(contact));
      // Its slots are taken: if it has something left for somebody in need it is for a minute only, and if not, time was won.
      const isSure = contact.role !== 'spare' || contact.free > 0 || (isHeir && contact.short === grandparent);
      if (this.need === 'any' && around.hasViewers && !isSure && this.#isThere) this.#ask(contacts, now, out);
      return;
    }
    if (this.need === 'move') {
      this.need = 'none';
      return;
    }
    if (now < this.#namedUntil) {
      this.#deadlines.set('look', this.#namedUntil);
      return;
    }
    this.#deadlines.set('look', after(now, ms(LOOK_AGAIN * between(this.#random, 0.67, 1.33))));
    if (!this.#isThere) {
      const isNear = (via: Peer): boolean => contacts.get(via)?.isOpen === true;
      const isMet = (short: Short): boolean => contacts.byShort(short) !== undefined;
      for (let known = roll.take(isNear, isMet, now), tries = 0; known !== undefined && tries < MET_AT_ONCE; tries++) {
        out.push({ kind: 'meet', via: known.via, short: known.short, role: 'spare' });
        known = roll.take(isNear, isMet, now);
      }
      // Told nothing by us, they tell us whom they know; whoever is met by that is asked the same.
      for (const { peer } of contacts.warm(undefined).slice(0, ASKED_AT_ONCE))
        out.push({ kind: 'roll', peer, entries: [] });
      return;
    }
    this.#ask(contacts, now, out);
  }

  /** Until then it is better to have no parent than one far below. */
  #waitsHigh({ isCarried, own }: Surroundings): Instant {
    if (!isCarried) return this.#highUntil;
    const longest = Math.min(HIGH_MOST, HIGH_FIRST + own.height * HIGH_PER_STEP);
    return at(Math.max(this.#highUntil, after(this.#highFrom, ms(longest))));
  }

  #ask(contacts: Contacts, now: Instant, out: MemberEffect[]): void {
    if ((this.#deadlines.get('ask') ?? now) > now) return;
    this.#deadlines.set('ask', after(now, ms(ASK_AGAIN * between(this.#random, 0.67, 1.33))));
    if (this.#named !== undefined) this.avoid(this.#named, now);
    this.#named = undefined;
    // Who has just said that it is full, or is being asked, need not be named: one more question, and the same answer.
    const asked = [...contacts.all()].filter(({ peer, restsUntil }) => restsUntil > now || peer === this.#courting);
    const avoid = new Set([...this.avoided(now), ...asked.map(({ short }) => short)]);
    out.push({ kind: 'join', want: 'parent', avoid: [...avoid].slice(0, AVOIDED_MOST) });
  }
}
