import { type Address, sameAddress } from '../base/address.ts';
import { sameBytes } from '../base/bytes.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { at, earliest, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import type { Cipher, KeyPair, Suite } from '../seal/cipher.ts';
import { decodeHeader, type FirstByte, KIND } from '../seal/header.ts';
import type { TicketKey } from '../seal/tickets.ts';
import { Welcome } from '../seal/welcome.ts';
import { base32 } from '../base/text32.ts';
import { decode } from '../wire/codec.ts';
import type {
  FilterTest,
  FromClient,
  FromRendezvous,
  Introduce,
  Join,
  Message,
  NodeId,
  Position,
  Probe,
  Publish,
  RefusedReason,
  Register,
  Relay,
} from '../wire/messages.ts';
import { spend } from './allowance.ts';
import type { Edge } from './channels.ts';
import { type Client, Directory, isAt, keyOf, moved, NUDGING } from './directory.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Matchmaker, type No, type Verdict } from './matchmaker.ts';
import type { Pair } from './pairs.ts';
import { Proofs } from './proofs.ts';
import { Voice } from './voice.ts';

export interface RendezvousOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  readonly networkSecret: Uint8Array;
  readonly suites: readonly Suite[];
  /** The first is the one clients are given, the others observe; up to 8. Port 0 is chosen by the system. */
  readonly listen: readonly Address[];
  readonly now: Instant;
  /** What ticketKeys() gave before the last stop. */
  readonly ticketKeys?: readonly TicketKey[];
  readonly limits?: Partial<Limits>;
  readonly firstByte?: FirstByte;
}

/** Something worth a line in the log. Nodes are named by the first 8 characters of their NODE-ID; no addresses. */
export interface RendezvousEvent {
  readonly kind: 'event';
  readonly name:
    | 'ready'
    | 'failed'
    | 'registered'
    | 'introduced'
    | 'refused'
    | 'unheard'
    | 'reported'
    | 'published'
    | 'moved'
    | 'left'
    | 'expired';
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export type RendezvousEffect = NetEffect | RendezvousEvent;

export interface RendezvousCounters {
  readonly present: number;
  readonly known: number;
  readonly pairs: number;
  readonly channels: number;
  readonly pending: number;
  readonly heard: number;
  readonly sent: number;
  readonly introductions: number;
  readonly relayedBytes: number;
  /** Datagrams and questions that were not served, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** As many as `registered` carries. */
const MOST_OBSERVERS = 8;
/** An address moves at most this often (docs/security.md, rule 9). */
const MOVE_INTERVAL: Millis = seconds(1);
/** Beats slow down in this many equal steps from the pairing to the rest interval, one per minute. */
const REST_STEPS = 3;

/**
 * The negotiation server: observes addresses, introduces households, places them in the tree, relays where nothing else
 * goes. It keeps nothing for a stranger, answers nothing that does not open, and to an address that is not proven it
 * sends no more than it got.
 */
export class Rendezvous implements Machine<NetInput, RendezvousEffect> {
  readonly #options: RendezvousOptions;
  /** One object for all parts, so that a changed limit reaches them. */
  readonly #limits: { -readonly [Name in keyof Limits]: Limits[Name] };
  readonly #welcome: Welcome;
  readonly #proofs: Proofs;
  readonly #voice: Voice;
  readonly #directory: Directory;
  readonly #matchmaker: Matchmaker;
  readonly #locals: (Address | undefined)[];
  readonly #refused = new Map<string, number>();
  #started = false;
  #heard = 0;
  #introductions = 0;
  #relayedBytes = 0;

  constructor(options: RendezvousOptions) {
    const { cipher, random, identity, networkSecret, suites, now, ticketKeys = [], firstByte = 'any' } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#proofs = new Proofs(cipher);
    this.#voice = new Voice(random, (reason) => void this.#refuse(reason));
    this.#directory = new Directory(cipher, this.#limits);
    this.#matchmaker = new Matchmaker(this.#directory, this.#limits, cipher, random);
    const taken = (index: number): boolean => this.#directory.has(index);
    const door = { cipher, random, identity, networkSecret, suites, now, ticketKeys, taken, firstByte };
    this.#welcome = new Welcome(door);
    this.#locals = options.listen.map(() => undefined);
  }

