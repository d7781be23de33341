import type { Address } from '../base/address.ts';
import type { SocketId } from '../base/net.ts';
import { after, type Instant, type Millis, ms } from '../base/time.ts';
import type { Observer, ProbeOrder } from './orders.ts';
import type { FilterTrials, Trial } from './sample.ts';

/**
 * Who may write to a socket that wrote to one observer only (RFC 4787 section 5): that observer has others
 * of its rendezvous try. Silence is the finding here, so everything is asked three times: at 10 % loss each way
 * one silence in 150 is still loss, and only makes the NAT look stricter than it is.
 *
 * While the last answer might still come, those that were kept out are written to: where their datagrams cost us the
 * port, as they do at a gateway that lets everybody write to itself, these see another one than the asked observer.
 */
export class FilterTest {
  readonly socket: SocketId;
  readonly #asked: Observer;
  readonly #questions: readonly Question[];
  readonly #destinations: () => number;
  readonly #came = new Set<QuestionName>();
  /** Outside ports: towards the asked observer, then by index of the question towards those that were kept out. */
  readonly #ports = new Map<number, number>();
  #state: State = { name: 'opening' };

  /** `asked` is written to; the answerers are looked for in the list of `observers`. `destinations` as in a burst. */
  constructor(socket: SocketId, asked: Observer, observers: readonly Observer[], destinations: () => number) {
    const { ip, port } = asked.address;
    const elsewhere = observers.find(({ address }) => address.ip !== ip);
    const nextDoor = observers.find(({ address }) => address.ip === ip && address.port !== port);
    this.socket = socket;
    this.#asked = asked;
    this.#destinations = destinations;
    this.#questions = [
      { name: 'otherAddress', index: 1, answerer: elsewhere },
      { name: 'otherPort', index: 2, answerer: nextDoor },
    ];
  }

  opened(now: Instant): ProbeOrder[] {
    this.#state = { name: 'greeting', tries: 1, nextAt: after(now, PACE) };
    this.#destinations();
    return [this.#greet()];
  }

  failed(): void {
    this.#state = { name: 'failed' };
  }

  /**
   * One of the observers answered. The asked one first: the hole towards it is open, and the token lets the others
   * write here; `roundTrip` is the longest one known.
   */
  observed(index: number, external: Address, token: Uint8Array, now: Instant): ProbeOrder[] {
    if (!this.#ports.has(index)) this.#ports.set(index, external.port);
    if (index !== 0 || (this.#state.name !== 'greeting' && this.#state.name !== 'unheard')) return [];
    this.#state = { name: 'asking', token, tries: 1, nextAt: after(now, PACE) };
    return this.#ask(token);
  }

  /** An answerer's datagram came in. Once it was written to, that shows nothing any more. */
  filtered(index: number): void {
    if (this.#state.name === 'knocking' || this.#state.name === 'knocked') return;
    const question = this.#questions.find((known) => known.index === index);
    if (question !== undefined) this.#came.add(question.name);
  }

  tick(now: Instant, roundTrip: Millis | undefined): ProbeOrder[] {
    const state = this.#state;
    if (this.#open().length === 0) return [];
    switch (state.name) {
      case 'greeting': {
        if (now < state.nextAt) return [];
        const tries = state.tries + 1;
        this.#state = tries < TRIES ? { ...state, tries, nextAt: after(now, PACE) } : { name: 'unheard', at: now };
        return [this.#greet()];
      }
      case 'asking': {
        if (now < state.nextAt) return [];
        const tries = state.tries + 1;
        // The last answer has come after one round trip, if it comes at all; half of one more is for those that dawdle.
        const patience = ms(1.5 * Math.min(MOST_PATIENCE, roundTrip ?? MOST_PATIENCE));
        this.#state =
          tries < TRIES
            ? { ...state, tries, nextAt: after(now, PACE) }
            : { name: 'asked', at: now, nextAt: after(now, patience) };
        return this.#ask(state.token);
      }
      case 'asked': {
        if (now < state.nextAt) return [];
        this.#state = { name: 'knocking', at: state.at, nextAt: after(now, KNOCK_AGAIN) };
        for (const _ of this.#open()) this.#destinations();
        return this.#knock();
      }
      case 'knocking': {
        if (now < state.nextAt) return [];
        this.#state = { name: 'knocked', at: state.at };
        return this.#knock();
      }
      case 'opening':
      case 'unheard':
      case 'knocked':
      case 'failed':
        return [];
    }
  }

  wake(): Instant | undefined {
    const state = this.#state;
    switch (state.name) {
      case 'greeting':
      case 'asking':
      case 'asked':
      case 'knocking':
        return this.#open().length === 0 ? undefined : state.nextAt;
      case 'opening':
      case 'unheard':
      case 'knocked':
      case 'failed':
        return undefined;
    }
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
      case 'knocking':
      case 'knocked':
        return after(this.#state.at, patience);
    }
  }

  get trials(): FilterTrials {
    const { otherPort, otherAddress } = {
      otherPort: this.#trial('otherPort'),
      otherAddress: this.#trial('otherAddress'),
    };
    return { otherPort, otherAddress, portAfter: this.#portAfter() };
  }

  #trial(name: QuestionName): Trial {
    if (this.#came.has(name)) return 'came';
    const over = ['asked', 'knocking', 'knocked'].includes(this.#state.name);
    return over && this.#open().some((question) => question.name === name) ? 'silent' : 'unasked';
  }

  #portAfter(): FilterTrials['portAfter'] {
    const [first, ...others] = [0, 1, 2].map((index) => this.#ports.get(index));
    const seen = others.filter((port) => port !== undefined);
    if (first === undefined || seen.length === 0) return 'unasked';
    return seen.every((port) => port === first) ? 'kept' : 'changed';
  }

  /** What could still tell something: whoever admits another address admits another port. */
  #open(): Question[] {
    if (this.#came.has('otherAddress')) return [];
    return this.#questions.filter(({ name, answerer }) => answerer !== undefined && !this.#came.has(name));
  }

  #greet(): ProbeOrder {
    return { kind: 'probe', socket: this.socket, observer: this.#asked.number, index: 0 };
  }

  #knock(): ProbeOrder[] {
    return this.#open().flatMap(({ index, answerer }) => {
      if (answerer === undefined || this.#ports.has(index)) return [];
      return [{ kind: 'probe', socket: this.socket, observer: answerer.number, index }];
    });
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
/** As long as the longest patience of a run is three times this. */
const MOST_PATIENCE = 333;
const KNOCK_AGAIN = ms(50);

type QuestionName = 'otherPort' | 'otherAddress';

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
  | { readonly name: 'asked'; readonly at: Instant; readonly nextAt: Instant }
  | { readonly name: 'knocking'; readonly at: Instant; readonly nextAt: Instant }
  | { readonly name: 'knocked'; readonly at: Instant }
  | { readonly name: 'failed' };
