import { after, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Block } from './block.ts';
import { FLAG } from './format.ts';
import { Order } from './order.ts';

/** What a viewer needs besides the blocks; media/entry.ts gives it. Every answer is whole packets, possibly none. */
export interface EntryReader {
  /** Reads on: called for each block in order. */
  pass(bytes: Uint8Array): void;
  /** What a new viewer gets before the next block: the tables. */
  enter(): Uint8Array;
  /** The same for one who has lost its place and must be told that counters and clocks jump. */
  rejoin(): Uint8Array;
  /** Something is missing before the block to come. */
  gap(): void;
  /** Another stream begins with the block to come; tables seen so far are not its own. */
  restart(): void;
  /** What goes before `bytes`, the block to come, so that a viewer knows of a gap; called before `pass`. */
  bridge(bytes: Uint8Array): Uint8Array;
}

/** One block in its place, with what goes before it. */
interface Place {
  readonly block: Block;
  readonly at: Instant;
  readonly bridge: Uint8Array | undefined;
  /** Set where a viewer can start. */
  readonly door: { readonly enter: Uint8Array; readonly rejoin: Uint8Array } | undefined;
}

export interface RingOptions {
  readonly entry: EntryReader;
  /** How long a missing block holds the others up. */
  readonly hold?: Millis;
  /** How much is kept: both bounds hold, except that the newest keyframe stays however long ago it came. */
  readonly span?: Millis;
  readonly bytes?: number;
}

/** A stream without a keyframe for this long is let in anywhere: better a late picture than none. */
const KEYLESS = seconds(4);
/** A block's share of memory besides its packets: manifest, objects. */
const OVERHEAD = 1024;

/**
 * The last seconds of a stream in order, shared by all readers; each reader is only a place in it. Bytes are handed on
 * by reference: the same block is the same array for everybody. Sealed blocks are kept for other households alone: no reader
 * is ever given one.
 */
export class Ring {
  readonly #entry: EntryReader;
  readonly #order: Order;
  readonly #span: Millis;
  readonly #most: number;
  /** Place i of the stream is #places[i - #first]. */
  #places: Place[] = [];
  #first = 0;
  #bytes = 0;
  /** Places of key blocks, ascending. */
  #keys: number[] = [];
  #keylessSince: Instant | undefined;

  constructor(options: RingOptions) {
    this.#entry = options.entry;
    this.#order = new Order(options.hold ?? ms(1000));
    this.#span = options.span ?? seconds(8);
    this.#most = options.bytes ?? 8 * 2 ** 20;
  }

  /** Bytes held, bookkeeping estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  get skipped(): number {
    return this.#order.skipped;
  }

  get late(): number {
    return this.#order.late;
  }

  /** The newest block in order. */
  get newest(): Block | undefined {
    return this.#places.at(-1)?.block;
  }

  /** The newest block a viewer or a child can start with. */
  get newestKey(): Block | undefined {
    const place = this.#keys.at(-1);
    return place === undefined ? undefined : this.#at(place)?.block;
  }

  /** Takes a verified block, in any order. Answers with the blocks that came into their turn: readers have news. */
  push(block: Block, now: Instant): readonly Block[] {
    return this.#settle(this.#order.push(block, now), now);
  }

  /** What is waited for too long is skipped. */
  tick(now: Instant): readonly Block[] {
    return this.#settle(this.#order.tick(now), now);
  }

  wake(): Instant | undefined {
    return this.#order.wake();
  }

  /** A block of the newest epoch by its number, for children who ask. */
  get(number: number): Block | undefined {
    const newest = this.newest;
    if (newest === undefined) return this.#order.kept(number);
    // Numbers run nearly in step with places: only skipped ones are missing between.
    for (let i = this.#places.length - 1 - Math.max(0, newest.number - number); i < this.#places.length; i++) {
      const block = this.#places[Math.max(i, 0)]?.block;
      if (block?.epoch === newest.epoch && block.number === number) return block;
      if (block?.epoch === newest.epoch && block.number > number) break;
    }
    return this.#order.kept(number);
  }

  /** All blocks in order from `number` on, or from the newest key block: what a new child is sent. */
  from(number: number | 'newest-key'): readonly Block[] {
    const epoch = this.newest?.epoch;
    const start = number === 'newest-key' ? this.newestKey?.number : number;
    if (start === undefined) return [];
    return this.#places.map(({ block }) => block).filter((block) => block.epoch === epoch && block.number >= start);
  }

  /** A new reader. It starts at the newest key block that is at least `cushion` older than the newest block. */
  reader(cushion: Millis = ms(0)): RingReader {
    return new RingReader(this.#view, cushion);
  }

  readonly #view: RingView = {
    at: (place) => this.#at(place),
    first: () => this.#first,
    end: () => this.#first + this.#places.length,
    door: (cushion) => this.#door(cushion),
    open: () => this.#opensAnywhere(),
    enter: () => this.#entry.enter(),
    rejoin: () => this.#entry.rejoin(),
  };

