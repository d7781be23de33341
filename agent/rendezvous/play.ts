import type { Reason } from '../base/outcome.ts';
import { type Instant, ms, seconds, since } from '../base/time.ts';
import { type Prospect, prospect } from '../punch/prospect.ts';
import type { Conductor, Score } from './conductor/conductor.ts';
import type { Client } from './directory.ts';
import type { Way } from './knowledge/ways.ts';
import type { Pair } from './pairs.ts';
import type { Word } from './saying.ts';

/** What is going on between two households that are led. */
export type Play =
  /** `before`: the way of the attempt before this one. `due`: when the wheel brings it up, at the latest. */
  | {
      readonly name: 'playing';
      readonly conductor: Conductor;
      readonly before: Way | undefined;
      due: Instant | undefined;
    }
  | Rest;

/** Only what was learned, and why it failed. The next attempt begins then, of `by: 'us'` by itself. */
export interface Rest {
  readonly name: 'resting';
  readonly score: Score;
  readonly reason: Reason;
  readonly until: Instant;
  readonly by: 'us' | 'them';
  /** So often the reason is still to be said, and when next. */
  sayings: number;
  sayAt: Instant;
}

export function outlookOf({ parties }: Score): Prospect {
  return prospect(parties.asker.profile, parties.target.profile);
}

/** The reason, and when the next attempt begins from here. */
export function verdict(pair: Pair, { by, reason, until }: Rest, to: Client, now: Instant): Word {
  const retryIn = by === 'us' ? seconds(Math.max(1, Math.ceil(since(now, until) / 1000))) : ms(0);
  return { to, message: { kind: 'judged', pairId: pair.id, reason, retryIn } };
}
