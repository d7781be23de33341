import { type Address, sameAddress } from '../base/address.ts';
import { type Backoff, interval } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, seconds } from '../base/time.ts';
import type { Cipher, KeyPair, Suite } from '../seal/cipher.ts';
import { Greeting, type GreetingEffect, type Ticket } from '../seal/greet.ts';
import type { FirstByte, Header } from '../seal/header.ts';
import type { Session } from '../seal/session.ts';

export interface Server {
  readonly address: Address;
  /** X25519 public key, 32 bytes. */
  readonly key: Uint8Array;
}

export interface EntranceOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  readonly networkSecret: Uint8Array;
  /** In order of preference; at least one. */
  readonly servers: readonly Server[];
  /** Our own header key, 16 bytes, of this start. */
  readonly headerKey: Uint8Array;
  readonly suites: readonly Suite[];
  /** A session number that nobody else in this household uses. */
  readonly newIndex: () => number;
  readonly firstByte?: FirstByte;
  /** Between tries of one greeting. */
  readonly waits?: Backoff;
}

export type EntranceEffect =
  | { readonly kind: 'send'; readonly to: Address; readonly bytes: Uint8Array }
  | { readonly kind: 'entered'; readonly session: Session; readonly index: number; readonly server: Server }
  /** No server let us in; after a pause all are tried again. */
  | { readonly kind: 'unreachable' };

/** A greeting gets this long: a resumption that fails, and then the long way with one loss. */
const GREETING_LIFE = seconds(6);
/** Between rounds over all servers. */
const PAUSES: Backoff = { first: seconds(1), factor: 2, most: seconds(30), jitter: 0.33 };

type State =
  | { readonly name: 'out' }
  | {
      readonly name: 'greeting';
      readonly greeting: Greeting;
      readonly index: number;
      /** Tried again with the same server only, and by Diffie-Hellman. */
      readonly renewing: boolean;
      readonly until: Instant;
    }
  | { readonly name: 'paused'; readonly until: Instant };

/** The way into a rendezvous: one after the other of the list, by ticket where there is one, until one lets us in. */
export class Entrance {
  readonly #options: EntranceOptions;
  readonly #tickets = new Map<number, Ticket>();
  #state: State = { name: 'out' };
  #server = 0;
  #rounds = 0;
  #ignored = 0;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** Place in the list of the server last tried. */
  get server(): number {
    return this.#server;
  }

  get address(): Address {
    return this.#at(this.#server).address;
  }

  /** Datagrams that were no answer to any greeting. */
  get ignored(): number {
    return this.#ignored;
  }

  get isTrying(): boolean {
    return this.#state.name !== 'out';
  }

  /** True until a server lets us in after all of them were tried in vain. */
  get isUnreachable(): boolean {
    return this.#rounds > 0;
  }

  /** Whether a datagram may belong to a greeting; `header` as the household's key opened it, undefined for nothing. */
  takes(header: Header | undefined, from: Address): boolean {
    if (this.#state.name !== 'greeting') return false;
    return header === undefined ? sameAddress(this.address, from) : header.index === this.#state.index;
  }

  /** Tries the server that was last in use, then the others. */
  enter(now: Instant): readonly EntranceEffect[] {
    return this.#greet(this.#server, false, now);
  }

  /** A fresh Diffie-Hellman with the present server; nothing is said when that fails. */
  renew(now: Instant): readonly EntranceEffect[] {
    return this.#greet(this.#server, true, now);
  }

  datagram(bytes: Uint8Array, now: Instant): readonly EntranceEffect[] {
    if (this.#state.name !== 'greeting') {
      this.#ignored++;
      return [];
    }
    return this.#carryOut(this.#state.greeting.step({ kind: 'datagram', bytes }, now), now);
  }

  tick(now: Instant): readonly EntranceEffect[] {
    const state = this.#state;
    switch (state.name) {
      case 'out':
        return [];
      case 'greeting':
        if (now >= state.until) return this.#giveUp(state.renewing, now);
        return this.#carryOut(state.greeting.step({ kind: 'tick' }, now), now);
      case 'paused':
        return now >= state.until ? this.#greet(0, false, now) : [];
    }
  }

  stop(): void {
    this.#state = { name: 'out' };
  }

  wake(): Instant | undefined {
    switch (this.#state.name) {
      case 'out':
        return undefined;
      case 'greeting':
        return earliest(this.#state.greeting.wake(), this.#state.until);
      case 'paused':
        return this.#state.until;
    }
  }

  #greet(server: number, renewing: boolean, now: Instant): readonly EntranceEffect[] {
    const {
      cipher,
      random,
      identity,
      networkSecret,
      headerKey,
      suites,
      newIndex,
      firstByte = 'any',
      waits,
    } = this.#options;
    const index = newIndex();
    const ticket = renewing ? undefined : this.#tickets.get(server);
    const serverKey = this.#at(server).key;
    const own = { cipher, random, identity, networkSecret, headerKey, suites, index, serverKey, firstByte };
    const greeting = new Greeting({
      ...own,
      ...(ticket !== undefined && { ticket }),
      ...(waits !== undefined && { waits }),
    });
    this.#server = server;
    this.#state = { name: 'greeting', greeting, index, renewing, until: after(now, GREETING_LIFE) };
    return this.#carryOut(greeting.step({ kind: 'start' }, now), now);
  }

  #carryOut(effects: readonly GreetingEffect[], now: Instant): readonly EntranceEffect[] {
    return effects.flatMap((effect): readonly EntranceEffect[] => {
      const state = this.#state;
      if (state.name !== 'greeting') return [];
      switch (effect.kind) {
        case 'send':
          return [{ kind: 'send', to: this.address, bytes: effect.bytes }];
        case 'done':
          this.#tickets.set(this.#server, effect.ticket);
          this.#rounds = 0;
          this.#state = { name: 'out' };
          return [{ kind: 'entered', session: effect.session, index: state.index, server: this.#at(this.#server) }];
        case 'failed':
          return this.#giveUp(state.renewing, now);
        case 'ignored':
          this.#ignored++;
          return [];
        case 'unanswered':
          return [];
      }
    });
  }

  /** This server does not let us in: the next one, and after the last a pause. */
  #giveUp(renewing: boolean, now: Instant): readonly EntranceEffect[] {
    this.#state = { name: 'out' };
    if (renewing) return [];
    const next = (this.#server + 1) % this.#options.servers.length;
    if (next !== 0) return this.#greet(next, false, now);
    this.#state = { name: 'paused', until: after(now, interval(PAUSES, this.#rounds, this.#options.random)) };
    this.#rounds++;
    return [{ kind: 'unreachable' }];
  }

  #at(index: number): Server {
    const server = this.#options.servers[index];
    if (server === undefined) throw new RangeError('a rendezvous client needs at least one server');
    return server;
  }
}
