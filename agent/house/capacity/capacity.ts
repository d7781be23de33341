import type { Machine } from '../../base/machine.ts';
import { after, at, type Instant, ms, seconds, since } from '../../base/time.ts';
import type {
  Allowed,
  CapacityEffect,
  CapacityInput,
  CapacityOptions,
  CapacityView,
  ChannelSight,
  Source,
} from './orders.ts';
import { Promises } from './promises.ts';
import { Pressure, type Sight, type Weather } from './pressure.ts';
import { type Demand, divide, type Share } from './sharing.ts';
import { Strain } from './strain.ts';
import { Upload, type UploadKnown } from './upload.ts';

/** Headers, padding, acknowledgements and what is sent twice: of the stream, upon it. */
const AROUND_IT = 1.15;
/** Kept back for those who ask for what their own parents did not bring. */
const RESERVE = 0.15;
/**
 * Who knows nothing of its line says that it feeds two (docs/decisions/0009-capacity.md): less, and a crowd that comes at once
 * stands in a chain; more is not asked of anybody. Its first child shows it, one way or the other.
 */
const ASSUMED = 2;
const MOST = 8;
/** A look, while somebody is fed: a viewer's cushion is four of them. */
const LOOK = ms(250);
/** Until it is clear whose doing it is. */
const DOUBTFUL_LOOK = ms(100);
const IDLE_LOOK = seconds(1);
const FADING = 0.8;
/** Bytes per millisecond: without words nobody finds another parent, and a child learns of none. */
const WORDS = 4;
/** Less than this is no queue. */
const CALM = ms(20);
/** Who fed all it may for so long, and nothing ever waited, may try one more. */
const TRIES_AFTER = seconds(60);
const LEARN_EVERY = seconds(600);
const BITS = 8;

/**
 * How many streams a household can send. It knows what its owner said and what it has seen: what went through, and when the line
 * was full. It gives way at once and takes more only after it has seen that there is more.
 */
export class Capacity implements Machine<CapacityInput, CapacityEffect> {
  readonly #pressure = new Pressure();
  readonly #upload = new Upload();
  readonly #strain = new Strain();
  readonly #promises: Promises;
  #allowed: Allowed;
  #link = Infinity;
  #others: number | undefined;
  /** The most that they took of late. */
  #othersMost = 0;
  /** The owner has just changed what is allowed. */
  #isOrdered = false;
  /** Streams that are believed of a line that was never full. */
  #believed = ASSUMED;
  #calmSince: Instant | undefined;
  #lookAt: Instant = at(0);
  #weather: Weather = { isFull: false, isDoubtful: false, queue: ms(0), delivered: 0, shown: 0, backlog: ms(0) };
  #source: Source = 'assumed';
  #learned: { readonly known: UploadKnown; readonly at: Instant };
  #known: UploadKnown | undefined;

  constructor({ channels, known, ...allowed }: CapacityOptions) {
    this.#allowed = allowed;
    this.#declare();
    this.#known = known;
    this.#learned = { known: known ?? this.#upload.known, at: at(-Infinity) };
    this.#promises = new Promises(channels, assumed(allowed.children, channels));
  }

  /** What each channel can feed now. */
  get streams(): readonly number[] {
    return this.#promises.streams;
  }

