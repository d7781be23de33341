import { concat } from '../base/bytes.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import { after, type Instant, ms, seconds, since } from '../base/time.ts';
import type { Cipher, KeyPair } from '../seal/cipher.ts';
import type { Block } from './block.ts';
import { chunkHash, cutChunks, streamTag } from './chunk.ts';
import { BLOCK_PACKETS, FLAG, HASH, MAP, PACKET, SALT } from './format.ts';
import { Lock } from './lock.ts';
import { manifestHash, signManifest } from './manifest.ts';
import { markNull } from './nulls.ts';

/** What the writer must know of each packet; media/reader.ts tells it. */
export interface PacketReader {
  /** The packet at `at`; called once for each, in order. */
  read(bytes: Uint8Array, at: number): PacketMeaning;
  /** Another stream begins. */
  reset(): void;
}

export interface PacketMeaning {
  readonly role: 'null' | 'table' | 'video' | 'audio' | 'other';
  /** `maybe` is a picture whose kind a later packet tells, as `was-key` or `was-not`. */
  readonly key: 'none' | 'key' | 'maybe' | 'was-key' | 'was-not';
}

export type WriterInput =
  /** Whole packets of 188 bytes; kept by reference until their block closes, so nobody may write to them. */
  | { readonly kind: 'packets'; readonly bytes: Uint8Array }
  /** The source came back or was exchanged: what follows does not continue what came before. */
  | { readonly kind: 'restart' }
  /** The source is known to be away; without being told, 2 s of silence say the same. */
  | { readonly kind: 'source-down' }
  | { readonly kind: 'tick' };

/** A finished block; send `manifest` first, then `chunks` in order. */
export interface BlockWritten extends Block {
  readonly kind: 'block';
  readonly chunks: readonly Uint8Array[];
}

/** How long packets wait for company: at a low rate this, not the size, closes a block. */
const OPEN_MOST = ms(40);
/** Encoders pause for a second when they change scene or disk; two are a fault. */
const SILENCE = seconds(2);
/** How often a missing source is announced, so that children do not take it for a dead parent. */
const ANNOUNCE = seconds(1);

/** The block being filled. */
interface Open {
  readonly places: Place[];
  since: Instant;
  key: boolean;
  /** Place of a picture start that has not said what it is. */
  maybe: number | undefined;
}

interface Place {
  readonly meaning: PacketMeaning;
  /** A view of what was given; copied once, when the block closes. */
  readonly packet: Uint8Array;
}

export interface WriterOptions {
  readonly cipher: Cipher;
  readonly pair: KeyPair;
  readonly epoch: number;
  readonly reader: PacketReader;
  readonly now: Instant;
  readonly token?: Uint8Array | undefined;
}

/** The origin's side of a stream: packets in, numbered and signed blocks out. One per epoch. */
export class Writer implements Machine<WriterInput, BlockWritten> {
  readonly channel: Uint8Array;
  readonly epoch: number;
  readonly tag: number;
  readonly lock: Lock;
  readonly #cipher: Cipher;
  readonly #pair: KeyPair;
  readonly #reader: PacketReader;
  readonly #started: Instant;
  readonly #seal: Uint8Array | undefined;
  readonly #deadlines = new Deadlines<'close' | 'silence'>();
  #open: Open;
  #number = 0;
  #previous: Uint8Array = new Uint8Array(HASH);
  #down = false;
  #discontinuity = false;

  /**
   * `pair` is the channel's Ed25519 pair; `epoch` must be higher than any used with it before. `now` becomes time 0. With a
   * `token` the packets travel sealed.
   */
  constructor(options: WriterOptions) {
    this.#cipher = options.cipher;
    this.#pair = options.pair;
    this.#reader = options.reader;
    this.#started = options.now;
    this.#open = empty(options.now);
    this.channel = options.pair.publicKey;
    this.epoch = options.epoch;
    this.tag = streamTag(options.cipher, this.channel, options.epoch);
    const { cipher, epoch, token } = options;
    this.lock = new Lock(cipher, this.channel, token);
    this.#seal = token === undefined ? undefined : this.lock.seal(epoch, cipher.random(SALT));
    this.#deadlines.set('silence', after(options.now, SILENCE));
  }

  /** The number the next block will have. */
  get next(): number {
    return this.#number;
  }

  /** Whether the stream says that its source is away. */
  get down(): boolean {
    return this.#down;
  }

  wake(): Instant | undefined {
    return this.#deadlines.next();
  }

