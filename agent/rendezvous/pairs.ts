import { key } from '../base/address.ts';
import type { Method } from '../base/outcome.ts';
import { after, earliest, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Purpose } from '../wire/messages.ts';
import { type Client, keyOf } from './directory.ts';
import type { Way } from './knowledge/ways.ts';
import { Wheel } from './wheel.ts';

/** Two households brought together, as long as the rendezvous has a part in it. */
export interface Pair {
  readonly id: number;
  /** The one that asked. */
  readonly asker: string;
  readonly request: number;
  /** Names the question: the request and the asking process, whose numbers begin anew with each start. */
  readonly question: string;
  readonly target: string;
  /** What the target is to the asker. */
  readonly purpose: Exclude<Purpose, 'child'>;
  /** Key of the channel they are brought together for. */
  readonly channel: string | undefined;
  /** The child of the target's that makes room for the asker. */
  readonly instead: number | undefined;
  readonly secret: Uint8Array;
  /** When the asker's first knock leaves; the target's is aimed at the same moment. */
  readonly startAt: Instant;
  readonly relayAllowed: boolean;
  /** The punch is led from here. */
  readonly conducted: boolean;
  /** `ip:port` others are made to knock at. */
  readonly at: string;
  readonly born: Instant;
  /** The target said that it has the introduction: from then on the two may relay. */
  accepted: boolean;
  /** So did the asker. */
  taken: boolean;
  /** What the asker gave to be relayed before the target said that; only the last of it. */
  held: Uint8Array | undefined;
  /** What they reported; undefined while the punch may still be under way. */
  outcome: 'failed' | Method | undefined;
  /** Who of the two has a direct path, by the number of the report that said so; 0 for nobody. */
  readonly met: { asker: number; target: number };
  /** How often they had one and lost it. */
  losses: number;
  /** Number of the last volley that was ordered: a household carries each number out once. */
  led: number;
  /** Which way they were led last. */
  way: Way | undefined;
  /** How many steps of SCHEDULE are behind it. */
  step: number;
  /** Forgotten then, unless it is used. */
  until: Instant;
}

/** What is known of a pair when it is made. */
type Introduced = Omit<
  Pair,
  'accepted' | 'taken' | 'held' | 'outcome' | 'met' | 'losses' | 'led' | 'way' | 'step' | 'until' | 'born'
>;

export type PairEvent =
  /** The target has not accepted yet: send its introduction once more. */
  | { readonly kind: 'again'; readonly pair: Pair }
  /** It never did: nobody is there. */
  | { readonly kind: 'unheard'; readonly pair: Pair }
  | { readonly kind: 'ended'; readonly pair: Pair };

interface Step {
  readonly at: Millis;
  readonly what: 'again' | 'unheard' | 'closed';
}

/**
 * After the first introduction, while it is not accepted. A punch is over after 10 s for the count of introductions
 * at once, even when nobody reports.
 */
const SCHEDULE: readonly Step[] = [
  // A viewer waits, and most have accepted by then.
  { at: ms(100), what: 'again' },
  { at: ms(300), what: 'again' },
  { at: ms(900), what: 'again' },
  { at: ms(2000), what: 'again' },
  { at: seconds(4), what: 'unheard' },
  { at: seconds(10), what: 'closed' },
];

/** Living pairs by number and by the question that made them, and how many aim at one address. */
export class Pairs {
  readonly #life: Millis;
  readonly #isFed: (pair: Pair) => boolean;
  readonly #byId = new Map<number, Pair>();
  readonly #byQuestion = new Map<string, Pair>();
  readonly #open = new Map<string, number>();
  readonly #steps = new Wheel<Pair>(ms(100), 128);
  readonly #ends = new Wheel<Pair>(seconds(1), 128);

  /** `isFed`: does the one feed the other? Such a pair is kept: its path may be lost at any time. */
  constructor(life: Millis, isFed: (pair: Pair) => boolean) {
    this.#life = life;
    this.#isFed = isFed;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: number): Pair | undefined {
    return this.#byId.get(id);
  }

