import { base32 } from '../base/text32.ts';
import { earliest, type Instant, ms } from '../base/time.ts';
import type {
  Bridged,
  Carrying,
  Fired,
  FromRendezvous,
  Introduce,
  Join,
  RefusedReason,
  Report,
} from '../wire/messages.ts';
import type { Bridging } from './bridging.ts';
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
  readonly #bridging: Bridging;
  readonly #hearsay: Hearsay;
  #count = 0;

  constructor(floor: Floor, conducting: Conducting, bridging: Bridging, hearsay: Hearsay) {
    this.#floor = floor;
    this.#conducting = conducting;
    this.#bridging = bridging;
    this.#hearsay = hearsay;
  }

  /** Introductions so far. */
  get count(): number {
    return this.#count;
  }

  tick(now: Instant): RendezvousEffect[] {
    const effects: RendezvousEffect[] = [];
    for (const { kind, pair } of this.#floor.matchmaker.due(now)) {
      if (kind === 'again') effects.push(...this.#again(pair, now));
      if (kind === 'unheard') effects.push(...this.#unheard(pair, now));
      if (kind !== 'again') this.#conducting.ended(pair.id, undefined, now);
      if (kind === 'ended') this.#bridging.ended(pair.id);
    }
    for (const pair of this.#floor.matchmaker.moves(now)) effects.push(...this.#begin(pair, now));
    const words = [...this.#conducting.due(now), ...this.#bridging.due(now)];
    return [...effects, ...say(this.#floor, words, now)];
  }

  wake(): Instant | undefined {
    const led = earliest(this.#conducting.wake(), this.#bridging.wake());
    const { pairs, channels } = this.#floor.matchmaker;
    return earliest(earliest(pairs.wake(), channels.wake()), led);
  }

  fired(client: Client, message: Fired, now: Instant): RendezvousEffect[] {
    return say(this.#floor, this.#conducting.fired(client, message, now), now);
  }

  carrying(client: Client, message: Carrying, now: Instant): RendezvousEffect[] {
    return say(this.#floor, this.#bridging.carrying(client, message, now), now);
  }

  bridged(client: Client, message: Bridged, now: Instant): RendezvousEffect[] {
    return say(this.#floor, this.#bridging.bridged(client, message, now), now);
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
    if (pair !== undefined && this.#isLoss(client, pair, { request, outcome }, now))
      return [event('reported', { node: short(client), ...outcomeFields(outcome) })];
    if (pair === undefined || !matchmaker.report(client, pairId, outcome)) return [];
    const other = directory.byNode(pair.asker === client.nodeKey ? pair.target : pair.asker);
    this.#hearsay.reported(client, other, pair, outcome, now);
    if (outcome.kind === 'connected') {
      this.#conducting.ended(pairId, outcome.method, now);
      this.#bridging.ended(pairId);
    }
    const words = outcome.kind === 'failed' ? this.#conducting.failed(client, pair, now) : [];
    return [event('reported', { node: short(client), ...outcomeFields(outcome) }), ...say(this.#floor, words, now)];
  }

  /** A path that fails who had one is lost, not missed: they go on by the relay, in their places, and try again. */
  #isLoss(
    client: Client,
    pair: Pair,
    { request, outcome }: Pick<Report, 'request' | 'outcome'>,
    now: Instant,
  ): boolean {
    const role = pair.asker === client.nodeKey ? 'asker' : pair.target === client.nodeKey ? 'target' : undefined;
    if (role === undefined) return false;
    const met = pair.met[role];
    if (outcome.kind === 'connected') {
      pair.met[role] = request;
      return false;
    }
    if (met === 0) return false;
    // An earlier attempt's, come late.
    if (request < met) return true;
    pair.met[role] = 0;
    if (pair.outcome !== 'failed') {
      this.#floor.matchmaker.pairs.lose(pair, now);
      this.#conducting.again(pair, now);
    }
    return true;
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
    const { pair, again, beside } = verdict;
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
      ...beside.flatMap((other) => this.#beside(other, client, answers, now)),
    ];
  }

  /** What comes with an answer goes after it: the parent is to be met first. */
  #beside(pair: Pair, client: Client, answers: FromRendezvous[], now: Instant): RendezvousEffect[] {
    this.#count++;
    const told = this.#floor.matchmaker.introduction(pair, client, now);
    if (told !== undefined) answers.push(told);
    return this.#introduceTo(pair.target, pair, now);
  }

  /** Two that are brought together without a question of theirs. */
  #begin(pair: Pair, now: Instant): RendezvousEffect[] {
    this.#count++;
    if (pair.conducted) return say(this.#floor, this.#conducting.begin(pair, now), now);
    return [...this.#introduceTo(pair.asker, pair, now), ...this.#introduceTo(pair.target, pair, now)];
  }

  #again(pair: Pair, now: Instant): RendezvousEffect[] {
    return [
      ...(pair.accepted ? [] : this.#introduceTo(pair.target, pair, now)),
      ...(pair.request !== 0 || pair.taken ? [] : this.#introduceTo(pair.asker, pair, now)),
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
    if (asker === undefined || pair.outcome !== undefined || pair.request === 0) return [];
    const reason: RefusedReason = 'peer-offline';
    const told = this.#floor.voice.tell(
      asker,
      [{ kind: 'refused', request: pair.request, reason, retryIn: ms(0) }],
      now,
    );
    return [event('unheard', { node: short(asker) }), ...told];
  }

  accept(client: Client, pairId: number, now: Instant): RendezvousEffect[] {
    const pair = this.#floor.matchmaker.pairs.get(pairId);
    if (pair?.target === client.nodeKey) pair.accepted = true;
    else if (pair?.asker === client.nodeKey) pair.taken = true;
    else return this.#floor.refuse('no-pair');
    if (pair.target !== client.nodeKey || pair.held === undefined) return [];
    const relayed = { kind: 'relayed', pairId, bytes: pair.held } as const;
    pair.held = undefined;
    return this.#floor.voice.tell(client, [relayed], now);
  }
}

/** Says no, and counts it. */
export function answerNo(floor: Floor, request: number, no: No, answers: FromRendezvous[]): [] {
  if (no.kind === 'unproven') return floor.refuse('unproven');
  const { reason, retryIn } = no;
  answers.push({ kind: 'refused', request, reason, retryIn });
  return floor.refuse(reason);
}
