import { type Address, key } from '../base/address.ts';
import { sameBytes } from '../base/bytes.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Method, Reason } from '../base/outcome.ts';
import type { Random } from '../base/random.ts';
import { earliest, type Instant, ms } from '../base/time.ts';
import { UNKNOWN } from '../nat/classify.ts';
import { Probe, type ProbeEffect } from '../nat/probe.ts';
import { candidatesOf, plan, type PunchPlan } from '../punch/plan.ts';
import type { Ground } from '../punch/target.ts';
import {
  type ClientEffect,
  type ClientInput,
  RendezvousClient,
  type Server,
  type ServerStatus,
} from '../rendezvous/client.ts';
import type { BlockCipher, Cipher, KeyPair, Suite } from '../seal/cipher.ts';
import { decodeHeader, type FirstByte, type Header, KIND } from '../seal/header.ts';
import type { ChannelFacts, ChannelInfo, ClientRole, Introduction, Purpose } from '../wire/messages.ts';
import { Peer, type PeerEffect, type PeerInput, type Way } from './peer.ts';

/** The socket that everything but probing goes through. */
const MAIN: SocketId = 0;
/** One household has few peers; a rendezvous gone mad must not fill a router's memory. */
const MOST_PEERS = 32;

export interface EndpointOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  readonly servers: readonly Server[];
  readonly networkSecret: Uint8Array;
  readonly role: ClientRole;
  readonly children: number;
  readonly suites: readonly Suite[];
  readonly firstByte: FirstByte;
  /** Where to bind the main socket; port 0 for a random one. */
  readonly local: Address;
  /** Our own interfaces: their addresses and how many bits of them name the network. */
  readonly networks: Ground['networks'];
  readonly punch: 'off' | 'polite' | 'full';
}

/** What a composition above asks of its endpoint, besides what sockets bring. */
export type EndpointInput =
  | NetInput
  | { readonly kind: 'start' }
  | Extract<
      ClientInput,
      {
        kind:
          | 'introduce'
          | 'join'
          | 'ask-channel'
          | 'forget'
          | 'publish'
          | 'position'
          | 'leave-channel'
          | 'capacity'
          | 'leave';
      }
    >
  /** One transport message for a peer. */
  | {
      readonly kind: 'tell';
      readonly pairId: number;
      readonly bytes: Uint8Array;
      readonly deadline?: Instant | undefined;
      readonly urgent?: boolean | undefined;
    }
  | { readonly kind: 'drop'; readonly pairId: number };

export type EndpointEffect =
  | NetEffect
  /** The rendezvous knows us and our NAT has been read; said again whenever the profile changes. */
  | { readonly kind: 'ready'; readonly profile: NatProfile }
  | { readonly kind: 'unbound'; readonly reason: string }
  | {
      readonly kind: 'introduced';
      readonly request: number;
      readonly pairId: number;
      readonly node: Uint8Array;
      readonly purpose: Purpose;
      readonly channel: ChannelFacts | undefined;
      readonly method: Method;
    }
  | Extract<ClientEffect, { kind: 'refused' | 'published' | 'publish-refused' | 'state' | 'moved' }>
  | ChannelInfo
  | { readonly kind: 'peer'; readonly pairId: number; readonly node: Uint8Array; readonly what: PeerNews };

export type PeerNews = Exclude<PeerEffect, { kind: 'send' | 'relay' | 'nudge' }>;

export interface EndpointCounters {
  /** Datagrams that nothing here could open. */
  strangers: number;
  /** Datagrams for sessions and introductions that are over. */
  strays: number;
  /** Datagrams that named a neighbour and did not open: replayed, forged, or too late. */
  refused: number;
  failures: Partial<Record<Reason, number>>;
}

