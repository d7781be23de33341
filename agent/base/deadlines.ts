import { earliest, type Instant } from './time.ts';

const NONE: readonly never[] = [];

/**
 * All timers of one machine as a small table: a name is either armed for an instant or not.
 * After quinn's way of keeping timers: no cancelled callbacks, nothing to leak.
 */
export class Deadlines<Name extends string> {
  readonly #at = new Map<Name, Instant>();
  /** The first of them; asked for with every datagram, and seldom another. */
  #next: Instant | undefined;

  set(name: Name, when: Instant): void {
    const before = this.#at.get(name);
    this.#at.set(name, when);
    if (before === undefined || before !== this.#next) this.#next = earliest(this.#next, when);
    else this.#find();
  }

  clear(name: Name): void {
    const before = this.#at.get(name);
    if (before === undefined) return;
    this.#at.delete(name);
    if (before === this.#next) this.#find();
  }

  get(name: Name): Instant | undefined {
    return this.#at.get(name);
  }

  /** The names that are due, earliest first; they are disarmed. */
  due(now: Instant): readonly Name[] {
    if (this.#next === undefined || this.#next > now) return NONE;
    const due = [...this.#at].filter(([, when]) => when <= now).sort(([, a], [, b]) => a - b);
    for (const [name] of due) this.#at.delete(name);
    this.#find();
    return due.map(([name]) => name);
  }

  next(): Instant | undefined {
    return this.#next;
  }

  #find(): void {
    this.#next = undefined;
    for (const when of this.#at.values()) this.#next = earliest(this.#next, when);
  }
}
