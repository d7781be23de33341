import { sameBytes } from '../base/bytes.ts';
import type { Address } from '../base/address.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { SocketId } from '../base/net.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import type { ClientEffect, ClientInput } from '../rendezvous/client.ts';
import type { BlockCipher } from '../seal/cipher.ts';
import { decodeHeader, type Header, KIND } from '../seal/header.ts';
import type { Introduction } from '../wire/messages.ts';
import type { CarriagesCounters } from './carriages.ts';
import { Legs, type LegsEffect, type LegsInput } from './legs.ts';
import { Neighbours, type Standpoint } from './neighbours.ts';
import type { EndpointCounters, EndpointEffect, EndpointOptions, PeerEffect, PeerInput, PeerNews } from './orders.ts';
import { BRIDGE, type Way } from './path.ts';
import type { Peer } from './peer.ts';

export type TrafficOrder =
  /** To be asked of the rendezvous, or told. */
  | Extract<ClientInput, { kind: 'relay' | 'nudge' | 'report' | 'probe' | 'fired' | 'carrying' | 'bridged' }>
  /** A punch failed: what is known of our NAT may be out of date. */
  | { readonly kind: 'doubt' }
  /** Our main socket has written to an observer. */
  | { readonly kind: 'stirred' };

export interface TrafficOptions {
  /** The socket that everything but volleys goes through. */
  readonly socket: SocketId;
  /** A number for one more socket. */
  readonly newSocket: () => SocketId;
  /** Reads the headers of what is for us. */
  readonly header: BlockCipher;
  /**
   * Does what is wanted beyond the neighbours, at once: what is sent for it keeps its place among the datagrams, and
   * none of those has to be handed on in a list of its own.
   */
  readonly order: (order: TrafficOrder, now: Instant, out: EndpointEffect[]) => void;
}

/**
 * What goes between this household and others: each datagram finds the neighbour or the leg that it is for, and what these
 * two say in answer is done, by each other where that is theirs to do. All effects are added to `out`.
 */
export class Traffic {
  readonly counters: EndpointCounters = { strangers: 0, strays: 0, refused: 0, failures: {} };
  readonly neighbours: Neighbours;
  readonly #options: TrafficOptions;
  readonly #legs: Legs;
  /** When the legs want to be woken, until they are given something: most datagrams are for peers. */
  #asleep: Instant | undefined | 'unknown' = 'unknown';

