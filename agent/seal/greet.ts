import { bytesOf, concat } from '../base/bytes.ts';
import { type Backoff, interval } from '../base/backoff.ts';
import type { Machine } from '../base/machine.ts';
import type { Random } from '../base/random.ts';
import { after, type Instant, ms, seconds } from '../base/time.ts';
import type { Aead, BlockCipher, Cipher, KeyPair, Suite } from './cipher.ts';
import {
  COOKIE,
  decodeGrant,
  encodeClaim,
  type Grant,
  HEADER_KEY,
  IK2_NEED,
  IK_PROLOGUE,
  rendezvousHeaderKey,
  RESUME2_NEED,
  RESUME_NONCE,
} from './entry.ts';
import { decodeHeader, type FirstByte, KIND } from './header.ts';
import { maskKey, openMasked, sealMasked } from './mask.ts';
import { Noise } from './noise.ts';
import { Resumption } from './resumption.ts';
import { Session, type SessionKeys } from './session.ts';
import { chosen } from './suite.ts';

/** The first wait covers a far server on a slow line; the last keeps a dead server's clients from hammering it. */
const WAITS: Backoff = { first: ms(500), factor: 2, most: seconds(8), jitter: 0.33 };
/** A ticket the server cannot read is met with silence, so two unanswered tries send us the long way round. */
const RESUME_TRIES = 2;
/** Then the cookie may have run out, or our address changed: ask for a new one. */
const IK_TRIES = 3;

/** Lets a client come back to the server that gave it, without a Diffie-Hellman; good for as long as the server says. */
export interface Ticket {
  readonly secret: Uint8Array;
  /** Opaque: sealed by the server for itself. */
  readonly sealed: Uint8Array;
}

export interface GreetingOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  readonly serverKey: Uint8Array;
  readonly networkSecret: Uint8Array;
  /** Our own header key, 16 bytes: under it everybody writes to us from now on. */
  readonly headerKey: Uint8Array;
  readonly ticket?: Ticket;
  /** Our number for the coming session. */
  readonly index: number;
  readonly suites: readonly Suite[];
  readonly firstByte?: FirstByte;
  /** Between tries; those of a household that has time where nothing is said. */
  readonly waits?: Backoff;
}

export type GreetingInput =
  | { readonly kind: 'start' }
  /** Anything from the server's address; most useful are those our own header key does not open. */
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array }
  | { readonly kind: 'tick' };

export type GreetingEffect =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** The session stands for us; for the server it does when our first data arrives, so send some at once. */
  | { readonly kind: 'done'; readonly session: Session; readonly ticket: Ticket; readonly resumed: boolean }
  /** So many tries in a row got no useful answer; it goes on trying. */
  | { readonly kind: 'unanswered'; readonly tries: number }
  /** The datagram is none the greeting waits for. */
  | { readonly kind: 'ignored' }
  /** The server's key is no key; trying on would be pointless. */
  | { readonly kind: 'failed'; readonly reason: 'server-key' };

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'asking'; readonly replyKey: Uint8Array; readonly block: BlockCipher; readonly mask: Aead }
  | { readonly name: 'proving'; readonly cookie: Uint8Array; readonly proof: Proof; readonly sent: number }
  | { readonly name: 'over' };

/** How we show who we are: the long way by Noise IK, or by a ticket. */
type Proof =
  | { readonly way: 'ik'; readonly noise: Noise; readonly message: Uint8Array }
  | { readonly way: 'resume'; readonly resumption: Resumption; readonly message: Uint8Array };

/** The client's way into a rendezvous: hello, cookie, then Noise IK or a ticket; again and again until it is in. */
export class Greeting implements Machine<GreetingInput, GreetingEffect> {
  readonly #options: GreetingOptions;
  readonly #server: BlockCipher;
  readonly #serverMask: Aead;
  readonly #own: BlockCipher;
  readonly #ownMask: Aead;
  #ticket: Ticket | undefined;
  #state: State = { name: 'idle' };
  #unanswered = 0;
  #retryAt: Instant | undefined;

  constructor(options: GreetingOptions) {
    const { cipher, serverKey, networkSecret, headerKey } = options;
    const serverHeaderKey = rendezvousHeaderKey(cipher, serverKey, networkSecret);
    this.#options = options;
    this.#server = cipher.block(serverHeaderKey);
    this.#serverMask = maskKey(cipher, serverHeaderKey);
    this.#own = cipher.block(headerKey);
    this.#ownMask = maskKey(cipher, headerKey);
    this.#ticket = options.ticket;
  }

  step(input: GreetingInput, now: Instant): readonly GreetingEffect[] {
    switch (input.kind) {
      case 'start':
        return this.#state.name === 'idle' ? this.#ask(now) : [];
      case 'datagram':
        return this.#datagram(input.bytes, now);
      case 'tick':
        return this.#retryAt !== undefined && now >= this.#retryAt ? this.#retry(now) : [];
    }
  }

  wake(): Instant | undefined {
    return this.#retryAt;
  }

