import type { Machine } from '../../base/machine.ts';
import type { Reason } from '../../base/outcome.ts';
import type { Random } from '../../base/random.ts';
import { earliest, type Instant, type Millis, ms, seconds } from '../../base/time.ts';
import type { Misfire, VolleyPlan } from '../../base/volley.ts';
import { conducted, type Prospect, prospect } from '../../punch/prospect.ts';
import { bracketing } from './bracketing.ts';
import { Finding, type Hole } from './finding.ts';
import { filling } from './filling.ts';
import { gambling } from './gambling.ts';
import type { Permits } from './permits.ts';
import { postMortem, type Verdict } from './postmortem.ts';
import { reordering } from './reordering.ts';
import { type Party, type Pause, type Role, type Script, type Sight, Stage } from './stage.ts';
import { spraying } from './spraying.ts';
import { walking } from './walking.ts';

export type ConductorInput =
  | { readonly kind: 'start' }
  /** An observer saw a probe of one of our volleys. */
  | { readonly kind: 'seen'; readonly role: Role; readonly round: number; readonly sight: Omit<Sight, 'at'> }
  /** A volley is under way, or why it is not. */
  | {
      readonly kind: 'fired';
      readonly role: Role;
      readonly round: number;
      readonly misfire: Misfire;
      readonly localPorts: readonly number[];
    }
  /** They have met. */
  | { readonly kind: 'connected' }
  | { readonly kind: 'tick' };

export type ConductorEffect =
  | { readonly kind: 'volley'; readonly role: Role; readonly plan: VolleyPlan }
  /** The attempt came to nothing. `score` is what a later attempt begins with. */
  | {
      readonly kind: 'judged';
      readonly reason: Reason;
      readonly retryIn: Millis;
      readonly score: Score;
      /** It was put off: nothing has failed. */
      readonly postponed: boolean;
    }
  | { readonly kind: 'over' };

/** What one attempt leaves to the next. */
export interface Score {
  readonly parties: Readonly<Record<Role, Party>>;
  /** Attempts so far, and the number of the last volley. */
  readonly attempt: number;
  readonly round: number;
  /** Which ports this pair guesses: one that an earlier pair has met at stays taken as long as those two talk. */
  readonly seed: number;
  readonly hole?: Hole | undefined;
}

export interface ConductorOptions {
  readonly score: Score;
  /** Places of the observers to aim at, addresses taking turns. */
  readonly observers: readonly number[];
  readonly random: Random;
  readonly permits: Permits;
  /** Where a method can be done either way round: the other one. */
  readonly inverse?: boolean;
  readonly now: Instant;
}

/** Until the next attempt; after the last one none. */
export const BACK_OFF: readonly Millis[] = [2, 8, 30, 120].map(seconds);

/**
 * One attempt to bring two NATs together whose ports must be read: it orders volleys of both households, sees what comes
 * of them, and says in the end why it failed. It lives as long as the attempt; what was learned is in the verdict.
 *
 *   start ──▶ playing (bracket, walk, block, birthday, lottery) ──connected──▶ over
 *                │ nothing came of it
 *                ▼
 *             post-mortem ──▶ judged
 */
export class Conductor implements Machine<ConductorInput, ConductorEffect> {
  readonly outlook: Prospect;
  readonly #stage: Stage;
  readonly #script: Script<Ending>;
  readonly #score: Score;
  #state: State = { name: 'idle' };

  constructor({ score, observers, random, permits, inverse = score.attempt % 2 === 1, now }: ConductorOptions) {
    const { parties, round } = score;
    this.#score = score;
    this.#stage = new Stage({ parties, observers, random, now, round });
    this.outlook = prospect(parties.asker.profile, parties.target.profile);
    this.#script = performance(this.#stage, this.outlook, permits, score, inverse);
  }

  /** Number of the last volley. */
  get round(): number {
    return this.#stage.round;
  }

  get isOver(): boolean {
    return this.#state.name === 'over';
  }

