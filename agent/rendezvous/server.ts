import type { Address } from '../base/address.ts';
import { sameBytes } from '../base/bytes.ts';
import type { Machine } from '../base/machine.ts';
import type { NetInput, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { at, earliest, type Instant } from '../base/time.ts';
import type { Cipher, KeyPair, Suite } from '../seal/cipher.ts';
import { decodeHeader, type FirstByte, KIND } from '../seal/header.ts';
import type { TicketKey } from '../seal/tickets.ts';
import { Welcome } from '../seal/welcome.ts';
import { base32 } from '../base/text32.ts';
import { decode } from '../wire/codec.ts';
import type { FromClient, FromRendezvous } from '../wire/messages.ts';
import { Bridging, type BridgingCounters } from './bridging.ts';
import type { Edge } from './channels.ts';
import { Conducting, type ConductingCounters } from './conducting.ts';
import { type Client, Directory, keyOf } from './directory.ts';
import { isFromClient } from './direction.ts';
import { event, type RendezvousEffect, type RendezvousEvent, short } from './events.ts';
import type { Came } from './floor.ts';
import { Introducing } from './introducing.ts';
import { type LineSide, LineTests } from './linetest.ts';
import { Hearsay } from './knowledge/hearsay.ts';
import type { Knowledge } from './knowledge/knowledge.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Matchmaker } from './matchmaker.ts';
import { Observing } from './observing.ts';
import { Placing } from './placing.ts';
import { Proofs } from './proofs.ts';
import { Registering } from './registering.ts';
import { Relaying } from './relaying.ts';
import { Voice } from './voice.ts';
import { tellsPlace, Whereabouts } from './whereabouts.ts';

export type { RendezvousEffect, RendezvousEvent } from './events.ts';

export interface RendezvousOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  readonly networkSecret: Uint8Array;
  readonly suites: readonly Suite[];
  /** The first is the one clients are given, the others observe; up to 24. Port 0 is chosen by the system. */
  readonly listen: readonly Address[];
  readonly now: Instant;
  /** What ticketKeys() gave before the last stop. */
  readonly ticketKeys?: readonly TicketKey[];
  readonly limits?: Partial<Limits>;
  readonly firstByte?: FirstByte;
  /** What the fleet has found out about carriers; without it nothing is learned. */
  readonly knowledge?: Knowledge;
  /** Where connections are taken for line tests; nowhere without it. */
  readonly lineSide?: () => LineSide;
}

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
  /** Connections that nobody had asked for. */
  readonly strangeLines: number;
  readonly conducting: ConductingCounters;
  readonly bridging: BridgingCounters;
  /** Datagrams and questions that were not served, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * The negotiation server: observes addresses, introduces households, places them in the tree, relays where nothing else
 * goes. It keeps nothing for a stranger, answers nothing that does not open, and to an address that is not proven it
 * sends no more than it got.
 */
export class Rendezvous implements Machine<NetInput, RendezvousEffect> {
  readonly #options: RendezvousOptions;
  /** Who may connect for a line test. */
  readonly lines: LineTests;
  /** One object for all parts, so that a changed limit reaches them. */
  readonly #limits: { -readonly [Name in keyof Limits]: Limits[Name] };
  readonly #welcome: Welcome;
  readonly #proofs: Proofs;
  readonly #voice: Voice;
  readonly #directory: Directory;
  readonly #matchmaker: Matchmaker;
  readonly #conducting: Conducting;
  readonly #bridging: Bridging;
  readonly #whereabouts: Whereabouts;
  readonly #registering: Registering;
  readonly #observing: Observing;
  readonly #introducing: Introducing;
  readonly #relaying: Relaying;
  readonly #placing: Placing;
  readonly #hearsay: Hearsay;
  readonly #locals: (Address | undefined)[];
  readonly #refused = new Map<string, number>();
  #started = false;
  #heard = 0;

