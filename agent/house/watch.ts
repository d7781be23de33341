import { Deadlines } from '../base/deadlines.ts';
import { between, type Random } from '../base/random.ts';
import { after, at, earliest, type Instant, isDue, type Millis, ms, since } from '../base/time.ts';
import { readChunk } from '../blocks/chunk.ts';
import { Feed, type FeedEffect } from '../blocks/feed.ts';
import type { Privacy } from '../blocks/lock.ts';
import { readManifest } from '../blocks/manifest.ts';
import { Ring } from '../blocks/ring.ts';
import { Entry } from '../media/entry.ts';
import type { Cipher } from '../seal/cipher.ts';
import { encodePeer, type PeerMessage } from '../wire/peer.ts';
import { StreamRate } from './capacity/stream-rate.ts';
import type { Standing } from './children.ts';
import { Kin } from './kin.ts';
import type { KinEffect, KinInput, KinOptions } from './kinship.ts';
import { Misgivings } from './misgivings.ts';
import { Pace } from './pace.ts';
import type { Relative } from './relatives.ts';
import { Stores } from './stores.ts';

/** What the transport itself repairs is not asked for: a round trip and a half of a slow path. */
const MISSING_AGE = ms(250);
/** What a parent that is there did not give by then either, others are asked for. */
const MISSED_AGE = ms(400);
const REPAIR_EVERY = ms(50);
const ASK_AGAIN = ms(400);
const ASKED_FOR = ms(4000);
/** A parent that has brought nothing for so long will repair nothing. */
const QUIET = ms(100);
const STATUS_EVERY = ms(1000);
/** A piece that is here already is still a sign that its sender has the stream, if it is of the last second. */
const LATELY = 50;

export interface WatchOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly channel: Uint8Array;
  /** Of a private channel; without it the household passes that on and shows nothing. */
  readonly token: Uint8Array | undefined;
  /** Our own NODE-ID. */
  readonly node: Uint8Array;
  readonly children: number;
  readonly ringSpan: Millis;
  readonly ringBytes: number;
  /** How long a missing block holds up viewers. */
  readonly hold: Millis;
  readonly silence: KinOptions['silence'];
  readonly trip: KinOptions['trip'];
}

export type WatchInput =
  | Extract<KinInput, { kind: 'start' | 'refused' | 'rendezvous' | 'open' | 'lost' | 'capacity' | 'leave' | 'tick' }>
  | (Extract<KinInput, { kind: 'introduced' }> & {
      readonly name: string;
      /** The channel's, where the rendezvous says it. */
      readonly epoch: number | undefined;
    })
  | { readonly kind: 'message'; readonly pairId: number; readonly bytes: Uint8Array }
  | { readonly kind: 'control'; readonly pairId: number; readonly message: PeerMessage }
  /** Half a round trip to that peer, for the lag. */
  | { readonly kind: 'distance'; readonly pairId: number; readonly oneWay: Millis };

export type WatchEffect =
  | KinEffect
  /** The channel's key has signed two different blocks of one number. */
  | { readonly kind: 'forked'; readonly manifests: readonly [Uint8Array, Uint8Array] }
  /** Blocks came into their turn: viewers have something to read. */
  | { readonly kind: 'news'; readonly blocks: number };

/** One channel in one household: whoever brings it, the last seconds of the stream, whoever gets it. */
export class Watch {
  readonly channel: Uint8Array;
  readonly ring: Ring;
  readonly feed: Feed;
  readonly kin: Kin;
  /** What one copy of the stream takes. */
  readonly rate = new StreamRate();
  readonly #random: Random;
  readonly #deadlines = new Deadlines<'repair' | 'status'>();
  readonly #asked = new Map<number, Instant>();
  readonly #misgivings = new Misgivings();
  #heardAt: Instant = at(0);
  #fedBy: Relative | undefined;
  readonly #pace = new Pace();
  /** The parent is new: holes left by the one before are asked for at once. */
  #isNew = false;
  #oneWay: Millis = ms(0);
  #name = '';
  #receivedBytes = 0;
  #hasShownFork = false;

