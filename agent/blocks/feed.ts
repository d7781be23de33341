import { sameBytes } from '../base/bytes.ts';
import { Slab } from '../base/slab.ts';
import { after, earliest, type Instant, type Millis, seconds } from '../base/time.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Block } from './block.ts';
import { Chain, KNOWN } from './chain.ts';
import { type Chunk, readChunk, streamTag } from './chunk.ts';
import { CHUNK, CHUNKS_MOST, MANIFEST } from './format.ts';
import { isSigned, type Manifest, manifestHash, readManifest } from './manifest.ts';
import { Lock } from './lock.ts';
import { Partial } from './partial.ts';
import { Rollback } from './rollback.ts';
import { Waiting } from './waiting.ts';

/** What only a sender who is broken or lies does. `from` is to be dropped. `rollback`: it had brought the newer epoch. */
export type BadReason = 'malformed' | 'signature' | 'chunk' | 'rollback';

/** Genuine but not wanted; the sender may be innocent. `fork`: the channel's key signed two different streams. */
export type Refusal = 'old-epoch' | 'too-old' | 'fork' | 'other-channel' | 'unknown-type';

export type FeedEffect =
  /** Verified: hand these very bytes to every child. */
  | { readonly kind: 'forward'; readonly number: number; readonly bytes: Uint8Array }
  /** Complete and verified. */
  | ({ readonly kind: 'block' } & Block)
  | { readonly kind: 'bad'; readonly from: number; readonly reason: BadReason }
  | { readonly kind: 'refused'; readonly from: number; readonly reason: Refusal }
  /** The origin began anew; everything of the epoch before is forgotten. */
  | { readonly kind: 'epoch'; readonly epoch: number; readonly tag: number };

/** What is missing of one block: bit i for chunk i, bit 31 for the manifest, as in the `want` message. */
export interface Missing {
  readonly number: number;
  readonly wanted: number;
  readonly since: Instant;
}

export interface FeedStats {
  manifests: number;
  chunks: number;
  blocks: number;
  /** Manifests and chunks that were here already. */
  repeated: number;
  bad: number;
  refused: Record<Refusal, number>;
  /** Blocks that did not become whole in time. */
  lost: number;
}

/** After a longer gap the blocks before are not asked for one by one: a child that far behind starts at a keyframe. */
const ABSENT_MOST = 64;
/**
 * Twelve blocks: memory for one at a time left a third of glibc's heap as holes. More than this is not better: a viewer
 * that takes nothing keeps a page or two alive.
 */
const BLOCKS_PAGE = 256 * 1024;
const ALL_CHUNKS = 2 ** CHUNKS_MOST - 1;
const MANIFEST_BIT = 0x8000_0000;

/**
 * A household's side of a stream. Manifests are checked by the channel's signature, chunks by the manifest's hashes;
 * nothing is forwarded or becomes a block before that, whatever order it comes in and whoever sends it.
 */
export class Feed {
  readonly channel: Uint8Array;
  readonly lock: Lock;
  readonly stats: FeedStats = {
    manifests: 0,
    chunks: 0,
    blocks: 0,
    repeated: 0,
    bad: 0,
    refused: { 'old-epoch': 0, 'too-old': 0, fork: 0, 'other-channel': 0, 'unknown-type': 0 },
    lost: 0,
  };
  readonly #cipher: Cipher;
  readonly #memory = new Slab(BLOCKS_PAGE);
  readonly #hold: Millis;
  #least: number;
  readonly #rollback = new Rollback();
  #stream: { readonly epoch: number; readonly tag: number } | undefined;
  #newest = -1;
  readonly #chain = new Chain();
  /** Oldest first, as they came. */
  readonly #partials = new Map<number, Partial>();
  /** Numbers below the newest whose manifest has not come, and since when that is known. */
  readonly #absent = new Map<number, Instant>();
  readonly #waiting: Waiting;

  /** `channel` is the Ed25519 key, `token` that of a private one; `hold` is how long a block may take to become whole. */
  constructor(options: {
    cipher: Cipher;
    channel: Uint8Array;
    token?: Uint8Array | undefined;
    epoch?: number;
    hold?: Millis;
  }) {
    this.#cipher = options.cipher;
    this.channel = options.channel;
    this.lock = new Lock(options.cipher, options.channel, options.token);
    this.#least = options.epoch ?? 0;
    this.#hold = options.hold ?? seconds(2);
    this.#waiting = new Waiting(this.#hold);
  }