  #ask(now: Instant): readonly GreetingEffect[] {
    const { cipher } = this.#options;
    const replyKey = cipher.random(HEADER_KEY);
    this.#state = { name: 'asking', replyKey, block: cipher.block(replyKey), mask: maskKey(cipher, replyKey) };
    return this.#hello(replyKey, now);
  }

  #hello(replyKey: Uint8Array, now: Instant): readonly GreetingEffect[] {
    this.#await(now);
    return [this.#send(KIND.hello, replyKey, 0)];
  }

  #datagram(bytes: Uint8Array, now: Instant): readonly GreetingEffect[] {
    const state = this.#state;
    switch (state.name) {
      case 'idle':
      case 'over':
        return [{ kind: 'ignored' }];
      case 'asking': {
        if (decodeHeader(bytes, state.block)?.kind !== KIND.cookie) return [{ kind: 'ignored' }];
        const cookie = openMasked(bytes, state.mask);
        return cookie?.length === COOKIE ? this.#prove(cookie, now) : [{ kind: 'ignored' }];
      }
      case 'proving': {
        const header = decodeHeader(bytes, this.#own);
        const kind = state.proof.way === 'ik' ? KIND.ik2 : KIND.resume2;
        if (header?.kind !== kind || header.index !== this.#options.index) return [{ kind: 'ignored' }];
        const content = openMasked(bytes, this.#ownMask);
        return (content && this.#enter(state.proof, content)) ?? [{ kind: 'ignored' }];
      }
    }
  }

  #prove(cookie: Uint8Array, now: Instant): readonly GreetingEffect[] {
    const proof = this.#ticket === undefined ? this.#ik() : this.#resume(this.#ticket);
    if (proof === undefined) {
      this.#state = { name: 'over' };
      this.#retryAt = undefined;
      return [{ kind: 'failed', reason: 'server-key' }];
    }
    return this.#present(cookie, proof, 1, now);
  }

  /** Sends the proof: the same message each time, in other padding, so that the server answers the same. */
  #present(cookie: Uint8Array, proof: Proof, sent: number, now: Instant): readonly GreetingEffect[] {
    this.#state = { name: 'proving', cookie, proof, sent };
    this.#await(now);
    const content = concat([cookie, proof.message]);
    return [
      proof.way === 'ik' ? this.#send(KIND.ik1, content, IK2_NEED) : this.#send(KIND.resume1, content, RESUME2_NEED),
    ];
  }

  #ik(): Proof | undefined {
    const { cipher, identity, serverKey, index, headerKey, suites } = this.#options;
    const noise = new Noise({
      cipher,
      pattern: 'IK',
      suite: 'chacha20-poly1305',
      initiator: true,
      prologue: bytesOf(IK_PROLOGUE),
      identity,
      theirs: serverKey,
    });
    const message = noise.write(encodeClaim(index, headerKey, suites));
    return message === undefined ? undefined : { way: 'ik', noise, message };
  }

  #resume(ticket: Ticket): Proof {
    const { cipher, index, headerKey, suites } = this.#options;
    const nonce = cipher.random(RESUME_NONCE);
    const resumption = new Resumption(cipher, ticket.secret, ticket.sealed);
    const claim = resumption.seal(encodeClaim(index, headerKey, suites), 'claim', nonce);
    return { way: 'resume', resumption, message: concat([ticket.sealed, nonce, claim]) };
  }

  #enter(proof: Proof, content: Uint8Array): readonly GreetingEffect[] | undefined {
    const answer = proof.way === 'ik' ? ikAnswer(proof.noise, content) : resumeAnswer(proof.resumption, content);
    if (answer === undefined) return undefined;
    const { cipher, random, suites, firstByte = 'any' } = this.#options;
    const { grant, keys } = answer;
    const suite = chosen(grant.suite, suites);
    if (suite === undefined) return undefined;
    const theirs = { theirIndex: grant.index, theirHeader: this.#server };
    const session = new Session({ cipher, suite, keys, ...theirs, window: 64, random, firstByte });
    const ticket = { secret: grant.secret, sealed: grant.ticket };
    this.#state = { name: 'over' };
    this.#retryAt = undefined;
    return [{ kind: 'done', session, ticket, resumed: proof.way === 'resume' }];
  }

  #retry(now: Instant): readonly GreetingEffect[] {
    this.#unanswered++;
    return [{ kind: 'unanswered', tries: this.#unanswered }, ...this.#again(now)];
  }

  #again(now: Instant): readonly GreetingEffect[] {
    const state = this.#state;
    switch (state.name) {
      case 'idle':
      case 'over':
        return [];
      case 'asking':
        return this.#hello(state.replyKey, now);
      case 'proving': {
        const { cookie, proof, sent } = state;
        if (sent < (proof.way === 'ik' ? IK_TRIES : RESUME_TRIES)) return this.#present(cookie, proof, sent + 1, now);
        if (proof.way === 'ik') return this.#ask(now);
        this.#ticket = undefined;
        return this.#prove(cookie, now);
      }
    }
  }

  #send(kind: number, content: Uint8Array, least: number): GreetingEffect {
    const { random, firstByte = 'any' } = this.#options;
    const to = { block: this.#server, mask: this.#serverMask, index: random(2 ** 32) };
    return { kind: 'send', bytes: sealMasked({ ...to, kind, content, random, least, firstByte }) };
  }

  #await(now: Instant): void {
    const { waits = WAITS, random } = this.#options;
    this.#retryAt = after(now, interval(waits, this.#unanswered, random));
  }
}

interface Answer {
  readonly grant: Grant;
  readonly keys: SessionKeys;
}

function ikAnswer(noise: Noise, content: Uint8Array): Answer | undefined {
  const payload = noise.read(content);
  const grant = payload && decodeGrant(payload);
  return grant && { grant, keys: noise.split() };
}

function resumeAnswer(resumption: Resumption, content: Uint8Array): Answer | undefined {
  if (content.length < RESUME_NONCE) return undefined;
  const payload = resumption.open(content.subarray(RESUME_NONCE), 'grant', content.subarray(0, RESUME_NONCE));
  const grant = payload && decodeGrant(payload);
  return grant && { grant, keys: resumption.split('client') };
}
