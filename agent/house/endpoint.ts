import type { Address } from '../base/address.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { SocketId } from '../base/net.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import { allowedTarget } from '../punch/target.ts';
import { type ClientEffect, type ClientInput, RendezvousClient, type ServerStatus } from '../rendezvous/client.ts';
import type { BlockCipher } from '../seal/cipher.ts';
import { decodeHeader, KIND } from '../seal/header.ts';
import type { Introduction } from '../wire/messages.ts';
import { Appearance, type AppearanceInput } from './appearance.ts';
import type { CarriagesCounters } from './carriages.ts';
import type { Doors } from './doors.ts';
import type { EndpointCounters, EndpointEffect, EndpointInput, EndpointOptions } from './orders.ts';
import { RELAY } from './path.ts';
import type { Peer } from './peer.ts';
import { Traffic, type TrafficOrder } from './traffic.ts';

export type { EndpointCounters, EndpointEffect, EndpointInput, EndpointOptions, PeerNews } from './orders.ts';

/** The socket that everything but probing and volleys goes through. */
const MAIN: SocketId = 0;

/** One program's place in the network: its main socket, its rendezvous, how it looks from outside, and its traffic with others. */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #header: BlockCipher;
  readonly #client: RendezvousClient;
  readonly #appearance: Appearance;
  readonly #traffic: Traffic;
  #sockets = MAIN;
  /** When client or appearance want to be woken, until one of them is given something: most datagrams are for others. */
  #asleep: Instant | undefined | 'unknown' = 'unknown';

  constructor(options: EndpointOptions) {
    const { cipher, random, identity, networkSecret, servers, suites, firstByte } = options;
    this.#options = options;
    const headerKey = cipher.random(16);
    this.#header = cipher.block(headerKey);
    const newSocket = (): SocketId => ++this.#sockets;
    const order = (what: TrafficOrder, now: Instant, out: EndpointEffect[]): void => {
      if (what.kind === 'doubt' || what.kind === 'stirred') this.#look(what, now, out);
      else this.#ask(what, now, out);
    };
    this.#traffic = new Traffic(options, { socket: MAIN, newSocket, header: this.#header, order });
    const newIndex = (): number => this.#traffic.neighbours.newIndex();
    const entry = { cipher, random, identity, networkSecret, servers, suites, firstByte, headerKey, newIndex };
    const room = (now: Instant): number => this.#traffic.room(this.#appearance.profile, now);
    this.#client = new RendezvousClient({ ...entry, socket: MAIN, room });
    this.#appearance = new Appearance(options, MAIN, newSocket);
  }

  /** Our NODE-ID. */
  get node(): Uint8Array {
    return this.#options.identity.publicKey;
  }

  get profile(): NatProfile {
    return this.#appearance.profile;
  }

  get ready(): boolean {
    return this.#appearance.ready;
  }

  /** Where the main socket is bound; undefined before that. */
  get local(): Address | undefined {
    return this.#appearance.local;
  }

  get counters(): EndpointCounters {
    return this.#traffic.counters;
  }

  /** What stands open to everybody, and what gateways have given. */
  get doors(): Doors {
    return this.#appearance.doors;
  }

  /** Datagrams that were not taken, by what was wrong with them; none was answered. */
  unanswered(): { readonly strangers: number; readonly strays: number; readonly refused: number } {
    const { strangers, strays } = this.#traffic.counters;
    return { strangers, strays, refused: this.#traffic.refused + this.#client.refused };
  }

  /** What was and is carried for others. */
  get carried(): CarriagesCounters {
    return this.#traffic.carried;
  }

  servers(): readonly ServerStatus[] {
    return this.#client.status();
  }

  peer(pairId: number): Peer | undefined {
    return this.#traffic.neighbours.ofPair(pairId);
  }

  get peers(): Iterable<Peer> {
    return this.#traffic.neighbours.all;
  }

  step(input: EndpointInput, now: Instant): readonly EndpointEffect[] {
    const out: EndpointEffect[] = [];
    switch (input.kind) {
      case 'start': {
        const { ip, port } = this.#options.local;
        out.push({ kind: 'open', socket: MAIN, ip, port });
        break;
      }
      case 'datagram':
        if (this.#appearance.doors.owns(input.socket)) this.#look(input, now, out);
        else this.#datagram(input.socket, input.from, input.bytes, now, out);
        break;
      case 'opened':
      case 'failed':
        this.#bound(input, now, out);
        break;
      case 'tell': {
        const { bytes, deadline, urgent } = input;
        this.#traffic.give(input.pairId, { kind: 'message', bytes, deadline, urgent }, now, out);
        break;
      }
      case 'drop':
        this.#traffic.give(input.pairId, { kind: 'close' }, now, out);
        break;
      case 'limit':
        this.#traffic.give(input.pairId, { kind: 'limit', rate: input.rate }, now, out);
        break;
      case 'introduction':
        this.#follow(input, now, out);
        break;
      case 'table':
        this.#traffic.neighbours.account.seeTable(input.used, input.most);
        break;
      case 'uplinks':
        this.#look(input, now, out);
        this.#ask({ kind: 'hurry' }, now, out);
        break;
      case 'http-answered':
      case 'http-failed':
        this.#look(input, now, out);
        break;
      case 'tick':
        if (isDue(this.#client.wake(), now)) this.#ask(input, now, out);
        if (isDue(this.#appearance.wake(), now)) this.#look(input, now, out);
        this.#traffic.tick(now, out);
        break;
      case 'carries':
        this.#traffic.driveLegs(input, now, out);
        break;
      case 'leave':
        this.#traffic.driveLegs(input, now, out);
        for (const { pairId } of [...this.peers]) this.#traffic.give(pairId, { kind: 'close' }, now, out);
        this.#ask(input, now, out);
        this.#look({ kind: 'stop' }, now, out);
        break;
      case 'introduce':
      case 'join':
      case 'ask-channel':
      case 'forget':
      case 'publish':
      case 'position':
      case 'complain':
      case 'audited':
      case 'forked':
      case 'leave-channel':
      case 'capacity':
        this.#ask(input, now, out);
        break;
    }
    return out;
  }

  wake(): Instant | undefined {
    if (this.#asleep === 'unknown') this.#asleep = earliest(this.#client.wake(), this.#appearance.wake());
    return earliest(this.#asleep, this.#traffic.wake());
  }

  /** A household's word leads to public addresses only: whatever it says, nothing of our own LAN is knocked at. */
  #follow(introduction: Introduction, now: Instant, out: EndpointEffect[]): void {
    const from = this.#appearance.standpoint;
    const ways = introduction.candidates.map((candidate) => allowedTarget(candidate, from.ground));
    if (ways.every((way) => way === 'direct' || way === 'ipv6')) this.#traffic.meet(introduction, from, now, out);
  }

  #bound(input: Extract<EndpointInput, { kind: 'opened' | 'failed' }>, now: Instant, out: EndpointEffect[]): void {
    if (input.socket !== MAIN) {
      const peer = this.#traffic.neighbours.ofSocket(input.socket);
      if (peer === undefined) this.#look(input, now, out);
      else this.#traffic.drive(peer, input, now, out);
      return;
    }
    if (input.kind === 'failed') out.push({ kind: 'unbound', reason: input.reason });
    else this.#look({ kind: 'bound', local: input.local }, now, out);
  }

  #datagram(socket: SocketId, from: Address, bytes: Uint8Array, now: Instant, out: EndpointEffect[]): void {
    const header = decodeHeader(bytes, this.#header);
    if (header?.kind === KIND.data && this.#traffic.data(socket, from, header, bytes, now, out)) return;
    if (this.#client.takes(header, from)) this.#ask({ kind: 'datagram', socket, from, bytes, header }, now, out);
    else this.#traffic.handshake(header, bytes, { kind: 'direct', socket, address: from }, now, out);
  }

  #look(input: AppearanceInput, now: Instant, out: EndpointEffect[]): void {
    this.#asleep = 'unknown';
    for (const effect of this.#appearance.step(input, now)) {
      switch (effect.kind) {
        case 'open':
        case 'close':
        case 'send':
        case 'ready':
        case 'http':
        case 'keep':
        case 'event':
        case 'left':
          out.push(effect);
          break;
        case 'try-door':
        case 'register':
        case 'probe':
        case 'filter-test':
          this.#ask(effect, now, out);
          break;
      }
    }
  }

  /** Of the rendezvous, or its word on something. */
  #ask(input: ClientInput, now: Instant, out: EndpointEffect[]): void {
    this.#asleep = 'unknown';
    for (const effect of this.#client.step(input, now)) this.#actOnClient(effect, now, out);
  }

  #actOnClient(effect: ClientEffect, now: Instant, out: EndpointEffect[]): void {
    switch (effect.kind) {
      case 'send':
      case 'state':
      case 'refused':
      case 'channel-info':
      case 'published':
      case 'publish-refused':
        out.push(effect);
        break;
      case 'registered':
        this.#look(effect, now, out);
        break;
      case 'moved':
        out.push(effect);
        this.#look(effect, now, out);
        break;
      case 'answered':
      case 'observed':
      case 'filtered':
      case 'knocked':
        this.#look(effect, now, out);
        break;
      case 'introduction':
        this.#traffic.meet(effect, this.#appearance.standpoint, now, out);
        break;
      case 'relayed':
        this.#traffic.brought(effect.pairId, effect.bytes, RELAY, now, out);
        break;
      case 'carry':
        this.#traffic.driveLegs({ kind: 'carry', order: effect, place: this.#appearance.place }, now, out);
        break;
      case 'bridge':
        if (this.peer(effect.pairId) !== undefined)
          this.#traffic.driveLegs({ kind: 'offer', offer: effect, place: this.#appearance.place }, now, out);
        break;
      case 'volley':
      case 'judged':
        this.#traffic.give(effect.pairId, effect, now, out);
        break;
      case 'nudged':
        this.#traffic.nudged(effect, now, out);
        break;
      // Answers to a doctor's questions, which nobody asks here.
      case 'line-ready':
      case 'line-report':
        break;
    }
  }
}
