import type { NatKind } from '../base/nat-profile.ts';
import type { SocketId } from '../base/net.ts';
import type { Method } from '../base/outcome.ts';
import { type Instant, ms } from '../base/time.ts';
import { Account } from '../punch/account.ts';
import { candidatesOf, plan, type PunchPlan } from '../punch/plan.ts';
import type { Manner, Rules } from '../punch/rules.ts';
import type { Ground } from '../punch/target.ts';
import type { Introduction } from '../wire/messages.ts';
import type { EndpointOptions, PeerEffect } from './orders.ts';
import { Peer } from './peer.ts';

/** One household has few peers; a rendezvous gone mad must not fill a router's memory. */
const MOST_PEERS = 32;
/** Knocks of a polite round. */
const POLITE = 4;

/** Where we stand when we are introduced to somebody. */
export interface Standpoint {
  readonly ground: Ground;
  /** The main socket, and the port it is bound to. */
  readonly socket: SocketId;
  readonly port: number;
  /** The socket for IPv6, where there is one. */
  readonly six: SocketId | undefined;
  /** Our own NAT. */
  readonly nat: NatKind;
}

/** The households we were introduced to, by every number that a datagram or a socket of theirs goes by. */
export class Neighbours {
  /** What punching has cost, all of them together. */
  readonly account = new Account();
  readonly #options: EndpointOptions;
  readonly #newSocket: () => SocketId;
  readonly #isTaken: (index: number) => boolean;
  readonly #byPair = new Map<number, Peer>();
  readonly #byIndex = new Map<number, Peer>();
  readonly #bySocket = new Map<SocketId, Peer>();

  /** `isTaken`: is that the number of a session that is no neighbour's? */
  constructor(options: EndpointOptions, newSocket: () => SocketId, isTaken: (index: number) => boolean) {
    this.#options = options;
    this.#newSocket = newSocket;
    this.#isTaken = isTaken;
  }

  get all(): Iterable<Peer> {
    return this.#byPair.values();
  }

  ofPair(pairId: number): Peer | undefined {
    return this.#byPair.get(pairId);
  }

  ofIndex(index: number): Peer | undefined {
    return this.#byIndex.get(index);
  }

  /** Whose volley opened that socket. */
  ofSocket(socket: SocketId): Peer | undefined {
    return this.#bySocket.get(socket);
  }

  /** A number for a session that no other one has. */
  newIndex(): number {
    for (;;) {
      const index = this.#options.random(2 ** 32);
      if (index !== 0 && !this.#byIndex.has(index) && !this.#isTaken(index)) return index;
    }
  }

  /** Begins with an introduction; undefined when it is known already, or one too many. */
  meet(
    introduction: Introduction,
    from: Standpoint,
    now: Instant,
  ): { readonly peer: Peer; readonly method: Method } | undefined {
    const { pairId, peer: node, initiator, secret, peerHeaderKey, relayAllowed, startIn, profile } = introduction;
    if (this.#byPair.size >= MOST_PEERS || this.#byPair.has(pairId)) return undefined;
    const { cipher, random, identity, suites, firstByte, punch } = this.#options;
    const candidates = candidatesOf(introduction.candidates, from.ground);
    const ips = new Set([...candidates.observed.map(({ ip }) => ip), ...profile.external]);
    const rules: Rules = { manner: punch, ground: from.ground, ips };
    const whole = plan(introduction.mine, profile, candidates, initiator, introduction.conducted);
    const peer = new Peer(
      {
        cipher,
        random,
        identity,
        node,
        theirHeaderKey: peerHeaderKey,
        profile,
        secret,
        pairId,
        initiator,
        relayAllowed,
        plan: inManner(whole, punch),
        startIn,
        index: this.newIndex(),
        suites,
        socket: from.socket,
        port: from.port,
        six: from.six,
        newSocket: this.#newSocket,
        firstByte,
        rules,
        account: this.account,
        nat: from.nat,
      },
      now,
    );
    this.#byPair.set(pairId, peer);
    this.#byIndex.set(peer.index, peer);
    return { peer, method: whole.method };
  }

  /** Remembers whose socket that is, until it is closed. */
  hold(peer: Peer, { order }: Extract<PeerEffect, { kind: 'socket' }>): void {
    if (order.kind === 'open') this.#bySocket.set(order.socket, peer);
    else this.#bySocket.delete(order.socket);
  }

  forget(peer: Peer): void {
    if (this.#byPair.get(peer.pairId) === peer) this.#byPair.delete(peer.pairId);
    this.#byIndex.delete(peer.index);
  }
}

function inManner(whole: PunchPlan, manner: Manner): PunchPlan {
  switch (manner) {
    case 'off':
      return { ...whole, schedule: [], retries: [], patience: ms(0), relayAfter: ms(0), conducted: false };
    // One round at what is known, and no more of it.
    case 'polite':
      return { ...whole, schedule: whole.schedule.slice(0, POLITE), retries: [] };
    case 'full':
      return whole;
  }
}
