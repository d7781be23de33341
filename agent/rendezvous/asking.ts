import { type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Cipher, KeyPair } from '../seal/cipher.ts';
import type { Refused } from '../wire/messages.ts';
import type { EntranceOptions } from './entrance.ts';
import type { Line } from './line.ts';
import type { ClientEffect, ClientInput, Presence } from './orders.ts';
import type { Pulse } from './pulse.ts';
import { type Question, Questions } from './questions.ts';
import { Recent } from './recent.ts';
import { Standing } from './standing.ts';

type Order<Kind extends ClientInput['kind']> = Extract<ClientInput, { kind: Kind }>;

/** `register` is the first thing said in a session; one that goes unanswered for so long is no session. */
const REGISTER_LIFE = seconds(6);
const DEFAULT_PATIENCE = seconds(10);
/** What nobody waits for the answer of. */
const NEWS_LIFE = seconds(30);
/** Our own questions are numbered from here. */
const OWN = 2 ** 31;

/** What a household wants of the rendezvous: asked over the line until it is answered, what holds anew in each session. */
export class Asking {
  readonly #line: Line;
  readonly #pulse: Pulse;
  readonly #cipher: Cipher;
  readonly #identity: KeyPair;
  readonly #questions: Questions;
  readonly #standing = new Standing();
  readonly #latest = new Map<Question['kind'], number>();
  /** Wishes that led to an introduction: a no may follow it. */
  readonly #introduced = new Recent();
  #nextRequest = OWN;

  constructor(options: Pick<EntranceOptions, 'cipher' | 'identity' | 'random'>, line: Line, pulse: Pulse) {
    this.#line = line;
    this.#pulse = pulse;
    this.#cipher = options.cipher;
    this.#identity = options.identity;
    this.#questions = new Questions(options.random);
  }

  // -- what the household wants

