import type { SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { type Instant, type Millis, seconds, since } from '../base/time.ts';
import type { Client, ClientEffect, ClientInput, Door, HttpAnswer, Refusal } from './client.ts';
import type { Description } from './description.ts';
import { type Device, Discovery, type Progress } from './discovery.ts';
import { boundTo, isSix } from './door.ts';
import { Exchange, type Reply } from './exchange.ts';
import { Errand, type ErrandStep, type Task } from './errand.ts';
import { PinholeErrand } from './pinhole-errand.ts';
import type { Candidate, Connection } from './service.ts';
import { decodeSoap, type SoapAnswer } from './soap.ts';
import { decodeSsdp } from './ssdp.ts';
import { Survey } from './survey.ts';
import { Tally } from './tally.ts';

type State =
  /** Nothing under way. */
  | { readonly name: 'idle' }
  | { readonly name: 'searching'; readonly discovery: Discovery }
  | { readonly name: 'surveying'; readonly survey: Survey }
  | { readonly name: 'at-work'; readonly errand: Errand | PinholeErrand };

/** A gateway that was found, and its services, the best one first. */
interface Known extends Device {
  readonly services: readonly (Candidate & Connection)[];
  /** When its services were asked for their lines; undefined once a mapping was made after it. */
  readonly surveyed: Instant | undefined;
}

export interface UpnpOptions {
  readonly door: Door;
  readonly socket: SocketId;
  readonly random: Random;
  readonly newRequest: () => number;
  /** The pinhole that an earlier run had for this port. */
  readonly pinhole?: number | undefined;
}

/** Lines come and go: what was said of them longer ago than this is asked again before a mapping is made. */
const FRESH: Millis = seconds(5);

/**
 * UPnP IGD, versions 1 and 2, with one gateway about one port: find its description, ask its services which one has the
 * line, then make, read back or take away a mapping; over IPv6 a pinhole in its firewall. Tasks wait for each other. What a gateway that was found
 * once does not answer is asked once more after a new search: it may have started anew elsewhere.
 */
export class UpnpClient implements Client {
  readonly #options: UpnpOptions;
  readonly #tally = new Tally();
  readonly #exchange: Exchange;
  readonly #tasks: Task[] = [];
  #state: State = { name: 'idle' };
  #known: Known | undefined;
  /** The external port that we have, as far as we know; over IPv6 the number of the pinhole. */
  #held: number | undefined;
  #saidGoodbye = false;
  /** This task has had its search already. */
  #lookedAgain = false;

  constructor(options: UpnpOptions) {
    this.#options = options;
    this.#exchange = new Exchange(boundTo(options.door), options.newRequest);
    this.#held = options.pinhole;
  }

  get refused(): ReadonlyMap<string, number> {
    return this.#tally.counts;
  }

  /** What the gateway calls itself; undefined while none was found. */
  get description(): Description | undefined {
    return this.#known?.description;
  }

  /** What a firewall of IPv6 calls the pinhole that we have. */
  get pinhole(): number | undefined {
    return isSix(this.#options.door) ? this.#held : undefined;
  }

  step(input: ClientInput, now: Instant): readonly ClientEffect[] {
    switch (input.kind) {
      case 'look':
      case 'ask':
      case 'release':
        this.#queue(input);
        return this.#goOn(now);
      case 'announced':
        return this.#announced(input.bytes, now);
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'tick':
        if (this.#state.name !== 'searching') return [];
        return this.#searched(this.#state.discovery.step(input, now), now);
      case 'http-answered':
      case 'http-failed':
        return this.#answered(input, now);
    }
  }

  wake(): Instant | undefined {
    return this.#state.name === 'searching' ? this.#state.discovery.wake() : undefined;
  }

  /** A question that waits already is not asked twice. */
  #queue(task: Task): void {
    const waiting = this.#tasks.findIndex(({ kind }, i) => i > 0 && kind === task.kind && kind !== 'release');
    if (waiting > 0) this.#tasks[waiting] = task;
    else this.#tasks.push(task);
  }

  /** The next task, where nothing is under way. */
  #goOn(now: Instant): ClientEffect[] {
    const [task] = this.#tasks;
    if (this.#state.name !== 'idle' || task === undefined) return [];
    this.#exchange.begin();
    const known = this.#known;
    if (known === undefined) return this.#seek();
    const fresh = known.surveyed !== undefined && since(known.surveyed, now) <= FRESH;
    return task.kind === 'release' || fresh ? this.#work(task, known, now) : this.#survey(known.candidates, now);
  }

  #seek(): ClientEffect[] {
    const { door, socket } = this.#options;
    this.#lookedAgain = true;
    const discovery = new Discovery({ door, socket, exchange: this.#exchange, tally: this.#tally });
    this.#state = { name: 'searching', discovery };
    return discovery.open();
  }

  #searched(progress: Progress, now: Instant): ClientEffect[] {
    switch (progress.kind) {
      case 'under-way':
        return [...progress.effects];
      case 'found': {
        const { device } = progress;
        this.#known = { ...device, services: [], surveyed: now };
        this.#saidGoodbye = false;
        return [...this.#endSearch(), ...this.#survey(device.candidates, now)];
      }
      case 'over':
        return this.#fail(progress.reason, now);
    }
  }

  #answered(input: HttpAnswer, now: Instant): ClientEffect[] {
    const reply = this.#exchange.take(input);
    if (reply === undefined) return [];
    if (reply.kind === 'failed') this.#tally.count(reply.reason);
    switch (this.#state.name) {
      case 'idle':
        return [];
      case 'searching':
        return this.#searched(this.#state.discovery.described(reply, now), now);
      case 'surveying':
        return this.#surveyed(reply, this.#state.survey, now);
      case 'at-work':
        return this.#worked(reply, this.#state.errand, now);
    }
  }

  #endSearch(): ClientEffect[] {
    return this.#state.name === 'searching' ? this.#state.discovery.close() : [];
  }

  #survey(candidates: readonly Candidate[], now: Instant): ClientEffect[] {
    const survey = new Survey(candidates);
    this.#state = { name: 'surveying', survey };
    return this.#surveyOn(survey, now);
  }

  #surveyed(reply: Reply, survey: Survey, now: Instant): ClientEffect[] {
    if (reply.kind === 'failed' && reply.reason !== 'bad-status') return this.#lost(reply.reason, now);
    survey.heard(this.#soap(reply, survey.next()?.action.name ?? ''));
    return this.#surveyOn(survey, now);
  }

  #surveyOn(survey: Survey, now: Instant): ClientEffect[] {
    const question = survey.next();
    if (question !== undefined) return [this.#exchange.post(question.place, question.action, now)];
    const [task] = this.#tasks;
    if (this.#known === undefined || task === undefined) {
      this.#state = { name: 'idle' };
      return this.#goOn(now);
    }
    this.#known = { ...this.#known, services: survey.result(), surveyed: now };
    return this.#work(task, this.#known, now);
  }

  #work(task: Task, known: Known, now: Instant): ClientEffect[] {
    const { door, random } = this.#options;
    const { services } = known;
    if (task.kind === 'ask') this.#known = { ...known, surveyed: undefined };
    const [candidate] = services;
    const held = this.#held;
    const errand =
      isSix(door) && candidate !== undefined
        ? new PinholeErrand({ task, candidate, door, held })
        : new Errand({ task, services, door, held, random });
    this.#state = { name: 'at-work', errand };
    return this.#carryOut(errand.begin(), now);
  }

  #worked(reply: Reply, errand: Errand | PinholeErrand, now: Instant): ClientEffect[] {
    if (reply.kind === 'failed' && reply.reason !== 'bad-status') return this.#lost(reply.reason, now);
    const answer = this.#soap(reply, errand.asked);
    return answer === undefined ? this.#fail('bad-answer', now) : this.#carryOut(errand.heard(answer), now);
  }

  #carryOut(step: ErrandStep, now: Instant): ClientEffect[] {
    if (step.kind === 'post') return [this.#exchange.post(step.place, step.action, now)];
    const { effect } = step;
    if (effect.kind === 'granted') this.#held = effect.grant.pinhole ?? effect.grant.external;
    const [task] = this.#tasks;
    if (task?.kind === 'release' && !task.doubtful) this.#held = undefined;
    return [effect, ...this.#done(now)];
  }

  #done(now: Instant): ClientEffect[] {
    this.#tasks.shift();
    this.#lookedAgain = false;
    this.#state = { name: 'idle' };
    return this.#goOn(now);
  }

  #soap(reply: Reply, action: string): SoapAnswer | undefined {
    if (reply.kind === 'failed') return undefined;
    const answer = decodeSoap(reply.bytes, action);
    if (typeof answer !== 'string') return answer;
    this.#tally.count(answer);
    return undefined;
  }

  /** It does not answer where it was. */
  #lost(reason: string, now: Instant): ClientEffect[] {
    const again = !this.#lookedAgain && reason === 'unreachable';
    this.#known = undefined;
    if (!again) return this.#fail(reason === 'too-slow' ? 'slow' : 'bad-answer', now);
    this.#exchange.begin();
    return this.#seek();
  }

  /** No mapping from here. Where there is nobody, the tasks that wait need not look again, and one answer does for all. */
  #fail(reason: Refusal, now: Instant): ClientEffect[] {
    const wan = this.#known?.services[0]?.external;
    this.#exchange.forget();
    const closing = this.#endSearch();
    const tasks = this.#known === undefined ? this.#tasks : this.#tasks.slice(0, 1);
    if (this.#known === undefined) this.#tasks.length = Math.min(1, this.#tasks.length);
    const released = tasks.filter(({ kind }) => kind === 'release').map((): ClientEffect => ({ kind: 'released' }));
    const refused: ClientEffect[] = released.length < tasks.length ? [{ kind: 'refused', reason, wan }] : [];
    return [...closing, ...released, ...refused, ...this.#done(now)];
  }

  /** Any farewell of the gateway counts, a life sign after it too; else a count of restarts that is not the one we know. */
  #announced(bytes: Uint8Array, now: Instant): ClientEffect[] {
    const message = decodeSsdp(bytes);
    if (typeof message === 'string' || !/InternetGatewayDevice|WAN/.test(message.target)) return [];
    if (message.kind === 'byebye') {
      if (this.#saidGoodbye) return [];
      this.#saidGoodbye = true;
      this.#known = undefined;
      return [{ kind: 'rebooted' }];
    }
    if (this.#state.name === 'searching') return this.#searched(this.#state.discovery.announced(bytes, now), now);
    const { bootId } = message;
    const known = this.#known?.bootId;
    const another = bootId !== undefined && known !== undefined && bootId !== known;
    if (!another && !this.#saidGoodbye) return [];
    this.#saidGoodbye = false;
    this.#known = undefined;
    return [{ kind: 'rebooted' }];
  }
}
