import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import { between, type Random } from '../base/random.ts';
import { after, at, earliest, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import { Company } from './company.ts';
import type { Contact } from './contacts.ts';
import { Feeding } from './feeding.ts';
import { Inflow } from './inflow.ts';
import { Search } from './search.ts';
import { DEEPEST_FOR_NOW } from './suits.ts';
import { Surplus } from './surplus.ts';
import type { MemberEffect, MemberInput, Peer, Short } from './talk.ts';

/** Later than this by its parent's doing is too slow: more than a good line varies, less than a cushion. */
const BEHIND_MOST = ms(300);
/** What an orderly leaver gives its children: longer than most hard punches. */
const LEAVE_IN = seconds(2);
/** Under the origin its heir takes its very place, and waits until nobody else is fed by that any more, or so long. */
const HEIR_LAST = ms(1600);
/** Others bring the stream as long as it is not later than that: a cushion is longer. */
const CARRIED_WITHIN = ms(500);
const RETURN_WITHIN = seconds(5);

export interface MemberOptions {
  readonly random: Random;
  /** Ourselves in a path. */
  readonly short: Short;
  /** Children that can be fed. */
  readonly slots: number;
  /** Children that could be fed while others have nobody; `slots` where nothing is said. */
  readonly most?: number | undefined;
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
  /** It said that it feeds us no longer than it has to. */
  isLeaving: boolean;
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
  readonly #feeding: Feeding;
  readonly #surplus: Surplus;
  readonly #inflow = new Inflow();
  readonly #company: Company;
  readonly #search: Search;
  readonly #deadlines = new Deadlines<'stand' | 'heir' | 'leave'>();
  #state: State = 'new';
  #parent: Parent | undefined;
  #last: Instant = at(0);

  constructor({ random, short, slots, most, isOrigin = false, tellEvery }: MemberOptions) {
    this.#random = random;
    this.#short = short;
    this.#isOrigin = isOrigin;
    this.#feeding = new Feeding(slots, isOrigin ? slots : most, isOrigin);
    this.#surplus = new Surplus(this.#feeding);
    this.#company = new Company(random, short, tellEvery);
    this.#search = new Search(random);
  }

  get parent(): Peer | undefined {
    return this.#parent?.peer;
  }

  get children(): readonly Peer[] {
    return this.#feeding.brood.peers;
  }

  /** Households between this one and the origin, and one; 0 for the origin, undefined without a parent. */
  get depth(): number | undefined {
    return this.#isOrigin ? 0 : this.#parent && this.#parent.path.length + 1;
  }

  /** Sessions kept warm beside parent and children. */
  get warm(): readonly Peer[] {
    return this.#spares.map(({ peer }) => peer);
  }

  /** A child has nothing that we have not. */
  get #spares(): readonly Contact[] {
    const { contacts } = this.#company;
    return contacts.warm(this.#parent?.peer).filter(({ short }) => !this.#feeding.brood.has(short));
  }

  get isSeeking(): boolean {
    return this.#search.need !== 'none';
  }

  wake(): Instant | undefined {
    const inflow = this.#inflow.wake(this.#parent !== undefined, this.#last);
    return earliest(earliest(this.errands(), inflow), this.#feeding.wake());
  }

  /** When it wants a tick while the stream flows through it: `wake` without what every piece of the stream puts off. */
  errands(): Instant | undefined {
    const own = earliest(this.#deadlines.next(), this.#surplus.wake());
    return earliest(earliest(own, this.#search.wake()), this.#company.wake());
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
        out.push(...this.#company.introduced(input, (peer) => this.#feeding.brood.get(peer) !== undefined));
        if (input.role === 'parent' || input.role === 'move')
          this.#search.answered(input.short, this.#inflow.from !== 'newest', now);
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
        this.#feeding.heard(input.peer, now);
        if (input.peer === this.#parent?.peer) this.#inflow.heard(input.what, now);
        return;
      case 'had':
        this.#inflow.had(input.number, input.peer, input.peer === this.#parent?.peer, now);
        return;
      case 'missing':
        this.#inflow.missing(input.numbers);
        return;
      case 'hold':
        if (input.peer === this.#parent?.peer) this.#inflow.vigil.hold(input.hops, now);
        return;
      case 'path':
        this.#takePath(input, now, out);
        return;
      case 'standing':
        this.#company.standing(input);
        this.#compare(input.peer, now);
        this.#takeHeight(input.peer, input.height, out);
        return;
      case 'roll':
        out.push(...this.#company.hearRoll(input.peer, input.entries, this.#place, now));
        return;
      case 'behind':
        this.#hearBehind(input.by, now, out);
        return;
      case 'bad':
        if (input.peer === this.#parent?.peer) {
          this.#company.parentLives();
          this.#fail('corrupt', input.proof, now, out);
        } else this.#lose(input.peer, 'corrupt', now, out);
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
        this.#feeding.forwarded(now);
        return;
      case 'capacity':
        this.#surplus.resize(input.slots, Math.max(input.slots, input.most ?? input.slots), now);
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
        case 'heir':
          this.#tellHeir(out);
          break;
        case 'leave':
          this.#end(out);
          return;
      }
    }
    this.#shed(now, out);
    if (this.#state === 'left') return;
    if (this.#parent !== undefined) this.#watch(now, out);
    const warm = () => this.#spares;
    for (const asked of this.#inflow.repair(this.#parent !== undefined, warm, now)) out.push({ kind: 'ask', ...asked });
    if (this.#state === 'running' && !this.#isOrigin) this.#seek(now, out);
    const dry = this.#isOrigin ? this.#feeding.still(now) : this.#inflow.dry(now);
    out.push(...this.#feeding.beat(dry, this.#hops(now), this.#isIdle(now), now));
    if (this.#state === 'running') out.push(...this.#company.step(this.#place, now));
  }

  #open(peer: Peer, rtt: Millis, now: Instant, out: MemberEffect[]): void {
    this.#company.open(peer, rtt);
    const contact = this.#company.contacts.get(peer);
    if (contact?.role === 'move') this.#search.begin('move', now);
    else this.#compare(peer, now);
    this.#search.met(contact, this.#company.contacts, now);
    if (contact === undefined)
      out.push({
        kind: 'standing',
        peers: [peer],
        free: this.#free,
        depth: this.depth ?? 0,
        height: this.#feeding.brood.height,
      });
  }

  get #grandparent(): Short | undefined {
    return this.#parent?.path[0];
  }

  get #place() {
    const { parent } = this;
    const { brood } = this.#feeding;
    return {
      parent,
      grandparent: this.#grandparent,
      brood,
      free: this.#free,
      depth: this.depth ?? 0,
      height: brood.height,
    };
  }

  get #free(): number {
    return this.#parent === undefined && !this.#isOrigin ? 0 : this.#feeding.brood.free;
  }

  #watch(now: Instant, out: MemberEffect[]): void {
    switch (this.#inflow.vigil.find(now)) {
      case 'well':
      case 'held':
      case 'suspect':
        return;
      case 'barren':
      case 'dead':
        if (this.#inflow.vigil.speaks(now)) this.#company.parentLives();
        if (this.#parent?.isLeaving === true) this.#lose(this.#parent.peer, 'leaving', now, out);
        else this.#fail('silent', undefined, now, out);
    }
  }

  #seek(now: Instant, out: MemberEffect[]): void {
    if (!this.isSeeking) return;
    const { contacts, roll } = this.#company;
    const except = new Set<Peer>();
    for (const { peer, short } of contacts.all())
      if (peer === this.#parent?.peer || this.#feeding.brood.has(short)) except.add(peer);
    const around = {
      contacts,
      roll,
      grandparent: this.#grandparent ?? this.#company.formerGrandparent,
      isHeir: this.#company.isHeir,
      hasViewers: this.#inflow.from !== 'newest',
      isCarried: this.#parent === undefined && this.#inflow.dry(now) < CARRIED_WITHIN,
      own: { depth: this.#company.formerDepth, height: this.#feeding.brood.height },
      except,
    };
    const court = ({ peer, short }: Contact): MemberEffect => ({
      kind: 'subscribe',
      peer,
      from: this.#inflow.from,
      slots: this.#feeding.brood.slots,
      height: this.#feeding.brood.height,
      instead:
        short === around.grandparent && around.isHeir ? (this.#parent?.short ?? this.#company.formerParent) : undefined,
    });
    out.push(...this.#search.step(around, court, now));
  }

  #isIdle(now: Instant): boolean {
    return this.#isOrigin || (this.#parent !== undefined && this.#inflow.vigil.isIdle(now));
  }

  /** 0 when the break is right above us. */
  #hops(now: Instant): number {
    const above = this.#parent === undefined ? undefined : this.#inflow.vigil.hops(now);
    return above === undefined ? 0 : Math.min(255, above + 1);
  }

  /** A place that was named is there, and we have found ourselves another: a branch is better off at the higher one. */
  #compare(peer: Peer, now: Instant): void {
    const contact = this.#company.contacts.get(peer);
    if (contact?.role !== 'parent' || !contact.isOpen || this.#search.need !== 'none') return;
    const depth = this.#feeding.brood.height > 0 ? this.depth : undefined;
    // It says where it stands as soon as it is there.
    if (depth !== undefined && contact.depth === Infinity) return;
    contact.role = depth !== undefined && contact.depth + 1 < depth ? 'move' : 'spare';
    if (contact.role === 'move') this.#search.begin('move', now);
  }

  #takeHeight(peer: Peer, height: number, out: MemberEffect[]): void {
    const child = this.#feeding.brood.get(peer);
    if (child === undefined) return;
    const heir = this.#feeding.brood.heir;
    child.height = height;
    if (this.#feeding.brood.heir !== heir) this.#tellPath(out);
  }

  #takePath(input: Extract<MemberInput, { kind: 'path' }>, now: Instant, out: MemberEffect[]): void {
    const { peer, path, heir } = input;
    // Without a parent a late answer is as good as one in time.
    const isAnswer = this.#search.courting === peer || (this.#parent === undefined && this.isSeeking);
    const contact = this.#company.contacts.get(peer);
    if (!isAnswer && this.#parent?.peer !== peer) {
      // An answer that came too late: it feeds us, and we have turned to another.
      out.push({ kind: 'unsubscribe', peer });
      return;
    }
    if (contact === undefined) return;
    const isLoop = contact.short === this.#short || path.includes(this.#short);
    // One that says that it hangs so low would make us say more to our children than a path can hold.
    if (isLoop || path.length >= DEEPEST_FOR_NOW) {
      out.push({ kind: 'unsubscribe', peer });
      if (isAnswer) this.#search.refused(peer, this.#company.contacts, now);
      else this.#lose(peer, isLoop ? 'loop' : 'too-deep', now, out);
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
    [contact.role, contact.restsUntil] = ['spare', at(0)];
    this.#search.found();
    this.#parent = { peer: contact.peer, short: contact.short, path, isHeir, isLeaving: false };
    this.#company.under(this.#parent);
    this.#inflow.vigil.begin(now);
    if (before !== undefined) out.push({ kind: 'unsubscribe', peer: before.peer });
    this.#stand(out);
  }

  /** Who waits itself, and says so, is not to blame for it. */
  #hearBehind(by: Millis, now: Instant, out: MemberEffect[]): void {
    if (by < BEHIND_MOST || this.#search.need !== 'none' || this.#inflow.vigil.find(now) === 'held') return;
    this.#fail('slow', undefined, now, out);
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
    this.#feeding.goes(peer);
    if (peer === this.#parent?.peer) {
      this.#parent.isLeaving = true;
      this.#search.avoid(this.#parent.short, now);
      this.#search.begin('better', now);
    } else if (this.#company.contacts.get(peer) !== undefined) this.#lose(peer, 'leaving', now, out);
  }

  #adopt(input: Extract<MemberInput, { kind: 'subscribe' }>, now: Instant, out: MemberEffect[]): void {
    const { peer } = input;
    const guest = this.#company.guest(peer);
    if (guest === undefined) return;
    if (this.#state !== 'running') out.push({ kind: 'refuse', peer, reason: 'stopping' });
    // Without the stream ourselves we would only make its way longer.
    else if (this.#parent === undefined && !this.#isOrigin) out.push({ kind: 'refuse', peer, reason: 'full' });
    else {
      const reply = this.#feeding.ask(input, guest, this.#path, now);
      out.push(...reply);
      if (!reply.some(({ kind }) => kind === 'feed')) return;
      this.#surplus.adopted(guest.instead !== undefined || reply.some(({ kind }) => kind === 'move'), now);
      this.#tellPath(out);
      this.#stand(out);
    }
  }

  #dismiss(peer: Peer, out: MemberEffect[]): void {
    if (!this.#feeding.brood.delete(peer)) return;
    out.push({ kind: 'starve', peer });
    this.#tellPath(out);
    this.#stand(out);
    if (this.#state !== 'leaving') return;
    if (this.#feeding.brood.size === 0) this.#end(out);
    else if (this.#feeding.brood.size === 1 && this.#deadlines.get('heir') !== undefined) this.#tellHeir(out);
  }

  /** Takes our place; the origin feeds no third beside it, and by now nobody but the heir needs what we get. */
  #tellHeir(out: MemberEffect[]): void {
    this.#deadlines.clear('heir');
    out.push({ kind: 'leaving', peers: this.#feeding.brood.peers });
  }

  /** Those over the number that is fed. */
  #shed(now: Instant, out: MemberEffect[]): void {
    const { cut, told } = this.#surplus.due(now);
    for (const peer of cut) {
      out.push({ kind: 'refuse', peer, reason: 'full' });
      this.#dismiss(peer, out);
    }
    if (told.length > 0) out.push({ kind: 'leaving', peers: told });
  }

  #leave(now: Instant, out: MemberEffect[]): void {
    if (this.#state !== 'running') return;
    this.#state = 'leaving';
    const told = new Set([
      ...this.#feeding.brood.peers,
      ...this.#company.peers,
      ...(this.#parent === undefined ? [] : [this.#parent.peer]),
    ]);
    const heir = this.depth === 1 && this.#feeding.brood.size > 1 ? this.#feeding.brood.heir?.peer : undefined;
    if (heir !== undefined && told.delete(heir)) this.#deadlines.set('heir', after(now, HEIR_LAST));
    if (told.size > 0) out.push({ kind: 'leaving', peers: [...told] });
    if (this.#feeding.brood.size === 0) this.#end(out);
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
    out.push(...this.#feeding.tellPath(this.#path.slice(1)));
  }

  #stand(out: MemberEffect[]): void {
    if (this.#state === 'left') return;
    out.push({ kind: 'stand', parent: this.#parent?.peer, children: this.#feeding.brood.peers });
  }
}
