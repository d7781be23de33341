import { type Address, key } from '../base/address.ts';
import { sameBytes } from '../base/bytes.ts';
import { type NatProfile, UNKNOWN } from '../base/nat-profile.ts';
import type { SocketId } from '../base/net.ts';
import { earliest, type Instant } from '../base/time.ts';
import { Probe, type ProbeEffect } from '../nat/probe.ts';
import type { Ground } from '../punch/target.ts';
import { type ClientEffect, type ClientInput, RendezvousClient, type ServerStatus } from '../rendezvous/client.ts';
import type { BlockCipher } from '../seal/cipher.ts';
import { decodeHeader, type Header, KIND } from '../seal/header.ts';
import type { Introduction } from '../wire/messages.ts';
import type { CarriagesCounters, Place } from './carriages.ts';
import { Legs, type LegsEffect, type LegsInput } from './legs.ts';
import { Neighbours } from './neighbours.ts';
import type {
  EndpointCounters,
  EndpointEffect,
  EndpointInput,
  EndpointOptions,
  PeerEffect,
  PeerInput,
  PeerNews,
} from './orders.ts';
import type { Way } from './path.ts';
import type { Peer } from './peer.ts';
import { Six, type SixEffect } from './six.ts';

export type { EndpointCounters, EndpointEffect, EndpointInput, EndpointOptions, PeerNews } from './orders.ts';

/** The socket that everything but probing and volleys goes through. */
const MAIN: SocketId = 0;

/** One program's place in the network: its socket, its rendezvous, what its NAT does, and the peers it was introduced to. */
export class Endpoint {
  readonly counters: EndpointCounters = { strangers: 0, strays: 0, refused: 0, failures: {} };
  readonly #options: EndpointOptions;
  readonly #headerKey: Uint8Array;
  readonly #header: BlockCipher;
  readonly #client: RendezvousClient;
  readonly #probe: Probe;
  readonly #neighbours: Neighbours;
  readonly #legs: Legs;
  readonly #six: Six;
  #sockets = MAIN;
  #local: Address | undefined;
  #observers: readonly Address[] = [];
  #profile: NatProfile = UNKNOWN;
  #relays = false;
  /** What the NATs of our carrier have always been so far. */
  #carrier: NatProfile | undefined;
  /** Our address and the observers at the last registration. */
  #seen = '';
  #ready = false;
  /** When client or probe want to be woken, until one of them is given something: most datagrams are for peers. */
  #asleep: Instant | undefined | 'unknown' = 'unknown';

  constructor(options: EndpointOptions) {
    const { cipher, random, identity, networkSecret, servers, suites, firstByte } = options;
    this.#options = options;
    this.#headerKey = cipher.random(16);
    this.#header = cipher.block(this.#headerKey);
    const newSocket = (): SocketId => ++this.#sockets;
    this.#legs = new Legs(options, (index) => this.#neighbours.ofIndex(index) !== undefined);
    this.#neighbours = new Neighbours(options, newSocket, (index) => this.#legs.has(index));
    const newIndex = (): number => this.#neighbours.newIndex();
    const headerKey = this.#headerKey;
    const entry = { cipher, random, identity, networkSecret, servers, suites, firstByte, headerKey, newIndex };
    const room = (now: Instant): number => this.#legs.room(this.#profile, now);
    this.#client = new RendezvousClient({ ...entry, socket: MAIN, room });
    this.#probe = new Probe({ random, newSocket });
    this.#six = new Six(newSocket(), options.networks);
  }

  /** Our NODE-ID. */
  get node(): Uint8Array {
    return this.#options.identity.publicKey;
  }

  get profile(): NatProfile {
    return this.#profile;
  }

  get ready(): boolean {
    return this.#ready;
  }

  get relays(): boolean {
    return this.#relays;
  }

  /** Where the main socket is bound; undefined before that. */
  get local(): Address | undefined {
    return this.#local;
  }

