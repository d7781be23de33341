import { between, type Random } from '../base/random.ts';
import { after, earliest, type Instant, type Millis, ms, since } from '../base/time.ts';
import type { Options } from './orders.ts';

/** Ours is broken by a ping before a NAT forgets us; the other side's, when it lasts too long, ends the connection. */
export class Silence {
  readonly #random: Random;
  readonly #keepAlive: Millis;
  readonly #idle: Millis;
  #keepAfter: Millis;
  #keepAt: Instant | undefined;
  #heardAt: Instant | undefined;
  /** How much silence ends it now. */
  #most: Millis;

  constructor(options: Pick<Options, 'random' | 'keepAlive' | 'idle' | 'firstWord'>) {
    this.#random = options.random;
    this.#keepAlive = options.keepAlive ?? ms(10_000);
    this.#keepAfter = this.#jittered(this.#keepAlive);
    this.#idle = options.idle ?? ms(30_000);
    this.#most = options.firstWord ?? this.#idle;
  }

  /** The other side's counts from the first call. */
  begin(now: Instant): void {
    this.#heardAt ??= now;
  }

  heard(now: Instant): void {
    this.#heardAt = now;
    this.#most = this.#idle;
  }

  spoke(now: Instant): void {
    this.#keepAt = after(now, this.#keepAfter);
  }

  /** Whether the other side's has lasted too long. */
  isEnd(now: Instant): boolean {
    return this.#heardAt !== undefined && after(this.#heardAt, this.#most) <= now;
  }

  /** True when ours should be broken. */
  tick(now: Instant): boolean {
    if (this.#keepAt === undefined || this.#keepAt > now) return false;
    this.#keepAfter = this.#jittered(this.#keepAlive);
    this.#keepAt = after(now, this.#keepAfter);
    return true;
  }

  wake(): Instant | undefined {
    return this.#heardAt === undefined ? this.#keepAt : earliest(this.#keepAt, after(this.#heardAt, this.#most));
  }

  /** How long nothing was heard, in milliseconds. */
  lasts(now: Instant): number {
    return this.#heardAt === undefined ? 0 : since(this.#heardAt, now);
  }

  #jittered(span: Millis): Millis {
    return ms(span * between(this.#random, 0.67, 1.33));
  }
}
