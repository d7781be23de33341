import { Heap } from '../base/heap.ts';
import { at, type Instant } from '../base/time.ts';

/** Entries that were put off stay where they are until they come up; so many more than those that count are not kept. */
const STALE_MOST = 1000;

/** When each of thousands of things has something to do; what is put off often costs a push each time. */
export class Alarms {
  readonly #when = new Map<string, Instant>();
  #heap = new Heap<string>();

  /** Its only alarm from now on; undefined: none. */
  set(name: string, when: Instant | undefined): void {
    if (when === this.#when.get(name)) return;
    if (when === undefined) {
      this.#when.delete(name);
      return;
    }
    this.#when.set(name, when);
    this.#heap.push(when, name);
    if (this.#heap.size > 2 * this.#when.size + STALE_MOST) this.#sweep();
  }

  next(): Instant | undefined {
    for (;;) {
      const when = this.#heap.next();
      const name = this.#heap.peek();
      if (when === undefined || name === undefined) return undefined;
      if (this.#when.get(name) === when) return at(when);
      this.#heap.pop();
    }
  }

  /** All whose time has come, earliest first; they have no alarm any more. */
  due(now: Instant): readonly string[] {
    const due: string[] = [];
    for (let next = this.next(); next !== undefined && next <= now; next = this.next()) {
      const name = this.#heap.pop();
      if (name === undefined) break;
      this.#when.delete(name);
      due.push(name);
    }
    return due;
  }

  #sweep(): void {
    this.#heap = new Heap();
    for (const [name, when] of this.#when) this.#heap.push(when, name);
  }
}
