import { type Address, sameAddress } from '../base/address.ts';
import { concat } from '../base/bytes.ts';
import type { Machine } from '../base/machine.ts';
import type { SocketId } from '../base/net.ts';
import { between } from '../base/random.ts';
import { after, earliest, type Instant, type Millis, minutes, ms, seconds } from '../base/time.ts';
import type { BlockCipher } from '../seal/cipher.ts';
import { decodeHeader, type Header, KIND } from '../seal/header.ts';
import type { Session } from '../seal/session.ts';
import { decode, encode } from '../wire/codec.ts';
import {
  type FromClient,
  type FromRendezvous,
  type Introduction,
  type Message,
  type NodeId,
  type Pong,
  type Refused,
  type Registered,
  RELAY_LIMIT,
} from '../wire/messages.ts';
import { Entrance, type EntranceEffect, type EntranceOptions, type Server } from './entrance.ts';
import type { ClientEffect, ClientInput, ClientState, Presence, ServerStatus } from './orders.ts';
import { Pulse } from './pulse.ts';
import { type Question, Questions } from './questions.ts';
import { Recent } from './recent.ts';
import { Standing } from './standing.ts';

export type { Server } from './entrance.ts';
export type { ClientEffect, ClientInput, ClientState, Presence, ServerStatus } from './orders.ts';

export interface RendezvousClientOptions extends EntranceOptions {
  /** The socket we speak from. */
  readonly socket: SocketId;
  /** kbit/s that we would carry for others now; without it nothing is. */
  readonly room?: (now: Instant) => number;
}

/** `register` is the first thing said in a session; one that goes unanswered for so long is no session. */
const REGISTER_LIFE = seconds(6);
/** A fresh Diffie-Hellman at least this often, spread by a fifth (docs/security.md, rule 8). */
const FULL_HANDSHAKE = minutes(24 * 60);
const DEFAULT_PATIENCE = seconds(10);
/** Our own questions are numbered from here. */
const OWN = 2 ** 31;
/** Body of the largest answer to a probe: it must not be longer than the probe. */
const OBSERVED_LENGTH = 3 + 4 + 1 + 1 + 4 + 19 + 8;
const PADDING = 64;
const VOLLEY_PADDING = 32;
const NUDGES = 3;

interface Up {
  readonly session: Session;
  readonly index: number;
  readonly server: Server;
  /** Undefined until the answer to `register`. */
  registered: Registered | undefined;
  observers: readonly Address[];
  readonly fullHandshakeAt: Instant;
}

/**
 * The household's side of a rendezvous: gets in, stays in, asks, and hears introductions.
 * Not a machine with sockets of its own: the household routes datagrams to it and carries out its sends.
 */
export class RendezvousClient implements Machine<ClientInput, ClientEffect> {
  readonly #options: RendezvousClientOptions;
  readonly #own: BlockCipher;
  readonly #questions: Questions;
  readonly #entrance: Entrance;
  readonly #pulse: Pulse;
  readonly #standing = new Standing();
  readonly #latest = new Map<Question['kind'], number>();
  readonly #pairs = new Recent();
  readonly #introduced = new Recent();
  #presence: Presence | undefined;
  #up: Up | undefined;
  #state: ClientState = 'idle';
  #nextRequest = OWN;
  #unopened = 0;

  constructor(options: RendezvousClientOptions) {
    this.#options = options;
    this.#own = options.cipher.block(options.headerKey);
    this.#questions = new Questions(options.random);
    this.#entrance = new Entrance(options);
    this.#pulse = new Pulse(options.random, options.room ?? (() => 0));
  }

  /** Round trip to the rendezvous, smoothed. */
  get rtt(): Millis | undefined {
    return this.#pulse.rtt;
  }

  /** Datagrams that were taken for the rendezvous' and did not open. */
  get refused(): number {
    return this.#unopened + this.#entrance.ignored;
  }

  get state(): ClientState {
    return this.#state;
  }