  #settle(ordered: readonly { readonly block: Block; readonly gap: boolean }[], now: Instant): readonly Block[] {
    for (const { block, gap } of ordered) this.#append(block, gap, now);
    this.#trim(now);
    return ordered.map(({ block }) => block);
  }

  #append(block: Block, gap: boolean, now: Instant): void {
    const isKey = (block.flags & FLAG.key) !== 0;
    if (isKey) this.#keys.push(this.#first + this.#places.length);
    const place = block.isClear
      ? this.#entered(block, gap, now)
      : { block, at: now, bridge: undefined, door: undefined };
    this.#places.push(place);
    this.#bytes += block.bytes.length + OVERHEAD;
  }

  /** For viewers: what goes before the block, and what those get who start at it. */
  #entered(block: Block, gap: boolean, now: Instant): Place {
    if (gap) this.#entry.gap();
    if ((block.flags & FLAG.discontinuity) !== 0) this.#entry.restart();
    const bridge = this.#entry.bridge(block.bytes);
    const isKey = (block.flags & FLAG.key) !== 0;
    if (isKey) this.#keylessSince = undefined;
    else this.#keylessSince ??= now;
    const door = isKey ? { enter: this.#entry.enter(), rejoin: this.#entry.rejoin() } : undefined;
    this.#entry.pass(block.bytes);
    return { block, at: now, bridge: bridge.length === 0 ? undefined : bridge, door };
  }

  #trim(now: Instant): void {
    let drop = 0;
    for (; drop < this.#places.length - 1; drop++) {
      const place = this.#places[drop];
      if (place === undefined) break;
      const old = after(place.at, this.#span) <= now && this.#first + drop !== this.#keys.at(-1);
      if (!old && this.#bytes <= this.#most) break;
      this.#bytes -= place.block.bytes.length + OVERHEAD;
    }
    if (drop === 0) return;
    this.#places = this.#places.slice(drop);
    this.#first += drop;
    this.#keys = this.#keys.filter((key) => key >= this.#first);
  }

  #at(place: number): Place | undefined {
    return this.#places[place - this.#first];
  }

  #door(cushion: Millis): number | undefined {
    const doors = this.#keys.filter((key) => this.#at(key)?.door !== undefined);
    if (cushion === 0) return doors.at(-1);
    const end = this.#places.at(-1)?.at ?? 0;
    return doors.findLast((key) => (this.#at(key)?.at ?? end) + cushion <= end) ?? doors[0];
  }

  #opensAnywhere(): boolean {
    const newest = this.#places.at(-1);
    if (this.#keys.length > 0 || newest?.block.isClear !== true || this.#keylessSince === undefined) return false;
    return after(this.#keylessSince, KEYLESS) <= newest.at;
  }
}

/** What a reader sees of the ring. */
interface RingView {
  at(place: number): Place | undefined;
  first(): number;
  end(): number;
  door(cushion: Millis): number | undefined;
  open(): boolean;
  enter(): Uint8Array;
  rejoin(): Uint8Array;
}

/** One viewer's place in the ring. Costs nothing while it is not read. */
export class RingReader {
  readonly #ring: RingView;
  readonly #cushion: Millis;
  #place: number | undefined;
  /** What goes before the first block; undefined once it has been given. */
  #before: Uint8Array | undefined;
  /** Whether the bridge of the block at #place has been given, or is not needed. */
  #bridged = false;
  #entered = false;
  #jumps = 0;

  constructor(ring: RingView, cushion: Millis) {
    this.#ring = ring;
    this.#cushion = cushion;
  }

  /** How often this reader fell off the ring and went on at a keyframe. */
  get jumps(): number {
    return this.#jumps;
  }

  /** Blocks between this reader and the newest. */
  get behind(): number {
    return this.#place === undefined ? 0 : this.#ring.end() - this.#place;
  }

  /** The next bytes in order, whole packets; undefined when there is nothing new. */
  next(): Uint8Array | undefined {
    if (this.#place !== undefined && this.#place < this.#ring.first()) {
      this.#jumps++;
      this.#place = undefined;
    }
    if (this.#place === undefined && !this.#enter()) return undefined;
    const before = this.#before;
    this.#before = undefined;
    if (before !== undefined && before.length > 0) return before;
    for (;;) {
      const place = this.#ring.at(this.#place ?? 0);
      if (place === undefined) return undefined;
      const bridge = this.#bridged ? undefined : place.bridge;
      this.#bridged = true;
      if (bridge !== undefined) return bridge;
      this.#bridged = false;
      this.#place = (this.#place ?? 0) + 1;
      if (place.block.isClear && place.block.bytes.length > 0) return place.block.bytes;
    }
  }

  #enter(): boolean {
    const again = this.#entered;
    const door = this.#ring.door(this.#cushion);
    if (door !== undefined) {
      const place = this.#ring.at(door)?.door;
      this.#before = again ? place?.rejoin : place?.enter;
      this.#place = door;
    } else if (this.#ring.open()) {
      this.#before = again ? this.#ring.rejoin() : this.#ring.enter();
      this.#place = this.#ring.end();
    } else {
      return false;
    }
    this.#entered = true;
    this.#bridged = true;
    return true;
  }
}
