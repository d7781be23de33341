import type { SocketId } from '../base/net.ts';
import { after, type Instant, type Millis, ms } from '../base/time.ts';
import type { Observer, ProbeOrder } from './orders.ts';
import type { FilterTrials, Trial } from './sample.ts';

/**
 * Who may write to a socket that wrote to one observer only (RFC 4787 section 5): that observer has others
 * of its rendezvous try. Silence is the finding here, so everything is asked three times: at 10 % loss each way
 * one silence in 150 is still loss, and only makes the NAT look stricter than it is.
 */
export class FilterTest {
  readonly socket: SocketId;
  readonly #asked: Observer;
  readonly #questions: readonly Question[];
  readonly #came = new Set<QuestionName>();
  #state: State = { name: 'opening' };

  /** `asked` is written to; the answerers are looked for in the list of `observers`. */
  constructor(socket: SocketId, asked: Observer, observers: readonly Observer[]) {
    const { ip, port } = asked.address;
    const elsewhere = observers.find(({ address }) => address.ip !== ip);
    const nextDoor = observers.find(({ address }) => address.ip === ip && address.port !== port);
    this.socket = socket;
    this.#asked = asked;
    this.#questions = [
      { name: 'otherAddress', index: 1, answerer: elsewhere },
      { name: 'otherPort', index: 2, answerer: nextDoor },
    ];
  }

  opened(now: Instant): ProbeOrder[] {
    this.#state = { name: 'greeting', tries: 1, nextAt: after(now, PACE) };
    return [this.#greet()];
  }

  failed(): void {
    this.#state = { name: 'failed' };
  }

  /** The asked observer answered: the hole towards it is open, and the token lets the others write here. */
  observed(token: Uint8Array, now: Instant): ProbeOrder[] {
    if (this.#state.name !== 'greeting' && this.#state.name !== 'unheard') return [];
    this.#state = { name: 'asking', token, tries: 1, nextAt: after(now, PACE) };
    return this.#ask(token);
  }

  filtered(index: number): void {
    const question = this.#questions.find((known) => known.index === index);
    if (question !== undefined) this.#came.add(question.name);
  }

  tick(now: Instant): ProbeOrder[] {
    if (this.#state.name !== 'greeting' && this.#state.name !== 'asking') return [];
    if (now < this.#state.nextAt || this.#open().length === 0) return [];
    const tries = this.#state.tries + 1;
    const nextAt = after(now, PACE);
    if (this.#state.name === 'greeting') {
      this.#state = tries < TRIES ? { name: 'greeting', tries, nextAt } : { name: 'unheard', at: now };
      return [this.#greet()];
    }
    const { token } = this.#state;
    this.#state = tries < TRIES ? { name: 'asking', token, tries, nextAt } : { name: 'asked', at: now };
    return this.#ask(token);
  }

  wake(): Instant | undefined {
    if (this.#state.name !== 'greeting' && this.#state.name !== 'asking') return undefined;
    return this.#open().length === 0 ? undefined : this.#state.nextAt;
  }

  /** When nothing more is to be expected, given how long an answer may take; undefined while that is open. */
  doneAt(patience: Millis): Instant | 'now' | undefined {
    if (this.#open().length === 0) return 'now';
    switch (this.#state.name) {
      case 'failed':
        return 'now';
      case 'opening':
      case 'greeting':
      case 'asking':
        return undefined;
      case 'unheard':
      case 'asked':
        return after(this.#state.at, patience);
    }
  }

  get trials(): FilterTrials {
    return { otherPort: this.#trial('otherPort'), otherAddress: this.#trial('otherAddress') };
  }

  #trial(name: QuestionName): Trial {
    if (this.#came.has(name)) return 'came';
    return this.#state.name === 'asked' && this.#open().some((question) => question.name === name)
      ? 'silent'
      : 'unasked';
  }

  /** What could still tell something: whoever admits another address admits another port. */
  #open(): Question[] {
    if (this.#came.has('otherAddress')) return [];
    return this.#questions.filter(({ name, answerer }) => answerer !== undefined && !this.#came.has(name));
  }

  #greet(): ProbeOrder {
    return { kind: 'probe', socket: this.socket, observer: this.#asked.number, index: 0 };
  }

  #ask(token: Uint8Array): ProbeOrder[] {
    const { socket } = this;
    return this.#open().flatMap(({ index, answerer }) => {
      if (answerer === undefined) return [];
      const observer = this.#asked.number;
      return [{ kind: 'filter-test', socket, observer, answerer: answerer.number, index, token }];
    });
  }
}

const TRIES = 3;
const PACE = ms(100);

type QuestionName = keyof FilterTrials;

interface Question {
  readonly name: QuestionName;
  readonly index: number;
  readonly answerer: Observer | undefined;
}

type State =
  | { readonly name: 'opening' }
  /** Nothing from the asked observer yet: nobody knows whether anything went out. */
  | { readonly name: 'greeting'; readonly tries: number; readonly nextAt: Instant }
  | { readonly name: 'unheard'; readonly at: Instant }
  | { readonly name: 'asking'; readonly token: Uint8Array; readonly tries: number; readonly nextAt: Instant }
  | { readonly name: 'asked'; readonly at: Instant }
  | { readonly name: 'failed' };