  /** Datagrams that were not taken, by what was wrong with them; none was answered. */
  unanswered(): { readonly strangers: number; readonly strays: number; readonly refused: number } {
    const { strangers, strays, refused } = this.counters;
    return { strangers, strays, refused: refused + this.#client.refused + this.#legs.refused };
  }

  /** What was and is carried for others. */
  get carried(): CarriagesCounters {
    return this.#legs.carried;
  }

  servers(): readonly ServerStatus[] {
    return this.#client.status();
  }

  peer(pairId: number): Peer | undefined {
    return this.#neighbours.ofPair(pairId);
  }

  get peers(): Iterable<Peer> {
    return this.#neighbours.all;
  }

  step(input: EndpointInput, now: Instant): readonly EndpointEffect[] {
    switch (input.kind) {
      case 'start': {
        const { ip, port } = this.#options.local;
        return [{ kind: 'open', socket: MAIN, ip, port }];
      }
      case 'datagram':
        return this.#datagram(input.socket, input.from, input.bytes, now);
      case 'opened':
      case 'failed':
        return this.#bound(input, now);
      case 'tell': {
        const { bytes, deadline, urgent } = input;
        return this.#give(input.pairId, { kind: 'message', bytes, deadline, urgent }, now);
      }
      case 'drop':
        return this.#give(input.pairId, { kind: 'close' }, now);
      case 'table':
        this.#neighbours.account.seeTable(input.used, input.most);
        return [];
      case 'tick':
        return this.#tick(now);
      case 'carries':
        return this.#driveLegs(input, now);
      case 'leave':
        return [
          ...this.#driveLegs(input, now),
          ...[...this.peers].flatMap(({ pairId }) => this.#give(pairId, { kind: 'close' }, now)),
          ...this.#actOnClient(this.#client.step(input, now), now),
        ];
      case 'introduce':
      case 'join':
      case 'ask-channel':
      case 'forget':
      case 'publish':
      case 'position':
      case 'leave-channel':
      case 'capacity':
        return this.#actOnClient(this.#client.step(input, now), now);
    }
  }

  wake(): Instant | undefined {
    if (this.#asleep === 'unknown')
      this.#asleep = earliest(
        this.#legs.wake(),
        earliest(earliest(this.#client.wake(), this.#probe.wake()), this.#six.wake()),
      );
    let wake = this.#asleep;
    for (const peer of this.#neighbours.all) wake = earliest(wake, peer.wake());
    return wake;
  }

  // -- sockets and datagrams

  #bound(input: Extract<EndpointInput, { kind: 'opened' | 'failed' }>, now: Instant): readonly EndpointEffect[] {
    if (input.socket !== MAIN) {
      const peer = this.#neighbours.ofSocket(input.socket);
      if (peer !== undefined) return this.#actOnPeer(peer, peer.step(input, now), now);
      if (input.socket === this.#six.socket) return this.#actOnSix(this.#six.step({ kind: input.kind }, now), now);
      return this.#actOnProbe(this.#probe.step(input, now), now);
    }
    if (input.kind === 'failed') return [{ kind: 'unbound', reason: input.reason }];
    this.#local = input.local;
    return this.#register(now);
  }

  #datagram(socket: SocketId, from: Address, bytes: Uint8Array, now: Instant): readonly EndpointEffect[] {
    const header = decodeHeader(bytes, this.#header);
    if (header?.kind === KIND.data) {
      const peer = this.#neighbours.ofIndex(header.index);
      if (peer !== undefined) return this.#route(peer, header, bytes, { kind: 'direct', socket, address: from }, now);
      if (this.#legs.has(header.index)) return this.#driveLegs({ kind: 'datagram', header, bytes, from }, now);
    }
    if (this.#client.takes(header, from)) {
      return this.#actOnClient(this.#client.step({ kind: 'datagram', socket, from, bytes, header }, now), now);
    }
    if (header === undefined) {
      this.counters.strangers++;
      return [];
    }
    return this.#handshake(header, bytes, { kind: 'direct', socket, address: from }, now);
  }

  #relayed(
    pairId: number,
    bytes: Uint8Array,
    way: Exclude<Way, { kind: 'direct' }>,
    now: Instant,
  ): readonly EndpointEffect[] {
    const header = decodeHeader(bytes, this.#header);
    if (header === undefined) {
      this.counters.strangers++;
      return [];
    }
    const peer = header.kind === KIND.data ? this.#neighbours.ofIndex(header.index) : undefined;
    if (peer?.pairId === pairId) return this.#route(peer, header, bytes, way, now);
    return this.#handshake(header, bytes, way, now);
  }

  #handshake(header: Header, bytes: Uint8Array, way: Way, now: Instant): readonly EndpointEffect[] {
    const { kind } = header;
    const pairing = kind === KIND.knock || kind === KIND.kk1 || kind === KIND.kk2;
    const peer = pairing ? this.#neighbours.ofPair(header.index) : undefined;
    if (peer !== undefined) return this.#route(peer, header, bytes, way, now);
    this.counters.strays++;
    return [];
  }

  #route(peer: Peer, header: Header, bytes: Uint8Array, way: Way, now: Instant): readonly EndpointEffect[] {
    const before = peer.refused;
    const effects = peer.step({ kind: 'datagram', header, bytes, way }, now);
    this.counters.refused += peer.refused - before;
    return this.#actOnPeer(peer, effects, now);
  }

  // -- peers

  #give(pairId: number, input: PeerInput, now: Instant): readonly EndpointEffect[] {
    const peer = this.#neighbours.ofPair(pairId);
    return peer === undefined ? [] : this.#actOnPeer(peer, peer.step(input, now), now);
  }

  #actOnPeer(peer: Peer, effects: readonly PeerEffect[], now: Instant): readonly EndpointEffect[] {
    const out: EndpointEffect[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
        case 'read-table':
          out.push(effect);
          break;
        case 'socket':
          this.#neighbours.hold(peer, effect);
          out.push(effect.order);
          break;
        case 'probe-shot': {
          const { socket, observer, volley } = effect;
          const order = { kind: 'probe', socket, observer, index: volley.shot & 0xff, volley } as const;
          out.push(...this.#actOnClient(this.#client.step(order, now), now));
          break;
        }
        case 'fired':
          out.push(...this.#actOnClient(this.#client.step(effect, now), now));
          break;
        case 'failed':
          out.push(...this.#report(peer, effect, now));
          out.push(...this.#actOnProbe(this.#probe.step({ kind: 'doubt' }, now), now));
          break;
        case 'relay': {
          const { pairId } = peer;
          out.push(...this.#actOnClient(this.#client.step({ kind: 'relay', pairId, bytes: effect.bytes }, now), now));
          break;
        }
        case 'bridge':
          out.push(...this.#driveLegs({ kind: 'cross', pairId: peer.pairId, bytes: effect.bytes }, now));
          break;
        case 'unbridged':
          out.push(...this.#driveLegs({ kind: 'drop', pairId: peer.pairId, why: 'silent' }, now));
          break;
        case 'nudge':
          out.push(...this.#actOnClient(this.#client.step({ kind: 'nudge', node: peer.node }, now), now));
          break;
        case 'direct':
          this.#tellNews(peer, effect, out);
          out.push(...this.#report(peer, { kind: 'connected', method: effect.method }, now));
          break;
        case 'no-direct': {
          const { reason } = effect;
          this.counters.failures[reason] = (this.counters.failures[reason] ?? 0) + 1;
          this.#tellNews(peer, effect, out);
          break;
        }
        case 'closed':
          this.#neighbours.forget(peer);
          out.push(...this.#driveLegs({ kind: 'drop', pairId: peer.pairId, why: 'over' }, now));
          this.#tellNews(peer, effect, out);
          break;
        case 'open':
        case 'relayed':
        case 'message':
        case 'slow':
        case 'expired':
          this.#tellNews(peer, effect, out);
          break;
      }
    }
    return out;
  }

  #tellNews(peer: Peer, what: PeerNews, out: EndpointEffect[]): void {
    out.push({ kind: 'peer', pairId: peer.pairId, node: peer.node, what });
  }

  #report(
    peer: Peer,
    outcome: Extract<ClientInput, { kind: 'report' }>['outcome'],
    now: Instant,
  ): readonly EndpointEffect[] {
    return this.#actOnClient(this.#client.step({ kind: 'report', pairId: peer.pairId, outcome }, now), now);
  }

  #meet(introduction: Introduction, now: Instant): readonly EndpointEffect[] {
    const port = this.#local?.port ?? 0;
    const from = { ground: this.#ground(), socket: MAIN, port, six: this.#six.door, nat: this.#profile.kind };
    const met = this.#neighbours.meet(introduction, from, now);
    if (met === undefined) return [];
    const { pairId, peer: node, request, purpose, channel } = introduction;
    return [{ kind: 'introduced', request, pairId, node, purpose, channel, method: met.method }];
  }

  #place(): Place {
    return { ground: this.#ground(), profile: this.#profile };
  }

  #ground(): Ground {
    const servers = this.#options.servers.map(({ address }) => address);
    return { networks: this.#options.networks, rendezvous: [...servers, ...this.#observers] };
  }

  // -- what is carried for us and by us

  #driveLegs(input: LegsInput, now: Instant): readonly EndpointEffect[] {
    this.#asleep = 'unknown';
    return this.#actOnLegs(this.#legs.step(input, now), now);
  }

  #actOnLegs(effects: readonly LegsEffect[], now: Instant): readonly EndpointEffect[] {
    const out: EndpointEffect[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          out.push({ ...effect, socket: MAIN });
          break;
        case 'say':
          out.push(...this.#actOnClient(this.#client.step(effect.message, now), now));
          break;
        case 'bridged':
          out.push(...this.#give(effect.pairId, { kind: 'bridged', up: effect.up }, now));
          break;
        case 'crossed':
          out.push(...this.#relayed(effect.pairId, effect.bytes, { kind: 'bridge' }, now));
          break;
        case 'event':
          out.push(effect);
          break;
      }
    }
    return out;
  }

  // -- rendezvous and probing

  #register(now: Instant): readonly EndpointEffect[] {
    const { role, children, networks } = this.#options;
    const port = this.#local?.port ?? 0;
    // The main socket is one of IPv4; where the other one is, is proven.
    const four = networks.filter(({ ip }) => !ip.includes(':'));
    const internal = four.slice(0, 8).map(({ ip }) => ({ ip, port }));
    const presence = { role, children, internal, proven: this.#six.proven, profile: this.#profile };
    return this.#actOnClient(this.#client.step({ kind: 'register', ...presence }, now), now);
  }

  #actOnClient(effects: readonly ClientEffect[], now: Instant): readonly EndpointEffect[] {
    this.#asleep = 'unknown';
    const out: EndpointEffect[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
        case 'state':
        case 'refused':
        case 'channel-info':
        case 'published':
        case 'publish-refused':
          out.push(effect);
          break;
        case 'registered': {
          const seen = [effect.observed, ...effect.observers].map(key).join(' ');
          const unread = seen !== this.#seen;
          this.#seen = seen;
          this.#observers = effect.observers;
          this.#relays = effect.relays;
          this.#carrier = this.#expected(effect.observed.ip, effect.carrier);
          if (unread) out.push(...this.#readNat(now));
          if (unread) out.push(...this.#askSix(now));
          break;
        }
        case 'moved':
          out.push(effect, ...this.#readNat(now), ...this.#askSix(now));
          break;
        case 'introduction':
          out.push(...this.#meet(effect, now));
          break;
        case 'observed':
          if (effect.socket === this.#six.socket) {
            out.push(...this.#actOnSix(this.#six.step(effect, now), now));
            break;
          }
          out.push(...this.#actOnProbe(this.#probe.step(effect, now), now));
          break;
        case 'filtered':
          out.push(...this.#actOnProbe(this.#probe.step(effect, now), now));
          break;
        case 'relayed':
          out.push(...this.#relayed(effect.pairId, effect.bytes, { kind: 'relay' }, now));
          break;
        case 'carry':
          out.push(...this.#driveLegs({ kind: 'carry', order: effect, place: this.#place() }, now));
          break;
        case 'bridge':
          if (this.#neighbours.ofPair(effect.pairId) !== undefined)
            out.push(...this.#driveLegs({ kind: 'offer', offer: effect, place: this.#place() }, now));
          break;
        case 'volley':
        case 'judged':
          out.push(...this.#give(effect.pairId, effect, now));
          break;
        case 'nudged':
          for (const peer of this.#neighbours.all) {
            if (sameBytes(peer.node, effect.node)) out.push(...this.#give(peer.pairId, effect, now));
          }
          break;
      }
    }
    return out;
  }

  #askSix(now: Instant): readonly EndpointEffect[] {
    return this.#actOnSix(this.#six.step({ kind: 'observers', observers: this.#observers }, now), now);
  }

  #actOnSix(effects: readonly SixEffect[], now: Instant): readonly EndpointEffect[] {
    this.#asleep = 'unknown';
    const out: EndpointEffect[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'open':
          out.push(effect);
          break;
        case 'probe':
          out.push(...this.#actOnClient(this.#client.step(effect, now), now));
          break;
        case 'moved':
          out.push(...this.#register(now));
          break;
      }
    }
    return out;
  }

  /** Our own memory is the finer one where we still are; elsewhere it is better than nothing. One burst tests either. */
  #expected(ip: string, carrier: NatProfile | undefined): NatProfile | undefined {
    const { known } = this.#options;
    return known?.external.includes(ip) === true ? known : (carrier ?? known);
  }

  /** After a registration that shows something new, and whenever our address changed. */
  #readNat(now: Instant): readonly EndpointEffect[] {
    const own = this.#options.networks.map(({ ip }) => ip);
    const start = { kind: 'start', observers: this.#observers, own, carrier: this.#carrier } as const;
    return this.#actOnProbe(this.#probe.step(start, now), now);
  }

  #actOnProbe(effects: readonly ProbeEffect[], now: Instant): readonly EndpointEffect[] {
    this.#asleep = 'unknown';
    const out: EndpointEffect[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'open':
        case 'close':
          out.push(effect);
          break;
        case 'probe':
        case 'filter-test':
          out.push(...this.#actOnClient(this.#client.step(effect, now), now));
          break;
        case 'profile':
          this.#profile = effect.profile;
          this.#ready = true;
          out.push(...this.#register(now), { kind: 'ready', profile: effect.profile });
          break;
      }
    }
    return out;
  }

  #tick(now: Instant): readonly EndpointEffect[] {
    const out: EndpointEffect[] = [];
    if (isDue(this.#client.wake(), now)) out.push(...this.#actOnClient(this.#client.step({ kind: 'tick' }, now), now));
    if (isDue(this.#probe.wake(), now)) out.push(...this.#actOnProbe(this.#probe.step({ kind: 'tick' }, now), now));
    if (isDue(this.#six.wake(), now)) out.push(...this.#actOnSix(this.#six.step({ kind: 'tick' }, now), now));
    if (isDue(this.#legs.wake(), now)) out.push(...this.#driveLegs({ kind: 'tick' }, now));
    for (const peer of this.#neighbours.all) {
      if (isDue(peer.wake(), now)) out.push(...this.#actOnPeer(peer, peer.step({ kind: 'tick' }, now), now));
    }
    return out;
  }
}

function isDue(wake: Instant | undefined, now: Instant): boolean {
  return wake !== undefined && wake <= now;
}
