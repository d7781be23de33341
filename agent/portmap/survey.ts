import { ipBytes } from '../base/address.ts';
import { askAddress, askStatus } from './mapping-actions.ts';
import { bestFirst, type Candidate, type Connection, isUp, UNKNOWN_CONNECTION } from './service.ts';
import type { Action, SoapAnswer } from './soap.ts';
import type { Place } from './url.ts';

/** Asks the services of a gateway which of them has a line, one question after the other, and its outside address. Firewalls have neither. */
export class Survey {
  readonly #candidates: readonly Candidate[];
  readonly #connections: Connection[];
  readonly #questions: { readonly of: number; readonly what: 'status' | 'address' }[];

  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates;
    this.#connections = candidates.map(() => UNKNOWN_CONNECTION);
    const all = candidates.flatMap(({ service }, of) => (service.kind === 'firewall6' ? [] : [of]));
    // Where there is only one there is nothing to choose.
    this.#questions = [
      ...(all.length > 1 ? all.map((of) => ({ of, what: 'status' }) as const) : []),
      ...all.map((of) => ({ of, what: 'address' }) as const),
    ];
  }

  /** The next question; undefined when all is asked. The same one until it is answered. */
  next(): { readonly place: Place; readonly action: Action } | undefined {
    for (let question = this.#questions[0]; question !== undefined; question = this.#questions[0]) {
      const candidate = this.#candidates[question.of];
      const down = question.what === 'address' && this.#connections[question.of]?.connected === false;
      if (candidate !== undefined && !down) {
        const { type } = candidate.service;
        return { place: candidate.place, action: question.what === 'status' ? askStatus(type) : askAddress(type) };
      }
      this.#questions.shift();
    }
    return undefined;
  }

  /** What came for the question; a fault leaves the matter open. */
  heard(answer: SoapAnswer | undefined): void {
    const question = this.#questions.shift();
    if (question === undefined || answer?.kind !== 'done') return;
    const before = this.#connections[question.of] ?? UNKNOWN_CONNECTION;
    const address = answer.values.get('newexternalipaddress') ?? '';
    this.#connections[question.of] =
      question.what === 'status'
        ? { ...before, connected: isUp(answer.values.get('newconnectionstatus')) }
        : { ...before, external: ipBytes(address) === undefined ? undefined : address };
  }

  /** Services and what is known of them, the best one first. */
  result(): readonly (Candidate & Connection)[] {
    return bestFirst(this.#candidates, this.#connections);
  }
}
