import { type Address, sameAddress } from '../base/address.ts';
import type { Candidate } from '../base/opening.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { SocketId } from '../base/net.ts';
import { after, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import type { ClientRole, NodeId } from '../wire/messages.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Session } from '../seal/session.ts';
import { type Allowance, full, type Rate } from '../base/allowance.ts';
import { forgetOldest } from '../base/newest.ts';
import type { Limits } from './limits.ts';
import type { SeenPorts } from './seen-ports.ts';
import { Wheel } from './wheel.ts';

/** Whether it is known that a client receives what is sent to its address. */
export type Path =
  | { readonly kind: 'valid' }
  /** It came from a new address, authentic and fresh, but has not answered from there yet. Bytes since then, both ways. */
  | { readonly kind: 'moved'; readonly token: Uint8Array; received: number; sent: number };

/** One household with a session. Flat, and without a timer: 60,000 of these are meant to be cheap. */
export interface Client {
  readonly index: number;
  readonly node: NodeId;
  readonly nodeKey: string;
  readonly session: Session;
  readonly headerKey: Uint8Array;
  address: Address;
  /** The listen address it uses; answers must leave from the same one to pass its NAT. */
  socket: SocketId;
  path: Path;
  movedAt: Instant | undefined;
  heardAt: Instant;
  interval: Millis;
  pairingUntil: Instant;
  /** Undefined until it has registered: before that nobody is told of it. */
  facts: Facts | undefined;
  rtt: Millis | undefined;
  /** Where its probes were seen of late; kept only while its NAT may draw from a block. */
  seen: SeenPorts | undefined;
  readonly asking: Allowance;
  readonly relaying: Allowance;
  readonly nudging: Allowance;
  /** Trying out others, and being tried out. */
  readonly auditing: Allowance;
  readonly audited: Allowance;
  /** What it can send of channels that share its line, by their keys. */
  shares: ReadonlyMap<string, { readonly streams: number; readonly most: number }>;
  /** Keys of the channels it is in. */
  readonly channels: Set<string>;
}

/** What it said of itself. */
export interface Facts {
  readonly role: ClientRole;
  /** That it can send, in any channel that has no share of its own; and in need. */
  readonly streams: number;
  readonly most: number;
  readonly internal: readonly Address[];
  readonly proven: readonly Candidate[];
  readonly profile: NatProfile;
}

export interface Arrival {
  readonly index: number;
  readonly node: NodeId;
  readonly session: Session;
  readonly headerKey: Uint8Array;
  readonly address: Address;
  readonly socket: SocketId;
}

/** A household has few neighbours, and each falls silent rarely; three tell of one silence, in case one is lost. */
export const NUDGING: Rate = { burst: 16, perSecond: 4 };

/** A trial takes two seconds of the stream: an auditor may have four in a minute, a household that is doubted six. */
export const AUDITING: Rate = { burst: 2, perSecond: 4 / 60 };
export const AUDITED: Rate = { burst: 3, perSecond: 6 / 60 };

/** Unheard for this many intervals, a client is gone: it asks faster when unanswered and renews after three misses. */
const PATIENCE = 5;

/** 32 bytes as a one-byte-per-character string: half the memory of base32 as a key of a Map. */
export function keyOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Every session by its number and every household by its key. */
export class Directory {
  readonly #cipher: Cipher;
  readonly #limits: Limits;
  readonly #asking: Rate;
  #relaying: Rate;
  readonly #byIndex = new Map<number, Client>();
  readonly #byNode = new Map<string, Client>();
  /** When households that are gone were last heard, oldest first. */
  readonly #known = new Map<string, Instant>();
  readonly #wheel = new Wheel<Client>(seconds(1), 128);

  constructor(cipher: Cipher, limits: Limits) {
    this.#cipher = cipher;
    this.#limits = limits;
    this.#asking = { burst: limits.introductionBurst, perSecond: limits.introductionsPerMinute / 60 };
    this.#relaying = relayRate(limits.relayKbits);
  }

  get asking(): Rate {
    return this.#asking;
  }

  /** In bytes. */
  get relaying(): Rate {
    return this.#relaying;
  }

  limitRelaying(kbits: number): void {
    this.#relaying = relayRate(kbits);
  }

  /** Households present. */
  get present(): number {
    return this.#byNode.size;
  }

  get known(): number {
    return this.#known.size;
  }

  isFull(): boolean {
    return this.#byNode.size >= this.#limits.clients;
  }

  has(index: number): boolean {
    return this.#byIndex.has(index);
  }

  byIndex(index: number): Client | undefined {
    return this.#byIndex.get(index);
  }

  byNode(nodeKey: string): Client | undefined {
    return this.#byNode.get(nodeKey);
  }

  clients(): IterableIterator<Client> {
    return this.#byNode.values();
  }

  /** True for a household that was here within `knownFor`. */
  wasHere(nodeKey: string): boolean {
    return this.#known.has(nodeKey);
  }

  /**
   * A session that has carried its first authentic data; an older one of the same household is over with it.
   * Answers with the newcomer and the household's record before, if it was here.
   */
  enter(arrival: Arrival, now: Instant): { readonly client: Client; readonly before: Client | undefined } {
    const nodeKey = keyOf(arrival.node);
    const before = this.#byNode.get(nodeKey);
    const client: Client = {
      index: arrival.index,
      node: arrival.node.slice(),
      nodeKey,
      session: arrival.session,
      headerKey: arrival.headerKey.slice(),
      address: arrival.address,
      socket: arrival.socket,
      path: moved(this.#cipher),
      movedAt: now,
      heardAt: now,
      interval: this.#limits.pairingInterval,
      pairingUntil: after(now, this.#limits.pairingFor),
      facts: before?.facts,
      rtt: before?.rtt,
      seen: before?.seen,
      // Limits belong to the household, not to the session, or a new session would buy new tokens.
      asking: before?.asking ?? full(this.#asking, now),
      relaying: before?.relaying ?? full(this.#relaying, now),
      nudging: before?.nudging ?? full(NUDGING, now),
      auditing: before?.auditing ?? full(AUDITING, now),
      audited: before?.audited ?? full(AUDITED, now),
      shares: before?.shares ?? new Map(),
      channels: before?.channels ?? new Set(),
    };
    if (before !== undefined) this.#byIndex.delete(before.index);
    this.#known.delete(nodeKey);
    this.#byIndex.set(client.index, client);
    this.#byNode.set(nodeKey, client);
    this.#wheel.add(client, after(now, ms(client.interval * PATIENCE)), now);
    return { client, before };
  }

  remove(client: Client, now: Instant): void {
    if (!this.#isCurrent(client)) return;
    this.#byIndex.delete(client.index);
    this.#byNode.delete(client.nodeKey);
    this.#known.set(client.nodeKey, now);
    forgetOldest(this.#known, this.#limits.knownMost);
  }

  /** Clients not heard of for too long, taken out of the directory. */
  expire(now: Instant): Client[] {
    const gone: Client[] = [];
    for (const client of this.#wheel.due(now)) {
      if (!this.#isCurrent(client)) continue;
      const until = after(client.heardAt, ms(client.interval * PATIENCE));
      if (until > now) {
        this.#wheel.add(client, until, now);
        continue;
      }
      gone.push(client);
      this.remove(client, now);
    }
    for (const [node, left] of this.#known) {
      if (since(left, now) < this.#limits.knownFor) break;
      this.#known.delete(node);
    }
    return gone;
  }

  wake(): Instant | undefined {
    return this.#wheel.wake();
  }

  #isCurrent(client: Client): boolean {
    return this.#byIndex.get(client.index) === client;
  }
}

/** Half a second of a stream may be on its way at once. */
function relayRate(kbits: number): Rate {
  return { burst: Math.max(1500, kbits * 62.5), perSecond: kbits * 125 };
}

/** The state of an address not proven yet: also a new session's, whose first data may come from elsewhere than its cookie. */
export function moved(cipher: Cipher): Path {
  return { kind: 'moved', token: cipher.random(8), received: 0, sent: 0 };
}

/** Whether this is the address the client's answers go to. */
export function isAt(client: Client, address: Address, socket: SocketId): boolean {
  return client.socket === socket && sameAddress(client.address, address);
}
