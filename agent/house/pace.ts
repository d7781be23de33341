import { at, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';

/** A new parent brings what it has of the last seconds first. */
const CATCHES_UP = seconds(5);
/** A block that the parent has and that is still not here: the stream itself waits behind it. */
const OVERDUE = ms(300);

/** Whether the parent, or its line, is slower than the stream: it says what it has, and that should follow at once. */
export class Pace {
  /** The newest block that is whole here. */
  #whole = -1;
  #promised: { readonly number: number; readonly at: Instant } | undefined;
  #changedAt: Instant = at(0);

  /** The newest block that is whole, or -1. */
  get whole(): number {
    return this.#whole;
  }

  /** Somebody else is the parent now. */
  changed(now: Instant): void {
    this.#changedAt = now;
    this.#promised = undefined;
  }

  /** Numbers begin anew. */
  restart(): void {
    this.#whole = -1;
    this.#promised = undefined;
  }

  /** The parent says that it has this block. */
  promised(number: number, now: Instant): void {
    if (number > this.#whole) this.#promised ??= { number, at: now };
  }

  came(number: number): void {
    this.#whole = Math.max(this.#whole, number);
    if (this.#promised !== undefined && this.#whole >= this.#promised.number) this.#promised = undefined;
  }

  /** How late a block is that should be here; told once. */
  overdue(now: Instant): Millis | undefined {
    if (this.#promised === undefined || since(this.#changedAt, now) < CATCHES_UP) return undefined;
    const by = since(this.#promised.at, now);
    if (by < OVERDUE) return undefined;
    this.#promised = undefined;
    return by;
  }
}
