import { base32 } from '../base/text32.ts';
import { earliest, type Instant, ms } from '../base/time.ts';
import type { Fired, FromRendezvous, Introduce, Join, RefusedReason, Report } from '../wire/messages.ts';
import type { Conducting } from './conducting.ts';
import type { Client } from './directory.ts';
import { event, outcomeFields, type RendezvousEffect, short } from './events.ts';
import type { Floor } from './floor.ts';
import type { Hearsay } from './knowledge/hearsay.ts';
import type { No, Verdict } from './matchmaker.ts';
import type { Pair } from './pairs.ts';
import { say } from './saying.ts';

/** Brings households together: tells both sides, sees that they hear it, and leads them where ports must be read. */
export class Introducing {
  readonly #floor: Floor;
  readonly #conducting: Conducting;
  readonly #hearsay: Hearsay;
  #count = 0;

  constructor(floor: Floor, conducting: Conducting, hearsay: Hearsay) {
    this.#floor = floor;
    this.#conducting = conducting;
    this.#hearsay = hearsay;
  }

  /** Introductions so far. */
  get count(): number {
    return this.#count;
  }

  tick(now: Instant): RendezvousEffect[] {
    const effects: RendezvousEffect[] = [];
    for (const { kind, pair } of this.#floor.matchmaker.due(now)) {
      if (kind === 'again') effects.push(...this.#introduceTo(pair.target, pair, now));
      if (kind === 'unheard') effects.push(...this.#unheard(pair, now));
      if (kind !== 'again') this.#conducting.ended(pair.id, undefined);
    }
    return [...effects, ...say(this.#floor, this.#conducting.due(now), now)];
  }

  wake(): Instant | undefined {
    return earliest(this.#floor.matchmaker.pairs.wake(), this.#conducting.wake());
  }

  fired(client: Client, message: Fired, now: Instant): RendezvousEffect[] {
    return say(this.#floor, this.#conducting.fired(client, message, now), now);
  }

  report(
    client: Client,
    { request, pairId, outcome }: Report,
    answers: FromRendezvous[],
    now: Instant,
  ): RendezvousEffect[] {
    const { matchmaker, directory } = this.#floor;
    answers.push({ kind: 'done', request });
    const pair = matchmaker.pairs.get(pairId);
    if (pair === undefined || !matchmaker.report(client, pairId, outcome)) return [];
    const other = directory.byNode(pair.asker === client.nodeKey ? pair.target : pair.asker);
    this.#hearsay.reported(client, other, pair, outcome, now);
    if (outcome.kind === 'connected') this.#conducting.ended(pairId, outcome.method);
    return [event('reported', { node: short(client), ...outcomeFields(outcome) })];
  }

  verdict(
    client: Client,
    { request }: Introduce | Join,
    verdict: Verdict,
    answers: FromRendezvous[],
    now: Instant,
  ): RendezvousEffect[] {
    if (verdict.kind !== 'introduced') {
      answerNo(this.#floor, request, verdict, answers);
      return verdict.kind === 'refused' ? [event('refused', { node: short(client), reason: verdict.reason })] : [];
    }
    const { pair, again } = verdict;
    const told = this.#floor.matchmaker.introduction(pair, client, now);
    if (told === undefined) {
      return answerNo(this.#floor, request, { kind: 'refused', reason: 'peer-offline', retryIn: ms(0) }, answers);
    }
    answers.push(told);
    if (again) return [];
    this.#count++;
    const peer = base32(told.peer).slice(0, 8);
    const introduced = event('introduced', { node: short(client), peer, purpose: pair.purpose });
    const words = pair.conducted ? this.#conducting.begin(pair, now) : [];
    // The asker's ride with its introduction, and the target's introduction with its own.
    answers.push(...words.flatMap(({ to, message }) => (to === client ? [message] : [])));
    const others = words.filter(({ to }) => to !== client);
    return [
      introduced,
      ...(others.length > 0 ? say(this.#floor, others, now) : this.#introduceTo(pair.target, pair, now)),
    ];
  }

  #introduceTo(nodeKey: string, pair: Pair, now: Instant): RendezvousEffect[] {
    const client = this.#floor.directory.byNode(nodeKey);
    const told = client && this.#floor.matchmaker.introduction(pair, client, now);
    return client === undefined || told === undefined ? [] : this.#floor.voice.tell(client, [told], now);
  }

  /** The target never said that it heard: the asker need not knock on. */
  #unheard(pair: Pair, now: Instant): RendezvousEffect[] {
    const asker = this.#floor.directory.byNode(pair.asker);
    if (asker === undefined || pair.outcome !== undefined) return [];
    const reason: RefusedReason = 'peer-offline';
    const told = this.#floor.voice.tell(
      asker,
      [{ kind: 'refused', request: pair.request, reason, retryIn: ms(0) }],
      now,
    );
    return [event('unheard', { node: short(asker) }), ...told];
  }

  accept(client: Client, pairId: number): RendezvousEffect[] {
    const pair = this.#floor.matchmaker.pairs.get(pairId);
    if (pair?.target === client.nodeKey) pair.accepted = true;
    else if (pair?.asker === client.nodeKey) pair.taken = true;
    else return this.#floor.refuse('no-pair');
    return [];
  }
}

/** Says no, and counts it. */
export function answerNo(floor: Floor, request: number, no: No, answers: FromRendezvous[]): [] {
  if (no.kind === 'unproven') return floor.refuse('unproven');
  const { reason, retryIn } = no;
  answers.push({ kind: 'refused', request, reason, retryIn });
  return floor.refuse(reason);
}
