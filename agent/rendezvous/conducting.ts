import type { Address } from '../base/address.ts';
import type { Method, Reason } from '../base/outcome.ts';
import type { Random } from '../base/random.ts';
import { after, at, earliest, type Instant, isDue, ms } from '../base/time.ts';
import { methodOf, type Prospect } from '../punch/prospect.ts';
import type { Fired, VolleyShot } from '../wire/messages.ts';
import { BACK_OFF, Conductor, type ConductorInput, type Score } from './conductor/conductor.ts';
import type { Permits } from './conductor/permits.ts';
import { otherThan, type Party, type Role, ROLES } from './conductor/stage.ts';
import type { Client, Directory } from './directory.ts';
import type { Hearsay } from './knowledge/hearsay.ts';
import { isInverse, type Way, waysOf } from './knowledge/ways.ts';
import type { Pair, Pairs } from './pairs.ts';
import { inTurns, isMutual, placeOf, roleIn, takes, shut } from './parties.ts';
import { outlookOf, type Play, type Rest, verdict } from './play.ts';
import { Restraint } from './restraint.ts';
import type { Word } from './saying.ts';
import { Wheel } from './wheel.ts';

/** How often each method was conducted and won, and why attempts failed. */
export interface ConductingCounters {
  readonly underWay: number;
  readonly resting: number;
  /** Orders that were not given because of a limit. */
  readonly withheld: number;
  readonly begun: Readonly<Partial<Record<Method, number>>>;
  readonly won: Readonly<Partial<Record<Method, number>>>;
  readonly failed: Readonly<Partial<Record<Reason, number>>>;
}

const NEVER = at(Infinity);
/** A verdict is said so often, so far apart; where that was not enough, whoever reports a failure is told once more. */
const [SAYINGS, SAY_AGAIN] = [3, ms(100)];
/** Attempts at once; more wait for their turn like a failed one. */
const MOST_AT_ONCE = 2000;

/** The target has not taken its introduction yet; it is sent again by then. */
const UNTAKEN = ms(300);

/** Every pair whose punch is led from here, while it is led. */
export class Conducting {
  readonly #directory: Directory;
  readonly #pairs: Pairs;
  readonly #random: Random;
  readonly #observers: () => readonly (Address | undefined)[];
  readonly #hearsay: Hearsay;
  readonly #restraint = new Restraint();
  readonly #plays = new Map<number, Play>();
  #underWay = 0;
  readonly #soon = new Wheel<number>(ms(5), 256);
  readonly #later = new Wheel<number>(ms(500), 256);
  /** While a conductor is given something. */
  #now = at(0);
  readonly #begun: Partial<Record<Method, number>> = {};
  readonly #won: Partial<Record<Method, number>> = {};
  readonly #failed: Partial<Record<Reason, number>> = {};

  constructor(
    directory: Directory,
    pairs: Pairs,
    random: Random,
    observers: () => readonly (Address | undefined)[],
    hearsay: Hearsay,
  ) {
    this.#hearsay = hearsay;
    this.#directory = directory;
    this.#pairs = pairs;
    this.#random = random;
    this.#observers = observers;
  }

