import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import { between, type Random } from '../base/random.ts';
import { after, at, earliest, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import { Brood, type Child } from './brood.ts';
import { Company } from './company.ts';
import type { Contact } from './contacts.ts';
import { Pull } from './pull.ts';
import { Search } from './search.ts';
import type { MemberEffect, MemberInput, Peer, Short } from './talk.ts';
import { SUSPECT_AFTER, Vigil } from './vigil.ts';

/** To each child, unless something of the stream went to it in the meantime. */
const BEAT = ms(50);
/** Two beats without the stream: children are told before they begin to wonder. */
const HOLD_AFTER = ms(100);
/** Later than this by its parent's doing is too slow: more than a good line varies, less than a cushion. */
const BEHIND_MOST = ms(300);
/** What an orderly leaver gives its children: longer than most hard punches. */
const LEAVE_IN = seconds(2);
/** A child that was told to go elsewhere and is still here. */
const MOVES_FOR = seconds(10);
const RETURN_WITHIN = seconds(5);

export interface MemberOptions {
  readonly random: Random;
  /** Ourselves in a path. */
  readonly short: Short;
  /** Children that can be fed. */
  readonly slots: number;
  /** The origin has no parent and looks for none. */
  readonly isOrigin?: boolean;
  /** Between two tellings of who else is there. */
  readonly tellEvery?: Millis;
}

interface Parent {
  readonly peer: Peer;
  readonly short: Short;
  /** From its own parent up to the origin. */
  path: readonly Short[];
  isHeir: boolean;
}

type State = 'new' | 'running' | 'leaving' | 'left';

/**
 * One household's part in the tree of one channel: it keeps a parent, gets itself another before its viewers notice, feeds
 * children and tells them what they need to do the same.
 */
export class Member implements Machine<MemberInput, MemberEffect> {
  readonly #random: Random;
  readonly #short: Short;
  readonly #isOrigin: boolean;
  readonly #brood: Brood;
  readonly #company: Company;
  readonly #search: Search;
  readonly #vigil = new Vigil();
  readonly #pull = new Pull();
  readonly #deadlines = new Deadlines<'stand' | 'leave' | 'shed'>();
  #state: State = 'new';
  #parent: Parent | undefined;
  /** The last time that anybody brought something of the stream; undefined before the first. */
  #fresh: Instant | undefined;
  #isIdle = false;
  #newest = -1;
  #missing: readonly number[] = [];
  #sent: Instant = at(0);
  #last: Instant = at(0);

  constructor({ random, short, slots, isOrigin = false, tellEvery }: MemberOptions) {
    this.#random = random;
    this.#short = short;
    this.#isOrigin = isOrigin;
    this.#brood = new Brood(slots);
    this.#company = new Company(random, short, tellEvery);
    this.#search = new Search(random);
  }

  get parent(): Peer | undefined {
    return this.#parent?.peer;
  }

  get children(): readonly Peer[] {
    return this.#brood.peers;
  }

  /** Households between this one and the origin, and one; 0 for the origin, undefined without a parent. */
  get depth(): number | undefined {
    return this.#isOrigin ? 0 : this.#parent && this.#parent.path.length + 1;
  }

  /** Sessions kept warm beside parent and children. */
  get warm(): readonly Peer[] {
    return this.#company.contacts.warm(this.#parent?.peer).map(({ peer }) => peer);
  }

  get isSeeking(): boolean {
    return this.#search.need !== 'none';
  }

  wake(): Instant | undefined {
    let wake = this.errands();
    if (this.#parent !== undefined) wake = earliest(wake, this.#vigil.wake(this.#last));
    if (this.#pull.isRunning) wake = earliest(wake, this.#pull.wake(this.#last));
    if (this.#brood.size > 0) wake = earliest(wake, after(this.#sent, BEAT));
    return wake;
  }

  /** When it wants a tick while the stream flows through it: `wake` without what every piece of the stream puts off. */
  errands(): Instant | undefined {
    return earliest(earliest(this.#deadlines.next(), this.#search.wake()), this.#company.wake());
  }

  step(input: MemberInput, now: Instant): readonly MemberEffect[] {
    this.#last = now;
    if (this.#state === 'left') return [];
    const out: MemberEffect[] = [];
    this.#take(input, now, out);
    this.#settle(now, out);
    return out;
  }

  #take(input: MemberInput, now: Instant, out: MemberEffect[]): void {
    switch (input.kind) {
      case 'start':
        if (this.#state !== 'new') return;
        this.#state = 'running';
        if (!this.#isOrigin) this.#search.begin('any', now);
        return;
      case 'introduced':
        out.push(...this.#company.introduced(input));
        if (input.role === 'parent' || input.role === 'move') this.#search.answered(now);
        return;
      case 'open':
        this.#open(input.peer, input.rtt, now, out);
        return;
      case 'lost':
        this.#lose(input.peer, 'gone', now, out);
        return;
      case 'refused':
        this.#search.wait(input.retryIn, now);
        return;
      case 'rendezvous':
        this.#search.rendezvous(input.isThere, now);
        this.#company.rendezvous(input.isThere);
        if (input.isThere) this.#deadlines.set('stand', after(now, ms(between(this.#random, 0, RETURN_WITHIN))));
        return;
      case 'heard':
        this.#hear(input.peer, input.what, now);
        return;
      case 'had':
        this.#newest = Math.max(this.#newest, input.number);
        this.#missing = this.#missing.filter((number) => number !== input.number);
        this.#hearData(now);
        if (input.peer !== this.#parent?.peer) this.#vigil.compare(now);
        return;
      case 'missing':
        this.#missing = input.numbers;
        return;
      case 'hold':
        if (input.peer === this.#parent?.peer) this.#vigil.hold(input.hops, now);
        return;
      case 'path':
        this.#takePath(input, now, out);
        return;
      case 'standing':
        this.#company.standing(input);
        this.#takeHeight(input.peer, input.height, out);
        return;
      case 'roll':
        this.#company.hearRoll(input.peer, input.entries, now);
        return;
      case 'behind':
        if (input.by >= BEHIND_MOST && this.#search.need === 'none') this.#fail('slow', undefined, now, out);
        return;
      case 'bad':
        if (input.peer === this.#parent?.peer) this.#fail('corrupt', input.proof, now, out);
        else this.#lose(input.peer, 'corrupt', now, out);
        return;
      case 'refuse':
        if (input.peer === this.#parent?.peer) this.#lose(input.peer, input.reason, now, out);
        else this.#search.refused(input.peer, this.#company.contacts, now);
        return;
      case 'leaving':
        this.#hearLeaving(input.peer, now, out);
        return;
      case 'subscribe':
        this.#adopt(input, now, out);
        return;
      case 'unsubscribe':
        this.#dismiss(input.peer, out);
        return;
      case 'forwarded':
        this.#sent = now;
        return;
      case 'capacity':
        this.#brood.slots = input.slots;
        this.#deadlines.set('shed', now);
        return;
      case 'leave':
        this.#leave(now, out);
        return;
      case 'tick':
    }
  }

  /** What follows from the time, whatever happened. */
  #settle(now: Instant, out: MemberEffect[]): void {
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'stand':
          this.#stand(out);
          break;
        case 'leave':
          this.#end(out);
          return;
        case 'shed':
          this.#shed(now, out);
          break;
      }
    }
    if (this.#state === 'left') return;
    if (this.#parent !== undefined) this.#watch(now, out);
    this.#repair(now, out);
    if (this.#state === 'running' && !this.#isOrigin) this.#seek(now, out);
    this.#beat(now, out);
    if (this.#state === 'running') {
      const { parent, children } = this;
      out.push(
        ...this.#company.step(
          {
            parent,
            grandparent: this.#grandparent,
            children,
            free: this.#free,
            depth: this.depth ?? 0,
            height: this.#brood.height,
          },
          now,
        ),
      );
    }
  }

  #open(peer: Peer, rtt: Millis, now: Instant, out: MemberEffect[]): void {
    this.#company.open(peer, rtt);
    const contact = this.#company.contacts.get(peer);
    if (contact?.role === 'move') this.#search.begin('move', now);
    else if (contact !== undefined && this.#search.need === 'none') contact.role = 'spare';
    this.#search.met(now);
    if (contact === undefined && this.#free > 0)
      out.push({ kind: 'standing', peers: [peer], free: this.#free, depth: this.depth ?? 0, height: this.#brood.height });
  }

  get #grandparent(): Short | undefined {
    return this.#parent?.path[0];
  }

  get #free(): number {
    return this.#parent === undefined && !this.#isOrigin ? 0 : this.#brood.free;
  }

  #watch(now: Instant, out: MemberEffect[]): void {
    switch (this.#vigil.find(now)) {
      case 'well':
      case 'held':
      case 'suspect':
        return;
      case 'barren':
      case 'dead':
        this.#fail('silent', undefined, now, out);
    }
  }

  /** Asks others for what is missing, while the parent does not bring it. */
  #repair(now: Instant, out: MemberEffect[]): void {
    if (this.#fresh === undefined) return;
    const finding = this.#parent === undefined ? 'dead' : this.#vigil.find(now);
    if (finding === 'held') return;
    if (finding === 'well' && this.#missing.length === 0) return this.#pull.end();
    const contacts = this.#company.contacts.warm(this.#parent?.peer);
    for (const asked of this.#pull.ask(this.#missing, this.#newest, this.#fresh, contacts, now)) {
      out.push({ kind: 'ask', ...asked });
    }
  }

  #seek(now: Instant, out: MemberEffect[]): void {
    const { contacts, roll } = this.#company;
    const except = new Set<Peer>();
    for (const { peer, short } of contacts.all())
      if (peer === this.#parent?.peer || this.#brood.has(short)) except.add(peer);
    const around = {
      contacts,
      roll,
      grandparent: this.#grandparent ?? this.#company.formerGrandparent,
      isHeir: this.#company.isHeir,
      except,
    };
    const court = ({ peer, short }: Contact): MemberEffect => ({
      kind: 'subscribe',
      peer,
      from: this.#newest < 0 ? 'newest' : this.#newest + 1,
      slots: this.#brood.slots,
      height: this.#brood.height,
      instead:
        short === around.grandparent && around.isHeir ? (this.#parent?.short ?? this.#company.formerParent) : undefined,
    });
    out.push(...this.#search.step(around, court, now));
  }

  #beat(now: Instant, out: MemberEffect[]): void {
    if (this.#brood.size === 0 || since(this.#sent, now) < BEAT) return;
    this.#sent = now;
    const dry = this.#isOrigin || this.#fresh === undefined ? ms(0) : since(this.#fresh, now);
    const peers = this.#brood.peers;
    if (dry < HOLD_AFTER) out.push({ kind: 'beat', peers, idle: this.#isOrigin || this.#isIdle });
    else out.push({ kind: 'hold', peers, since: dry, hops: this.#hops(now) });
  }

  /** 0 when the break is right above us. */
  #hops(now: Instant): number {
    const above = this.#parent === undefined ? undefined : this.#vigil.hops(now);
    return above === undefined ? 0 : Math.min(255, above + 1);
  }

  #takeHeight(peer: Peer, height: number, out: MemberEffect[]): void {
    const child = this.#brood.get(peer);
    if (child === undefined) return;
    const heir = this.#brood.heir;
    child.height = height;
    if (this.#brood.heir !== heir) this.#tellPath(out);
  }

  #hear(peer: Peer, what: 'data' | 'beat' | 'idle', now: Instant): void {
    const child = this.#brood.get(peer);
    if (child !== undefined && child.heard < now) child.heard = now;
    if (peer !== this.#parent?.peer) return;
    this.#vigil.heard(what, now);
    if (what === 'beat') return;
    this.#isIdle = what === 'idle';
    this.#hearData(now);
  }

  #hearData(now: Instant): void {
    this.#fresh = now;
  }

  #takePath(input: Extract<MemberInput, { kind: 'path' }>, now: Instant, out: MemberEffect[]): void {
    const { peer, path, heir } = input;
    const isAnswer = this.#search.courting === peer;
    if (!isAnswer && this.#parent?.peer !== peer) return;
    const contact = this.#company.contacts.get(peer);
    if (contact === undefined) return;
    if (contact.short === this.#short || path.includes(this.#short)) {
      out.push({ kind: 'unsubscribe', peer });
      if (isAnswer) this.#search.refused(peer, this.#company.contacts, now);
      else this.#lose(peer, 'loop', now, out);
      return;
    }
    if (isAnswer) this.#change(contact, path, heir, now, out);
    else if (this.#parent !== undefined) {
      [this.#parent.path, this.#parent.isHeir] = [path, heir];
      this.#company.under(this.#parent);
    }
    this.#tellPath(out);
  }

  /** It feeds us from now on; the one before is let go only now. */
  #change(contact: Contact, path: readonly Short[], isHeir: boolean, now: Instant, out: MemberEffect[]): void {
    const before = this.#parent;
    contact.role = 'spare';
    this.#search.found();
    this.#parent = { peer: contact.peer, short: contact.short, path, isHeir };
    this.#company.under(this.#parent);
    this.#vigil.begin(now);
    if (before !== undefined) {
      out.push({ kind: 'unsubscribe', peer: before.peer });
    }
    this.#stand(out);
  }

  /** The parent did not do what it promised. */
  #fail(why: 'silent' | 'slow' | 'corrupt', proof: number | undefined, now: Instant, out: MemberEffect[]): void {
    const parent = this.#parent;
    if (parent === undefined) return;
    out.push({ kind: 'complain', short: parent.short, why, proof });
    this.#search.avoid(parent.short, now);
    // Little is better than nothing: a slow one is kept until another feeds us.
    if (why === 'slow') this.#search.begin('better', now);
    else this.#lose(parent.peer, why, now, out);
  }

  #lose(peer: Peer, why: string, now: Instant, out: MemberEffect[]): void {
    const wasMeeting = this.#company.contacts.get(peer)?.isOpen === false;
    this.#dismiss(peer, out);
    this.#search.refused(peer, this.#company.contacts, now);
    this.#company.forget(peer);
    if (why !== 'gone') out.push({ kind: 'drop', peer, why });
    if (wasMeeting) this.#search.missed(now);
    if (this.#parent?.peer !== peer) return;
    this.#parent = undefined;
    this.#search.begin('any', now);
    this.#stand(out);
  }

  #hearLeaving(peer: Peer, now: Instant, out: MemberEffect[]): void {
    const child = this.#brood.get(peer);
    // Whoever is the heir of it may have the place at once.
    if (child !== undefined) child.heard = at(-Infinity);
    if (peer === this.#parent?.peer) {
      this.#search.avoid(this.#parent.short, now);
      this.#search.begin('better', now);
    } else if (this.#company.contacts.get(peer) !== undefined) this.#lose(peer, 'leaving', now, out);
  }

  #adopt(input: Extract<MemberInput, { kind: 'subscribe' }>, now: Instant, out: MemberEffect[]): void {
    const guest = this.#company.guest(input.peer);
    if (guest === undefined) return;
    if (this.#state !== 'running') return void out.push({ kind: 'refuse', peer: input.peer, reason: 'stopping' });
    // Without the stream ourselves we would only make its way longer.
    if (this.#parent === undefined && !this.#isOrigin)
      return void out.push({ kind: 'refuse', peer: input.peer, reason: 'full' });
    const isGone = ({ heard }: Child): boolean => since(heard, now) >= SUSPECT_AFTER;
    const reply = this.#brood.ask(input, guest.short, this.#path, guest.instead, isGone);
    if (reply.kind === 'no') return void out.push({ kind: 'refuse', peer: input.peer, reason: reply.reason });
    reply.child.heard = now;
    out.push({ kind: 'feed', peer: input.peer, from: input.from });
    if (reply.down !== undefined) {
      out.push({ kind: 'move', child: reply.down.peer, under: guest.short });
      this.#deadlines.set('shed', after(now, MOVES_FOR));
    }
    this.#tellPath(out);
    this.#stand(out);
  }

  #dismiss(peer: Peer, out: MemberEffect[]): void {
    if (!this.#brood.delete(peer)) return;
    out.push({ kind: 'starve', peer });
    this.#tellPath(out);
    this.#stand(out);
    if (this.#state === 'leaving' && this.#brood.size === 0) this.#end(out);
  }

  /** More children than can be fed: some are told to look for another parent, and fed until they have one. */
  #shed(now: Instant, out: MemberEffect[]): void {
    for (const child of this.#brood.all()) child.isMoving = false;
    const over = this.#brood.surplus();
    if (over.length === 0) return;
    for (const child of over) child.isMoving = true;
    out.push({ kind: 'leaving', peers: over.map(({ peer }) => peer) });
    this.#deadlines.set('shed', after(now, MOVES_FOR));
  }

  #leave(now: Instant, out: MemberEffect[]): void {
    if (this.#state !== 'running') return;
    this.#state = 'leaving';
    const told = new Set([
      ...this.#brood.peers,
      ...this.#company.peers,
      ...(this.#parent === undefined ? [] : [this.#parent.peer]),
    ]);
    if (told.size > 0) out.push({ kind: 'leaving', peers: [...told] });
    if (this.#brood.size === 0) this.#end(out);
    else this.#deadlines.set('leave', after(now, LEAVE_IN));
  }

  #end(out: MemberEffect[]): void {
    this.#state = 'left';
    if (this.#parent !== undefined) out.push({ kind: 'unsubscribe', peer: this.#parent.peer });
    out.push({ kind: 'left' });
  }

  get #path(): readonly Short[] {
    return this.#parent === undefined ? [this.#short] : [this.#short, this.#parent.short, ...this.#parent.path];
  }

  #tellPath(out: MemberEffect[]): void {
    const path = this.#path.slice(1);
    const heir = this.#brood.heir;
    for (const child of this.#brood.all()) {
      const isHeir = child === heir;
      if (child.isHeir === isHeir && child.path !== undefined && isSame(child.path, path)) continue;
      [child.path, child.isHeir] = [path, isHeir];
      out.push({ kind: 'path', peer: child.peer, path, heir: isHeir });
    }
  }

  #stand(out: MemberEffect[]): void {
    if (this.#state === 'left') return;
    out.push({ kind: 'stand', parent: this.#parent?.peer, children: this.#brood.peers });
  }
}

function isSame(a: readonly Short[], b: readonly Short[]): boolean {
  return a.length === b.length && a.every((short, i) => short === b[i]);
}
