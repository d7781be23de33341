import { hex } from '../base/bytes.ts';
import { after, at, earliest, type Instant, isDue, ms, seconds } from '../base/time.ts';
import { Member } from '../tree/member.ts';
import type { MemberEffect, MemberInput, Peer } from '../tree/talk.ts';
import { ASK_MOST, encodePeer, type PeerMessage, ROLL_MOST } from '../wire/peer.ts';
import { Children } from './children.ts';
import type { KinInput, KinOptions, Orders } from './kinship.ts';
import { type Relative, Relatives, shortOf } from './relatives.ts';
import { heard, spoken } from './words.ts';

/** A beat that is this late says nothing any more. */
const BEAT_LASTS = ms(100);
/** Every piece of the stream is a sign of life; the machine is told of one in so long. */
const TOLD_EVERY = ms(5);
/** A round trip to the rendezvous, and one more where the first word was lost. */
const ANSWERS_WITHIN = ms(600);
/** Nothing that the machine waits for is more urgent than this. */
const REST = ms(10);
/** Whoever was silent for longer may be replaced by its own heir, who waited as long for it. */
const ALIVE_WITHIN = ms(250);
/** A silent parent that does not come back by then is gone. */
const QUIET_FOR = seconds(5);

/**
 * One household's place in the tree of one channel: the member machine, which knows peers and numbers only, and what becomes of
 * its orders in sessions, messages and blocks.
 */
export class Kin {
  readonly children = new Children();
  readonly relatives = new Relatives();
  readonly #options: KinOptions;
  readonly #member: Member;
  #stepped: Instant = at(0);
  #isThere = true;
  /** By then the rendezvous has said something to who asked for a parent, if it is there. */
  #answerBy: Instant | undefined;
  #toldHeard: Instant | undefined;
  #toldForwarded: Instant | undefined;
  /** The member counts on when the origin begins anew: block n of this epoch is n + base to it. */
  #base = 0;
  #newest = -1;
  #parent: Relative | undefined;
  /** Whoever feeds us, or may still do so. */
  #givers: ReadonlySet<Peer> = new Set();
  /** Why the last session was ended from here. */
  #dropped: { readonly pairId: number; readonly why: string } | undefined;

  constructor(options: KinOptions) {
    const { random, slots, isOrigin, node } = options;
    this.#options = options;
    this.#member = new Member({ random, short: shortOf(node), slots, isOrigin });
  }

  /** The household that feeds this one; undefined while there is none. */
  get parent(): Relative | undefined {
    return this.#member.parent === undefined ? undefined : this.relatives.get(this.#member.parent);
  }

  /** Households between this one and the origin, and one. */
  get depth(): number {
    return this.#member.depth ?? 0;
  }

  get spares(): readonly Relative[] {
    return this.#member.warm.flatMap((pairId) => this.relatives.get(pairId) ?? []);
  }