  step(input: WriterInput, now: Instant): readonly BlockWritten[] {
    const out: BlockWritten[] = [];
    switch (input.kind) {
      case 'packets':
        this.#take(input.bytes, now, out);
        break;
      case 'restart':
        this.#close(now, out);
        this.#reader.reset();
        this.#discontinuity = true;
        break;
      case 'source-down':
        this.#announce(now, out);
        break;
      case 'tick':
        break;
    }
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'close':
          this.#closeBeforeMaybe(now, out);
          break;
        case 'silence':
          this.#announce(now, out);
          break;
      }
    }
    return out;
  }

  #take(bytes: Uint8Array, now: Instant, out: BlockWritten[]): void {
    if (bytes.length < PACKET) return;
    this.#deadlines.set('silence', after(now, SILENCE));
    if (this.#down) {
      this.#down = false;
      this.#discontinuity = true;
      this.#reader.reset();
    }
    for (let at = 0; at + PACKET <= bytes.length; at += PACKET) {
      const meaning = this.#reader.read(bytes, at);
      this.#decide(meaning, now, out);
      this.#add(bytes.subarray(at, at + PACKET), meaning, now);
    }
    if (this.#open.places.length >= BLOCK_PACKETS) this.#closeBeforeMaybe(now, out);
  }

  /** Cuts where the packet to come, or what it tells of an earlier one, asks for it. */
  #decide(meaning: PacketMeaning, now: Instant, out: BlockWritten[]): void {
    switch (meaning.key) {
      case 'key':
        this.#cutForKey(this.#open.places.length, now, out);
        break;
      case 'was-key':
        if (this.#open.maybe !== undefined) this.#cutForKey(this.#open.maybe, now, out);
        break;
      case 'was-not':
        this.#open.maybe = undefined;
        break;
      case 'maybe':
      case 'none':
        break;
    }
    if (this.#open.places.length >= BLOCK_PACKETS) this.#closeBeforeMaybe(now, out);
    if (meaning.key === 'maybe') this.#open.maybe = this.#open.places.length;
  }

  #add(packet: Uint8Array, meaning: PacketMeaning, now: Instant): void {
    if (this.#open.places.length === 0) {
      this.#open.since = now;
      this.#deadlines.set('close', after(now, OPEN_MOST));
    }
    this.#open.places.push({ meaning, packet });
  }

  /** The keyframe at `place` opens a block, together with the tables right before it. */
  #cutForKey(place: number, now: Instant, out: BlockWritten[]): void {
    this.#split(this.#withTables(place), now, out);
    this.#open.key = true;
    this.#open.maybe = undefined;
  }

  /** A picture that may turn out to be a keyframe must not end up in the middle of a block. */
  #closeBeforeMaybe(now: Instant, out: BlockWritten[]): void {
    const start = this.#withTables(this.#open.maybe ?? 0);
    if (start === 0) this.#close(now, out);
    else this.#split(start, now, out);
  }

  #withTables(place: number): number {
    let start = place;
    while (start > 0 && this.#open.places[start - 1]?.meaning.role === 'table') start--;
    return start;
  }

  /** Closes the open block before `place`; the packets from there on open the next one. */
  #split(place: number, now: Instant, out: BlockWritten[]): void {
    if (place === 0) return;
    const { places, maybe } = this.#open;
    this.#open = { ...this.#open, places: places.slice(0, place) };
    this.#close(now, out);
    if (place === places.length) return;
    this.#open.places.push(...places.slice(place));
    if (maybe !== undefined && maybe >= place) this.#open.maybe = maybe - place;
    this.#deadlines.set('close', after(now, OPEN_MOST));
  }

  #close(now: Instant, out: BlockWritten[]): void {
    const open = this.#open;
    this.#open = empty(now);
    this.#deadlines.clear('close');
    if (open.places.length > 0) out.push(this.#write(open, this.#flagsOf(open)));
  }

  #announce(now: Instant, out: BlockWritten[]): void {
    this.#close(now, out);
    this.#down = true;
    this.#deadlines.set('silence', after(now, ANNOUNCE));
    out.push(this.#write(empty(now), FLAG.sourceDown));
  }

  #flagsOf({ key, places }: Open): number {
    let flags = key ? FLAG.key : 0;
    if (this.#discontinuity) flags |= FLAG.discontinuity;
    if (places.some(({ meaning }) => meaning.role === 'table')) flags |= FLAG.tables;
    this.#discontinuity = false;
    return flags;
  }

  #write({ places, since: from }: Open, meaning: number): BlockWritten {
    const { channel, epoch } = this;
    const number = this.#number++;
    const time = Math.floor(since(this.#started, from));
    const map = new Uint8Array(MAP);
    for (const [place, { meaning }] of places.entries()) if (meaning.role === 'null') markNull(map, place);
    const bytes = concat(places.filter(({ meaning }) => meaning.role !== 'null').map(({ packet }) => packet));
    const seal = this.#seal;
    const flags = seal === undefined ? meaning : meaning | FLAG.sealed;
    const travelling = seal === undefined ? bytes : this.lock.turn(epoch, seal, number, bytes);
    const chunks = cutChunks(this.tag, number, travelling);
    const hashes = chunks.map((chunk) => chunkHash(this.#cipher, chunk));
    const previous = this.#previous;
    const content = { channel, epoch, number, flags, packets: places.length, map, hashes, previous, time, seal };
    const manifest = signManifest(content, this.#cipher, this.#pair);
    this.#previous = manifestHash(this.#cipher, manifest);
    return { kind: 'block', epoch, number, flags, time, bytes, isClear: true, manifest, chunks };
  }
}

const empty = (now: Instant): Open => ({ places: [], since: now, key: false, maybe: undefined });
