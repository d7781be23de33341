import { after, type Instant, isDue, type Millis, ms, seconds, since } from '../../base/time.ts';

/** What the machine has left, as shares: 1 is all of it in use. */
export interface Load {
  /** Of one core, by this process: it has one thread for everything. */
  readonly own: number;
  /** Of all cores, by everybody. */
  readonly machine: number;
  /** How much later than it was set for a timer went off. */
  readonly late: Millis;
  /** What programs can still have; undefined where the system does not say. */
  readonly freeBytes: number | undefined;
}

/** A busy machine is none of our business unless we wait for it: this is what a beat may be late. */
const LATE = ms(100);
/** Above these, datagrams and blocks wait for the processor: at nine tenths a queue is ten times as long as at none. */
const [OWN_MOST, MACHINE_MOST] = [0.9, 0.95];
/** The last seconds of a stream and what the kernel holds for a few children; a router of 128 MB has about 40 left. */
const FREE_LEAST = 24 * 2 ** 20;
/** A garbage collection, or somebody's page, is no strain. */
const STRAINED_FOR = seconds(3);
const EASES_AFTER = seconds(60);
/** A child that was told to go needs so long. */
const SETTLES = ms(5000);

/** What the machine itself can do: one child less when it is at its limit, one more when it was at ease for a minute. */
export class Strain {
  #cap: number | undefined;
  #since: Instant | undefined;
  #changesAt: Instant | undefined;

  /** Children at most; undefined while nothing stands against more. */
  get most(): number | undefined {
    return this.#cap;
  }

  see({ own, machine, late, freeBytes }: Load, children: number, now: Instant): void {
    const isStrained =
      own >= OWN_MOST || (machine >= MACHINE_MOST && late >= LATE) || (freeBytes ?? Infinity) < FREE_LEAST;
    if (isStrained) {
      this.#since ??= now;
      const isRipe = since(this.#since, now) >= STRAINED_FOR;
      if (!isRipe || (this.#changesAt !== undefined && this.#changesAt > now)) return;
      this.#cap = Math.max(0, Math.min(this.#cap ?? Infinity, children) - 1);
      this.#since = undefined;
      this.#changesAt = after(now, SETTLES);
      return;
    }
    if (this.#since !== undefined) this.#changesAt = after(now, EASES_AFTER);
    this.#since = undefined;
    if (this.#cap === undefined) return;
    this.#changesAt ??= after(now, EASES_AFTER);
    if (!isDue(this.#changesAt, now)) return;
    this.#cap = this.#cap >= 8 ? undefined : this.#cap + 1;
    this.#changesAt = after(now, EASES_AFTER);
  }
}