  status(): readonly ServerStatus[] {
    return this.#options.servers.map(({ address }, i) => ({
      address,
      state: i === this.#entrance.server ? this.#state : 'idle',
      rtt: i === this.#entrance.server ? this.rtt : undefined,
    }));
  }

  /** Whether a datagram is for us; `header` is what the household's header key made of it, undefined for nothing. */
  takes(header: Header | undefined, from: Address): boolean {
    return (header !== undefined && header.index === this.#up?.index) || this.#entrance.takes(header, from);
  }

  step(input: ClientInput, now: Instant): readonly ClientEffect[] {
    switch (input.kind) {
      case 'register':
        return this.#present(input, now);
      case 'datagram':
        return this.#datagram(input.socket, input.bytes, input.header, now);
      case 'join': {
        const { patience = DEFAULT_PATIENCE, avoid, ...question } = input;
        return this.#ask({ ...question, avoid: avoid.slice(-8) }, patience, now);
      }
      case 'introduce':
      case 'ask-channel': {
        const { patience = DEFAULT_PATIENCE, ...question } = input;
        return this.#ask(question, patience, now);
      }
      case 'forget':
        this.#questions.answered(input.request, now);
        return [];
      case 'publish':
        this.#standing.lead(input.channel, input.epoch, input.name, this.#newRequest());
        return this.#isRegistered() ? this.#publishAll(now) : [];
      case 'report':
        return this.#ask({ ...input, request: this.#newRequest() }, seconds(30), now);
      case 'capacity':
        if (this.#presence !== undefined) this.#presence = { ...this.#presence, children: input.children };
        if (!this.#isRegistered()) return this.#up === undefined ? [] : this.#askRegister(now);
        return this.#askLatest({ ...input, request: this.#newRequest() }, seconds(30), now);
      case 'position':
        return this.#stand({ ...input, children: input.children.slice(0, 16), request: this.#newRequest() }, now);
      case 'leave-channel': {
        const before = this.#standing.leave(input.channel);
        if (before !== undefined) this.#questions.answered(before, now);
        return this.#ask({ ...input, request: this.#newRequest() }, seconds(30), now);
      }
      case 'relay':
        return this.#relay(input.pairId, input.bytes, now);
      case 'fired':
      case 'carrying':
      case 'bridged':
        return this.#isRegistered() ? this.#tell([input], now) : [];
      case 'probe':
        return this.#probe(input, now);
      case 'filter-test':
        return this.#filterTest(input, now);
      case 'hurry':
        return this.#isRegistered() ? this.#tell([this.#pulse.beat(now)], now) : [];
      case 'nudge':
        return this.#nudge(input.node, now);
      case 'leave':
        return this.#leave(now);
      case 'tick':
        return this.#tick(now);
    }
  }

  wake(): Instant | undefined {
    const questions = this.#questions.wake((question) => this.#mayAsk(question));
    return [this.#entrance.wake(), this.#pulse.wake(), this.#renewAt()].reduce(earliest, questions);
  }

  // -- getting in

  #present(presence: Presence, now: Instant): ClientEffect[] {
    const { role, children, internal, proven = [], profile } = presence;
    this.#presence = { role, children, internal: internal.slice(0, 8), proven: proven.slice(0, 4), profile };
    if (this.#up !== undefined) return this.#askRegister(now);
    return this.#entrance.isTrying ? [] : this.#enter(now);
  }

  #enter(now: Instant): ClientEffect[] {
    // After a whole round in vain it stays 'unreachable' until somebody lets us in: no flicker in the status.
    const said = this.#entrance.isUnreachable ? [] : this.#say('connecting');
    return [...said, ...this.#carryOut(this.#entrance.enter(now), now)];
  }

  #carryOut(effects: readonly EntranceEffect[], now: Instant): ClientEffect[] {
    return effects.flatMap((effect): ClientEffect[] => {
      switch (effect.kind) {
        case 'send':
          return [this.#send(effect.bytes, effect.to)];
        case 'entered':
          return this.#entered(effect, now);
        case 'unreachable':
          return this.#say('unreachable');
      }
    });
  }

  #entered(entered: Extract<EntranceEffect, { kind: 'entered' }>, now: Instant): ClientEffect[] {
    const { session, index, server } = entered;
    const fullHandshakeAt = after(now, ms(FULL_HANDSHAKE * between(this.#options.random, 0.8, 1.2)));
    this.#up = { session, index, server, registered: undefined, observers: [], fullHandshakeAt };
    this.#pulse.rest();
    return this.#askRegister(now);
  }

  #askRegister(now: Instant): ClientEffect[] {
    if (this.#presence === undefined) return [];
    const { proven = [], ...facts } = this.#presence;
    const isFirst = !this.#isRegistered();
    if (isFirst) this.#questions.restart(now);
    const register = { kind: 'register', request: this.#newRequest(), ...facts, proven } as const;
    return this.#askLatest(register, isFirst ? REGISTER_LIFE : undefined, now);
  }

  #registered(up: Up, answer: Registered, now: Instant): ClientEffect[] {
    const trip = this.#questions.answered(answer.request, now);
    if (trip !== undefined) this.#pulse.measured(trip);
    const isNew = up.registered === undefined;
    const serverIp = up.server.address.ip;
    up.registered = answer;
    up.observers = answer.observers.map((one) => (isAny(one.ip) ? { ip: serverIp, port: one.port } : one));
    const { observed, relays, carrier } = answer;
    const out: ClientEffect[] = [...this.#say('registered')];
    out.push({ kind: 'registered', observed, observers: up.observers, relays, carrier });
    if (!isNew) return out;
    for (const position of this.#standing.positions) this.#questions.ask(position, undefined, now);
    return [...out, ...this.#tell([this.#pulse.beat(now)], now), ...this.#publishAll(now), ...this.#askDue(now)];
  }

  #leave(now: Instant): ClientEffect[] {
    const out = this.#up === undefined ? [] : this.#tell([{ kind: 'leave' }], now);
    this.#up = undefined;
    this.#presence = undefined;
    this.#entrance.stop();
    this.#pulse.rest();
    this.#questions.clear();
    return [...out, ...this.#say('idle')];
  }

  // -- staying in

  #tick(now: Instant): ClientEffect[] {
    const out = this.#carryOut(this.#entrance.tick(now), now);
    const beat = this.#pulse.due(now);
    if (beat === 'lost') out.push(...this.#lose(now));
    else if (beat !== undefined) out.push(...this.#tell([beat], now));
    const renewAt = this.#renewAt();
    if (renewAt !== undefined && now >= renewAt) out.push(...this.#carryOut(this.#entrance.renew(now), now));
    return [...out, ...this.#expire(now), ...this.#askDue(now)];
  }

  #renewAt(): Instant | undefined {
    return this.#isRegistered() && !this.#entrance.isTrying ? this.#up?.fullHandshakeAt : undefined;
  }

  #ponged(up: Up, pong: Pong, now: Instant): ClientEffect[] {
    const { observed } = pong;
    if (!this.#pulse.ponged(pong, now)) return [];
    if (up.registered === undefined || sameAddress(up.registered.observed, observed)) return [];
    up.registered = { ...up.registered, observed };
    return [{ kind: 'moved', observed }];
  }

  /** It answers no more: it may have been restarted, so a new session is needed. */
  #lose(now: Instant): ClientEffect[] {
    this.#up = undefined;
    this.#pulse.rest();
    return this.#enter(now);
  }

  // -- asking

  #ask(question: Question, patience: Millis | undefined, now: Instant): ClientEffect[] {
    this.#questions.ask(question, patience, now);
    return this.#askDue(now);
  }

  /** For what replaces its predecessor: an older one still unanswered must not come after it. */
  #askLatest(question: Question, patience: Millis | undefined, now: Instant): ClientEffect[] {
    const before = this.#latest.get(question.kind);
    if (before !== undefined) this.#questions.answered(before, now);
    this.#latest.set(question.kind, question.request);
    return this.#ask(question, patience, now);
  }

  #askDue(now: Instant): ClientEffect[] {
    const due = this.#questions.due((question) => this.#mayAsk(question), this.rtt, now);
    const news = this.#questions.get(this.#latest.get('register') ?? 0);
    // Whom to meet, and how, is decided by what our NAT does: that must not come later, or be lost on the way.
    const first = (one: Question): boolean => one.kind === 'introduce' || one.kind === 'join';
    return due.flatMap((one) => this.#tell(news !== undefined && first(one) ? [news, one] : [one], now));
  }

  /** Before it is registered a household can ask nothing else. */
  #mayAsk(question: Question): boolean {
    return this.#up !== undefined && (question.kind === 'register' || this.#isRegistered());
  }

  #expire(now: Instant): ClientEffect[] {
    return this.#questions.expired(now).flatMap((question): ClientEffect[] => {
      if (question.kind === 'register') return this.#up === undefined ? [] : this.#lose(now);
      if (question.request >= OWN) return [];
      const reason = this.#isRegistered() ? 'timeout' : 'rendezvous-unreachable';
      return [{ kind: 'refused', request: question.request, reason, retryIn: ms(0) }];
    });
  }

  #publishAll(now: Instant): ClientEffect[] {
    const nonce = this.#up?.registered?.nonce;
    if (nonce === undefined) return [];
    const { cipher, identity } = this.#options;
    for (const claim of this.#standing.claims(cipher, identity.publicKey, nonce)) {
      this.#questions.ask(claim, undefined, now);
    }
    return this.#askDue(now);
  }

  #stand(position: Extract<Question, { kind: 'position' }>, now: Instant): ClientEffect[] {
    const before = this.#standing.stand(position);
    if (before !== undefined) this.#questions.answered(before, now);
    return this.#isRegistered() ? this.#ask(position, undefined, now) : [];
  }

  #newRequest(): number {
    this.#nextRequest = this.#nextRequest + 1 >= 2 ** 32 ? OWN : this.#nextRequest + 1;
    return this.#nextRequest;
  }

  #relay(pairId: number, bytes: Uint8Array, now: Instant): ClientEffect[] {
    if (!this.#isRegistered() || bytes.length > RELAY_LIMIT) return [];
    return this.#tell([{ kind: 'relay', pairId, bytes }], now, 0);
  }

  /** Thrice, since one that is lost on its four lines would cost a viewer a tenth of a second. */
  #nudge(node: NodeId, now: Instant): ClientEffect[] {
    if (!this.#isRegistered()) return [];
    return Array.from({ length: NUDGES }, () => this.#tell([{ kind: 'nudge', node }], now)).flat();
  }

  // -- observing

  #probe(order: Extract<ClientInput, { kind: 'probe' }>, now: Instant): ClientEffect[] {
    const { socket, observer, index, volley } = order;
    const to = this.#up?.observers[observer];
    if (to === undefined) return [];
    const body = encode({ kind: 'probe', id: socket, index, volley });
    // A volley's bytes are counted: its probes are no longer than its knocks.
    const padding = this.#options.random(volley === undefined ? PADDING : VOLLEY_PADDING);
    return this.#sendSealed(body, OBSERVED_LENGTH - body.length + padding, to, socket, now);
  }

  #filterTest(order: Extract<ClientInput, { kind: 'filter-test' }>, now: Instant): ClientEffect[] {
    const { socket, observer, answerer, index, token } = order;
    const to = this.#up?.observers[observer];
    if (to === undefined) return [];
    const test = { kind: 'filter-test', id: socket, index, observer: answerer, token } as const;
    return this.#sendSealed(encode(test), this.#options.random(PADDING), to, socket, now);
  }

  // -- datagrams

  #datagram(socket: SocketId, bytes: Uint8Array, known: Header | undefined, now: Instant): ClientEffect[] {
    const header = known ?? decodeHeader(bytes, this.#own);
    const up = this.#up;
    if (up !== undefined && header?.kind === KIND.data && header.index === up.index) {
      const opened = up.session.open(header, bytes, now);
      const messages = typeof opened === 'string' ? opened : decode(opened.body);
      if (typeof messages === 'string') {
        this.#unopened++;
        return [];
      }
      return messages.flatMap((message) => (this.#up === up ? this.#message(up, socket, message, now) : []));
    }
    return this.#carryOut(this.#entrance.datagram(bytes, now), now);
  }

  #message(up: Up, socket: SocketId, message: Message, now: Instant): ClientEffect[] {
    if (!isFromRendezvous(message)) return [];
    switch (message.kind) {
      case 'registered':
        return this.#registered(up, message, now);
      case 'pong':
        return this.#ponged(up, message, now);
      case 'observed': {
        const { index, observer, address: external, token } = message;
        return [{ kind: 'observed', socket, index, observer, external, token }];
      }
      case 'filtered':
        return [{ kind: 'filtered', socket, index: message.index }];
      case 'introduction':
        return this.#introduction(message, now);
      case 'channel-info':
        if (this.#questions.get(message.request) === undefined) return [];
        this.#questions.answered(message.request, now);
        return [message];
      case 'done':
        return this.#done(message.request, now);
      case 'refused':
        return this.#refused(message, now);
      case 'relayed':
        return [{ kind: 'relayed', pairId: message.pairId, bytes: message.bytes }];
      case 'challenge':
        return this.#tell([{ kind: 'response', token: message.token }], now);
      case 'nudged':
      case 'volley':
      case 'judged':
      case 'carry':
      case 'bridge':
        return [message];
    }
  }

  #introduction(message: Introduction, now: Instant): ClientEffect[] {
    const accept = this.#tell([{ kind: 'accept', pairId: message.pairId }], now);
    if (!this.#pairs.isNew(message.pairId)) return accept;
    if (message.request !== 0) {
      if (this.#questions.get(message.request) === undefined) return accept;
      this.#questions.answered(message.request, now);
      this.#introduced.isNew(message.request);
    }
    return [...accept, message];
  }

  #done(request: number, now: Instant): ClientEffect[] {
    const question = this.#questions.get(request);
    this.#questions.answered(request, now);
    return question?.kind === 'publish' ? [{ kind: 'published', channel: question.channel }] : [];
  }

  #refused({ request, reason, retryIn }: Refused, now: Instant): ClientEffect[] {
    const question = this.#questions.get(request);
    const no = { kind: 'refused', request, reason, retryIn } as const;
    if (question === undefined) return this.#introduced.has(request) && request < OWN ? [no] : [];
    const later = retryIn > 0 && (reason === 'quota' || request >= OWN);
    if (later && this.#questions.postpone(request, retryIn, now)) return [];
    this.#questions.answered(request, now);
    if (question.kind === 'publish') return [{ kind: 'publish-refused', channel: question.channel, reason }];
    return request < OWN ? [no] : [];
  }

  // -- sending

  #tell(messages: readonly FromClient[], now: Instant, padding = PADDING): ClientEffect[] {
    const up = this.#up;
    if (up === undefined) return [];
    const to = up.server.address;
    const pad = padding === 0 ? 0 : this.#options.random(padding);
    return this.#sendSealed(concat(messages.map(encode)), pad, to, this.#options.socket, now);
  }

  #sendSealed(body: Uint8Array, pad: number, to: Address, socket: SocketId, now: Instant): ClientEffect[] {
    const session = this.#up?.session;
    if (session === undefined) return [];
    return [this.#send(session.seal(session.nextCounter(), body, pad, now), to, socket)];
  }

  #send(bytes: Uint8Array, to: Address, socket = this.#options.socket): ClientEffect {
    return { kind: 'send', socket, to, bytes };
  }

  #say(state: ClientState): ClientEffect[] {
    if (state === this.#state) return [];
    this.#state = state;
    return [{ kind: 'state', state, server: this.#entrance.address }];
  }

  #isRegistered(): boolean {
    return this.#up?.registered !== undefined;
  }
}

function isAny(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

const FROM_RENDEZVOUS: ReadonlySet<Message['kind']> = new Set<FromRendezvous['kind']>([
  'registered',
  'pong',
  'observed',
  'filtered',
  'introduction',
  'channel-info',
  'done',
  'refused',
  'relayed',
  'challenge',
  'nudged',
  'volley',
  'judged',
  'carry',
  'bridge',
]);

function isFromRendezvous(message: Message): message is FromRendezvous {
  return FROM_RENDEZVOUS.has(message.kind);
}
