import { after, earliest, type Instant, seconds } from '../base/time.ts';

/** A household is to ask another one for a block that it has itself, and to say whether that came. */
export interface Audit {
  readonly by: string;
  readonly of: string;
}

/** A hard punch, three questions and their answers. */
const ANSWERED_IN = seconds(10);
/** A crowd is not tried out all at once: each takes a punch of two households. */
const AT_ONCE = 64;

interface Waiting {
  readonly when: Instant;
  /** Auditors that say nothing prove nothing: so many are asked one after another. */
  readonly tries: number;
}

interface Asked extends Waiting {
  readonly by: string;
}

/** Households that are to be tried out: nobody knows yet, or nobody knows any more, whether they give what they say. */
export class Audits {
  /** In the order of their entry: those that wait for a time wait all for the same. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #urgent = new Map<string, Waiting>();
  readonly #asked = new Map<string, Asked>();

  /** It is being tried out, or will be. */
  has(node: string): boolean {
    return this.#urgent.has(node) || this.#asked.has(node);
  }

  /** As soon as can be. */
  want(node: string, tries: number, now: Instant): void {
    this.#waiting.delete(node);
    if (!this.has(node)) this.#urgent.set(node, { when: now, tries });
  }

  /** From then on, which is the same time away for all that are entered so. */
  wantLater(node: string, when: Instant): void {
    if (!this.has(node)) this.#waiting.set(node, { when, tries: 1 });
  }

  /** Whom to send to whom. `auditor` finds somebody for it; undefined when it needs none or there is none. */
  due(now: Instant, auditor: (of: string) => string | undefined): readonly Audit[] {
    for (const [of, { when, tries }] of this.#asked) {
      if (when > now) break;
      this.#asked.delete(of);
      if (tries > 0) this.#urgent.set(of, { when: now, tries });
    }
    const found: Audit[] = [];
    for (const waiting of [this.#urgent, this.#waiting]) {
      for (const [of, { when, tries }] of waiting) {
        if (when > now || this.#asked.size >= AT_ONCE) break;
        waiting.delete(of);
        const by = auditor(of);
        if (by === undefined) continue;
        this.#asked.set(of, { by, when: after(now, ANSWERED_IN), tries: tries - 1 });
        found.push({ by, of });
      }
    }
    return found;
  }

  /** Somebody says how it went; false when nobody asked him. */
  answered(by: string, of: string): boolean {
    return this.#asked.get(of)?.by === by && this.#asked.delete(of);
  }

  forget(node: string): void {
    for (const all of [this.#waiting, this.#urgent, this.#asked]) all.delete(node);
  }

  wake(): Instant | undefined {
    let wake: Instant | undefined;
    for (const { when } of this.#asked.values()) {
      wake = when;
      break;
    }
    if (this.#asked.size >= AT_ONCE) return wake;
    for (const waiting of [this.#urgent, this.#waiting]) {
      for (const { when } of waiting.values()) {
        wake = earliest(wake, when);
        break;
      }
    }
    return wake;
  }
}