  get view(): CapacityView {
    const upload = this.#upload.most ?? (this.#upload.least > 0 ? this.#upload.least : undefined);
    return { streams: this.streams, source: this.#source, upload, others: this.#others, weather: this.#weather };
  }

  /**
   * What one child may be sent, bytes per millisecond: no more than its part of what is known to go through, catching up included.
   * Undefined while nothing says where the line ends: then the transport finds it out. `rate` is its stream's, `total` of all
   * streams that are sent, to `children` in all.
   */
  pace(rate: number, total: number, children: number): number | undefined {
    const { most } = this.#upload;
    if (most === undefined || children === 0) return undefined;
    const own = rate * AROUND_IT;
    const spare = this.#room(most) - total * AROUND_IT;
    if (spare > 0) return Math.max(WORDS, own + spare / children);
    return total === 0 ? WORDS : Math.max(WORDS, own * Math.min(1, this.#line(most) / (total * AROUND_IT)));
  }

  /** What a neighbour may be sent that misses something; how many blocks they get in all is bounded besides (children.ts). */
  get reserve(): number | undefined {
    const { most } = this.#upload;
    return most === undefined ? undefined : Math.max(WORDS, RESERVE * this.#line(most));
  }

  step(input: CapacityInput, now: Instant): readonly CapacityEffect[] {
    const out: CapacityEffect[] = [];
    switch (input.kind) {
      case 'allowed':
        this.#allowed = input;
        this.#declare();
        this.#isOrdered = true;
        this.#lookAt = now;
        break;
      case 'around':
        this.#strain.see(input, this.#promises.slots, now);
        this.#link = input.link ?? Infinity;
        this.#others = input.others;
        this.#othersMost = Math.max(input.others ?? 0, FADING * this.#othersMost);
        break;
      case 'looked':
        this.#look(input.sessions, input.channels, now, out);
        break;
    }
    return out;
  }

  /** When it wants to be told what sessions and channels look like. */
  wake(): Instant {
    return this.#lookAt;
  }

  #declare(): void {
    const { uploadKbits } = this.#allowed;
    this.#upload.declare(uploadKbits === 0 ? undefined : uploadKbits / BITS);
  }

  #look(sessions: readonly Sight[], channels: readonly ChannelSight[], now: Instant, out: CapacityEffect[]): void {
    const isFeeding = channels.some(({ children }) => children > 0);
    this.#lookAt = after(now, isFeeding ? LOOK : IDLE_LOOK);
    if (this.#known !== undefined) this.#upload.recall(this.#known, now);
    this.#known = undefined;
    const rates = channels.flatMap(({ rate }) => rate ?? []);
    const dearest = Math.max(0, ...rates);
    const demands = channels.map(({ rate = dearest, children }) => ({ need: rate * AROUND_IT, children }));
    const need = demands.reduce((sum, demand) => sum + demand.need * demand.children, 0);
    this.#weather = this.#pressure.look(
      sessions,
      need,
      channels.some(({ isLate }) => isLate),
      now,
    );
    if (this.#weather.isDoubtful) this.#lookAt = after(now, DOUBTFUL_LOOK);
    const isNews = this.#see(now, out);
    this.#try(channels, now);
    // Before any stream has come there is nothing to divide by.
    if (rates.length > 0) this.#settle(this.#shares(demands), isNews || this.#isOrdered, now, out);
    else if (this.#isOrdered) this.#settle(this.#assumed(channels), true, now, out);
    this.#isOrdered = false;
    this.#learn(now, out);
  }

  /** What the line shows. True when it turns out to be full. */
  #see(now: Instant, out: CapacityEffect[]): boolean {
    const { isFull, queue, delivered, shown } = this.#weather;
    const [through, evidence] = [delivered, shown].map((rate) => rate + (this.#others ?? 0)) as [number, number];
    this.#upload.watch(queue < CALM, now);
    if (!isFull) {
      this.#upload.carried(evidence, now);
      return false;
    }
    if (!this.#upload.full(through, now)) return false;
    this.#believed = ASSUMED;
    this.#say('upload-full', { kbits: Math.round(through * BITS), queue_ms: this.#queueMs }, out);
    return true;
  }

  /** One child more than were fed without a queue: if that is too much, it shows within a second and ends with the child. */
  #try(channels: readonly ChannelSight[], now: Instant): void {
    const fed = channels.reduce((sum, { children }) => sum + children, 0);
    const { slots } = this.#promises;
    if (fed === 0 || fed < slots || this.#weather.queue >= CALM) this.#calmSince = undefined;
    else this.#calmSince ??= now;
    if (this.#calmSince === undefined || since(this.#calmSince, now) < TRIES_AFTER) return;
    this.#believed = Math.min(MOST, Math.max(this.#believed, slots + 1));
    this.#calmSince = undefined;
  }

  #assumed(channels: readonly ChannelSight[]): readonly Share[] {
    const demands = channels.map(({ children }) => ({ need: 1, children }));
    return divide(demands, Math.max(ASSUMED, channels.length), this.#allowed.children);
  }

  get #queueMs(): number {
    return Math.round(this.#weather.queue);
  }

  /** Of a line that carries so much: what is ours. */
  #line(rate: number): number {
    return Math.max(0, Math.min(rate, this.#link) * this.#allowed.share - this.#othersMost);
  }

  /** The same without the reserve. */
  #room(rate: number): number {
    return this.#line(rate) * (1 - RESERVE);
  }

  #shares(demands: readonly Demand[]): readonly Share[] {
    const { most, least } = this.#upload;
    const { children } = this.#allowed;
    const dearest = demands.reduce((need, demand) => Math.max(need, demand.need), 0);
    const seen = this.#room(least);
    const believed = this.#believed * dearest;
    const room = most === undefined ? Math.max(seen, Math.min(believed, this.#room(Infinity))) : this.#room(most);
    this.#source =
      most === undefined
        ? seen > believed || this.#believed > ASSUMED
          ? 'measured'
          : 'assumed'
        : this.#measured(most);
    const shares = divide(demands, room, children);
    const strained = this.#strain.most;
    if (strained === undefined || shares.reduce((sum, { slots }) => sum + slots, 0) <= strained) return shares;
    this.#source = 'machine';
    const units = demands.map(({ children: fed }) => ({ need: 1, children: fed }));
    return divide(units, strained, children);
  }

  #measured(most: number): Source {
    return most * BITS === this.#allowed.uploadKbits ? 'declared' : 'measured';
  }

  #settle(shares: readonly Share[], isUrgent: boolean, now: Instant, out: CapacityEffect[]): void {
    const isForced = isUrgent || this.#source === 'machine';
    const change = this.#promises.settle(shares, this.#allowed.children, isForced, now);
    for (const [channel, promise] of change?.promised.entries() ?? []) out.push({ kind: 'slots', channel, ...promise });
    if (change !== undefined) {
      const [streams, most] = [this.#promises.slots, change.promised.reduce((sum, one) => sum + one.most, 0)];
      this.#say('capacity', { way: change.way, streams, most, source: this.#source, queue_ms: this.#queueMs }, out);
    }
    const claims = this.#promises.news(change !== undefined, now);
    if (claims !== undefined) out.push({ kind: 'tell', claims });
  }

  #learn(now: Instant, out: CapacityEffect[]): void {
    const { known } = this.#upload;
    const { known: before, at: then } = this.#learned;
    const isNews =
      Math.abs(known.carried - before.carried) > 0.25 * before.carried ||
      (known.full === undefined) !== (before.full === undefined);
    if (known.carried === 0 || !isNews || since(then, now) < LEARN_EVERY) return;
    this.#learned = { known, at: now };
    out.push({ kind: 'learned', known });
  }

  #say(name: string, fields: Readonly<Record<string, string | number>>, out: CapacityEffect[]): void {
    out.push({ kind: 'event', name, fields });
  }
}

/** What each of so many channels claims before anything is known. */
export function assumed(children: number, channels: number): number {
  return Math.min(children, Math.max(1, Math.floor(ASSUMED / Math.max(1, channels))));
}
