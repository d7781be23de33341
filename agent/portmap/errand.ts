import type { Random } from '../base/random.ts';
import { seconds } from '../base/time.ts';
import type { ClientEffect, ClientInput, Door, Refusal, Wish } from './client.ts';
import { addMapping, deleteMapping, isOurs, leadsTo, numberIn, readMapping } from './mapping-actions.ts';
import type { Candidate, Connection } from './service.ts';
import type { Action, SoapAnswer } from './soap.ts';
import { afterFault, type Attempt, otherPort } from './step.ts';
import type { Place } from './url.ts';

export type Task = Extract<ClientInput, { kind: 'look' | 'ask' | 'release' }>;

export type ErrandStep =
  | { readonly kind: 'post'; readonly place: Place; readonly action: Action }
  | {
      readonly kind: 'end';
      readonly effect: Extract<ClientEffect, { kind: 'present' | 'granted' | 'refused' | 'released' }>;
    };

type Service = Candidate & Connection;

type State =
  | { readonly name: 'new' }
  | { readonly name: 'adding'; readonly wish: Wish; readonly at: number; readonly attempt: Attempt }
  /** Making sure that what was granted is there. */
  | { readonly name: 'reading'; readonly wish: Wish; readonly at: number; readonly attempt: Attempt }
  /** Making sure that what is to be deleted is ours. */
  | { readonly name: 'checking'; readonly external: number }
  | { readonly name: 'deleting' }
  /** What was granted is not the port that had to be. */
  | { readonly name: 'undoing' };

/** Each try is a round trip; a table in which this many random ports are taken is full. */
const MOST_TRIES = 12;

export const RELEASED: ErrandStep = { kind: 'end', effect: { kind: 'released' } };

/** One task at a UPnP gateway whose services are known: action by action to its end. */
export class Errand {
  readonly #task: Task;
  readonly #services: readonly Service[];
  readonly #door: Door;
  readonly #held: number | undefined;
  readonly #random: Random;
  readonly #tried: number[] = [];
  #tries = 0;
  #state: State = { name: 'new' };
  #asked = '';

  /** `held`: the external port that is ours already; it is asked for plainly, because it is taken: by us. */
  constructor(options: {
    readonly task: Task;
    readonly services: readonly Service[];
    readonly door: Door;
    readonly held: number | undefined;
    readonly random: Random;
  }) {
    this.#task = options.task;
    this.#services = options.services;
    this.#door = options.door;
    this.#held = options.held;
    this.#random = options.random;
  }

  /** The name of the action that waits for its answer. */
  get asked(): string {
    return this.#asked;
  }

