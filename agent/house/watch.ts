import { hex } from '../base/bytes.ts';
import { Deadlines } from '../base/deadlines.ts';
import { between, type Random } from '../base/random.ts';
import { after, at, earliest, type Instant, isDue, type Millis, ms, seconds, since } from '../base/time.ts';
import { Feed, type FeedEffect } from '../blocks/feed.ts';
import { Ring } from '../blocks/ring.ts';
import { Entry } from '../media/entry.ts';
import type { Cipher } from '../seal/cipher.ts';
import { encodePeer, type PeerMessage } from '../wire/peer.ts';
import { Children, type ChildrenEffect, type Standing, type Stock } from './children.ts';

/** Between two requests for a parent, spread by a third. */
const JOIN_AGAIN = seconds(1);
/** A parent that is there but brings nothing: the origin itself says something every second even without a source. */
const STARVED = seconds(4);
/** How long a parent that failed is not asked for again. */
const AVOIDED = seconds(15);
const AVOID_MOST = 8;
/** What the transport itself repairs is not asked for: a round trip and a half of a slow path. */
const MISSING_AGE = ms(250);
const REPAIR_EVERY = ms(100);
const ASK_AGAIN = ms(400);
const STATUS_EVERY = ms(1000);

export interface WatchOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly channel: Uint8Array;
  readonly children: number;
  readonly ringSpan: Millis;
  readonly ringBytes: number;
  /** How long a missing block holds up viewers. */
  readonly hold: Millis;
}

export type WatchInput =
  | { readonly kind: 'start' }
  /** A parent was found and is being connected to. */
  | { readonly kind: 'introduced'; readonly pairId: number; readonly node: Uint8Array; readonly name: string }
  /** No parent now. */
  | { readonly kind: 'refused'; readonly retryIn: Millis }
  | { readonly kind: 'parent-open'; readonly pairId: number }
  | { readonly kind: 'lost'; readonly pairId: number }
  | { readonly kind: 'message'; readonly pairId: number; readonly bytes: Uint8Array }
  | { readonly kind: 'control'; readonly pairId: number; readonly message: PeerMessage }
  /** Half a round trip to the parent, for the lag. */
  | { readonly kind: 'distance'; readonly oneWay: Millis }
  | { readonly kind: 'tick' };

export type WatchEffect =
  | ChildrenEffect
  | { readonly kind: 'join'; readonly avoid: readonly Uint8Array[] }
  /** This peer is of no use any more. */
  | { readonly kind: 'drop'; readonly pairId: number; readonly why: string }
  /** Who feeds us or whom we feed has changed. */
  | { readonly kind: 'stand' }
  /** Blocks came into their turn: viewers have something to read. */
  | { readonly kind: 'news'; readonly blocks: number }
  | { readonly kind: 'event'; readonly name: string; readonly fields: Readonly<Record<string, string | number>> };

type Parent =
  | { readonly name: 'none' }
  | { readonly name: 'asking' }
  | { readonly name: 'meeting'; readonly pairId: number; readonly node: Uint8Array }
  | { readonly name: 'feeding'; readonly pairId: number; readonly node: Uint8Array; readonly since: Instant };

/** One channel in one household: a parent to be fed by, the last seconds of the stream, children to feed. */
export class Watch {
  readonly channel: Uint8Array;
  readonly ring: Ring;
  readonly children: Children;
  readonly #random: Random;
  readonly #feed: Feed;
  readonly #deadlines = new Deadlines<'join' | 'repair' | 'starved' | 'status'>();
  readonly #asked = new Map<number, Instant>();
  readonly #avoid = new Map<Uint8Array, Instant>();
  readonly #stock: Stock;
  #parent: Parent = { name: 'none' };
  #name = '';
  #depth = 0;
  #parentLag: Millis = ms(0);
  #oneWay: Millis = ms(0);
  #receivedBytes = 0;

