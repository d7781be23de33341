import type { Address } from '../base/address.ts';
import { bytesOf, concat, hex } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { after, type Instant, seconds } from '../base/time.ts';
import type { Aead, BlockCipher, Cipher, KeyPair, Suite } from './cipher.ts';
import { Cookies } from './cookies.ts';
import {
  agreed,
  type Claim,
  COOKIE,
  decodeClaim,
  encodeGrant,
  HEADER_KEY,
  IK2_NEED,
  IK_PROLOGUE,
  rendezvousHeaderKey,
  RESUME2_NEED,
  RESUME_NONCE,
  TICKET,
} from './entry.ts';
import { type FirstByte, type Header, KIND } from './header.ts';
import { maskKey, openMasked, sealMasked } from './mask.ts';
import { Noise } from './noise.ts';
import { Resumption } from './resumption.ts';
import { Seen } from './seen.ts';
import { type NotOpened, Session, type SessionKeys } from './session.ts';
import { type TicketKey, Tickets } from './tickets.ts';

/** Between the answer and the client's first data lies one round trip; 15 s is three tries of a slow one. */
const PENDING_LIFE = seconds(15);
/** About 2 kB each. When they are too many the oldest goes: whoever means to come has come by then. */
const PENDING_MOST = 8192;

export interface WelcomeOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  /** Shared by all who may find this network's rendezvous; may be empty. */
  readonly networkSecret: Uint8Array;
  readonly suites: readonly Suite[];
  readonly now: Instant;
  /** What ticketKeys() gave before the last stop. */
  readonly ticketKeys?: readonly TicketKey[];
  /** How many promised sessions are kept at once; 8192 unless said. */
  readonly pendingMost?: number;
  /** Whether a session index is in use outside. */
  readonly taken?: (index: number) => boolean;
  readonly firstByte?: FirstByte;
}