/** One program's place in the network: its socket, its rendezvous, what its NAT does, and the peers it was introduced to. */
export class Endpoint {
  readonly counters: EndpointCounters = { strangers: 0, strays: 0, refused: 0, failures: {} };
  readonly #options: EndpointOptions;
  readonly #headerKey: Uint8Array;
  readonly #header: BlockCipher;
  readonly #client: RendezvousClient;
  readonly #probe: Probe;
  readonly #byPair = new Map<number, Peer>();
  readonly #byIndex = new Map<number, Peer>();
  #sockets = MAIN;
  #local: Address | undefined;
  #observers: readonly Address[] = [];
  #profile: NatProfile = UNKNOWN;
  #relays = false;
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
    const newIndex = (): number => this.#newIndex();
    const headerKey = this.#headerKey;
    const entry = { cipher, random, identity, networkSecret, servers, suites, firstByte, headerKey, newIndex };
    this.#client = new RendezvousClient({ ...entry, socket: MAIN });
    this.#probe = new Probe({ random, newSocket: () => ++this.#sockets });
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
    return { strangers, strays, refused: refused + this.#client.refused };
  }

  servers(): readonly ServerStatus[] {
    return this.#client.status();
  }

  peer(pairId: number): Peer | undefined {
    return this.#byPair.get(pairId);
  }