  constructor(options: RendezvousOptions) {
    const { cipher, random, identity, networkSecret, suites, now, ticketKeys = [], firstByte = 'any' } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#locals = options.listen.map(() => undefined);
    this.lines = new LineTests(options.lineSide ?? (() => ({ port: 0, clock: 0 })));
    this.#proofs = new Proofs(cipher);
    this.#voice = new Voice(random, (reason) => void this.#refuse(reason));
    this.#directory = new Directory(cipher, this.#limits);
    this.#matchmaker = new Matchmaker(this.#directory, this.#limits, cipher, random);
    this.#hearsay = new Hearsay(options.knowledge);
    this.#conducting = new Conducting(
      this.#directory,
      this.#matchmaker.pairs,
      random,
      () => this.#locals,
      this.#hearsay,
    );
    const taken = (index: number): boolean => this.#directory.has(index);
    const refuse = (reason: string): [] => this.#refuse(reason);
    const shared = { proofs: this.#proofs, voice: this.#voice, limits: this.#limits, locals: this.#locals, refuse };
    const floor = { directory: this.#directory, matchmaker: this.#matchmaker, ...shared };
    this.#whereabouts = new Whereabouts(cipher, refuse);
    this.#observing = new Observing(floor, this.#conducting);
    this.#bridging = new Bridging(floor, cipher, random);
    this.#registering = new Registering(floor, this.#bridging, this.#hearsay);
    this.#introducing = new Introducing(floor, this.#conducting, this.#bridging, this.#hearsay);
    this.#relaying = new Relaying(floor, this.#bridging);
    this.#placing = new Placing(floor);
    const door = { cipher, random, identity, networkSecret, suites, now, ticketKeys, taken, firstByte };
    this.#welcome = new Welcome(door);
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
    return earliest(this.#directory.wake(), this.#introducing.wake());
  }

  /** Where clients find it; undefined until that socket is open. */
  get local(): Address | undefined {
    return this.#locals[0];
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
      introductions: this.#introducing.count,
      relayedBytes: this.#relaying.bytes,
      strangeLines: this.lines.refused,
      conducting: this.#conducting.counters(),
      bridging: this.#bridging.counters(),
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
      this.#matchmaker.leaveAll(client, now);
      effects.push(event('expired', { node: short(client) }));
    }
    effects.push(...this.#introducing.tick(now));
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
    if (before !== undefined && !sameBytes(before.headerKey, client.headerKey)) this.#matchmaker.leaveAll(client, now);
    return this.#body(client, came, now);
  }

  #body(client: Client, came: Came, now: Instant): RendezvousEffect[] {
    const messages = decode(came.body);
    if (typeof messages === 'string') return this.#refuse(messages);
    client.heardAt = now;
    const effects: RendezvousEffect[] = [];
    const isPlaced = messages.some(tellsPlace);
    if (isPlaced) effects.push(...this.#whereabouts.follow(client, came, now));
    const answers: FromRendezvous[] = [];
    for (const message of messages) {
      if (isFromClient(message)) effects.push(...this.#message(client, message, came, answers, now));
      else this.#refuse('unexpected');
      // Whatever follows comes from nobody.
      if (message.kind === 'leave') return effects;
    }
    if (client.path.kind === 'moved' && isPlaced) answers.push({ kind: 'challenge', token: client.path.token });
    effects.push(...this.#voice.tell(client, answers, now));
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
        return this.#registering.register(client, message, answers, now);
      case 'beat':
        return this.#registering.beat(client, message, answers, now);
      case 'probe':
        return this.#observing.probe(client, message, came, now);
      case 'filter-test':
        return this.#observing.filterTest(client, message, came, now);
      case 'try-door':
        return this.#observing.tryDoor(client, message, came, now);
      case 'stretch':
        return this.#observing.probe(client, { ...message, kind: 'probe', volley: undefined }, came, now);
      case 'line-test':
        return this.lines.test(client, message, answers, now);
      case 'line-ask':
        return this.lines.ask(client, message, answers);
      case 'introduce':
        return this.#introducing.verdict(
          client,
          message,
          this.#matchmaker.introduce(client, message, now),
          answers,
          now,
        );
      case 'join':
        return this.#introducing.verdict(client, message, this.#matchmaker.join(client, message, now), answers, now);
      case 'publish':
        return this.#placing.publish(client, message, answers, now);
      case 'ask-channel':
        return this.#placing.askChannel(message, answers);
      case 'accept':
        return this.#introducing.accept(client, message.pairId, now);
      case 'relay':
        return this.#relaying.relay(client, message, now);
      case 'report':
        return this.#introducing.report(client, message, answers, now);
      case 'capacity':
        return this.#placing.capacity(client, message, answers, now);
      case 'position':
        return this.#placing.position(client, message, answers, now);
      case 'complain':
        return this.#placing.complain(client, message, answers, now);
      case 'audited':
        return this.#placing.audited(client, message, answers, now);
      case 'forked':
        return this.#placing.forked(client, message, answers, now);
      case 'leave-channel':
        return this.#placing.leave(client, message, answers, now);
      case 'leave':
        this.#matchmaker.leaveAll(client, now);
        this.#directory.remove(client, now);
        return [event('left', { node: short(client) })];
      case 'response':
        return this.#whereabouts.response(client, message, came);
      case 'nudge':
        return this.#relaying.nudge(client, message.node, came, now);
      case 'fired':
        return this.#introducing.fired(client, message, now);
      case 'carrying':
        return this.#introducing.carrying(client, message, now);
      case 'bridged':
        return this.#introducing.bridged(client, message, now);
    }
  }

  #refuse(reason: string): [] {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    return [];
  }
}
