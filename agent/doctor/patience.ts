import { Deadlines } from '../base/deadlines.ts';
import { after, type Instant, type Millis, seconds } from '../base/time.ts';

/** What is waited for, and for how long. With the farewell to the gateways all of it stays under ten seconds. */
const LIMITS = {
  /** Silence for so long, and eight greetings, is no matter of loss. */
  meeting: seconds(6),
  /** Most gateways answer at once; one that takes longer than this costs nothing but its own mapping. */
  gateways: seconds(3),
  /** For all there is to see: a check that takes longer is not worth the wait. */
  all: seconds(7.5),
} satisfies Readonly<Record<string, Millis>>;

type Limit = keyof typeof LIMITS;

/** How long the doctor waits for whom. */
export class Patience {
  readonly #deadlines = new Deadlines<Limit>();
  readonly #over = new Set<Limit>();

  start(now: Instant): void {
    this.#deadlines.set('meeting', after(now, LIMITS.meeting));
    this.#deadlines.set('gateways', after(now, LIMITS.gateways));
    this.#deadlines.set('all', after(now, LIMITS.all));
  }

  tick(now: Instant): void {
    for (const limit of this.#deadlines.due(now)) this.#over.add(limit);
  }

  isOver(limit: Limit): boolean {
    return this.#over.has(limit);
  }

  wake(): Instant | undefined {
    return this.#deadlines.next();
  }
}