  get epoch(): number | undefined {
    return this.#stream?.epoch;
  }

  /** Somebody to be believed says that the channel is at this epoch: before anything has come, nothing older is taken. */
  expect(epoch: number): void {
    this.#least = Math.max(this.#least, epoch);
  }

  /** Of the current epoch; undefined before the first manifest. */
  get tag(): number | undefined {
    return this.#stream?.tag;
  }

  /** The highest number whose manifest is verified, or -1. */
  get newest(): number {
    return this.#newest;
  }

  /** Chunks that wait for their manifest. */
  get waiting(): number {
    return this.#waiting.count;
  }

  /** Takes one message of the stream (first byte 0x10 or 0x11); `from` is any number for its sender. */
  take(message: Uint8Array, from: number, now: Instant): readonly FeedEffect[] {
    const out: FeedEffect[] = [];
    this.#expire(now);
    if (message[0] === MANIFEST) this.#takeManifest(message, from, now, out);
    else if (message[0] === CHUNK) this.#takeChunk(message, from, now, out);
    else this.#refuse(from, 'unknown-type', out);
    return out;
  }

  /** Gives up what has taken too long. */
  tick(now: Instant): void {
    this.#expire(now);
  }

  wake(): Instant | undefined {
    const partial = this.#partials.values().next().value?.since;
    const absent = this.#absent.values().next().value;
    const oldest = earliest(partial, absent);
    return earliest(oldest === undefined ? undefined : after(oldest, this.#hold), this.#waiting.wake());
  }

  /** What has been missing for at least `age`, lowest number first. */
  missing(now: Instant, age: Millis): readonly Missing[] {
    const found: Missing[] = [];
    for (const [number, since] of this.#absent) {
      const here = this.#stream === undefined ? 0 : this.#waiting.have(this.#stream.tag, number);
      found.push({ number, wanted: (MANIFEST_BIT | (ALL_CHUNKS & ~here)) >>> 0, since });
    }
    for (const [number, partial] of this.#partials) {
      found.push({ number, wanted: partial.missing, since: partial.since });
    }
    return found.filter(({ since }) => after(since, age) <= now).toSorted((a, b) => a.number - b.number);
  }

  /** The messages asked for of a block that is not whole yet here; those of whole ones come from the ring. */
  answer(number: number, wanted: number): readonly Uint8Array[] {
    const partial = this.#partials.get(number);
    if (partial === undefined || this.#stream === undefined) return [];
    const messages: Uint8Array[] = [];
    if (wanted === 0 || (wanted & MANIFEST_BIT) !== 0) messages.push(partial.message);
    for (let index = 0; index < CHUNKS_MOST; index++) {
      if (wanted !== 0 && (wanted & (1 << index)) === 0) continue;
      const chunk = partial.chunk(this.#stream.tag, index);
      if (chunk !== undefined) messages.push(chunk);
    }
    return messages;
  }

  #takeManifest(message: Uint8Array, from: number, now: Instant, out: FeedEffect[]): void {
    const manifest = readManifest(message);
    if (manifest === undefined) {
      this.#bad(from, 'malformed', out);
      return;
    }
    if (!sameBytes(manifest.channel, this.channel)) {
      this.#refuse(from, 'other-channel', out);
      return;
    }
    const epoch = this.#stream?.epoch;
    if (manifest.epoch < (epoch ?? this.#least)) {
      if (this.#rollback.isFault(from, now)) this.#bad(from, 'rollback', out);
      else this.#refuse(from, 'old-epoch', out);
      return;
    }
    const hash = manifestHash(this.#cipher, message);
    const isCurrent = manifest.epoch === epoch;
    if (isCurrent && this.#chain.holds(manifest.number, hash)) {
      this.stats.repeated++;
      this.#rollback.current(from, now);
    } else if (isCurrent && manifest.number <= this.#newest - KNOWN) {
      this.#refuse(from, 'too-old', out);
    } else if (!isSigned(message, this.#cipher, this.channel)) {
      this.#bad(from, 'signature', out);
    } else if (isCurrent && !this.#chain.fits(manifest, hash)) {
      this.#refuse(from, 'fork', out);
    } else {
      if (!isCurrent) this.#begin(manifest.epoch, out);
      this.#rollback.current(from, now);
      this.#accept(manifest, message, hash, now, out);
    }
  }

  #begin(epoch: number, out: FeedEffect[]): void {
    const tag = streamTag(this.#cipher, this.channel, epoch);
    this.#stream = { epoch, tag };
    this.#newest = -1;
    this.#chain.clear();
    this.#partials.clear();
    this.#absent.clear();
    this.#rollback.begin();
    out.push({ kind: 'epoch', epoch, tag });
  }

  #accept(manifest: Manifest, message: Uint8Array, hash: Uint8Array, now: Instant, out: FeedEffect[]): void {
    const { number } = manifest;
    this.stats.manifests++;
    this.#chain.add(manifest, hash);
    this.#absent.delete(number);
    if (number > this.#newest) this.#advance(number, now);
    out.push({ kind: 'forward', number, bytes: message });
    const partial = new Partial(manifest, message, now, this.#memory);
    this.#partials.set(number, partial);
    this.#finish(number, partial, out);
    const tag = this.#stream?.tag ?? 0;
    for (const early of this.#waiting.take(tag, number)) {
      const chunk = readChunk(early.message);
      if (chunk !== undefined) this.#judge(partial, chunk, early.message, early.from, out);
    }
  }

  #advance(number: number, now: Instant): void {
    if (this.#newest >= 0) {
      for (let i = Math.max(this.#newest + 1, number - ABSENT_MOST); i < number; i++) this.#absent.set(i, now);
    }
    this.#newest = number;
  }

  #takeChunk(message: Uint8Array, from: number, now: Instant, out: FeedEffect[]): void {
    const chunk = readChunk(message);
    if (chunk === undefined) {
      this.#bad(from, 'malformed', out);
      return;
    }
    const { tag, number, index } = chunk;
    const current = tag === this.#stream?.tag;
    const partial = current ? this.#partials.get(number) : undefined;
    if (partial !== undefined) this.#judge(partial, chunk, message, from, out);
    else if (current && this.#chain.has(number)) this.stats.repeated++;
    else if (current && number <= this.#newest - KNOWN) this.#refuse(from, 'too-old', out);
    else this.#waiting.put({ tag, number, index, message, from, at: now });
  }

  #judge(partial: Partial, chunk: Chunk, message: Uint8Array, from: number, out: FeedEffect[]): void {
    switch (partial.take(chunk, message, this.#cipher)) {
      case 'false':
        this.#bad(from, 'chunk', out);
        return;
      case 'repeated':
        this.stats.repeated++;
        return;
      case 'fits':
        this.stats.chunks++;
        out.push({ kind: 'forward', number: chunk.number, bytes: message });
        this.#finish(chunk.number, partial, out);
    }
  }

  #finish(number: number, partial: Partial, out: FeedEffect[]): void {
    const block = partial.whole();
    if (block === undefined) return;
    this.#partials.delete(number);
    this.stats.blocks++;
    out.push({ kind: 'block', ...this.lock.open(block) });
  }

  #expire(now: Instant): void {
    for (const [number, partial] of this.#partials) {
      if (after(partial.since, this.#hold) > now) break;
      this.#partials.delete(number);
      this.stats.lost++;
    }
    for (const [number, since] of this.#absent) {
      if (after(since, this.#hold) > now) break;
      this.#absent.delete(number);
      this.stats.lost++;
    }
    const oldest = this.#waiting.wake();
    if (oldest !== undefined && oldest <= now) this.#waiting.expire(now);
  }

  #bad(from: number, reason: BadReason, out: FeedEffect[]): void {
    this.stats.bad++;
    out.push({ kind: 'bad', from, reason });
  }

  #refuse(from: number, reason: Refusal, out: FeedEffect[]): void {
    this.stats.refused[reason]++;
    out.push({ kind: 'refused', from, reason });
  }
}