  /** Numbered by whoever asks, and answered to it. */
  wish(order: Order<'join' | 'introduce' | 'ask-channel' | 'line-test' | 'line-ask'>, now: Instant): ClientEffect[] {
    const { patience = DEFAULT_PATIENCE, ...question } = order;
    return this.#ask(
      question.kind === 'join' ? { want: 'parent', ...question, avoid: question.avoid.slice(-8) } : question,
      patience,
      now,
    );
  }

  forget(request: number, now: Instant): void {
    this.#questions.answered(request, now);
  }

  register({ proven = [], ...facts }: Presence, now: Instant): ClientEffect[] {
    const isFirst = !this.#line.isRegistered;
    if (isFirst) this.#questions.restart(now);
    const register = { kind: 'register', request: this.#newRequest(), ...facts, proven } as const;
    return this.#askLatest(register, isFirst ? REGISTER_LIFE : undefined, now);
  }

  capacity(order: Order<'capacity'>, now: Instant): ClientEffect[] {
    return this.#askLatest({ ...order, request: this.#newRequest() }, NEWS_LIFE, now);
  }

  report(order: Order<'report'>, now: Instant): ClientEffect[] {
    return this.#ask({ ...order, request: this.#newRequest() }, NEWS_LIFE, now);
  }

  /** News that nobody waits for the answer of. */
  tell(order: Order<'complain' | 'audited' | 'forked'>, now: Instant): ClientEffect[] {
    return this.#ask({ ...order, request: this.#newRequest() }, NEWS_LIFE, now);
  }

  publish({ channel, epoch, name }: Order<'publish'>, now: Instant): ClientEffect[] {
    this.#standing.lead(channel, epoch, name, this.#newRequest());
    return this.#publishAll(now);
  }

  position(order: Order<'position'>, now: Instant): ClientEffect[] {
    const position = { ...order, children: order.children.slice(0, 16), request: this.#newRequest() };
    const before = this.#standing.stand(position);
    if (before !== undefined) this.#questions.answered(before, now);
    return this.#line.isRegistered ? this.#ask(position, undefined, now) : [];
  }

  leaveChannel(order: Order<'leave-channel'>, now: Instant): ClientEffect[] {
    const before = this.#standing.leave(order.channel);
    if (before !== undefined) this.#questions.answered(before, now);
    return this.#ask({ ...order, request: this.#newRequest() }, NEWS_LIFE, now);
  }

  /** A new session knows nothing of where we stand and what we lead. */
  renew(now: Instant): ClientEffect[] {
    for (const position of this.#standing.positions) this.#questions.ask(position, undefined, now);
    return this.#publishAll(now);
  }

  clear(): void {
    this.#questions.clear();
  }

  // -- what the rendezvous answers

  /** Answered: how long that took, where that is certain. */
  answered(request: number, now: Instant): Millis | undefined {
    return this.#questions.answered(request, now);
  }

  /** False when nobody waits for it any more. */
  settle(request: number, now: Instant): boolean {
    if (this.#questions.get(request) === undefined) return false;
    this.#questions.answered(request, now);
    return true;
  }

  /** The same for a wish that led to an introduction. */
  introduced(request: number, now: Instant): boolean {
    const isOpen = this.settle(request, now);
    if (isOpen) this.#introduced.isNew(request);
    return isOpen;
  }

  done(request: number, now: Instant): ClientEffect[] {
    const question = this.#questions.get(request);
    this.#questions.answered(request, now);
    return question?.kind === 'publish' ? [{ kind: 'published', channel: question.channel }] : [];
  }

  refused({ request, reason, retryIn }: Refused, now: Instant): ClientEffect[] {
    const question = this.#questions.get(request);
    const no = { kind: 'refused', request, reason, retryIn } as const;
    if (question === undefined) return this.#introduced.has(request) && request < OWN ? [no] : [];
    const later = retryIn > 0 && (reason === 'quota' || request >= OWN);
    if (later && this.#questions.postpone(request, retryIn, now)) return [];
    this.#questions.answered(request, now);
    if (question.kind === 'publish') return [{ kind: 'publish-refused', channel: question.channel, reason }];
    return request < OWN ? [no] : [];
  }

  // -- time

  /** Questions whose time is over; they are forgotten. */
  expired(now: Instant): readonly Question[] {
    return this.#questions.expired(now);
  }

  /** What is said to the household of such a question, when it was its own. */
  unanswered({ request }: Question): ClientEffect[] {
    if (request >= OWN) return [];
    const reason = this.#line.isRegistered ? 'timeout' : 'rendezvous-unreachable';
    return [{ kind: 'refused', request, reason, retryIn: ms(0) }];
  }

  /** What is to be asked now, for the first time or again. */
  due(now: Instant): ClientEffect[] {
    const due = this.#questions.due((question) => this.#mayAsk(question), this.#pulse.rtt, now);
    const news = this.#questions.get(this.#latest.get('register') ?? 0);
    // Whom to meet, and how, is decided by what our NAT does: that must not come later, or be lost on the way.
    const first = (one: Question): boolean => one.kind === 'introduce' || one.kind === 'join';
    return due.flatMap((one) => this.#line.tell(news !== undefined && first(one) ? [news, one] : [one], now));
  }

  wake(): Instant | undefined {
    return this.#questions.wake((question) => this.#mayAsk(question));
  }

  #ask(question: Question, patience: Millis | undefined, now: Instant): ClientEffect[] {
    this.#questions.ask(question, patience, now);
    return this.due(now);
  }

  /** For what replaces its predecessor: an older one still unanswered must not come after it. */
  #askLatest(question: Question, patience: Millis | undefined, now: Instant): ClientEffect[] {
    const before = this.#latest.get(question.kind);
    if (before !== undefined) this.#questions.answered(before, now);
    this.#latest.set(question.kind, question.request);
    return this.#ask(question, patience, now);
  }

  #publishAll(now: Instant): ClientEffect[] {
    const nonce = this.#line.up?.registered?.nonce;
    if (nonce === undefined) return [];
    for (const claim of this.#standing.claims(this.#cipher, this.#identity.publicKey, nonce)) {
      this.#questions.ask(claim, undefined, now);
    }
    return this.due(now);
  }

  /** Before it is registered a household can ask nothing else. */
  #mayAsk(question: Question): boolean {
    return this.#line.up !== undefined && (question.kind === 'register' || this.#line.isRegistered);
  }

  #newRequest(): number {
    this.#nextRequest = this.#nextRequest + 1 >= 2 ** 32 ? OWN : this.#nextRequest + 1;
    return this.#nextRequest;
  }
}