  get peers(): Iterable<Peer> {
    return this.#byPair.values();
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
        if (input.socket !== MAIN) return this.#actOnProbe(this.#probe.step(input, now), now);
        this.#local = input.local;
        return this.#register(now);
      case 'failed':
        if (input.socket !== MAIN) return this.#actOnProbe(this.#probe.step(input, now), now);
        return [{ kind: 'unbound', reason: input.reason }];
      case 'tell': {
        const { bytes, deadline, urgent } = input;
        return this.#give(input.pairId, { kind: 'message', bytes, deadline, urgent }, now);
      }
      case 'drop':
        return this.#give(input.pairId, { kind: 'close' }, now);
      case 'tick':
        return this.#tick(now);
      case 'leave':
        return [
          ...[...this.#byPair.keys()].flatMap((pairId) => this.#give(pairId, { kind: 'close' }, now)),
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
    if (this.#asleep === 'unknown') this.#asleep = earliest(this.#client.wake(), this.#probe.wake());
    let wake = this.#asleep;
    for (const peer of this.#byPair.values()) wake = earliest(wake, peer.wake());
    return wake;
  }

  // -- datagrams

  #datagram(socket: SocketId, from: Address, bytes: Uint8Array, now: Instant): readonly EndpointEffect[] {
    const header = decodeHeader(bytes, this.#header);
    if (header?.kind === KIND.data) {
      const peer = this.#byIndex.get(header.index);
      if (peer !== undefined) return this.#route(peer, header, bytes, { kind: 'direct', socket, address: from }, now);
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

  #relayed(pairId: number, bytes: Uint8Array, now: Instant): readonly EndpointEffect[] {
    const header = decodeHeader(bytes, this.#header);
    if (header === undefined) {
      this.counters.strangers++;
      return [];
    }
    const peer = header.kind === KIND.data ? this.#byIndex.get(header.index) : undefined;
    if (peer?.pairId === pairId) return this.#route(peer, header, bytes, { kind: 'relay' }, now);
    return this.#handshake(header, bytes, { kind: 'relay' }, now);
  }

  #handshake(header: Header, bytes: Uint8Array, way: Way, now: Instant): readonly EndpointEffect[] {
    const { kind } = header;
    const pairing = kind === KIND.knock || kind === KIND.kk1 || kind === KIND.kk2;
    const peer = pairing ? this.#byPair.get(header.index) : undefined;
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
    const peer = this.#byPair.get(pairId);
    return peer === undefined ? [] : this.#actOnPeer(peer, peer.step(input, now), now);
  }

  #actOnPeer(peer: Peer, effects: readonly PeerEffect[], now: Instant): readonly EndpointEffect[] {
    const out: EndpointEffect[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          out.push(effect);
          break;
        case 'relay': {
          const { pairId } = peer;
          out.push(...this.#actOnClient(this.#client.step({ kind: 'relay', pairId, bytes: effect.bytes }, now), now));
          break;
        }
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
          out.push(...this.#report(peer, { kind: 'failed', reason }, now));
          out.push(...this.#actOnProbe(this.#probe.step({ kind: 'doubt' }, now), now));
          break;
        }
        case 'closed':
          this.#forget(peer);
          this.#tellNews(peer, effect, out);
          break;
        case 'open':
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

  #forget(peer: Peer): void {
    if (this.#byPair.get(peer.pairId) === peer) this.#byPair.delete(peer.pairId);
    this.#byIndex.delete(peer.index);
  }

  #meet(introduction: Introduction, now: Instant): readonly EndpointEffect[] {
    const { pairId, peer: node, initiator, secret, peerHeaderKey, relayAllowed, startIn, request } = introduction;
    if (this.#byPair.size >= MOST_PEERS || this.#byPair.has(pairId)) return [];
    const { cipher, random, identity, suites, firstByte } = this.#options;
    const ground = this.#ground();
    const chosen = this.#plan(introduction, ground);
    const peer = new Peer(
      {
        cipher,
        random,
        identity,
        node,
        theirHeaderKey: peerHeaderKey,
        secret,
        pairId,
        initiator,
        relayAllowed,
        plan: chosen,
        startIn,
        index: this.#newIndex(),
        suites,
        socket: MAIN,
        firstByte,
        ground,
      },
      now,
    );
    this.#byPair.set(pairId, peer);
    this.#byIndex.set(peer.index, peer);
    const { purpose, channel } = introduction;
    return [{ kind: 'introduced', request, pairId, node, purpose, channel, method: chosen.method }];
  }

  #plan({ mine, profile, candidates, initiator }: Introduction, ground: Ground): PunchPlan {
    const whole = plan(mine, profile, candidatesOf(candidates, ground), initiator);
    switch (this.#options.punch) {
      case 'off':
        return { ...whole, schedule: [], retries: [], patience: ms(0) };
      // One round at what is known, and no more of it.
      case 'polite':
        return { ...whole, schedule: whole.schedule.slice(0, POLITE), retries: [] };
      case 'full':
        return whole;
    }
  }

  #ground(): Ground {
    const servers = this.#options.servers.map(({ address }) => address);
    return { networks: this.#options.networks, rendezvous: [...servers, ...this.#observers] };
  }

  #newIndex(): number {
    for (;;) {
      const index = this.#options.random(2 ** 32);
      if (index !== 0 && !this.#byIndex.has(index)) return index;
    }
  }

  // -- rendezvous and probing

  #register(now: Instant): readonly EndpointEffect[] {
    const { role, children, networks } = this.#options;
    const port = this.#local?.port ?? 0;
    const internal = networks.slice(0, 8).map(({ ip }) => ({ ip, port }));
    const presence = { role, children, internal, profile: this.#profile };
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
          if (unread) out.push(...this.#readNat(now));
          break;
        }
        case 'moved':
          out.push(effect, ...this.#readNat(now));
          break;
        case 'introduction':
          out.push(...this.#meet(effect, now));
          break;
        case 'observed':
        case 'filtered':
          out.push(...this.#actOnProbe(this.#probe.step(effect, now), now));
          break;
        case 'relayed':
          out.push(...this.#relayed(effect.pairId, effect.bytes, now));
          break;
        case 'nudged':
          for (const peer of this.#byPair.values()) {
            if (sameBytes(peer.node, effect.node)) out.push(...this.#give(peer.pairId, effect, now));
          }
          break;
      }
    }
    return out;
  }

  /** After a registration that shows something new, and whenever our address changed. */
  #readNat(now: Instant): readonly EndpointEffect[] {
    const own = this.#options.networks.map(({ ip }) => ip);
    return this.#actOnProbe(this.#probe.step({ kind: 'start', observers: this.#observers, own }, now), now);
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
    for (const peer of this.#byPair.values()) {
      if (isDue(peer.wake(), now)) out.push(...this.#actOnPeer(peer, peer.step({ kind: 'tick' }, now), now));
    }
    return out;
  }
}

/** Knocks of a polite round. */
const POLITE = 4;

function isDue(wake: Instant | undefined, now: Instant): boolean {
  return wake !== undefined && wake <= now;
}