  counters(): ConductingCounters {
    const underWay = this.#underWay;
    const resting = this.#plays.size - underWay;
    const counts = { begun: { ...this.#begun }, won: { ...this.#won }, failed: { ...this.#failed } };
    return { underWay, resting, withheld: this.#restraint.refused, ...counts };
  }

  /** The first attempt of a pair that was just introduced. */
  begin(pair: Pair, now: Instant): readonly Word[] {
    const score = this.#opening(pair, now);
    return score === undefined ? [] : this.#play(pair, score, now);
  }

  /**
   * One of them has come to the end of its round. It may not have heard the verdict: that is said again. Two that tried it
   * alone are led from here now, no more often than others.
   */
  failed(client: Client, pair: Pair, now: Instant): readonly Word[] {
    const play = this.#plays.get(pair.id);
    if (play?.name === 'playing') return [];
    if (play === undefined)
      return isMutual(pair, this.#client(pair, 'asker'), this.#client(pair, 'target')) ? this.begin(pair, now) : [];
    if (play.by === 'us' || play.until > now) return [verdict(pair, play, client, now)];
    return this.#play(pair, this.#refreshed(pair, play.score, now), now);
  }

  /** A path that was won is lost: from the beginning, after a pause that grows each time. */
  again(pair: Pair, now: Instant): void {
    const score = pair.conducted && !this.#plays.has(pair.id) ? this.#opening(pair, now) : undefined;
    const pause = BACK_OFF[Math.min(pair.losses, BACK_OFF.length) - 1];
    if (score === undefined || pause === undefined) return;
    pair.way = undefined;
    this.#rest(pair, { score, reason: 'timeout', until: after(now, pause), by: 'us', sayings: 0 }, now);
  }

  /** A probe of a volley came in, at that observer, from there. */
  seen(client: Client, shot: VolleyShot, external: Address, now: Instant): readonly Word[] {
    const pair = this.#pairs.get(shot.pairId);
    const role = pair && roleIn(pair, client);
    if (pair === undefined || role === undefined) return [];
    takes(pair, role);
    const { socket, localPort, round } = shot;
    const sight = { socket, shot: shot.shot, localPort, external };
    return this.#give(pair, { kind: 'seen', role, round, sight }, now);
  }

  fired(client: Client, { pairId, round, misfire, localPorts }: Fired, now: Instant): readonly Word[] {
    const pair = this.#pairs.get(pairId);
    const role = pair && roleIn(pair, client);
    if (pair === undefined || role === undefined) return [];
    takes(pair, role);
    return this.#give(pair, { kind: 'fired', role, round, misfire, localPorts }, now);
  }

  /** The two have met, or one of them is gone. */
  ended(pairId: number, method: Method | undefined, now: Instant): void {
    const [play, pair] = [this.#plays.get(pairId), this.#pairs.get(pairId)];
    if (play === undefined) return;
    if (pair !== undefined) pair.led = play.name === 'playing' ? play.conductor.round : play.score.round;
    this.#drop(pairId, now);
    if (method === undefined) return;
    this.#won[method] = (this.#won[method] ?? 0) + 1;
  }

  due(now: Instant): readonly Word[] {
    const words: Word[] = [];
    for (const pairId of [...this.#soon.due(now), ...this.#later.due(now)]) {
      const [play, pair] = [this.#plays.get(pairId), this.#pairs.get(pairId)];
      if (play === undefined || pair === undefined) {
        this.#drop(pairId, now);
        continue;
      }
      switch (play.name) {
        case 'playing':
          play.due = undefined;
          if (isDue(play.conductor.wake(), now)) words.push(...this.#give(pair, { kind: 'tick' }, now));
          else this.#arm(pairId, now);
          break;
        case 'resting':
          words.push(...this.#tell(pair, play, now));
          if (play.by === 'them') break;
          if (play.until <= now) words.push(...this.#play(pair, this.#refreshed(pair, play.score, now), now));
          else this.#later.add(pairId, play.until, now);
          break;
      }
    }
    return words;
  }

  wake(): Instant | undefined {
    return earliest(this.#soon.wake(), this.#later.wake());
  }

  /** What is known before anything was tried. */
  #opening(pair: Pair, now: Instant): Score | undefined {
    const [asker, target] = [this.#directory.byNode(pair.asker), this.#directory.byNode(pair.target)];
    const [one, other] = [asker && this.#party(asker, now), target && this.#party(target, now)];
    if (one === undefined || other === undefined) return undefined;
    return { parties: { asker: one, target: other }, attempt: 0, round: pair.led, seed: this.#random(2 ** 32) };
  }

  #play(pair: Pair, score: Score, now: Instant): readonly Word[] {
    const observers = inTurns(this.#observers(), score.parties);
    if (observers.length < 2) return [];
    this.#drop(pair.id, now);
    if (this.#underWay >= MOST_AT_ONCE) {
      this.#rest(pair, { score, reason: 'quota', until: after(now, ms(2000)), by: 'us', sayings: 0 }, now);
      return [];
    }
    const before = pair.way;
    pair.way = this.#choose(pair, outlookOf(score), now);
    const permits = this.#permits(pair);
    const conductor = new Conductor({
      score,
      observers,
      random: this.#random,
      permits,
      inverse: isInverse(pair.way),
      now,
    });
    this.#plays.set(pair.id, { name: 'playing', conductor, before, due: undefined });
    this.#underWay++;
    this.#pairs.keep(pair, now);
    const method = methodOf(conductor.outlook);
    this.#begun[method] = (this.#begun[method] ?? 0) + 1;
    return this.#give(pair, { kind: 'start' }, now);
  }

  #give(pair: Pair, input: ConductorInput, now: Instant): readonly Word[] {
    const play = this.#plays.get(pair.id);
    if (play?.name !== 'playing') return [];
    this.#now = now;
    const words: Word[] = [];
    for (const effect of play.conductor.step(input, now)) {
      switch (effect.kind) {
        case 'volley': {
          const to = this.#client(pair, effect.role);
          if (to !== undefined) words.push({ to, message: { kind: 'volley', pairId: pair.id, ...effect.plan } });
          break;
        }
        case 'judged': {
          const { reason, retryIn, score, postponed } = effect;
          if (postponed) pair.way = play.before;
          else this.#count(pair, reason, now);
          this.#drop(pair.id, now);
          const pause = retryIn > 0 ? retryIn : BACK_OFF[score.attempt - 1];
          const until = pause === undefined ? NEVER : after(now, pause);
          const by = retryIn > 0 ? 'us' : 'them';
          words.push(...this.#rest(pair, { score, reason, until, by, sayings: SAYINGS }, now));
          break;
        }
        case 'over':
          break;
      }
    }
    this.#arm(pair.id, now);
    return words;
  }

  /** That way has failed. */
  #count(pair: Pair, reason: Reason, now: Instant): void {
    this.#failed[reason] = (this.#failed[reason] ?? 0) + 1;
    const [asker, target] = [this.#client(pair, 'asker'), this.#client(pair, 'target')];
    if (asker !== undefined && target !== undefined) this.#hearsay.judged(asker, target, pair, reason, now);
  }

  #rest(pair: Pair, rest: Omit<Rest, 'name' | 'sayAt'>, now: Instant): readonly Word[] {
    const play: Rest = { name: 'resting', ...rest, sayAt: now };
    this.#plays.set(pair.id, play);
    if (rest.by === 'us') {
      // The pair must not be forgotten before its next attempt.
      this.#pairs.keep(pair, rest.until);
      this.#later.add(pair.id, rest.until, now);
    }
    return this.#tell(pair, play, now);
  }

  /** Nothing answers a verdict, so it is said more than once. */
  #tell(pair: Pair, play: Rest, now: Instant): readonly Word[] {
    if (play.sayings === 0 || play.sayAt > now) return [];
    play.sayings--;
    play.sayAt = after(now, SAY_AGAIN);
    if (play.sayings > 0) this.#soon.add(pair.id, play.sayAt, now);
    return ROLES.flatMap((role) => this.#client(pair, role) ?? []).map((to) => verdict(pair, play, to, now));
  }

  /** After a way that came to nothing another one, where there is one. */
  #choose(pair: Pair, outlook: Prospect, now: Instant): Way {
    const [first, ...others] = waysOf(outlook);
    const [next = first, ...rest] = [first, ...others].filter((way) => way !== pair.way);
    const [asker, target] = [this.#client(pair, 'asker'), this.#client(pair, 'target')];
    return asker && target ? this.#hearsay.choose(asker, target, [next, ...rest], now) : next;
  }

  #party(client: Client, now: Instant): Party | undefined {
    const profile = client.facts?.profile;
    const timeout = this.#hearsay.timeout(client, now);
    return profile && { profile: this.#hearsay.known(client, shut(profile), now), timeout, ...placeOf(client, now) };
  }

  #drop(pairId: number, now: Instant): void {
    this.#restraint.over(pairId, now);
    if (this.#plays.get(pairId)?.name === 'playing') this.#underWay--;
    this.#plays.delete(pairId);
  }

  /** An entry of the wheel that comes up too early is put back, so only an earlier wish needs a new one. */
  #arm(pairId: number, now: Instant): void {
    const play = this.#plays.get(pairId);
    const wake = play?.name === 'playing' ? play.conductor.wake() : undefined;
    if (play?.name !== 'playing' || wake === undefined || (play.due !== undefined && play.due <= wake)) return;
    play.due = wake;
    this.#soon.add(pairId, wake, now);
  }

  /** Where they are and how far by now; what was learned of their NATs stays, unless they were read anew. */
  #refreshed(pair: Pair, score: Score, now: Instant): Score {
    const parties = { ...score.parties };
    for (const role of ROLES) {
      const client = this.#client(pair, role);
      if (client !== undefined) parties[role] = { ...parties[role], ...placeOf(client, now) };
    }
    return { ...score, parties };
  }

  #client(pair: Pair, role: Role): Client | undefined {
    return this.#directory.byNode(role === 'asker' ? pair.asker : pair.target);
  }

  #permits(pair: Pair): Permits {
    const nodeOf = (role: Role): string => (role === 'asker' ? pair.asker : pair.target);
    const easyOf = (hard: Role): string => nodeOf(otherThan(hard));
    return {
      mappings: (role, count) => this.#restraint.mappings(nodeOf(role), count, this.#now),
      // Nobody is sprayed who has not taken the introduction; the asker wished for it.
      spray: (hard, ip, count, pace) =>
        hard === 'asker' || pair.accepted
          ? this.#restraint.spray(pair.id, easyOf(hard), ip, count, pace, this.#now)
          : UNTAKEN,
      birthday: (_hard, ip) => this.#restraint.birthday([pair.asker, pair.target], ip, this.#now),
    };
  }
}