  constructor(options: WatchOptions) {
    const { channel, token, random, cipher, ringSpan, ringBytes, hold, node, silence, trip } = options;
    this.channel = channel;
    this.#random = random;
    this.feed = new Feed({ cipher, channel, token });
    this.ring = new Ring({ entry: new Entry(), span: ringSpan, bytes: ringBytes, hold });
    const { ring, feed } = this;
    const larder = new Stores({ ring, feed, lock: feed.lock, standing: () => this.#standing() });
    this.kin = new Kin({ random, channel, node, slots: options.children, isOrigin: false, larder, silence, trip });
  }

  get name(): string {
    return this.#name;
  }

  /** Whether its packets can be read here; undefined before the first block. */
  get privacy(): Privacy | undefined {
    return this.feed.lock.privacy;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get depth(): number {
    return this.kin.depth;
  }

  get lag(): Millis {
    return ms((this.kin.parent?.lag ?? 0) + this.#oneWay);
  }

  /** Something is missing that the parent should have mended by now: what follows of that is a gap. */
  isLate(now: Instant): boolean {
    return this.feed.missing(now, MISSED_AGE).length > 0;
  }

  /** The household that feeds this one; undefined while there is none. */
  get parent(): { readonly pairId: number; readonly node: Uint8Array } | undefined {
    return this.kin.parent;
  }

  wake(): Instant | undefined {
    const timers = earliest(this.#deadlines.next(), this.kin.wake());
    return earliest(timers, earliest(this.feed.wake(), this.ring.wake()));
  }

  step(input: WatchInput, now: Instant): readonly WatchEffect[] {
    const out: WatchEffect[] = [];
    switch (input.kind) {
      case 'message':
        this.#takeStream(input.pairId, input.bytes, now, out);
        break;
      case 'control':
        this.#takeControl(input.pairId, input.message, now, out);
        break;
      case 'distance':
        if (input.pairId === this.kin.parent?.pairId) this.#oneWay = input.oneWay;
        break;
      case 'introduced':
        if (input.name !== '') this.#name = input.name;
        if (input.epoch !== undefined) this.feed.expect(input.epoch);
        this.kin.step(input, now, out);
        break;
      case 'start':
      case 'refused':
      case 'rendezvous':
      case 'open':
      case 'lost':
      case 'capacity':
      case 'leave':
      case 'tick':
        this.kin.step(input, now, out);
        break;
    }
    this.#settle(now, out);
    return out;
  }

  /** Timers, and what became due in feed and ring. */
  #settle(now: Instant, out: WatchEffect[]): void {
    if (this.kin.parent !== this.#fedBy) this.#change(now);
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'repair':
          this.#repair(now, out);
          this.#hurry(now, out);
          break;
        case 'status':
          this.#tellStatus(now, out);
          break;
      }
    }
    if (isDue(this.feed.wake(), now)) this.feed.tick(now);
    if (isDue(this.ring.wake(), now)) this.#news(this.ring.tick(now).length, out);
  }

  /** Another parent knows nothing of what the one before was asked for. */
  #change(now: Instant): void {
    this.#fedBy = this.kin.parent;
    this.#pace.changed(now);
    this.#asked.clear();
    this.#isNew = true;
    this.#deadlines.set('repair', now);
  }

  #takeStream(pairId: number, bytes: Uint8Array, now: Instant, out: WatchEffect[]): void {
    const relative = this.kin.relatives.get(pairId);
    // Whom we were introduced to as one that gives, whether or not it is its turn: everything is verified anyway.
    if (relative === undefined || relative.purpose === 'child') return;
    this.#receivedBytes += bytes.length;
    const effects = this.feed.take(bytes, pairId, now);
    for (const effect of effects) this.#actOnFeed(effect, pairId, now, out);
    if (effects.some((effect) => effect.kind === 'refused' && effect.reason === 'fork')) this.#showFork(bytes, out);
    const isParent = pairId === this.kin.parent?.pairId;
    if (!isParent && relative.quiet === undefined) return;
    const isNews = effects.length === 0 ? this.#isRecent(bytes) : effects.some(({ kind }) => kind === 'forward');
    if (isNews && isParent) this.#heardAt = now;
    this.kin.step({ kind: 'piece', pairId, isNews }, now, out);
  }

  /** Both are here: the one that came first, and this one. Said once; the rendezvous tells whom it concerns. */
  #showFork(second: Uint8Array, out: WatchEffect[]): void {
    const number = readManifest(second)?.number;
    const first = number === undefined ? undefined : this.ring.get(number)?.manifest;
    if (first === undefined || this.#hasShownFork) return;
    this.#hasShownFork = true;
    out.push({ kind: 'forked', manifests: [first, second.slice()] });
  }

  #isRecent(bytes: Uint8Array): boolean {
    const number = readChunk(bytes)?.number;
    return number === undefined || number > this.feed.newest - LATELY;
  }

