import { between, type Random } from '../base/random.ts';
import { after, at, earliest, type Instant, type Millis, ms, since } from '../base/time.ts';
import type { Options } from './orders.ts';

/**
 * Ours is broken by a ping before a NAT forgets us; the other side's, when it lasts too long, ends the connection. One that
 * nobody says anything on rests: then pings are rare, and only one of them that goes unanswered begins to count.
 */
export class Silence {
  readonly #random: Random;
  readonly #keepAlive: Millis;
  readonly #idle: Millis;
  readonly #first: Millis;
  readonly #rest: Options['rest'];
  #keepAfter: Millis;
  #keepAt: Instant | undefined;
  #heardAt: Instant | undefined;
  /** When the last message went or came. */
  #usedAt: Instant = at(0);
  #isResting = false;
  /** From when on the other side owes us a word; undefined while it rests and was not asked. */
  #owedFrom: Instant | undefined;
  /** How much silence ends it now. */
  #most: Millis;

  constructor(options: Pick<Options, 'random' | 'keepAlive' | 'idle' | 'firstWord' | 'rest'>) {
    this.#random = options.random;
    this.#keepAlive = options.keepAlive ?? ms(10_000);
    this.#keepAfter = this.#jittered(this.#keepAlive);
    this.#idle = options.idle ?? ms(30_000);
    this.#first = options.firstWord ?? this.#idle;
    this.#most = this.#first;
    this.#rest = options.rest;
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  /** The other side's counts from the first call. */
  begin(now: Instant): void {
    if (this.#heardAt !== undefined) return;
    this.#heardAt = this.#owedFrom = this.#usedAt = now;
  }

  /** A message goes or comes. */
  used(now: Instant): void {
    this.#usedAt = now;
    if (!this.#isResting) return;
    this.#isResting = false;
    this.#owedFrom = now;
    this.#keepFor(this.#keepAlive, now);
  }

  /** `isSteady`: little of what is sent gets lost. Elsewhere as many pings in a row may be lost as before the first word. */
  heard(now: Instant, isSteady: boolean): void {
    this.#heardAt = now;
    this.#most = isSteady ? this.#idle : this.#first;
    const isAnswer = this.#isResting && this.#owedFrom !== undefined;
    this.#owedFrom = this.#isResting ? undefined : now;
    if (isAnswer) this.#keepFor(this.#rest?.keepAlive ?? this.#keepAlive, now);
  }

  spoke(now: Instant): void {
    this.#keepAt = after(now, this.#keepAfter);
  }

  /** Whether the other side's has lasted too long. */
  isEnd(now: Instant): boolean {
    const end = this.#end;
    return end !== undefined && end <= now;
  }

  /** True when ours should be broken. */
  tick(now: Instant): boolean {
    if (this.#keepAt === undefined || this.#keepAt > now) return false;
    this.#isResting ||= this.#rest !== undefined && since(this.#usedAt, now) >= this.#rest.after;
    if (this.#isResting) this.#owedFrom ??= now;
    this.#keepFor(this.#keepAlive, now);
    return true;
  }

  wake(): Instant | undefined {
    return earliest(this.#keepAt, this.#end);
  }

  /** How long nothing was heard, in milliseconds. */
  lasts(now: Instant): number {
    return this.#heardAt === undefined ? 0 : since(this.#heardAt, now);
  }

  /** While it rests nobody waits for the answer: a bad line gets twice the time. */
  get #end(): Instant | undefined {
    if (this.#owedFrom === undefined) return undefined;
    return after(this.#owedFrom, this.#isResting ? ms(2 * this.#most) : this.#most);
  }

  #keepFor(span: Millis, now: Instant): void {
    this.#keepAfter = this.#jittered(span);
    this.#keepAt = after(now, this.#keepAfter);
  }

  #jittered(span: Millis): Millis {
    return ms(span * between(this.#random, 0.67, 1.33));
  }
}
