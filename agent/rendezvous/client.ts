import type { Address } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { SocketId } from '../base/net.ts';
import { between } from '../base/random.ts';
import { after, earliest, type Instant, type Millis, minutes, ms } from '../base/time.ts';
import type { BlockCipher } from '../seal/cipher.ts';
import { decodeHeader, type Header, KIND } from '../seal/header.ts';
import {
  type Introduction,
  type Message,
  type NodeId,
  type Pong,
  type Registered,
  RELAY_LIMIT,
} from '../wire/messages.ts';
import { Asking } from './asking.ts';
import { isFromRendezvous } from './direction.ts';
import { Entrance, type EntranceEffect, type EntranceOptions } from './entrance.ts';
import { Line, observe, register, type Up } from './line.ts';
import type { ClientEffect, ClientInput, ClientState, Presence, ServerStatus } from './orders.ts';
import { filterTest, probe, stretch, tryDoor } from './probing.ts';
import { Pulse } from './pulse.ts';
import { Recent } from './recent.ts';

export type { Server } from './entrance.ts';
export type { ClientEffect, ClientInput, ClientState, Presence, ServerStatus } from './orders.ts';

export interface RendezvousClientOptions extends EntranceOptions {
  /** The socket we speak from. */
  readonly socket: SocketId;
  /** kbit/s that we would carry for others now; without it nothing is. */
  readonly room?: (now: Instant) => number;
}

/** A fresh Diffie-Hellman at least this often, spread by a fifth (docs/security.md, rule 8). */
const FULL_HANDSHAKE = minutes(24 * 60);
const NUDGES = 3;

/**
 * The household's side of a rendezvous: gets in, stays in, asks, and hears introductions.
 * Not a machine with sockets of its own: the household routes datagrams to it and carries out its sends.
 */
export class RendezvousClient implements Machine<ClientInput, ClientEffect> {
  readonly #options: RendezvousClientOptions;
  readonly #own: BlockCipher;
  readonly #line: Line;
  readonly #entrance: Entrance;
  readonly #pulse: Pulse;
  readonly #asking: Asking;
  /** Pairs the household was told of. */
  readonly #pairs = new Recent();
  #presence: Presence | undefined;
  /** What was said last of what can be sent: whoever registers anew does not go back to what it first said. */
  #claim: Extract<ClientInput, { kind: 'capacity' }> | undefined;
  #state: ClientState = 'idle';

  constructor(options: RendezvousClientOptions) {
    this.#options = options;
    this.#own = options.cipher.block(options.headerKey);
    this.#line = new Line(options.random, options.socket);
    this.#entrance = new Entrance(options);
    this.#pulse = new Pulse(options.random, options.room ?? (() => 0));
    this.#asking = new Asking(options, this.#line, this.#pulse);
  }

  /** Round trip to the rendezvous, smoothed. */
  get rtt(): Millis | undefined {
    return this.#pulse.rtt;
  }

