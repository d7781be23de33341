import { earliest, type Instant } from '../base/time.ts';
import { type Audit, Audits } from './audits.ts';
import { type Complaint, Trust, type Witness } from './trust.ts';

/** Auditors that are asked when the verdict decides whether it feeds again. */
const TRIALS = 3;

/** Which households are not given children now, until when, and who is to find out more about them. */
export class Doubts {
  readonly #trust = new Trust();
  readonly #audits = new Audits();
  readonly #until = new Map<string, Instant>();

  /** Known to feed nobody. */
  isDemoted(node: string, now: Instant): boolean {
    return this.#trust.isDemoted(node, now);
  }

  /** Not given children now. */
  isDoubted(node: string, now: Instant): boolean {
    return this.#trust.isDoubted(node, now);
  }

  /** Whether somebody of that prefix speaks against it already. */
  hasWitness(against: string, prefix: string, now: Instant): boolean {
    return this.#trust.hasWitness(against, prefix, now);
  }

  /** A child says that its parent failed it. True when this was the word that decided. */
  complain(by: Witness, against: string, why: Complaint, proven: boolean, now: Instant): boolean {
    const decided = this.#trust.complain(by, against, proven && why === 'corrupt', now);
    if (!decided && this.#trust.isDoubted(against, now)) this.#audits.want(against, 1, now);
    this.#note(against, now);
    return decided;
  }

  /** A child has left it by itself. */
  hesitate(node: string, now: Instant): void {
    this.#trust.hesitate(node, now);
    this.#note(node, now);
  }

  /** It is tried out at that time, unless it has been by then. */
  tryLater(node: string, when: Instant): void {
    this.#audits.wantLater(node, when);
  }

  /** Who is to try out whom now. */
  audits(now: Instant, auditor: (of: string) => string | undefined): readonly Audit[] {
    return this.#audits.due(now, auditor);
  }

  /** How that went; undefined when nobody asked for it, true when it decided that the other one feeds nobody. */
  audited(by: Witness, of: string, passed: boolean, now: Instant): boolean | undefined {
    if (!this.#audits.answered(by.node, of)) return undefined;
    let decided = false;
    if (passed) this.#trust.acquit(of, now);
    else {
      decided = this.#trust.testify(by, of, now);
      if (!decided) this.#audits.want(of, 1, now);
    }
    this.#note(of, now);
    return decided;
  }

  /** Those whose time is over; `isLeaf` tells who was found to feed nobody, and is tried out before it is given anybody again. */
  due(now: Instant, isLeaf: (node: string) => boolean): readonly string[] {
    const over = [...this.#until].flatMap(([node, until]) => (until <= now ? [node] : []));
    for (const node of over) {
      if (isLeaf(node) && this.#trust.prolong(node, now)) this.#audits.want(node, TRIALS, now);
      this.#note(node, now);
    }
    return over;
  }

  /** What is known of it stays known in case that it comes back. */
  forget(node: string): void {
    this.#until.delete(node);
    this.#audits.forget(node);
  }

  wake(): Instant | undefined {
    let wake = this.#audits.wake();
    for (const until of this.#until.values()) wake = earliest(wake, until);
    return wake;
  }

  #note(node: string, now: Instant): void {
    const until = this.#trust.until(node);
    if (until !== undefined && until > now) this.#until.set(node, until);
    else this.#until.delete(node);
  }
}
