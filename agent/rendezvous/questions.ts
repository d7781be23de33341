import { type Backoff, interval } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { FromClient } from '../wire/messages.ts';

export type Question = Extract<FromClient, { request: number }>;

interface Asked {
  readonly question: Question;
  /** When to give up; undefined for what must be said sooner or later. */
  readonly deadline: Instant | undefined;
  firstSent: Instant | undefined;
  tries: number;
  nextAt: Instant;
}

/** The first repetition waits two round trips on top of this; never more than 4 s apart. */
const REPEAT: Backoff = { first: ms(250), factor: 1.7, most: seconds(4), jitter: 0.2 };
/** A viewer waits for whom it is to meet: that is asked once more, so long after one and a half round trips. */
const AWAITED = 40;

/** What a client has asked and not been answered: asked again, ever slower, until it is or its time is over. */
export class Questions {
  readonly #random: Random;
  readonly #asked = new Map<number, Asked>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Asks as soon as `due` is called next; a question of the same number is replaced. */
  ask(question: Question, patience: Millis | undefined, now: Instant): void {
    const deadline = patience === undefined ? undefined : after(now, patience);
    this.#asked.set(question.request, { question, deadline, firstSent: undefined, tries: 0, nextAt: now });
  }

  get(request: number): Question | undefined {
    return this.#asked.get(request)?.question;
  }

  /** Answered: how long that took when there was only one try, so that the answer surely belongs to it. */
  answered(request: number, now: Instant): Millis | undefined {
    const asked = this.#asked.get(request);
    this.#asked.delete(request);
    return asked?.firstSent === undefined || asked.tries !== 1 ? undefined : ms(now - asked.firstSent);
  }

  /** Puts a question off; false when its time would be over by then. */
  postpone(request: number, wait: Millis, now: Instant): boolean {
    const asked = this.#asked.get(request);
    if (asked === undefined) return false;
    const nextAt = after(now, interval({ ...REPEAT, first: wait, most: wait }, 0, this.#random));
    if (asked.deadline !== undefined && nextAt >= asked.deadline) return false;
    asked.nextAt = nextAt;
    asked.tries = 0;
    return true;
  }

  /** A new session: everything is asked again at once. */
  restart(now: Instant): void {
    for (const asked of this.#asked.values()) {
      asked.nextAt = now;
      asked.tries = 0;
    }
  }

  /** What is to be sent now, of those that may be. */
  due(may: (question: Question) => boolean, rtt: Millis | undefined, now: Instant): Question[] {
    const due: Question[] = [];
    for (const asked of this.#asked.values()) {
      if (asked.nextAt > now || !may(asked.question)) continue;
      asked.firstSent = asked.tries === 0 ? now : asked.firstSent;
      asked.nextAt = after(now, this.#pause(asked, rtt));
      asked.tries++;
      due.push(asked.question);
    }
    return due;
  }

  #pause({ question: { kind }, tries }: Asked, rtt: Millis | undefined): Millis {
    const awaited = rtt !== undefined && (kind === 'introduce' || kind === 'join');
    if (awaited && tries === 0) return ms(AWAITED + 1.5 * rtt);
    return ms(interval(REPEAT, awaited ? tries - 1 : tries, this.#random) + 2 * (rtt ?? 0));
  }

  /** Questions whose time is over; they are forgotten. */
  expired(now: Instant): Question[] {
    const over = [...this.#asked.values()].filter(({ deadline }) => deadline !== undefined && deadline <= now);
    for (const { question } of over) this.#asked.delete(question.request);
    return over.map(({ question }) => question);
  }

  clear(): void {
    this.#asked.clear();
  }

  /** Of questions that may not be sent only the deadline matters. */
  wake(may: (question: Question) => boolean): Instant | undefined {
    let wake: Instant | undefined;
    for (const { question, nextAt, deadline } of this.#asked.values()) {
      wake = earliest(wake, deadline);
      if (may(question)) wake = earliest(wake, nextAt);
    }
    return wake;
  }
}