export const REFUSALS = [
  /** A kind of datagram that no client sends to a rendezvous. */
  'kind',
  /** Not sealed under this rendezvous' mask. */
  'masked',
  /** Too small for its answer, or not of the form of its kind. */
  'malformed',
  'cookie',
  /** The Noise message is not authentic. */
  'noise',
  'ticket',
  /** Data for a session nobody here knows. */
  'index',
  /** These very bytes came before. */
  'replayed',
  'forged',
  'old-key',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export type Welcomed =
  /** To be sent back to where the datagram came from; never longer than it. */
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  /**
   * The first authentic data of a new session: from now on it stands in the place of any older session of this client.
   * Before that nothing outside changes, so that a replayed handshake disturbs nobody.
   */
  | ({ readonly kind: 'entered'; readonly body: Uint8Array; readonly fresh: boolean } & Entrant)
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** A client that has entered. */
export interface Entrant {
  /** Our number for the session, by which its datagrams find it. */
  readonly index: number;
  readonly session: Session;
  /** The client's X25519 public key. */
  readonly client: Uint8Array;
  readonly theirHeaderKey: Uint8Array;
}

interface Pending extends Entrant {
  /** Which first message it answers, and how. */
  readonly question: string;
  readonly kind: typeof KIND.ik2 | typeof KIND.resume2;
  readonly content: Uint8Array;
  readonly block: BlockCipher;
  readonly theirIndex: number;
  readonly until: Instant;
}

/**
 * The rendezvous' door: hello, cookie, then Noise IK or a ticket. It keeps no state for anybody who has not returned a
 * cookie, and answers nothing that does not open.
 */
export class Welcome {
  /** Opens the headers of everything sent to this rendezvous. */
  readonly header: BlockCipher;
  readonly #options: WelcomeOptions;
  readonly #mask: Aead;
  readonly #cookies: Cookies;
  readonly #tickets: Tickets;
  readonly #seen = new Seen();
  readonly #pending = new Map<number, Pending>();
  readonly #questions = new Map<string, Pending>();
  readonly #refused: Record<Refusal, number>;

  constructor(options: WelcomeOptions) {
    const { cipher, identity, networkSecret } = options;
    const headerKey = rendezvousHeaderKey(cipher, identity.publicKey, networkSecret);
    this.#options = options;
    this.header = cipher.block(headerKey);
    this.#mask = maskKey(cipher, headerKey);
    this.#cookies = new Cookies(cipher);
    this.#tickets = new Tickets(cipher, options.now, options.ticketKeys);
    this.#refused = Object.fromEntries(REFUSALS.map((reason) => [reason, 0])) as Record<Refusal, number>;
  }

  /** How many datagrams were refused, by reason. */
  get refused(): Readonly<Record<Refusal, number>> {
    return this.#refused;
  }

  /** Sessions promised to clients that have sent no data yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** The keys that let tickets outlive a restart; to be kept as secret as the identity. */
  ticketKeys(now: Instant): readonly TicketKey[] {
    return this.#tickets.export(now);
  }

  /** Takes any datagram whose header opened and whose index is no living session's. */
  receive(header: Header, datagram: Uint8Array, from: Address, now: Instant): Welcomed {
    const welcomed = this.#receive(header, datagram, from, now);
    if (welcomed.kind === 'refused') this.#refused[welcomed.reason]++;
    return welcomed;
  }

  #receive(header: Header, datagram: Uint8Array, from: Address, now: Instant): Welcomed {
    if (header.kind === KIND.data) return this.#data(header, datagram, now);
    if (header.kind !== KIND.hello && header.kind !== KIND.ik1 && header.kind !== KIND.resume1) return refused('kind');
    const content = openMasked(datagram, this.#mask);
    if (content === undefined) return refused('masked');
    if (header.kind === KIND.hello) return this.#hello(content, datagram, from, now);

    const least = header.kind === KIND.ik1 ? IK2_NEED : RESUME2_NEED;
    if (content.length <= COOKIE || datagram.length < least) return refused('malformed');
    if (!this.#cookies.good(content.subarray(0, COOKIE), from, now)) return refused('cookie');
    if (!this.#seen.isNew(datagram)) return refused('replayed');
    const message = content.subarray(COOKIE);
    const question = hex(this.#options.cipher.hash(message));
    const before = this.#questions.get(question);
    if (before !== undefined && now < before.until) return this.#answer(before, datagram.length);
    const pending = header.kind === KIND.ik1 ? this.#ik(message, question, now) : this.#resume(message, question, now);
    if (typeof pending === 'string') return refused(pending);
    this.#keep(pending, now);
    return this.#answer(pending, datagram.length);
  }

  #hello(content: Uint8Array, datagram: Uint8Array, from: Address, now: Instant): Welcomed {
    if (content.length < HEADER_KEY) return refused('malformed');
    if (!this.#seen.isNew(datagram)) return refused('replayed');
    const replyKey = content.subarray(0, HEADER_KEY);
    const { cipher, random, firstByte = 'any' } = this.#options;
    const bytes = sealMasked({
      block: cipher.block(replyKey),
      mask: maskKey(cipher, replyKey),
      index: random(2 ** 32),
      kind: KIND.cookie,
      content: this.#cookies.bake(from, now),
      random,
      most: datagram.length,
      firstByte,
    });
    return { kind: 'reply', bytes };
  }

  #ik(message: Uint8Array, question: string, now: Instant): Pending | Refusal {
    const { cipher, identity } = this.#options;
    const noise = new Noise({
      cipher,
      pattern: 'IK',
      suite: 'chacha20-poly1305',
      initiator: false,
      prologue: bytesOf(IK_PROLOGUE),
      identity,
    });
    const payload = noise.read(message);
    const client = noise.theirs;
    if (payload === undefined || client === undefined) return 'noise';
    const claim = decodeClaim(payload);
    if (claim === undefined) return 'malformed';
    const grant = this.#grant(claim, client, now);
    const content = noise.write(grant.payload);
    if (content === undefined) return 'noise';
    return this.#promise(claim, client, grant, noise.split(), { question, kind: KIND.ik2, content, now });
  }

  #resume(message: Uint8Array, question: string, now: Instant): Pending | Refusal {
    const { cipher } = this.#options;
    if (message.length < TICKET + RESUME_NONCE) return 'malformed';
    const ticket = message.subarray(0, TICKET);
    const ticketed = this.#tickets.open(ticket, now);
    if (ticketed === undefined) return 'ticket';
    const resumption = new Resumption(cipher, ticketed.secret, ticket);
    const [theirNonce, nonce] = [message.subarray(TICKET, TICKET + RESUME_NONCE), cipher.random(RESUME_NONCE)];
    const payload = resumption.open(message.subarray(TICKET + RESUME_NONCE), 'claim', theirNonce);
    if (payload === undefined) return 'ticket';
    const claim = decodeClaim(payload);
    if (claim === undefined) return 'malformed';
    const grant = this.#grant(claim, ticketed.client, now);
    const content = concat([nonce, resumption.seal(grant.payload, 'grant', nonce)]);
    const keys = resumption.split('server');
    return this.#promise(claim, ticketed.client, grant, keys, { question, kind: KIND.resume2, content, now });
  }

  #grant(claim: Claim, client: Uint8Array, now: Instant): Granted {
    const { cipher, suites } = this.#options;
    const index = this.#freeIndex();
    const { suite, bit } = agreed(claim, suites);
    const secret = cipher.random(32);
    const ticket = this.#tickets.seal({ client, secret }, now);
    return { index, suite, payload: encodeGrant({ index, suite: bit, secret, ticket }) };
  }

  #promise(
    claim: Claim,
    client: Uint8Array,
    grant: Granted,
    keys: SessionKeys,
    answer: { question: string; kind: Pending['kind']; content: Uint8Array; now: Instant },
  ): Pending {
    const { cipher, random, firstByte = 'any' } = this.#options;
    const block = cipher.block(claim.headerKey);
    const session = new Session({
      cipher,
      suite: grant.suite,
      keys,
      theirIndex: claim.index,
      theirHeader: block,
      window: 64,
      random,
      firstByte,
    });
    return {
      index: grant.index,
      session,
      client,
      theirHeaderKey: claim.headerKey,
      question: answer.question,
      kind: answer.kind,
      content: answer.content,
      block,
      theirIndex: claim.index,
      until: after(answer.now, PENDING_LIFE),
    };
  }

  #answer(pending: Pending, most: number): Welcomed {
    const { cipher, random, firstByte = 'any' } = this.#options;
    const bytes = sealMasked({
      block: pending.block,
      mask: maskKey(cipher, pending.theirHeaderKey),
      index: pending.theirIndex,
      kind: pending.kind,
      content: pending.content,
      random,
      most,
      firstByte,
    });
    return { kind: 'reply', bytes };
  }

  #data(header: Header, datagram: Uint8Array, now: Instant): Welcomed {
    const pending = this.#pending.get(header.index);
    if (pending === undefined || now >= pending.until) return refused('index');
    const opened: NotOpened | { body: Uint8Array; fresh: boolean } = pending.session.open(header, datagram, now);
    if (typeof opened === 'string') return refused(opened);
    this.#drop(pending);
    const { index, session, client, theirHeaderKey } = pending;
    return { kind: 'entered', index, session, client, theirHeaderKey, ...opened };
  }

  #keep(pending: Pending, now: Instant): void {
    const { pendingMost = PENDING_MOST } = this.#options;
    for (const old of this.#pending.values()) {
      if (now < old.until && this.#pending.size < pendingMost) break;
      this.#drop(old);
    }
    this.#pending.set(pending.index, pending);
    this.#questions.set(pending.question, pending);
  }

  #drop(pending: Pending): void {
    this.#pending.delete(pending.index);
    if (this.#questions.get(pending.question) === pending) this.#questions.delete(pending.question);
  }

  #freeIndex(): number {
    const { random, taken = () => false } = this.#options;
    let index = random(2 ** 32);
    while (this.#pending.has(index) || taken(index)) index = random(2 ** 32);
    return index;
  }
}

interface Granted {
  readonly index: number;
  readonly suite: Suite;
  readonly payload: Uint8Array;
}

const refused = (reason: Refusal): Welcomed => ({ kind: 'refused', reason });
