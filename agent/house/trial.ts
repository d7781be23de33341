import { after, type Instant, isDue, ms } from '../base/time.ts';
import { Feed } from '../blocks/feed.ts';
import type { Ring } from '../blocks/ring.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Verdict } from '../wire/messages.ts';
import type { PeerMessage } from '../wire/peer.ts';

/** Two seconds of a stream: who feeds in bursts is seen to, who feeds nothing is known in good time. */
const LASTS = ms(2000);
/** What was under way when it began does not count. */
const BEGINS = ms(300);
/** Blocks of the last moments that are asked for besides: whoever has no free slot can still show that it has the stream. */
const ASKED = 2;
/** With fewer of our own in that time there is nothing to compare with. */
const ENOUGH = 10;

export interface TrialOptions {
  readonly cipher: Cipher;
  readonly channel: Uint8Array;
  /** Of the stream as we have it: a recording of an older one is none. */
  readonly epoch: number;
  readonly tag: number;
  /** What we have of the stream ourselves. */
  readonly ring: Ring;
}

/**
 * Another household is tried out: it is asked to feed us, as any child does, and what comes is checked by itself. Nothing of it is
 * shown or passed on.
 */
export class Trial {
  readonly #options: TrialOptions;
  readonly #feed: Feed;
  readonly #newest: number;
  #endsAt: Instant | undefined;
  #countsFrom: Instant | undefined;
  #first: number | undefined;
  #fresh = 0;
  #old = 0;
  #state: 'asking' | 'refused' | 'held' = 'asking';
  #isBad = false;

  constructor(options: TrialOptions) {
    this.#options = options;
    this.#feed = new Feed(options);
    this.#newest = options.ring.newest?.number ?? -1;
  }

  /** The session stands: what is said to it. */
  open(now: Instant): readonly PeerMessage[] {
    this.#endsAt = after(now, LASTS);
    this.#countsFrom = after(now, BEGINS);
    const { channel, tag } = this.#options;
    const numbers = Array.from({ length: ASKED }, (_, i) => this.#newest - i).filter((number) => number >= 0);
    const child = { slots: 0, height: 0, instead: undefined };
    return [
      { kind: 'subscribe', channel, tag, from: this.#newest + 1, ...child },
      { kind: 'ask', tag, numbers },
    ];
  }

  /** Something of the stream. */
  take(bytes: Uint8Array, now: Instant): void {
    for (const effect of this.#feed.take(bytes, 0, now)) {
      switch (effect.kind) {
        case 'bad':
          this.#isBad = true;
          break;
        case 'block':
          if (effect.number <= this.#newest) this.#old++;
          else if (this.#first !== undefined && effect.number >= this.#first) this.#fresh++;
          break;
        case 'forward':
        case 'refused':
        case 'epoch':
          break;
      }
    }
  }

  hear(message: PeerMessage): void {
    if (message.kind === 'refuse') this.#state = 'refused';
    else if (message.kind === 'hold' && this.#state === 'asking') this.#state = 'held';
    else if (message.kind === 'beat' && this.#state === 'held') this.#state = 'asking';
  }

  wake(): Instant | undefined {
    return this.#first === undefined ? this.#countsFrom : this.#endsAt;
  }

  tick(now: Instant): void {
    if (this.#first === undefined && isDue(this.#countsFrom, now))
      this.#first = (this.#options.ring.newest?.number ?? 0) + 1;
    this.#feed.tick(now);
  }

  isOver(now: Instant): boolean {
    return this.#isBad || isDue(this.#endsAt, now);
  }

  /** What is to be said of it; undefined where that would be a guess: then nothing is said. */
  get verdict(): Verdict | undefined {
    if (this.#isBad) return 'bad';
    const own = (this.#options.ring.newest?.number ?? 0) + 1 - (this.#first ?? Infinity);
    if (this.#endsAt === undefined || own < ENOUGH) return undefined;
    if (2 * this.#fresh >= own) return 'good';
    switch (this.#state) {
      case 'refused':
        return this.#old > 0 ? 'good' : 'silent';
      // It has no stream at the moment; what it had before it can still show.
      case 'held':
        return this.#old > 0 ? undefined : 'silent';
      case 'asking':
        return 'silent';
    }
  }
}