  constructor(household: EndpointOptions, options: TrafficOptions) {
    this.#options = options;
    this.#legs = new Legs(household, (index) => this.neighbours.ofIndex(index) !== undefined);
    this.neighbours = new Neighbours(household, options.newSocket, (index) => this.#legs.has(index));
  }

  /** What was and is carried for others. */
  get carried(): CarriagesCounters {
    return this.#legs.carried;
  }

  /** Datagrams that named a neighbour or a leg of ours and did not open. */
  get refused(): number {
    return this.counters.refused + this.#legs.refused;
  }

  /** kbit/s that we would carry for others besides what we do. */
  room(profile: NatProfile, now: Instant): number {
    return this.#legs.room(profile, now);
  }

  wake(): Instant | undefined {
    if (this.#asleep === 'unknown') this.#asleep = this.#legs.wake();
    let wake = this.#asleep;
    for (const peer of this.neighbours.all) wake = earliest(wake, peer.wake());
    return wake;
  }

  tick(now: Instant, out: EndpointEffect[]): void {
    if (isDue(this.#legs.wake(), now)) this.driveLegs({ kind: 'tick' }, now, out);
    for (const peer of this.neighbours.all) {
      if (isDue(peer.wake(), now)) this.drive(peer, { kind: 'tick' }, now, out);
    }
  }

  // -- datagrams

  /** A datagram of a session under way; false where it is none of ours. */
  data(
    socket: SocketId,
    from: Address,
    header: Header,
    bytes: Uint8Array,
    now: Instant,
    out: EndpointEffect[],
  ): boolean {
    const peer = this.neighbours.ofIndex(header.index);
    if (peer !== undefined) this.#route(peer, header, bytes, { kind: 'direct', socket, address: from }, now, out);
    else if (this.#legs.has(header.index)) this.driveLegs({ kind: 'datagram', header, bytes, from }, now, out);
    else return false;
    return true;
  }

  /** Any other one: of the handshake of a pair, or of nobody we know. */
  handshake(header: Header | undefined, bytes: Uint8Array, way: Way, now: Instant, out: EndpointEffect[]): void {
    if (header === undefined) {
      this.counters.strangers++;
      return;
    }
    const { kind } = header;
    const pairing = kind === KIND.knock || kind === KIND.kk1 || kind === KIND.kk2;
    const peer = pairing ? this.neighbours.ofPair(header.index) : undefined;
    if (peer !== undefined) this.#route(peer, header, bytes, way, now, out);
    else this.counters.strays++;
  }

  /** A datagram of that pair that somebody between us brought. */
  brought(
    pairId: number,
    bytes: Uint8Array,
    way: Exclude<Way, { kind: 'direct' }>,
    now: Instant,
    out: EndpointEffect[],
  ): void {
    const header = decodeHeader(bytes, this.#options.header);
    const peer = header?.kind === KIND.data ? this.neighbours.ofIndex(header.index) : undefined;
    if (header !== undefined && peer?.pairId === pairId) this.#route(peer, header, bytes, way, now, out);
    else this.handshake(header, bytes, way, now, out);
  }

  #route(peer: Peer, header: Header, bytes: Uint8Array, way: Way, now: Instant, out: EndpointEffect[]): void {
    const before = peer.refused;
    const effects = peer.step({ kind: 'datagram', header, bytes, way }, now);
    this.counters.refused += peer.refused - before;
    this.#actOnPeer(peer, effects, now, out);
  }

  // -- neighbours

  meet(introduction: Introduction, from: Standpoint, now: Instant, out: EndpointEffect[]): void {
    const met = this.neighbours.meet(introduction, from, now);
    if (met === undefined) return;
    const { pairId, peer: node, request, purpose, channel, instead } = introduction;
    out.push({ kind: 'introduced', request, pairId, node, purpose, channel, instead, method: met.method });
  }

  /** For the neighbour of that pair, if there is one. */
  give(pairId: number, input: PeerInput, now: Instant, out: EndpointEffect[]): void {
    const peer = this.neighbours.ofPair(pairId);
    if (peer !== undefined) this.drive(peer, input, now, out);
  }

  /** A household does not hear us, and is there now. */
  nudged(nudge: Extract<ClientEffect, { kind: 'nudged' }>, now: Instant, out: EndpointEffect[]): void {
    for (const peer of this.neighbours.all) {
      if (sameBytes(peer.node, nudge.node)) this.drive(peer, nudge, now, out);
    }
  }

  drive(peer: Peer, input: PeerInput, now: Instant, out: EndpointEffect[]): void {
    this.#actOnPeer(peer, peer.step(input, now), now, out);
  }

  #actOnPeer(peer: Peer, effects: readonly PeerEffect[], now: Instant, out: EndpointEffect[]): void {
    const { order } = this.#options;
    const { pairId } = peer;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
        case 'read-table':
          out.push(effect);
          break;
        case 'socket':
          this.neighbours.hold(peer, effect);
          out.push(effect.order);
          break;
        case 'probe-shot': {
          const { socket, observer, volley } = effect;
          order({ kind: 'probe', socket, observer, index: volley.shot & 0xff, volley }, now, out);
          if (socket === this.#options.socket) order({ kind: 'stirred' }, now, out);
          break;
        }
        case 'fired':
          order(effect, now, out);
          break;
        case 'failed':
          order({ kind: 'report', pairId, outcome: effect }, now, out);
          order({ kind: 'doubt' }, now, out);
          break;
        case 'relay':
          order({ kind: 'relay', pairId, bytes: effect.bytes }, now, out);
          break;
        case 'bridge':
          this.driveLegs({ kind: 'cross', pairId, bytes: effect.bytes }, now, out);
          break;
        case 'unbridged':
          this.driveLegs({ kind: 'drop', pairId, why: 'silent' }, now, out);
          break;
        case 'nudge':
          order({ kind: 'nudge', node: peer.node }, now, out);
          break;
        case 'direct':
          tellNews(peer, effect, out);
          order({ kind: 'report', pairId, outcome: { kind: 'connected', method: effect.method } }, now, out);
          if (peer.isDoorMissed) order({ kind: 'doubt' }, now, out);
          break;
        case 'no-direct': {
          const { reason } = effect;
          this.counters.failures[reason] = (this.counters.failures[reason] ?? 0) + 1;
          tellNews(peer, effect, out);
          break;
        }
        case 'closed':
          this.neighbours.forget(peer);
          this.driveLegs({ kind: 'drop', pairId, why: 'over' }, now, out);
          tellNews(peer, effect, out);
          break;
        case 'open':
        case 'relayed':
        case 'message':
        case 'slow':
        case 'expired':
          tellNews(peer, effect, out);
          break;
      }
    }
  }

  // -- what is carried for us and by us

  driveLegs(input: LegsInput, now: Instant, out: EndpointEffect[]): void {
    this.#asleep = 'unknown';
    for (const effect of this.#legs.step(input, now)) this.#actOnLegs(effect, now, out);
  }

  #actOnLegs(effect: LegsEffect, now: Instant, out: EndpointEffect[]): void {
    switch (effect.kind) {
      case 'send':
        out.push({ ...effect, socket: this.#options.socket });
        break;
      case 'say':
        this.#options.order(effect.message, now, out);
        break;
      case 'bridged':
        this.give(effect.pairId, { kind: 'bridged', up: effect.up }, now, out);
        break;
      case 'crossed':
        this.brought(effect.pairId, effect.bytes, BRIDGE, now, out);
        break;
      case 'event':
        out.push(effect);
        break;
    }
  }
}

function tellNews({ pairId, node }: Peer, what: PeerNews, out: EndpointEffect[]): void {
  out.push({ kind: 'peer', pairId, node, what });
}