  step(input: NetInput, now: Instant): readonly RendezvousEffect[] {
    switch (input.kind) {
      case 'datagram':
        return this.#datagram(input.socket, input.from, input.bytes, now);
      case 'opened':
        this.#locals[input.socket] = input.local;
        return this.#locals.includes(undefined) ? [] : [this.#ready()];
      case 'failed':
        return [{ kind: 'event', name: 'failed', fields: { listen: input.socket, reason: input.reason } }];
      case 'tick':
        return this.#started ? this.#tick(now) : this.#start();
    }
  }

  /** The first tick opens the sockets. */
  wake(): Instant | undefined {
    if (!this.#started) return at(0);
    return earliest(this.#directory.wake(), this.#matchmaker.pairs.wake());
  }

  /** The key that clients must know, as KEY. */
  get key(): string {
    return base32(this.#options.identity.publicKey);
  }

  /** To be kept for the next start, as secret as the identity: clients come back by ticket, without a Diffie-Hellman. */
  ticketKeys(now: Instant): readonly TicketKey[] {
    return this.#welcome.ticketKeys(now);
  }

  /** From now on each client may have this relayed; 0 ends relaying, also for pairs that use it. */
  limitRelaying(kbits: number): void {
    this.#limits.relayKbits = kbits;
    this.#directory.limitRelaying(kbits);
  }

  counters(): RendezvousCounters {
    const refused: Record<string, number> = { ...this.#welcome.refused };
    for (const [reason, count] of this.#refused) refused[reason] = (refused[reason] ?? 0) + count;
    return {
      present: this.#directory.present,
      known: this.#directory.known,
      pairs: this.#matchmaker.pairs.size,
      channels: this.#matchmaker.channels.size,
      pending: this.#welcome.pending,
      heard: this.#heard,
      sent: this.#voice.sent,
      introductions: this.#introductions,
      relayedBytes: this.#relayedBytes,
      refused,
    };
  }

  /** Who feeds whom in a channel, as far as it is known here. */
  tree(channel: Uint8Array): readonly Edge[] {
    return this.#matchmaker.channels.edges(keyOf(channel));
  }

  #start(): RendezvousEffect[] {
    this.#started = true;
    return this.#options.listen.map(({ ip, port }, socket) => ({ kind: 'open', socket, ip, port }));
  }

  #ready(): RendezvousEvent {
    const [first = { ip: '', port: 0 }] = this.#locals;
    const observers = this.#locals.length - 1;
    return { kind: 'event', name: 'ready', fields: { ip: first.ip, port: first.port, key: this.key, observers } };
  }

  #tick(now: Instant): RendezvousEffect[] {
    const effects: RendezvousEffect[] = [];
    for (const client of this.#directory.expire(now)) {
      this.#matchmaker.leaveAll(client);
      effects.push(event('expired', { node: short(client) }));
    }
    for (const { kind, pair } of this.#matchmaker.due(now)) {
      if (kind === 'again') effects.push(...this.#introduceTo(pair.target, pair, now));
      if (kind === 'unheard') effects.push(...this.#unheard(pair, now));
    }
    return effects;
  }

  // -- datagrams

  #datagram(socket: SocketId, from: Address, bytes: Uint8Array, now: Instant): RendezvousEffect[] {
    this.#heard++;
    const header = decodeHeader(bytes, this.#welcome.header);
    if (header === undefined) return this.#refuse('stranger');
    const client = header.kind === KIND.data ? this.#directory.byIndex(header.index) : undefined;
    if (client !== undefined) {
      const opened = client.session.open(header, bytes, now);
      if (typeof opened === 'string') return this.#refuse(opened);
      return this.#body(client, { socket, from, length: bytes.length, ...opened }, now);
    }
    const welcomed = this.#welcome.receive(header, bytes, from, now);
    switch (welcomed.kind) {
      case 'refused':
        return [];
      case 'reply':
        return [this.#voice.send(socket, from, welcomed.bytes)];
      case 'entered':
        return this.#entered(welcomed, { socket, from, length: bytes.length, ...welcomed }, now);
    }
  }

  #entered(
    entrant: Extract<ReturnType<Welcome['receive']>, { kind: 'entered' }>,
    came: Came,
    now: Instant,
  ): RendezvousEffect[] {
    const { index, session, client: node, theirHeaderKey: headerKey } = entrant;
    const present = this.#directory.byNode(keyOf(node));
    if (present === undefined && this.#directory.isFull()) return this.#refuse('full');
    const arrival = { index, session, node, headerKey, address: came.from, socket: came.socket };
    const { client, before } = this.#directory.enter(arrival, now);
    // A header key lives as long as a process: a new one means that the household remembers none of its places.
    if (before !== undefined && !sameBytes(before.headerKey, client.headerKey)) this.#matchmaker.leaveAll(client);
    return this.#body(client, came, now);
  }

  #body(client: Client, came: Came, now: Instant): RendezvousEffect[] {
    const messages = decode(came.body);
    if (typeof messages === 'string') return this.#refuse(messages);
    client.heardAt = now;
    const effects: RendezvousEffect[] = [];
    if (messages.some(tellsPlace)) effects.push(...this.#follow(client, came, now));
    const answers: FromRendezvous[] = [];
    for (const message of messages) {
      if (isFromClient(message)) effects.push(...this.#message(client, message, came, answers, now));
      else this.#refuse('unexpected');
      // Whatever follows comes from nobody.
      if (message.kind === 'leave') return effects;
    }
    if (client.path.kind === 'moved' && messages.some(tellsPlace)) {
      answers.push({ kind: 'challenge', token: client.path.token });
    }
    effects.push(...this.#voice.tell(client, answers, now));
    return effects;
  }

  /** Lets the address follow the client, and counts what it sends from an address not proven yet. */
  #follow(client: Client, came: Came, now: Instant): RendezvousEffect[] {
    const effects: RendezvousEffect[] = [];
    const mayMove = client.movedAt === undefined || since(client.movedAt, now) >= MOVE_INTERVAL;
    if (came.fresh && !isAt(client, came.from, came.socket) && mayMove) {
      if (!sameAddress(client.address, came.from)) {
        client.path = moved(this.#options.cipher);
        effects.push(event('moved', { node: short(client) }));
      }
      client.address = came.from;
      client.socket = came.socket;
      client.movedAt = now;
    }
    if (client.path.kind === 'moved' && isAt(client, came.from, came.socket)) client.path.received += came.length;
    return effects;
  }

  #message(
    client: Client,
    message: FromClient,
    came: Came,
    answers: FromRendezvous[],
    now: Instant,
  ): RendezvousEffect[] {
    switch (message.kind) {
      case 'register':
        return this.#register(client, message, answers, now);
      case 'beat':
        client.rtt = message.rtt ?? client.rtt;
        client.interval = this.#interval(client, now);
        answers.push({ kind: 'pong', stamp: message.stamp, observed: client.address, interval: client.interval });
        return [];
      case 'probe':
        return this.#probe(client, message, came, now);
      case 'filter-test':
        return this.#filterTest(client, message, came, now);
      case 'introduce':
        return this.#verdict(client, message, this.#matchmaker.introduce(client, message, now), answers, now);
      case 'join':
        return this.#verdict(client, message, this.#matchmaker.join(client, message, now), answers, now);
      case 'publish':
        return this.#publish(client, message, answers, now);
      case 'ask-channel':
        return this.#askChannel(message, answers);
      case 'accept':
        return this.#accept(client, message.pairId);
      case 'relay':
        return this.#relay(client, message, now);
      case 'report': {
        const mine = this.#matchmaker.report(client, message.pairId, message.outcome);
        answers.push({ kind: 'done', request: message.request });
        return mine ? [event('reported', { node: short(client), ...outcomeFields(message.outcome) })] : [];
      }
      case 'capacity':
        if (client.facts !== undefined) client.facts = { ...client.facts, children: message.children };
        for (const channel of client.channels) {
          this.#matchmaker.channels.resize(channel, client.nodeKey, message.children);
        }
        answers.push({ kind: 'done', request: message.request });
        return [];
      case 'position':
        return this.#position(client, message, answers);
      case 'leave-channel':
        this.#matchmaker.channels.leave(keyOf(message.channel), client.nodeKey);
        client.channels.delete(keyOf(message.channel));
        answers.push({ kind: 'done', request: message.request });
        return [];
      case 'leave':
        this.#matchmaker.leaveAll(client);
        this.#directory.remove(client, now);
        return [event('left', { node: short(client) })];
      case 'response':
        if (client.path.kind === 'valid') return [];
        if (!isAt(client, came.from, came.socket) || !sameBytes(client.path.token, message.token)) {
          return this.#refuse('response');
        }
        client.path = { kind: 'valid' };
        return [];
      case 'nudge':
        return this.#nudge(client, message.node, came, now);
    }
  }

  #register(client: Client, message: Register, answers: FromRendezvous[], now: Instant): RendezvousEffect[] {
    const { role, children, internal, profile } = message;
    const before = client.facts?.proven ?? [];
    const proven = message.proven
      .filter(
        ({ address, token }) =>
          before.some((known) => sameAddress(known, address)) || this.#proofs.wasAt(client.index, address, token, now),
      )
      .map(({ address }) => address);
    const isNew = client.facts === undefined;
    client.facts = { role, children, internal, proven, profile };
    client.interval = this.#interval(client, now);
    for (const channel of client.channels) this.#matchmaker.channels.resize(channel, client.nodeKey, children);
    answers.push({
      kind: 'registered',
      request: message.request,
      observed: client.address,
      interval: client.interval,
      nonce: this.#proofs.nonce(client.index, client.node),
      relays: this.#limits.relayKbits > 0,
      observers: this.#locals.filter((local) => local !== undefined).slice(0, MOST_OBSERVERS),
    });
    return isNew ? [event('registered', { node: short(client), role, nat: profile.kind })] : [];
  }

  /** Slower step by step once nothing is being paired: 60,000 households at rest are 3,000 beats a second. */
  #interval(client: Client, now: Instant): Millis {
    const { pairingInterval, restInterval, pairingFor } = this.#limits;
    const calm = since(client.pairingUntil, now);
    if (calm <= 0) return pairingInterval;
    const step = Math.min(REST_STEPS, 1 + Math.floor(calm / pairingFor));
    return ms(pairingInterval + ((restInterval - pairingInterval) * step) / REST_STEPS);
  }

  // -- observing

  /** Answers to wherever the probe came from, never with more than came. */
  #probe(client: Client, { id, index }: Probe, came: Came, now: Instant): RendezvousEffect[] {
    const token = this.#proofs.addressToken(client.index, came.from, now);
    const arrival = Math.floor(now) % 2 ** 32;
    const seen = { id, index, observer: came.socket, arrival, address: came.from, token };
    return this.#voice.echo(client, { kind: 'observed', ...seen }, came.socket, came, now);
  }

  #filterTest(
    client: Client,
    { id, index, observer, token }: FilterTest,
    came: Came,
    now: Instant,
  ): RendezvousEffect[] {
    if (!this.#proofs.wasAt(client.index, came.from, token, now)) return this.#refuse('unproven');
    if (this.#locals[observer] === undefined) return this.#refuse('no-observer');
    return this.#voice.echo(client, { kind: 'filtered', id, index, observer }, observer, came, now);
  }

  // -- bringing together

  #verdict(
    client: Client,
    { request }: Introduce | Join,
    verdict: Verdict,
    answers: FromRendezvous[],
    now: Instant,
  ): RendezvousEffect[] {
    if (verdict.kind !== 'introduced') {
      this.#answerNo(request, verdict, answers);
      return verdict.kind === 'refused' ? [event('refused', { node: short(client), reason: verdict.reason })] : [];
    }
    const { pair, again } = verdict;
    const told = this.#matchmaker.introduction(pair, client, now);
    if (told === undefined) {
      return this.#answerNo(request, { kind: 'refused', reason: 'peer-offline', retryIn: ms(0) }, answers);
    }
    answers.push(told);
    if (again) return [];
    this.#introductions++;
    const peer = base32(told.peer).slice(0, 8);
    const introduced = event('introduced', { node: short(client), peer, purpose: pair.purpose });
    return [introduced, ...this.#introduceTo(pair.target, pair, now)];
  }

  #introduceTo(nodeKey: string, pair: Pair, now: Instant): RendezvousEffect[] {
    const client = this.#directory.byNode(nodeKey);
    const told = client && this.#matchmaker.introduction(pair, client, now);
    return client === undefined || told === undefined ? [] : this.#voice.tell(client, [told], now);
  }

  /** The target never said that it heard: the asker need not knock on. */
  #unheard(pair: Pair, now: Instant): RendezvousEffect[] {
    const asker = this.#directory.byNode(pair.asker);
    if (asker === undefined || pair.outcome !== undefined) return [];
    const reason: RefusedReason = 'peer-offline';
    const told = this.#voice.tell(asker, [{ kind: 'refused', request: pair.request, reason, retryIn: ms(0) }], now);
    return [event('unheard', { node: short(asker) }), ...told];
  }

  #accept(client: Client, pairId: number): RendezvousEffect[] {
    const pair = this.#matchmaker.pairs.get(pairId);
    if (pair?.target === client.nodeKey) pair.accepted = true;
    else if (pair?.asker !== client.nodeKey) return this.#refuse('no-pair');
    return [];
  }

  /** Only between two who were introduced and took it, and within what the sender may. */
  #relay(client: Client, { pairId, bytes }: Relay, now: Instant): RendezvousEffect[] {
    const pair = this.#matchmaker.pairs.get(pairId);
    if (pair === undefined || (pair.asker !== client.nodeKey && pair.target !== client.nodeKey)) {
      return this.#refuse('no-pair');
    }
    if (!pair.relayAllowed || this.#limits.relayKbits === 0 || !pair.accepted) return this.#refuse('relay-not-allowed');
    const other = this.#directory.byNode(pair.asker === client.nodeKey ? pair.target : pair.asker);
    if (other === undefined) return this.#refuse('peer-offline');
    if (spend(client.relaying, this.#directory.relaying, bytes.length, now) !== 'spent') {
      return this.#refuse('relay-rate');
    }
    this.#matchmaker.pairs.keep(pair, now);
    this.#relayedBytes += bytes.length;
    return this.#voice.tell(other, [{ kind: 'relayed', pairId, bytes }], now);
  }

  /**
   * A NAT gave one of two neighbours another port, and the other's NAT lets nothing in from there: only we can tell. It
   * says no more of a household than that household asked for, and whoever does not know it ignores it.
   */
  #nudge(client: Client, node: NodeId, came: Came, now: Instant): RendezvousEffect[] {
    if (spend(client.nudging, NUDGING, 1, now) !== 'spent') return this.#refuse('quota');
    const other = this.#directory.byNode(keyOf(node));
    if (other === undefined) return this.#refuse('peer-offline');
    return this.#voice.tell(other, [{ kind: 'nudged', node: client.node, address: came.from }], now);
  }

  // -- channels

  #publish(client: Client, message: Publish, answers: FromRendezvous[], now: Instant): RendezvousEffect[] {
    const { request, channel, name } = message;
    const verdict = this.#matchmaker.publish(client, message, this.#proofs.nonce(client.index, client.node), now);
    if (verdict.kind !== 'done') return this.#answerNo(request, verdict, answers);
    answers.push({ kind: 'done', request });
    return [event('published', { node: short(client), channel: base32(channel).slice(0, 8), name })];
  }

