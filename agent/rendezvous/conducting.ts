import type { Address } from '../base/address.ts';
import type { Method, Reason } from '../base/outcome.ts';
import type { Random } from '../base/random.ts';
import { after, at, earliest, type Instant, type Millis, ms } from '../base/time.ts';
import { conducted, methodOf, prospect } from '../punch/prospect.ts';
import type { Fired, FromRendezvous, VolleyShot } from '../wire/messages.ts';
import { Conductor, type ConductorInput, type Score } from './conductor/conductor.ts';
import type { Permits } from './conductor/permits.ts';
import { otherThan, type Party, type Role, ROLES } from './conductor/stage.ts';
import type { Client, Directory } from './directory.ts';
import type { Pair, Pairs } from './pairs.ts';
import { Restraint } from './restraint.ts';
import { Wheel } from './wheel.ts';

/** Something to be said to one household. */
export interface Word {
  readonly to: Client;
  readonly message: FromRendezvous;
}

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

/** Round trip of a household that has not measured one yet. */
const RTT = ms(150);
/** Attempts at once; more wait for their turn like a failed one. */
const MOST_AT_ONCE = 2000;

type Play =
  /** `due`: when the wheel brings it up, at the latest. */
  | { readonly name: 'playing'; readonly conductor: Conductor; due: Instant | undefined }
  /** Only what was learned, until the next attempt. */
  | { readonly name: 'resting'; readonly score: Score; readonly until: Instant };

/** Every pair whose punch is led from here, while it is led. */
export class Conducting {
  readonly #directory: Directory;
  readonly #pairs: Pairs;
  readonly #random: Random;
  readonly #observers: () => readonly (Address | undefined)[];
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

  constructor(directory: Directory, pairs: Pairs, random: Random, observers: () => readonly (Address | undefined)[]) {
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
    const [asker, target] = [this.#directory.byNode(pair.asker), this.#directory.byNode(pair.target)];
    if (asker === undefined || target === undefined) return [];
    const parties = { asker: partyOf(asker), target: partyOf(target) };
    if (parties.asker === undefined || parties.target === undefined) return [];
    const score = { parties: { asker: parties.asker, target: parties.target }, attempt: 0, round: 0 };
    return this.#play(pair, score, now);
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
  ended(pairId: number, method: Method | undefined): void {
    if (this.#plays.get(pairId) === undefined) return;
    this.#drop(pairId);
    if (method === undefined) return;
    this.#won[method] = (this.#won[method] ?? 0) + 1;
  }

  due(now: Instant): readonly Word[] {
    const words: Word[] = [];
    for (const pairId of [...this.#soon.due(now), ...this.#later.due(now)]) {
      const [play, pair] = [this.#plays.get(pairId), this.#pairs.get(pairId)];
      if (play === undefined || pair === undefined) {
        this.#drop(pairId);
        continue;
      }
      switch (play.name) {
        case 'playing': {
          play.due = undefined;
          const wake = play.conductor.wake();
          if (wake !== undefined && wake <= now) words.push(...this.#give(pair, { kind: 'tick' }, now));
          else this.#arm(pairId, now);
          break;
        }
        case 'resting':
          if (play.until <= now) words.push(...this.#play(pair, this.#refreshed(pair, play.score), now));
          else this.#later.add(pairId, play.until, now);
          break;
      }
    }
    return words;
  }

  wake(): Instant | undefined {
    return earliest(this.#soon.wake(), this.#later.wake());
  }

  #play(pair: Pair, score: Score, now: Instant): readonly Word[] {
    const observers = inTurns(this.#observers(), score.parties);
    if (observers.length < 2) return [];
    this.#drop(pair.id);
    if (this.#underWay >= MOST_AT_ONCE) {
      this.#rest(pair, score, ms(2000), now);
      return [];
    }
    const permits = this.#permits(pair);
    const conductor = new Conductor({ score, observers, random: this.#random, permits, now });
    this.#plays.set(pair.id, { name: 'playing', conductor, due: undefined });
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
          const { reason, retryIn, score } = effect;
          this.#failed[reason] = (this.#failed[reason] ?? 0) + 1;
          for (const role of ROLES) {
            const to = this.#client(pair, role);
            if (to !== undefined) words.push({ to, message: { kind: 'judged', pairId: pair.id, reason, retryIn } });
          }
          this.#drop(pair.id);
          if (retryIn > 0) this.#rest(pair, score, retryIn, now);
          break;
        }
        case 'over':
          break;
      }
    }
    this.#arm(pair.id, now);
    return words;
  }

  #rest(pair: Pair, score: Score, span: Millis, now: Instant): void {
    const until = after(now, span);
    this.#plays.set(pair.id, { name: 'resting', score, until });
    // The pair must not be forgotten before its next attempt.
    this.#pairs.keep(pair, until);
    this.#later.add(pair.id, until, now);
  }

  #drop(pairId: number): void {
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
  #refreshed(pair: Pair, score: Score): Score {
    const parties = { ...score.parties };
    for (const role of ROLES) {
      const client = this.#client(pair, role);
      if (client !== undefined) parties[role] = { ...parties[role], ...placeOf(client) };
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
        (hard === 'asker' || pair.accepted) && this.#restraint.spray(easyOf(hard), ip, count, pace, this.#now),
      birthday: (_hard, ip) => this.#restraint.birthday([pair.asker, pair.target], ip, this.#now),
    };
  }
}

/** Does the rendezvous lead these two? */
export function isConducted(asker: Client, target: Client): boolean {
  const [mine, theirs] = [asker.facts?.profile, target.facts?.profile];
  if (mine === undefined || theirs === undefined) return false;
  const sameFamily = asker.address.ip.includes(':') === target.address.ip.includes(':');
  return sameFamily && conducted(prospect(mine, theirs));
}

/** It does as it is told: so it has the introduction. */
function takes(pair: Pair, role: Role): void {
  if (role === 'target') pair.accepted = true;
  else pair.taken = true;
}

function roleIn(pair: Pair, client: Client): Role | undefined {
  if (pair.asker === client.nodeKey) return 'asker';
  return pair.target === client.nodeKey ? 'target' : undefined;
}

/** Only what it proved: a sealed probe may claim any source. */
function placeOf({ address, facts, rtt = RTT }: Client): Pick<Party, 'address' | 'ips' | 'rtt'> {
  return { address, ips: [address.ip, ...(facts?.proven ?? []).map(({ ip }) => ip)], rtt };
}

function partyOf(client: Client): Party | undefined {
  const profile = client.facts?.profile;
  return profile === undefined ? undefined : { profile, ...placeOf(client) };
}

/** Observers of the family that the two are seen with, another address each time as long as there is one. */
function inTurns(locals: readonly (Address | undefined)[], { asker }: Score['parties']): readonly number[] {
  const six = asker.address.ip.includes(':');
  const byIp = new Map<string, number[]>();
  for (const [i, local] of locals.entries()) {
    if (local === undefined || local.ip.includes(':') !== six) continue;
    byIp.set(local.ip, [...(byIp.get(local.ip) ?? []), i]);
  }
  const order: number[] = [];
  for (let turn = 0; order.length < locals.length && turn < locals.length; turn++) {
    for (const places of byIp.values()) {
      const place = places[turn];
      if (place !== undefined) order.push(place);
    }
  }
  return order;
}