  begin(): ErrandStep {
    const task = this.#task;
    switch (task.kind) {
      case 'look':
        return { kind: 'end', effect: { kind: 'present', wan: this.#services[0]?.external } };
      case 'ask':
        return this.#add(task.wish, 0);
      case 'release':
        return task.doubtful ? this.#check(task.external) : this.#delete(task.external);
    }
  }

  heard(answer: SoapAnswer): ErrandStep {
    const state = this.#state;
    switch (state.name) {
      case 'new':
        return this.#refused('bad-answer');
      case 'adding':
        return answer.kind === 'fault'
          ? this.#faulted(state.wish, state.at, state.attempt, answer.code)
          : this.#added(state.wish, state.at, state.attempt, answer.values);
      case 'reading':
        return this.#readBack(state.wish, state.at, state.attempt, answer);
      case 'checking': {
        const ours = answer.kind === 'done' && leadsTo(answer.values, this.#door.own) && isOurs(answer.values);
        return ours ? this.#delete(state.external) : RELEASED;
      }
      case 'deleting':
        return RELEASED;
      case 'undoing':
        return this.#refused('other-port');
    }
  }

  /** The first try at a service. */
  #add(wish: Wish, at: number): ErrandStep {
    const { port: internal } = this.#door;
    const service = this.#services[at]?.service;
    const external = wish.external === 0 ? internal : wish.external;
    const finds = service?.kind === 'ip' && service.version >= 2 && wish.exact !== true && external !== this.#held;
    return this.#try(wish, at, { action: finds ? 'any' : 'add', internal, external, lifetime: wish.lifetime });
  }

  #try(wish: Wish, at: number, attempt: Attempt): ErrandStep {
    if (++this.#tries > MOST_TRIES) return this.#refused('port-taken');
    this.#tried.push(attempt.external);
    this.#state = { name: 'adding', wish, at, attempt };
    return this.#post(at, (type) => addMapping(type, this.#door, attempt));
  }

  #faulted(wish: Wish, at: number, attempt: Attempt, code: number): ErrandStep {
    const step = afterFault(code, attempt);
    switch (step.kind) {
      case 'again':
        if (wish.exact === true && step.attempt.external !== wish.external) return this.#refused('other-port');
        return this.#try(wish, at, step.attempt);
      case 'other-port':
        if (wish.exact === true) return this.#refused('other-port');
        return this.#try(wish, at, { ...attempt, external: otherPort(this.#tried, attempt.internal, this.#random) });
      case 'next-service':
        return at + 1 < this.#services.length ? this.#add(wish, at + 1) : this.#refused(step.reason);
    }
  }

  #added(wish: Wish, at: number, attempt: Attempt, values: ReadonlyMap<string, string>): ErrandStep {
    const reserved = attempt.action === 'any' ? numberIn(values, 'newreservedport') : undefined;
    const external = reserved ?? attempt.external;
    if (external < 1 || external > 65_535) return this.#refused('lying');
    const made = { ...attempt, external };
    this.#state = { name: 'reading', wish, at, attempt: made };
    return this.#post(at, (type) => readMapping(type, external));
  }

  /** A gateway that can't read back is believed for the moment; one that does not find its own mapping is not. */
  #readBack(wish: Wish, at: number, attempt: Attempt, answer: SoapAnswer): ErrandStep {
    const there = answer.kind === 'done' && leadsTo(answer.values, this.#door.own, attempt.internal);
    if (answer.kind === 'done' ? !there : answer.code === 714) return this.#faulted(wish, at, attempt, 714);
    if (wish.exact === true && attempt.external !== wish.external) {
      this.#state = { name: 'undoing' };
      return this.#post(at, (type) => deleteMapping(type, attempt.external));
    }
    const said = answer.kind === 'done' ? numberIn(answer.values, 'newleaseduration') : undefined;
    const permanent = attempt.lifetime === 0 || said === 0;
    const lifetime = seconds(permanent ? wish.lifetime : Math.min(attempt.lifetime, said ?? attempt.lifetime));
    const ip = this.#services[at]?.external;
    const grant = { protocol: 'upnp', external: attempt.external, ip, lifetime, permanent } as const;
    return { kind: 'end', effect: { kind: 'granted', grant } };
  }

  #check(external: number): ErrandStep {
    this.#state = { name: 'checking', external };
    return this.#post(0, (type) => readMapping(type, external));
  }

  #delete(external: number): ErrandStep {
    this.#state = { name: 'deleting' };
    return this.#post(0, (type) => deleteMapping(type, external));
  }

  #post(at: number, action: (type: string) => Action): ErrandStep {
    const candidate = this.#services[at];
    if (candidate === undefined) return this.#refused('no-service');
    const made = action(candidate.service.type);
    this.#asked = made.name;
    return { kind: 'post', place: candidate.place, action: made };
  }

  #refused(reason: Refusal): ErrandStep {
    return inVain(this.#task, reason, this.#services[0]?.external);
  }
}

/** The end of a task that came to nothing; for taking something away it is an end like any other. */
export function inVain(task: Task, reason: Refusal, wan: string | undefined): ErrandStep {
  return task.kind === 'release' ? RELEASED : { kind: 'end', effect: { kind: 'refused', reason, wan } };
}
