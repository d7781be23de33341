import { hex } from '../base/bytes.ts';
import { after, at, earliest, type Instant, isDue, ms } from '../base/time.ts';
import { Member } from '../tree/member.ts';
import type { MemberInput, Peer } from '../tree/talk.ts';
import type { PeerMessage } from '../wire/peer.ts';
import { Bringers } from './bringers.ts';
import { Children } from './children.ts';
import { Count } from './count.ts';
import { ALIVE_WITHIN, Deeds } from './deeds.ts';
import { Drought } from './drought.ts';
import type { KinInput, KinOptions, Orders } from './kinship.ts';
import { type Relative, Relatives, shortOf } from './relatives.ts';
import { Supply } from './supply.ts';
import { heard, tell } from './words.ts';

/** Every piece of the stream is a sign of life; the machine is told of one in so long. */
const TOLD_EVERY = ms(5);
/** A round trip to the rendezvous, and one more where the first word was lost. */
const ANSWERS_WITHIN = ms(600);
/** Blocks that others have to bring are later than this when they come (MISSED_AGE in watch.ts). */
const TOO_LATE = ms(400);
/** An encoder's own pauses are shorter, and children that hear nothing begin to act after 200 ms. */
const HOLD_AFTER = ms(150);
/** A parent that is being helped itself says so with every question; what it says holds for two. */
const HELD_FOR = ms(500);
/** Nothing that the machine waits for is more urgent than this. */
const REST = ms(10);

/**
 * One household's place in the tree of one channel: the member machine, which knows peers and numbers only, and what becomes of
 * its orders in sessions, messages and blocks.
 */
export class Kin {
  readonly children = new Children();
  readonly relatives = new Relatives();
  readonly drought = new Drought();
  readonly #options: KinOptions;
  readonly #member: Member;
  readonly #count = new Count();
  readonly #bringers = new Bringers();
  readonly #supply: Supply;
  readonly #deeds: Deeds;
  #stepped: Instant = at(0);
  #isThere = true;
  /** By then the rendezvous has said something to who asked for a parent, if it is there. */
  #answerBy: Instant | undefined;
  #toldHeard: Instant | undefined;
  #toldForwarded: Instant | undefined;
  #parent: Relative | undefined;
  /** Whoever feeds us, or may still do so. */
  #givers: ReadonlySet<Peer> = new Set();

  constructor(options: KinOptions) {
    const { random, slots, isOrigin, node, channel, silence } = options;
    this.#options = options;
    this.#member = new Member({ random, short: shortOf(node), slots, isOrigin });
    const { children, relatives, drought } = this;
    const supply = new Supply(options, children, this.#count);
    this.#supply = supply;
    this.#deeds = new Deeds({ channel, silence, isOrigin, children, relatives, supply, drought });
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
    // What comes in dribs and drabs goes on as it comes, and would keep beats and `hold` from being said.
    if (this.drought.isDry(now, HOLD_AFTER)) this.#deeds.tellHeld(now, out);
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
      case 'piece': {
        if (input.isNews) this.#revive(input.pairId, now, out);
        if (input.pairId !== this.#member.parent) return;
        if (this.#toldHeard !== undefined && now < after(this.#toldHeard, TOLD_EVERY)) return;
        if (input.isNews) this.#toldHeard = now;
        const isStream = input.isNews && !this.drought.isDry(now);
        this.#drive({ kind: 'heard', peer: input.pairId, what: isStream ? 'data' : 'beat' }, now, out);
        return;
      }
      case 'block':
        this.#count.had(input.number);
        this.#tellDrought(input.pairId, now, out);
        this.#drive({ kind: 'had', peer: input.pairId, number: this.#count.on(input.number) }, now, out);
        this.#judge(input.pairId, now, out);
        return;
      case 'bad':
        this.#drive({ kind: 'bad', peer: input.pairId, proof: 0 }, now, out);
        return;
      case 'missing':
        this.#drive({ kind: 'missing', numbers: input.numbers.map((number) => this.#count.on(number)) }, now, out);
        return;
      case 'epoch':
        this.#count.epoch();
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

  #judge(pairId: number, now: Instant, out: Orders): void {
    this.#bringers.block(pairId === this.#parent?.pairId, now);
    if (this.#bringers.isSlow(now)) this.#drive({ kind: 'behind', by: TOO_LATE }, now, out);
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
    this.#deeds.dismiss(pairId, out);
    this.#drive({ kind: 'lost', peer: pairId }, now, out);
    this.relatives.delete(pairId);
  }

  // -- what others say

  #hear(pairId: number, message: PeerMessage, now: Instant, out: Orders): void {
    const relative = this.relatives.get(pairId);
    if (relative === undefined) return;
    if (!relative.chatter.takes(message.kind, now)) {
      out.push({ kind: 'event', name: 'chatty-peer', fields: { pair: pairId, message: message.kind } });
      this.#lose(pairId, now, out);
      out.push({ kind: 'drop', pairId, why: 'chatty' });
      return;
    }
    if (relative.quiet?.isMute === true) this.#revive(pairId, now, out);
    switch (message.kind) {
      case 'subscribe':
        this.#asked(relative, message, now, out);
        return;
      case 'unsubscribe':
        this.#deeds.dismiss(pairId, out);
        this.#drive(heard(pairId, message), now, out);
        return;
      case 'want':
      case 'ask':
        this.#supply.give(pairId, message, now, out);
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
        out.push({ kind: 'event', name: 'turned-away', fields: { pair: pairId, why: message.reason } });
        this.#drive(heard(pairId, message), now, out);
        return;
      case 'hold':
        if (pairId === this.#parent?.pairId) this.#bringers.begin(now, HELD_FOR);
        this.#drive(heard(pairId, message), now, out);
        return;
      case 'beat':
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
    const from = tag === this.#supply.tag ? message.from : 'newest';
    this.#drive({ kind: 'subscribe', peer, from, slots, height, instead }, now, out);
  }

  #tellDrought(pairId: number, now: Instant, out: Orders): void {
    const ended = this.drought.block(now);
    if (ended === undefined) return;
    const [dry, asked] = [Math.round(ended.dry), Math.round(ended.asked)];
    out.push({ kind: 'event', name: 'drought', fields: { pair: pairId, dry_ms: dry, asked_after_ms: asked } });
  }

  // -- what the member orders

  #drive(input: MemberInput, now: Instant, out: Orders): void {
    this.#stepped = now;
    for (const effect of this.#member.step(input, now)) {
      if (effect.kind === 'join' && effect.want === 'parent') this.#answerBy ??= after(now, ANSWERS_WITHIN);
      this.#deeds.act(effect, now, out);
    }
    const { parent: pair } = this.#member;
    const before = this.#parent;
    if (pair === before?.pairId) return;
    this.#parent = pair === undefined ? undefined : this.relatives.get(pair);
    this.#bringers.begin(now);
    if (this.#parent !== undefined) {
      const { pairId, node } = this.#parent;
      for (const giver of this.#givers) {
        if (giver !== pairId) tell([giver], { kind: 'unsubscribe', channel: this.#options.channel }, out);
      }
      this.#givers = new Set([pairId]);
      this.#forgetQuiet(now, out);
      out.push({ kind: 'event', name: 'parent', fields: { pair: pairId, peer: hex(node), depth: this.depth } });
    } else if (before !== undefined) {
      const why = this.#deeds.whyLost(before.pairId);
      out.push({ kind: 'event', name: 'parent-lost', fields: { pair: before.pairId, peer: hex(before.node), why } });
    }
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
}