  /** Datagrams that were taken for the rendezvous' and did not open. */
  get refused(): number {
    return this.#line.unopened + this.#entrance.ignored;
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
    return (header !== undefined && header.index === this.#line.up?.index) || this.#entrance.takes(header, from);
  }

  step(input: ClientInput, now: Instant): readonly ClientEffect[] {
    switch (input.kind) {
      case 'register':
        return this.#present(input, now);
      case 'datagram':
        return this.#datagram(input.socket, input.bytes, input.header, now);
      case 'join':
      case 'introduce':
      case 'ask-channel':
      case 'line-test':
      case 'line-ask':
        return this.#asking.wish(input, now);
      case 'forget':
        this.#asking.forget(input.request, now);
        return [];
      case 'publish':
        return this.#asking.publish(input, now);
      case 'report':
        return this.#asking.report(input, now);
      case 'complain':
        return this.#asking.tell(input, now);
      case 'audited':
      case 'forked':
        return this.#asking.tell(input, now);
      case 'capacity':
        return this.#capacity(input, now);
      case 'position':
        return this.#asking.position(input, now);
      case 'leave-channel':
        return this.#asking.leaveChannel(input, now);
      case 'relay':
        return this.#relay(input.pairId, input.bytes, now);
      case 'fired':
      case 'carrying':
      case 'bridged':
        return this.#line.isRegistered ? this.#line.tell([input], now) : [];
      case 'probe':
        return probe(this.#line, input, this.#options.random, now);
      case 'filter-test':
        return filterTest(this.#line, input, this.#options.random, now);
      case 'try-door':
        return this.#tryDoor(input, now);
      case 'stretch':
        return stretch(this.#line, input, now);
      case 'hurry':
        return this.#line.isRegistered ? this.#line.tell([this.#pulse.beat(now)], now) : [];
      case 'nudge':
        return this.#nudge(input.node, now);
      case 'leave':
        return this.#leave(now);
      case 'tick':
        return this.#tick(now);
    }
  }

  wake(): Instant | undefined {
    return [this.#entrance.wake(), this.#pulse.wake(), this.#renewAt()].reduce(earliest, this.#asking.wake());
  }

  // -- getting in

  #present(presence: Presence, now: Instant): ClientEffect[] {
    const { role, internal, proven = [], profile } = presence;
    const { streams, most } = this.#claim ?? presence;
    this.#presence = { role, streams, most, internal: internal.slice(0, 8), proven: proven.slice(0, 4), profile };
    if (this.#line.up !== undefined) return this.#askRegister(now);
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
          return [{ kind: 'send', socket: this.#options.socket, to: effect.to, bytes: effect.bytes }];
        case 'entered':
          return this.#entered(effect, now);
        case 'unreachable':
          return this.#say('unreachable');
      }
    });
  }

  #entered(entered: Extract<EntranceEffect, { kind: 'entered' }>, now: Instant): ClientEffect[] {
    const fullHandshakeAt = after(now, ms(FULL_HANDSHAKE * between(this.#options.random, 0.8, 1.2)));
    this.#line.open(entered, fullHandshakeAt);
    this.#pulse.rest();
    return this.#askRegister(now);
  }

  #askRegister(now: Instant): ClientEffect[] {
    return this.#presence === undefined ? [] : this.#asking.register(this.#presence, now);
  }

  #capacity(order: Extract<ClientInput, { kind: 'capacity' }>, now: Instant): ClientEffect[] {
    this.#claim = order;
    if (this.#presence !== undefined) {
      const { streams, most } = order;
      this.#presence = { ...this.#presence, streams, most };
    }
    if (this.#line.isRegistered) return this.#asking.capacity(order, now);
    return this.#line.up === undefined ? [] : this.#askRegister(now);
  }

  #registered(up: Up, answer: Registered, now: Instant): ClientEffect[] {
    const trip = this.#asking.answered(answer.request, now);
    if (trip !== undefined) this.#pulse.measured(trip);
    const isNew = up.registered === undefined;
    register(up, answer);
    const { observed, relays, carrier } = answer;
    const out: ClientEffect[] = [...this.#say('registered')];
    out.push({ kind: 'registered', isNew, observed, observers: up.observers, relays, carrier });
    if (!isNew) return out;
    // Shares are no part of what is registered.
    const claim = this.#claim === undefined || this.#claim.shares.length === 0 ? [] : this.#capacity(this.#claim, now);
    return [...out, ...this.#line.tell([this.#pulse.beat(now)], now), ...claim, ...this.#asking.renew(now)];
  }

  #leave(now: Instant): ClientEffect[] {
    const out: ClientEffect[] = this.#line.tell([{ kind: 'leave' }], now);
    this.#line.close();
    this.#presence = undefined;
    this.#entrance.stop();
    this.#pulse.rest();
    this.#asking.clear();
    return [...out, ...this.#say('idle')];
  }

  // -- staying in

  #tick(now: Instant): ClientEffect[] {
    const out = this.#carryOut(this.#entrance.tick(now), now);
    const beat = this.#pulse.due(now);
    if (beat === 'lost') out.push(...this.#lose(now));
    else if (beat !== undefined) out.push(...this.#line.tell([beat], now));
    const renewAt = this.#renewAt();
    if (renewAt !== undefined && now >= renewAt) out.push(...this.#carryOut(this.#entrance.renew(now), now));
    return [...out, ...this.#expire(now), ...this.#asking.due(now)];
  }

  #renewAt(): Instant | undefined {
    return this.#line.isRegistered && !this.#entrance.isTrying ? this.#line.up?.fullHandshakeAt : undefined;
  }

  #ponged(up: Up, pong: Pong, now: Instant): ClientEffect[] {
    const { observed } = pong;
    if (!this.#pulse.ponged(pong, now)) return [];
    return [{ kind: 'answered' }, ...(observe(up, observed) ? [{ kind: 'moved', observed } as const] : [])];
  }

  #expire(now: Instant): ClientEffect[] {
    return this.#asking.expired(now).flatMap((question): ClientEffect[] => {
      if (question.kind !== 'register') return this.#asking.unanswered(question);
      return this.#line.up === undefined ? [] : this.#lose(now);
    });
  }

  /** It answers no more: it may have been restarted, so a new session is needed. */
  #lose(now: Instant): ClientEffect[] {
    this.#line.close();
    this.#pulse.rest();
    return this.#enter(now);
  }

  // -- saying

  #relay(pairId: number, bytes: Uint8Array, now: Instant): ClientEffect[] {
    if (!this.#line.isRegistered || bytes.length > RELAY_LIMIT) return [];
    return this.#line.tell([{ kind: 'relay', pairId, bytes }], now, 0);
  }

  #tryDoor(order: Extract<ClientInput, { kind: 'try-door' }>, now: Instant): ClientEffect[] {
    if (!this.#line.isRegistered) return [];
    return tryDoor(this.#line, order, this.#pulse.beat(now), this.#options.random, now);
  }

  /** Thrice, since one that is lost on its four lines would cost a viewer a tenth of a second. */
  #nudge(node: NodeId, now: Instant): ClientEffect[] {
    if (!this.#line.isRegistered) return [];
    return Array.from({ length: NUDGES }, () => this.#line.tell([{ kind: 'nudge', node }], now)).flat();
  }

  // -- datagrams

  #datagram(socket: SocketId, bytes: Uint8Array, known: Header | undefined, now: Instant): ClientEffect[] {
    const header = known ?? decodeHeader(bytes, this.#own);
    const up = this.#line.up;
    if (up !== undefined && header?.kind === KIND.data && header.index === up.index) {
      const messages = inOrder(this.#line.hear(up, header, bytes, now));
      // Whatever follows the end of a session comes from nobody.
      return messages.flatMap((message) => (this.#line.up === up ? this.#message(up, socket, message, now) : []));
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
      case 'knocked':
        return [{ kind: 'knocked', socket, index: message.index, token: message.token }];
      case 'filtered':
        return [{ kind: 'filtered', socket, index: message.index }];
      case 'introduction':
        return this.#introduction(message, now);
      case 'channel-info':
      case 'line-ready':
      case 'line-report':
        return this.#asking.settle(message.request, now) ? [message] : [];
      case 'done':
        return this.#asking.done(message.request, now);
      case 'refused':
        return this.#asking.refused(message, now);
      case 'relayed':
        return [{ kind: 'relayed', pairId: message.pairId, bytes: message.bytes }];
      case 'challenge':
        return this.#line.tell([{ kind: 'response', token: message.token }], now);
      case 'nudged':
      case 'volley':
      case 'judged':
      case 'carry':
      case 'bridge':
        return [message];
    }
  }

  #introduction(message: Introduction, now: Instant): ClientEffect[] {
    const accept = this.#line.tell([{ kind: 'accept', pairId: message.pairId }], now);
    if (!this.#pairs.isNew(message.pairId)) return accept;
    if (message.request !== 0 && !this.#asking.introduced(message.request, now)) return accept;
    return [...accept, message];
  }

  #say(state: ClientState): ClientEffect[] {
    if (state === this.#state) return [];
    this.#state = state;
    return [{ kind: 'state', state, server: this.#entrance.address }];
  }
}

/** Where we are is proven first, since what the rest leads to may depend on it. What is relayed comes one by one, and often. */
function inOrder(messages: readonly Message[]): readonly Message[] {
  return messages.length < 2 ? messages : messages.toSorted((a, b) => Number(isChallenge(b)) - Number(isChallenge(a)));
}

function isChallenge({ kind }: Message): boolean {
  return kind === 'challenge';
}