  /** The pair that this very question made, if it is alive. */
  asked(question: string): Pair | undefined {
    return this.#byQuestion.get(question);
  }

  /** How many introductions make others knock at this client now. */
  aimedAt(target: Client): number {
    return this.#open.get(key(target.address)) ?? 0;
  }

  enter(facts: Introduced, now: Instant): Pair {
    const pair = {
      ...facts,
      born: now,
      accepted: false,
      taken: false,
      held: undefined,
      outcome: undefined,
      met: { asker: 0, target: 0 },
      losses: 0,
      led: 0,
      way: undefined,
      step: 0,
      until: after(now, this.#life),
    };
    this.#byId.set(pair.id, pair);
    if (isAsked(pair)) this.#byQuestion.set(pair.question, pair);
    this.#open.set(pair.at, (this.#open.get(pair.at) ?? 0) + 1);
    this.#steps.add(pair, after(now, SCHEDULE[0]?.at ?? this.#life), now);
    this.#ends.add(pair, pair.until, now);
    return pair;
  }

  /** It is in use: relayed bytes keep it alive. */
  keep(pair: Pair, now: Instant): void {
    pair.until = after(now, this.#life);
  }

  /** Says how it ended; the first report counts, except that a later success beats a failure. */
  report(pair: Pair, outcome: 'failed' | Method): void {
    const wasOpen = isOpen(pair);
    if (pair.outcome === undefined || pair.outcome === 'failed') pair.outcome = outcome;
    if (wasOpen) this.#close(pair);
  }

  /** They had a direct path and have it no more: whatever they do now is a new attempt. */
  lose(pair: Pair, now: Instant): void {
    pair.outcome = 'failed';
    pair.losses++;
    this.keep(pair, now);
  }

  due(now: Instant): PairEvent[] {
    const events: PairEvent[] = [];
    for (const pair of this.#steps.due(now)) events.push(...this.#advance(pair, now));
    for (const pair of this.#ends.due(now)) {
      if (this.#byId.get(pair.id) !== pair) continue;
      if (pair.until <= now && this.#isFed(pair)) this.keep(pair, now);
      if (pair.until > now) {
        this.#ends.add(pair, pair.until, now);
        continue;
      }
      this.#remove(pair);
      events.push({ kind: 'ended', pair });
    }
    return events;
  }

  wake(): Instant | undefined {
    return earliest(this.#steps.wake(), this.#ends.wake());
  }

  #advance(pair: Pair, now: Instant): PairEvent[] {
    const events: PairEvent[] = [];
    if (this.#byId.get(pair.id) !== pair) return events;
    let next = SCHEDULE[pair.step];
    while (next !== undefined && after(pair.born, next.at) <= now) {
      const { what } = next;
      if (what === 'closed' && isOpen(pair)) this.#close(pair);
      const isHeard = pair.accepted && (isAsked(pair) || pair.taken);
      if (what !== 'closed' && !isHeard) events.push({ kind: what, pair });
      pair.step++;
      next = SCHEDULE[pair.step];
    }
    if (next !== undefined) this.#steps.add(pair, after(pair.born, next.at), now);
    return events.slice(-1);
  }

  #close(pair: Pair): void {
    const left = (this.#open.get(pair.at) ?? 1) - 1;
    if (left > 0) this.#open.set(pair.at, left);
    else this.#open.delete(pair.at);
  }

  #remove(pair: Pair): void {
    if (isOpen(pair)) this.#close(pair);
    this.#byId.delete(pair.id);
    if (this.#byQuestion.get(pair.question) === pair) this.#byQuestion.delete(pair.question);
  }
}

/** Still counted among the introductions at once. */
function isOpen(pair: Pair): boolean {
  return pair.outcome === undefined && pair.step < SCHEDULE.length;
}

/** The asker put a question; otherwise it has to be told as the target is. */
function isAsked({ request }: Pair): boolean {
  return request !== 0;
}

/** A header key belongs to one start of a household; but anybody may claim to have the same, so the node goes first. */
export function questionOf(asker: Client, request: number): string {
  return `${request} ${asker.nodeKey} ${keyOf(asker.headerKey)}`;
}