  step(input: ConductorInput, now: Instant): readonly ConductorEffect[] {
    if (this.#state.name === 'over') return [];
    this.#stage.now = now;
    switch (input.kind) {
      case 'start':
        return this.#state.name === 'idle' ? this.#resume() : [];
      case 'seen':
        this.#stage.seen(input.role, input.round, { ...input.sight, at: now });
        return this.#look();
      case 'fired':
        this.#stage.fired(input.role, input.round, input.misfire, input.localPorts);
        return this.#look();
      case 'connected':
        this.#state = { name: 'over' };
        return [{ kind: 'over' }];
      case 'tick':
        this.#stage.tick();
        return this.#look();
    }
  }

  wake(): Instant | undefined {
    if (this.#state.name !== 'playing') return undefined;
    return earliest(this.#stage.wake(), this.#state.pause.until);
  }

  #look(): ConductorEffect[] {
    if (this.#state.name !== 'playing') return [];
    const { pause } = this.#state;
    return this.#stage.now >= pause.until || pause.enough() ? this.#resume() : this.#volleys();
  }

  #resume(): ConductorEffect[] {
    const next = this.#script.next();
    const effects = this.#volleys();
    if (next.done !== true) {
      this.#state = { name: 'playing', pause: next.value };
      return effects;
    }
    this.#state = { name: 'over' };
    const { reason, parties, postponed, hole } = next.value;
    const { attempt, seed } = this.#score;
    const hopeless = !conducted(prospect(parties.asker.profile, parties.target.profile));
    const retryIn = isFinal(reason) || hopeless ? ms(0) : (postponed ?? BACK_OFF[attempt + this.#rest] ?? ms(0));
    const score = {
      parties,
      attempt: postponed === undefined ? attempt + 1 : attempt,
      round: this.#stage.round,
      seed,
      hole,
    };
    return [
      ...effects,
      { kind: 'judged', reason, retryIn, score, postponed: postponed !== undefined },
      { kind: 'over' },
    ];
  }

  /** What two full blocks have drawn stays taken for half a minute. */
  get #rest(): number {
    return this.outlook.kind === 'fill' ? 2 : 0;
  }

  #volleys(): ConductorEffect[] {
    return this.#stage.take().map(({ role, plan }) => ({ kind: 'volley', role, plan }));
  }
}

/** A report is sent again until it is answered. */
const REPORTED = 1000;

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'playing'; readonly pause: Pause }
  | { readonly name: 'over' };

/** `postponed`: the attempt is still to come. */
interface Ending extends Verdict {
  readonly postponed?: Millis;
  readonly hole?: Hole | undefined;
}

/** The whole attempt. */
function* performance(
  stage: Stage,
  outlook: Prospect,
  permits: Permits,
  score: Score,
  inverse: boolean,
): Script<Ending> {
  const found = yield* play(stage, outlook, permits, score, inverse);
  const { postponed, hole } = found;
  if (postponed !== undefined) return { reason: 'random', parties: stage.parties, postponed };
  // Whoever has a path fires no more: its report is on the way.
  if (found.misfire === 'no-target') yield* stage.wait(REPORTED);
  return { ...(yield* postMortem(stage, found)), hole };
}

function* play(
  stage: Stage,
  outlook: Prospect,
  permits: Permits,
  { attempt, seed, hole }: Score,
  inverse: boolean,
): Script<Finding> {
  switch (outlook.kind) {
    case 'bracket':
      return yield* bracketing(stage, roleOf(outlook.hard));
    case 'walk':
      return yield* walking(stage, roleOf(outlook.walker), permits);
    case 'block':
    case 'birthday':
      return yield* spraying(stage, roleOf(outlook.hard), outlook.kind, permits, inverse);
    case 'lottery':
      return yield* gambling(stage, roleOf(outlook.block), permits, { attempt, seed, hole });
    case 'fill':
      return yield* filling(stage, permits, { attempt, seed });
    case 'simultaneous':
      return yield* reordering(stage);
    case 'dial':
    case 'none':
      // They do that alone, or nothing can be done.
      return new Finding('asker');
  }
}

/** The asker's view is ours. */
function roleOf(side: 'mine' | 'theirs'): Role {
  return side === 'mine' ? 'asker' : 'target';
}

/** Nothing that could be tried again would come out otherwise. */
function isFinal(reason: Reason): boolean {
  return reason === 'refused' || reason === 'hairpin';
}