  #actOnFeed(effect: FeedEffect, from: number, now: Instant, out: WatchEffect[]): void {
    switch (effect.kind) {
      case 'forward':
        this.kin.forward(effect.bytes, now, out);
        return;
      case 'block': {
        this.#asked.delete(effect.number);
        this.#pace.came(effect.number);
        const { kind: _, ...block } = effect;
        out.push(...this.#misgivings.privacy(this.feed.lock.privacy));
        this.rate.took(block);
        this.#news(this.ring.push(block, now).length, out);
        this.kin.step({ kind: 'block', pairId: from, number: block.number }, now, out);
        return;
      }
      case 'bad':
        out.push({ kind: 'event', name: 'bad-block', fields: { pair: effect.from, reason: effect.reason } });
        this.kin.step({ kind: 'bad', pairId: effect.from }, now, out);
        return;
      case 'refused':
        out.push(...this.#misgivings.refused(effect.reason, now));
        return;
      case 'epoch':
        this.#asked.clear();
        this.#pace.restart();
        this.kin.step({ kind: 'epoch' }, now, out);
        this.#deadlines.set('status', now);
        out.push({ kind: 'event', name: 'epoch', fields: { epoch: effect.epoch } });
    }
  }

  #takeControl(pairId: number, message: PeerMessage, now: Instant, out: WatchEffect[]): void {
    // What the rendezvous says has a signature behind it; what a household says is better than no name at all.
    const isGiver = (this.kin.relatives.get(pairId)?.purpose ?? 'child') !== 'child';
    if (message.kind === 'subscribed' && this.#name === '' && isGiver) this.#name = message.name;
    // Words overtake the stream.
    const isOfParent = pairId === this.kin.parent?.pairId && message.kind === 'status';
    if (isOfParent && message.tag === this.feed.tag) this.#pace.promised(message.newest, now);
    this.kin.step({ kind: 'control', pairId, message }, now, out);
  }

  #hurry(now: Instant, out: WatchEffect[]): void {
    const by = this.#pace.overdue(now);
    if (by !== undefined) this.kin.step({ kind: 'behind', by }, now, out);
  }

  /** Asks the parent for what is missing, and tells the kin of what it does not bring. */
  #repair(now: Instant, out: WatchEffect[]): void {
    this.#deadlines.set('repair', after(now, REPAIR_EVERY));
    const { tag } = this.feed;
    if (tag === undefined) return;
    const isQuiet = since(this.#heardAt, now) > QUIET;
    const missed = this.feed.missing(now, isQuiet ? ms(0) : MISSED_AGE);
    this.kin.step({ kind: 'missing', numbers: missed.map(({ number }) => number) }, now, out);
    const parent = this.kin.parent;
    if (parent === undefined) return;
    for (const [number, when] of this.#asked) if (since(when, now) > ASKED_FOR) this.#asked.delete(number);
    const [age, most] = this.#isNew ? [ms(0), this.#pace.whole] : [MISSING_AGE, Infinity];
    this.#isNew = false;
    for (const { number, wanted } of this.feed.missing(now, age)) {
      // What comes after has been subscribed to.
      if (number > most) break;
      const asked = this.#asked.get(number);
      if (asked !== undefined && since(asked, now) < ASK_AGAIN) continue;
      this.#asked.set(number, now);
      const bytes = encodePeer({ kind: 'want', tag, number, wanted });
      out.push({ kind: 'tell', pairId: parent.pairId, bytes, urgent: true });
    }
  }

  #tellStatus(now: Instant, out: WatchEffect[]): void {
    this.#deadlines.set('status', after(now, ms(STATUS_EVERY * between(this.#random, 0.67, 1.33))));
    const standing = this.#standing();
    if (standing === undefined) return;
    const { tag, lag, depth, newest } = standing;
    out.push(...this.kin.children.tellAll({ kind: 'status', tag, lag, depth, newest }));
  }

  #standing(): Standing | undefined {
    const { epoch, tag, newest } = this.feed;
    if (epoch === undefined || tag === undefined) return undefined;
    return { channel: this.channel, epoch, tag, name: this.#name, depth: this.depth, lag: this.lag, newest };
  }

  #news(blocks: number, out: WatchEffect[]): void {
    if (blocks > 0) out.push({ kind: 'news', blocks });
  }
}
