import { after, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import type { HttpAnswer, HttpFault, HttpOrder } from './client.ts';
import { type Action, actionHeaders, encodeAction } from './soap.ts';
import type { Place } from './url.ts';
import { LONGEST_DOCUMENT } from './xml.ts';

/**
 * All requests of one errand together: a gateway on the LAN needs some ten milliseconds for each. With finding the gateway, which
 * takes that long too unless it hides, an errand is over after 3 s.
 */
const IN_ALL = seconds(2.5);

export type Reply =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: HttpFault | 'bad-status' };

/** HTTP with one gateway: one request at a time, and a bounded time for all that belong together. */
export class Exchange {
  readonly #from: string;
  readonly #newRequest: () => number;
  #until: Instant | undefined;
  #waiting: { readonly request: number; readonly fault: boolean } | undefined;

  /** `from`: the address of ours that it leaves from; `newRequest` gives a number that nobody else uses. */
  constructor(from: string, newRequest: () => number) {
    this.#from = from;
    this.#newRequest = newRequest;
  }

  /** What comes now has its time for itself. */
  begin(): void {
    this.#until = undefined;
  }

  get(place: Place, now: Instant): HttpOrder {
    return { ...this.#order(place, now, false), method: 'GET', headers: [], body: '' };
  }

  post(place: Place, action: Action, now: Instant): HttpOrder {
    const order = this.#order(place, now, true);
    return { ...order, method: 'POST', headers: actionHeaders(action), body: encodeAction(action) };
  }

  /** Undefined for an answer to what is no longer asked. Faults of actions come with status 500, or with any other. */
  take(answer: HttpAnswer): Reply | undefined {
    if (this.#waiting?.request !== answer.request) return undefined;
    const { fault } = this.#waiting;
    this.#waiting = undefined;
    if (answer.kind === 'http-failed') return { kind: 'failed', reason: answer.reason };
    // Redirects above all: they lead elsewhere.
    const good = answer.status === 200 || (fault && answer.status >= 400);
    return good ? { kind: 'bytes', bytes: answer.body } : { kind: 'failed', reason: 'bad-status' };
  }

  forget(): void {
    this.#waiting = undefined;
  }

  #order({ to, path }: Place, now: Instant, fault: boolean): Omit<HttpOrder, 'method' | 'headers' | 'body'> {
    this.#until ??= after(now, IN_ALL);
    const request = this.#newRequest();
    this.#waiting = { request, fault };
    const within: Millis = ms(Math.max(1, since(now, this.#until)));
    return { kind: 'http', request, to, from: this.#from, path, limit: LONGEST_DOCUMENT, within };
  }
}
