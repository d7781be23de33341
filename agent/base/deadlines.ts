import { earliest, type Instant } from './time.ts';

const NONE: readonly never[] = [];

/**
 * All timers of one machine as a small table: a name is either armed for an instant or not.
 * After quinn's way of keeping timers: no cancelled callbacks, nothing to leak.
 */
export class Deadlines<Name extends string> {
  readonly #at = new Map<Name, Instant>();

  set(name: Name, when: Instant): void {
    this.#at.set(name, when);
  }

  clear(name: Name): void {
    this.#at.delete(name);
  }

  get(name: Name): Instant | undefined {
    return this.#at.get(name);
  }

  /** The names that are due, earliest first; they are disarmed. */
  due(now: Instant): readonly Name[] {
    const next = this.next();
    if (next === undefined || next > now) return NONE;
    const due = [...this.#at].filter(([, when]) => when <= now).sort(([, a], [, b]) => a - b);
    for (const [name] of due) this.#at.delete(name);
    return due.map(([name]) => name);
  }

  next(): Instant | undefined {
    let next: Instant | undefined;
    for (const when of this.#at.values()) next = earliest(next, when);
    return next;
  }
}