  constructor(options: WatchOptions) {
    this.channel = options.channel;
    this.#random = options.random;
    this.#feed = new Feed({ cipher: options.cipher, channel: options.channel });
    this.ring = new Ring({ entry: new Entry(), span: options.ringSpan, bytes: options.ringBytes, hold: options.hold });
    this.children = new Children(options.channel, options.children);
    this.#stock = {
      get: (number) => this.ring.get(number),
      from: (number) => this.ring.from(number),
      partial: (number, wanted) => this.#feed.answer(number, wanted),
    };
  }

  get name(): string {
    return this.#name;
  }

  get feed(): Feed {
    return this.#feed;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get depth(): number {
    return this.#depth;
  }

  get lag(): Millis {
    return ms(this.#parentLag + this.#oneWay);
  }

  /** The household that feeds this one; undefined while there is none. */
  get parent(): { readonly pairId: number; readonly node: Uint8Array } | undefined {
    return this.#parent.name === 'feeding' ? this.#parent : undefined;
  }

  wake(): Instant | undefined {
    return earliest(earliest(this.#deadlines.next(), this.#feed.wake()), this.ring.wake());
  }

  step(input: WatchInput, now: Instant): readonly WatchEffect[] {
    const out: WatchEffect[] = [];
    switch (input.kind) {
      case 'start':
        this.#join(now, out);
        break;
      case 'introduced':
        this.#meet(input.pairId, input.node, input.name, out);
        break;
      case 'refused':
        if (this.#parent.name === 'asking') this.#rest(input.retryIn, now);
        break;
      case 'parent-open':
        this.#subscribe(input.pairId, now, out);
        break;
      case 'lost':
        this.#lose(input.pairId, 'gone', now, out);
        break;
      case 'message':
        this.#takeStream(input.pairId, input.bytes, now, out);
        break;
      case 'control':
        this.#takeControl(input.pairId, input.message, now, out);
        break;
      case 'distance':
        this.#oneWay = input.oneWay;
        break;
      case 'tick':
        break;
    }
    this.#settle(now, out);
    return out;
  }

  /** Says goodbye to parent and children. */
  leave(): readonly WatchEffect[] {
    const out: WatchEffect[] = [...this.children.tellAll({ kind: 'leaving' })];
    if (this.#parent.name === 'feeding') {
      out.push(tell(this.#parent.pairId, { kind: 'unsubscribe', channel: this.channel }));
    }
    return out;
  }

  /** Timers, and what became due in feed and ring. */
  #settle(now: Instant, out: WatchEffect[]): void {
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'join':
          this.#join(now, out);
          break;
        case 'repair':
          this.#repair(now, out);
          break;
        case 'starved':
          if (this.#parent.name === 'feeding') this.#lose(this.#parent.pairId, 'starved', now, out);
          break;
        case 'status':
          this.#tellStatus(now, out);
          break;
      }
    }
    if (isDue(this.#feed.wake(), now)) this.#feed.tick(now);
    if (isDue(this.ring.wake(), now)) this.#news(this.ring.tick(now).length, out);
  }

  #join(now: Instant, out: WatchEffect[]): void {
    if (this.#parent.name !== 'none' && this.#parent.name !== 'asking') return;
    for (const [node, until] of this.#avoid) if (until <= now) this.#avoid.delete(node);
    this.#parent = { name: 'asking' };
    out.push({ kind: 'join', avoid: [...this.#avoid.keys()].slice(-AVOID_MOST) });
  }

  #rest(retryIn: Millis, now: Instant): void {
    this.#parent = { name: 'none' };
    const pause = Math.max(retryIn, JOIN_AGAIN) * between(this.#random, 0.67, 1.33);
    this.#deadlines.set('join', after(now, ms(pause)));
  }

  #meet(pairId: number, node: Uint8Array, name: string, out: WatchEffect[]): void {
    // The answer to a question that was given up: the parent we have is better than one we might get.
    if (this.#parent.name === 'feeding' || this.#parent.name === 'meeting') {
      out.push({ kind: 'drop', pairId, why: 'has a parent' });
      return;
    }
    this.#name = name;
    this.#parent = { name: 'meeting', pairId, node };
    this.#deadlines.clear('join');
  }

  #subscribe(pairId: number, now: Instant, out: WatchEffect[]): void {
    if (this.#parent.name !== 'meeting' || this.#parent.pairId !== pairId) return;
    this.#parent = { name: 'feeding', pairId, node: this.#parent.node, since: now };
    out.push(tell(pairId, { kind: 'subscribe', channel: this.channel, from: this.#needed() }));
    this.#deadlines.set('starved', after(now, STARVED));
    this.#deadlines.set('repair', after(now, REPAIR_EVERY));
    out.push({ kind: 'stand' });
  }

  /** The first block number that is not here. */
  #needed(): number | 'newest' {
    if (this.#feed.newest < 0) return 'newest';
    const missing = this.#feed.missing(at(Infinity), ms(0))[0];
    return missing?.number ?? this.#feed.newest + 1;
  }

  #lose(pairId: number, why: string, now: Instant, out: WatchEffect[]): void {
    if (this.children.remove(pairId)) {
      out.push({ kind: 'stand' }, { kind: 'event', name: 'child-left', fields: { pair: pairId } });
    }
    const parent = this.#parent;
    if ((parent.name !== 'meeting' && parent.name !== 'feeding') || parent.pairId !== pairId) return;
    this.#avoid.set(parent.node, after(now, AVOIDED));
    this.#deadlines.clear('starved');
    this.#deadlines.clear('repair');
    out.push(
      { kind: 'drop', pairId, why },
      { kind: 'event', name: 'parent-lost', fields: { pair: pairId, peer: hex(parent.node), why } },
    );
    this.#parent = { name: 'none' };
    out.push({ kind: 'stand' });
    this.#join(now, out);
  }

  #takeStream(pairId: number, bytes: Uint8Array, now: Instant, out: WatchEffect[]): void {
    const parent = this.#parent;
    if (parent.name !== 'feeding' || parent.pairId !== pairId) return;
    this.#receivedBytes += bytes.length;
    this.#deadlines.set('starved', after(now, STARVED));
    for (const effect of this.#feed.take(bytes, pairId, now)) this.#actOnFeed(effect, now, out);
  }

  #actOnFeed(effect: FeedEffect, now: Instant, out: WatchEffect[]): void {
    switch (effect.kind) {
      case 'forward':
        for (const order of this.children.forward(effect.bytes)) out.push(order);
        return;
      case 'block': {
        this.#asked.delete(effect.number);
        const { kind: _, ...block } = effect;
        this.#news(this.ring.push(block, now).length, out);
        return;
      }
      case 'bad':
        out.push({ kind: 'event', name: 'bad-block', fields: { pair: effect.from, reason: effect.reason } });
        this.#lose(effect.from, 'bad', now, out);
        return;
      case 'refused':
        return;
      case 'epoch':
        this.#asked.clear();
        this.#deadlines.set('status', after(now, ms(0)));
        out.push({ kind: 'event', name: 'epoch', fields: { epoch: effect.epoch } });
    }
  }

  #takeControl(pairId: number, message: PeerMessage, now: Instant, out: WatchEffect[]): void {
    switch (message.kind) {
      case 'subscribe': {
        const orders = this.children.subscribe(pairId, message.from, this.#standing(), this.#stock, now);
        out.push(...orders, { kind: 'stand' }, { kind: 'event', name: 'child', fields: { pair: pairId } });
        return;
      }
      case 'unsubscribe':
        this.children.remove(pairId);
        out.push({ kind: 'drop', pairId, why: 'unsubscribed' });
        return;
      case 'want':
        if (message.tag !== this.#feed.tag) return;
        out.push(...this.children.want(pairId, message.number, message.wanted, message.tag, this.#stock, now));
        return;
      case 'subscribed':
        if (!this.#isParent(pairId)) return;
        this.#name = message.name;
        this.#depth = message.depth + 1;
        this.#parentLag = message.lag;
        if (this.#feed.epoch !== undefined && this.#feed.epoch !== message.epoch) {
          out.push(tell(pairId, { kind: 'subscribe', channel: this.channel, from: 'newest' }));
        }
        return;
      case 'status':
        if (!this.#isParent(pairId)) return;
        this.#depth = message.depth + 1;
        this.#parentLag = message.lag;
        return;
      case 'refuse':
      case 'leaving':
        if (this.#isParent(pairId)) this.#lose(pairId, message.kind, now, out);
        return;
      case 'echo':
        return;
    }
  }

  #isParent(pairId: number): boolean {
    return this.#parent.name === 'feeding' && this.#parent.pairId === pairId;
  }

  #repair(now: Instant, out: WatchEffect[]): void {
    const [parent, tag] = [this.#parent, this.#feed.tag];
    if (parent.name !== 'feeding') return;
    this.#deadlines.set('repair', after(now, REPAIR_EVERY));
    if (tag === undefined) return;
    for (const [number, when] of this.#asked) if (since(when, now) > STARVED) this.#asked.delete(number);
    for (const { number, wanted } of this.#feed.missing(now, MISSING_AGE)) {
      const asked = this.#asked.get(number);
      if (asked !== undefined && since(asked, now) < ASK_AGAIN) continue;
      this.#asked.set(number, now);
      out.push(tell(parent.pairId, { kind: 'want', tag, number, wanted }));
    }
  }

  #tellStatus(now: Instant, out: WatchEffect[]): void {
    this.#deadlines.set('status', after(now, ms(STATUS_EVERY * between(this.#random, 0.67, 1.33))));
    const standing = this.#standing();
    if (standing === undefined) return;
    const { tag, lag, depth, newest } = standing;
    out.push(...this.children.tellAll({ kind: 'status', tag, lag, depth, newest }));
  }

  #standing(): Standing | undefined {
    const { epoch, tag, newest } = this.#feed;
    if (epoch === undefined || tag === undefined) return undefined;
    return { channel: this.channel, epoch, tag, name: this.#name, depth: this.#depth, lag: this.lag, newest };
  }

  #news(blocks: number, out: WatchEffect[]): void {
    if (blocks > 0) out.push({ kind: 'news', blocks });
  }
}

function tell(pairId: number, message: PeerMessage): ChildrenEffect {
  return { kind: 'tell', pairId, bytes: encodePeer(message), urgent: true };
}