  wake(): Instant | undefined {
    const wake = this.#member.wake();
    const due = wake === undefined ? undefined : at(Math.max(wake, after(this.#stepped, REST)));
    return earliest(due, this.#answerBy);
  }

  /** Gives a verified piece of the stream to all children. */
  forward(bytes: Uint8Array, now: Instant, out: Orders): void {
    const orders = this.children.forward(bytes);
    out.push(...orders);
    if (orders.length === 0 || (this.#toldForwarded !== undefined && now < after(this.#toldForwarded, TOLD_EVERY)))
      return;
    this.#toldForwarded = now;
    this.#drive({ kind: 'forwarded' }, now, out);
  }

  step(input: KinInput, now: Instant, out: Orders): void {
    switch (input.kind) {
      case 'start':
      case 'capacity':
      case 'leave':
        this.#drive(input, now, out);
        return;
      case 'behind':
        this.#drive(input, now, out);
        return;
      case 'rendezvous':
        this.#see(input.isThere, now, out);
        return;
      case 'tick':
        if (isDue(this.#answerBy, now)) this.#see(false, now, out);
        this.#drive(input, now, out);
        this.#forgetQuiet(now, out);
        return;
      case 'introduced': {
        const { pairId, node, purpose, instead } = input;
        if (purpose === 'parent') this.#see(true, now, out);
        const { short } = this.relatives.enter(pairId, node, purpose);
        this.#drive({ kind: 'introduced', peer: pairId, short, role: purpose, instead }, now, out);
        return;
      }
      case 'refused':
        if (input.want !== 'parent') return;
        this.#see(true, now, out);
        this.#drive({ kind: 'refused', retryIn: input.retryIn }, now, out);
        return;
      case 'open':
        this.#open(input.pairId, now, out);
        return;
      case 'lost':
        this.#lose(input.pairId, now, out);
        return;
      case 'control':
        this.#hear(input.pairId, input.message, now, out);
        return;
      case 'piece':
        if (input.isNews) this.#revive(input.pairId, now, out);
        if (input.pairId !== this.#member.parent) return;
        if (this.#toldHeard !== undefined && now < after(this.#toldHeard, TOLD_EVERY)) return;
        if (input.isNews) this.#toldHeard = now;
        this.#drive({ kind: 'heard', peer: input.pairId, what: input.isNews ? 'data' : 'beat' }, now, out);
        return;
      case 'block':
        this.#newest = Math.max(this.#newest, input.number);
        this.#drive({ kind: 'had', peer: input.pairId, number: input.number + this.#base }, now, out);
        return;
      case 'bad':
        this.#drive({ kind: 'bad', peer: input.pairId, proof: 0 }, now, out);
        return;
      case 'missing':
        this.#drive({ kind: 'missing', numbers: input.numbers.map((number) => number + this.#base) }, now, out);
        return;
      case 'epoch':
        this.#base += this.#newest + 1;
        this.#newest = -1;
        this.#drive({ kind: 'missing', numbers: [] }, now, out);
    }
  }

  /** Is there a rendezvous? One that lets an orphan wait is as good as none: it asks whom it knows instead. */
  #see(isThere: boolean, now: Instant, out: Orders): void {
    this.#answerBy = undefined;
    if (isThere === this.#isThere) return;
    this.#isThere = isThere;
    this.#drive({ kind: 'rendezvous', isThere }, now, out);
  }

  #open(pairId: number, now: Instant, out: Orders): void {
    const relative = this.relatives.get(pairId);
    if (relative === undefined) return;
    relative.isOpen = true;
    for (const double of this.relatives.doubles(relative)) {
      if (double.pairId === this.#member.parent) continue;
      this.#drive({ kind: 'lost', peer: double.pairId }, now, out);
      this.relatives.delete(double.pairId);
      out.push({ kind: 'drop', pairId: double.pairId, why: 'double' });
    }
    this.#drive({ kind: 'open', peer: pairId, rtt: this.#options.trip(pairId, now) }, now, out);
  }

  #lose(pairId: number, now: Instant, out: Orders): void {
    this.#dismiss(pairId, out);
    this.#drive({ kind: 'lost', peer: pairId }, now, out);
    this.relatives.delete(pairId);
  }

  #dismiss(pairId: number, out: Orders): void {
    if (!this.children.remove(pairId)) return;
    out.push({ kind: 'event', name: 'child-left', fields: { pair: pairId } });
  }

  // -- what others say

  #hear(pairId: number, message: PeerMessage, now: Instant, out: Orders): void {
    const relative = this.relatives.get(pairId);
    if (relative === undefined) return;
    if (relative.quiet?.isMute === true) this.#revive(pairId, now, out);
    switch (message.kind) {
      case 'subscribe':
        this.#asked(relative, message, now, out);
        return;
      case 'unsubscribe':
        this.#dismiss(pairId, out);
        this.#drive(heard(pairId, message), now, out);
        return;
      case 'want': {
        const { tag, number, wanted } = message;
        if (tag === this.#tag) out.push(...this.children.want(pairId, number, wanted, tag, this.#options.larder, now));
        return;
      }
      case 'ask':
        if (message.tag !== this.#tag) return;
        for (const number of message.numbers) {
          out.push(...this.children.want(pairId, number, 0, message.tag, this.#options.larder, now));
        }
        return;
      case 'leaving':
        relative.isLeaving = true;
        this.#drive(heard(pairId, message), now, out);
        return;
      case 'standing':
        [relative.free, relative.depth] = [message.free, message.depth];
        this.#drive(heard(pairId, message), now, out);
        return;
      case 'refuse':
      case 'beat':
      case 'hold':
      case 'path':
      case 'roll':
        this.#drive(heard(pairId, message), now, out);
        return;
      case 'meet': {
        const other = this.relatives.byShort(message.short);
        if (other !== undefined) out.push({ kind: 'acquaint', pairId, other: other.pairId, purpose: message.role });
        return;
      }
      case 'subscribed':
      case 'status':
        relative.lag = message.lag;
        return;
      case 'introduction':
      case 'echo':
        return;
    }
  }

  #asked(relative: Relative, message: Extract<PeerMessage, { kind: 'subscribe' }>, now: Instant, out: Orders): void {
    const { pairId: peer } = relative;
    const { tag, slots, height, instead } = message;
    const heirOf = instead === undefined ? undefined : this.relatives.byShort(instead);
    // Its own words may have been lost; its receipts for the stream are as good.
    if (heirOf !== undefined && !heirOf.isLeaving && this.#options.silence(heirOf.pairId, now) < ALIVE_WITHIN) {
      this.#drive({ kind: 'heard', peer: heirOf.pairId, what: 'beat' }, now, out);
    }
    const from = tag === this.#tag ? message.from : 'newest';
    this.#drive({ kind: 'subscribe', peer, from, slots, height, instead }, now, out);
  }

  get #tag(): number | undefined {
    return this.#options.larder.standing()?.tag;
  }

  // -- what the member orders

  #drive(input: MemberInput, now: Instant, out: Orders): void {
    this.#stepped = now;
    for (const effect of this.#member.step(input, now)) this.#act(effect, now, out);
    const { parent: pair } = this.#member;
    const before = this.#parent;
    if (pair === before?.pairId) return;
    this.#parent = pair === undefined ? undefined : this.relatives.get(pair);
    if (this.#parent !== undefined) {
      const { pairId, node } = this.#parent;
      for (const giver of this.#givers) {
        if (giver !== pairId) this.#tell(giver, { kind: 'unsubscribe', channel: this.#options.channel }, out);
      }
      this.#givers = new Set([pairId]);
      this.#forgetQuiet(now, out);
      out.push({ kind: 'event', name: 'parent', fields: { pair: pairId, peer: hex(node), depth: this.depth } });
    } else if (before !== undefined) {
      const why = this.#dropped?.pairId === before.pairId ? this.#dropped.why : 'gone';
      out.push({ kind: 'event', name: 'parent-lost', fields: { pair: before.pairId, peer: hex(before.node), why } });
    }
  }

  #act(effect: MemberEffect, now: Instant, out: Orders): void {
    switch (effect.kind) {
      case 'join': {
        const avoid = effect.avoid.flatMap((short) => this.relatives.nodeOf(short) ?? []);
        out.push({ kind: 'join', want: effect.want, avoid: avoid.slice(-8) });
        if (effect.want === 'parent') this.#answerBy ??= after(now, ANSWERS_WITHIN);
        return;
      }
      case 'meet':
        if (effect.role === 'parent' || effect.role === 'spare') {
          this.#tell(effect.via, { kind: 'meet', short: effect.short, role: effect.role }, out);
        }
        return;
      case 'subscribe':
        this.#subscribe(effect, out);
        return;
      case 'beat':
      case 'hold':
        this.#say(spoken(effect, this.#options.channel), out, after(now, BEAT_LASTS));
        return;
      case 'refuse':
        this.#say(spoken(effect, this.#options.channel), out);
        if (effect.reason === 'full') this.#tellOthers(effect.peer, out);
        return;
      case 'unsubscribe':
      case 'path':
      case 'standing':
      case 'roll':
      case 'leaving':
        this.#say(spoken(effect, this.#options.channel), out);
        return;
      case 'feed':
        this.#feed(effect.peer, effect.from, now, out);
        return;
      case 'starve':
        this.#dismiss(effect.peer, out);
        return;
      case 'ask':
        this.#ask(effect.peer, effect.numbers, out);
        return;
      case 'move':
        this.#move(effect.child, effect.under, out);
        return;
      case 'drop':
        this.#drop(effect.peer, effect.why, now, out);
        return;
      case 'complain': {
        const node = this.relatives.nodeOf(effect.short);
        if (node !== undefined) out.push({ kind: 'complain', node, fault: effect.why });
        return;
      }
      case 'stand':
        this.#settle(effect.children, out);
        out.push({ kind: 'stand' });
        return;
      case 'left':
        out.push({ kind: 'left' });
    }
  }

  #subscribe(
    { peer, from: wanted, slots, height, instead }: Extract<MemberEffect, { kind: 'subscribe' }>,
    out: Orders,
  ): void {
    const from = wanted === 'newest' || wanted < this.#base ? 'newest' : wanted - this.#base;
    const tag = this.#tag ?? 0;
    this.#tell(peer, { kind: 'subscribe', channel: this.#options.channel, tag, from, slots, height, instead }, out);
  }

  #feed(peer: Peer, from: number | 'newest', now: Instant, out: Orders): void {
    const { larder } = this.#options;
    out.push(...this.children.feed(peer, from, larder.standing(), larder, now));
    out.push({ kind: 'event', name: 'child', fields: { pair: peer } });
  }

  #ask(peer: Peer, numbers: readonly number[], out: Orders): void {
    const tag = this.#tag;
    if (tag === undefined) return;
    const whole: number[] = [];
    for (const number of numbers.map((counted) => counted - this.#base).filter((one) => one >= 0)) {
      const wanted = this.#options.larder.wanted(number);
      if (wanted === 0) whole.push(number);
      else this.#tell(peer, { kind: 'want', tag, number, wanted }, out);
    }
    if (whole.length > 0) this.#tell(peer, { kind: 'ask', tag, numbers: whole.slice(0, ASK_MOST) }, out);
  }

  /** The child stays with us until the other feeds it; when they can't be brought together it looks around by itself. */
  #move(child: Peer, under: number, out: Orders): void {
    const other = this.relatives.byShort(under);
    if (other !== undefined) out.push({ kind: 'acquaint', pairId: child, other: other.pairId, purpose: 'move' });
    else this.#tell(child, { kind: 'leaving' }, out);
  }

  /** A silent parent may have lost its way, or a moment only: it may come back as long as nobody else feeds us. */
  #drop(pairId: Peer, why: string, now: Instant, out: Orders): void {
    this.#dropped = { pairId, why };
    this.#dismiss(pairId, out);
    const relative = this.relatives.get(pairId);
    if (relative?.isOpen === true && why === 'silent') {
      const isMute = this.#options.silence(pairId, now) >= ALIVE_WITHIN;
      relative.quiet = { until: after(now, QUIET_FOR), isMute };
      return;
    }
    this.relatives.delete(pairId);
    out.push({ kind: 'drop', pairId, why });
  }

  #revive(pairId: number, now: Instant, out: Orders): void {
    const relative = this.relatives.get(pairId);
    if (relative?.quiet === undefined) return;
    relative.quiet = undefined;
    this.#drive(
      { kind: 'introduced', peer: pairId, short: relative.short, role: 'spare', instead: undefined },
      now,
      out,
    );
    this.#drive({ kind: 'open', peer: pairId, rtt: this.#options.trip(pairId, now) }, now, out);
  }

  /** Those that are not coming back, or are needed no more. */
  #forgetQuiet(now: Instant, out: Orders): void {
    for (const { pairId, quiet } of this.relatives.quiet) {
      if (this.#parent === undefined && quiet !== undefined && quiet.until > now) continue;
      this.relatives.delete(pairId);
      out.push({ kind: 'drop', pairId, why: 'silent' });
    }
  }

  /** Who is turned away hears of those around us who have room. */
  #tellOthers(pairId: Peer, out: Orders): void {
    const short = this.relatives.get(pairId)?.short ?? 0;
    const entries = this.relatives.free(short).map((one) => ({ short: one.short, free: one.free, depth: one.depth }));
    if (entries.length > 0) this.#tell(pairId, { kind: 'roll', entries: entries.slice(0, ROLL_MOST) }, out);
  }

  /** Feeds whom the member feeds, and besides them who is on its way out and has children of its own. */
  #settle(fed: readonly Peer[], out: Orders): void {
    for (const { pairId } of this.children.facts) {
      if (!fed.includes(pairId) && this.relatives.get(pairId)?.isLeaving !== true) this.#dismiss(pairId, out);
    }
  }

  #tell(pairId: Peer, message: PeerMessage, out: Orders): void {
    this.#say({ peers: [pairId], message }, out);
  }

  #say({ peers, message }: ReturnType<typeof spoken>, out: Orders, deadline?: Instant): void {
    const bytes = encodePeer(message);
    for (const pairId of peers) {
      out.push({ kind: 'tell', pairId, bytes, urgent: true, ...(deadline !== undefined && { deadline }) });
    }
  }
}