  #askChannel(message: { request: number; channel: Uint8Array }, answers: FromRendezvous[]): RendezvousEffect[] {
    const { request } = message;
    const found = this.#matchmaker.channels.get(keyOf(message.channel));
    if (found === undefined) {
      return this.#answerNo(request, { kind: 'refused', reason: 'channel-unknown', retryIn: ms(0) }, answers);
    }
    const { id: channel, epoch, name } = found.facts;
    answers.push({ kind: 'channel-info', request, channel, epoch, name, origin: found.origin });
    return [];
  }

  #position(client: Client, message: Position, answers: FromRendezvous[]): RendezvousEffect[] {
    const { request } = message;
    const verdict = this.#matchmaker.position(client, message);
    if (verdict.kind !== 'done') return this.#answerNo(request, verdict, answers);
    answers.push({ kind: 'done', request });
    return [];
  }

  #answerNo(request: number, no: No, answers: FromRendezvous[]): [] {
    if (no.kind === 'unproven') return this.#refuse('unproven');
    const { reason, retryIn } = no;
    answers.push({ kind: 'refused', request, reason, retryIn });
    return this.#refuse(reason);
  }

  #refuse(reason: string): [] {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    return [];
  }
}

/** How one opened datagram came. */
interface Came {
  readonly socket: SocketId;
  readonly from: Address;
  readonly length: number;
  readonly body: Uint8Array;
  readonly fresh: boolean;
}

/** Probes leave from other sockets on purpose; everything else tells where the client is. */
function tellsPlace(message: Message): boolean {
  return message.kind !== 'probe' && message.kind !== 'filter-test';
}

const FROM_CLIENT: ReadonlySet<Message['kind']> = new Set<FromClient['kind']>([
  'register',
  'beat',
  'probe',
  'filter-test',
  'introduce',
  'join',
  'publish',
  'ask-channel',
  'accept',
  'relay',
  'report',
  'capacity',
  'position',
  'leave-channel',
  'leave',
  'response',
  'nudge',
]);

function isFromClient(message: Message): message is FromClient {
  return FROM_CLIENT.has(message.kind);
}

function event(name: RendezvousEvent['name'], fields: RendezvousEvent['fields']): RendezvousEvent {
  return { kind: 'event', name, fields };
}

function short(client: Client): string {
  return base32(client.node).slice(0, 8);
}

function outcomeFields(outcome: { kind: string; method?: string; reason?: string }): Record<string, string> {
  return { outcome: outcome.kind, how: outcome.method ?? outcome.reason ?? '' };
}
