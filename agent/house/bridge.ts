import { type Address, sameAddress } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import { between, type Random } from '../base/random.ts';
import { after, earliest, type Instant, ms, seconds } from '../base/time.ts';
import type { Header } from '../seal/header.ts';
import type { Session } from '../seal/session.ts';
import type { Leg } from '../wire/messages.ts';
import { decodeWord, LEAST_CARGO, type LegOptions, legSession, sealWord } from './leg.ts';

/** The relay is called until both ends are there; it was told before us. */
const CALLS = [0, 80, 180, 300, 450, 650, 900, 1200, 1600, 2000, 2500, 3000].map(ms);
/** By then the other side has had its offer four times. */
const PATIENCE = ms(4000);
/** The rendezvous forgets a pair that it hears nothing of for a minute. */
const SAY_SO = seconds(20);
/** Nothing went this way for so long: another path is in use, and the relay has forgotten us by now. */
const IDLE = seconds(30);
/** Padding of a hello: there must be room for the answer, and sizes must not tell what it is. */
const [LEAST_PADDING, MOST_PADDING] = [8, 96];

export type BridgeInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'datagram'; readonly header: Header; readonly bytes: Uint8Array; readonly from: Address }
  /** A datagram for the peer. */
  | { readonly kind: 'cargo'; readonly bytes: Uint8Array }
  | { readonly kind: 'tick' };

export type BridgeEffect =
  | { readonly kind: 'send'; readonly to: Address; readonly bytes: Uint8Array }
  /** A datagram of the peer. */
  | { readonly kind: 'cargo'; readonly bytes: Uint8Array }
  /** What is sent from now on arrives; said again while it is in use, for the rendezvous to know. */
  | { readonly kind: 'up'; readonly again: boolean }
  /** It carries nothing, or no more. */
  | { readonly kind: 'down' };

type State =
  | { readonly name: 'calling'; readonly since: Instant; readonly calls: number }
  | { readonly name: 'up'; readonly at: Address; readonly sayAt: Instant }
  | { readonly name: 'over' };

/** Our end of a third household's carrying: calls it, proves our address to it, and sends what is for the peer by it. */
export class Bridge implements Machine<BridgeInput, BridgeEffect> {
  readonly leg: number;
  readonly #random: Random;
  readonly #session: Session;
  /** Nothing is sent anywhere else: the rendezvous has named these. */
  readonly #addresses: readonly Address[];
  #token: Uint8Array = new Uint8Array(8);
  #state: State;
  #usedAt: Instant;
  #refused = 0;

  /** `addresses`: those of the leg's that may be written to. */
  constructor(options: LegOptions, leg: Leg, addresses: readonly Address[], now: Instant) {
    this.leg = leg.number;
    this.#random = options.random;
    this.#session = legSession(options, leg, 'household');
    this.#addresses = addresses;
    this.#state = { name: 'calling', since: now, calls: 0 };
    this.#usedAt = now;
  }

  /** What is sent by it arrives, as far as it knows. */
  get isUp(): boolean {
    return this.#state.name === 'up';
  }

  /** Datagrams that named this leg and did not open. */
  get refused(): number {
    return this.#refused;
  }

  step(input: BridgeInput, now: Instant): readonly BridgeEffect[] {
    switch (input.kind) {
      case 'start':
      case 'tick':
        return this.#tick(now);
      case 'datagram':
        return this.#datagram(input.header, input.bytes, input.from, now);
      case 'cargo': {
        if (this.#state.name !== 'up') return [];
        this.#usedAt = now;
        const bytes = this.#session.seal(this.#session.nextCounter(), input.bytes, 0, now);
        return [{ kind: 'send', to: this.#state.at, bytes }];
      }
    }
  }

  wake(): Instant | undefined {
    switch (this.#state.name) {
      case 'calling': {
        const { since, calls } = this.#state;
        return after(since, CALLS[calls] ?? PATIENCE);
      }
      case 'up':
        return earliest(this.#state.sayAt, after(this.#usedAt, IDLE));
      case 'over':
        return undefined;
    }
  }

  #tick(now: Instant): BridgeEffect[] {
    switch (this.#state.name) {
      case 'calling': {
        const { since, calls } = this.#state;
        const due = CALLS[calls];
        if (now >= after(since, PATIENCE)) return this.#end();
        if (due === undefined || now < after(since, due)) return [];
        this.#state = { name: 'calling', since, calls: calls + 1 };
        return this.#addresses.map((to) => this.#hello(to, now));
      }
      case 'up': {
        const { at, sayAt } = this.#state;
        if (now >= after(this.#usedAt, IDLE)) return this.#end();
        if (now < sayAt) return [];
        this.#state = { name: 'up', at, sayAt: this.#nextSaying(now) };
        return [{ kind: 'up', again: true }];
      }
      case 'over':
        return [];
    }
  }

  #datagram(header: Header, bytes: Uint8Array, from: Address, now: Instant): BridgeEffect[] {
    if (this.#state.name === 'over') return [];
    const opened = this.#session.open(header, bytes, now);
    if (typeof opened === 'string') {
      this.#refused++;
      return [];
    }
    const { body } = opened;
    const at = this.#addresses.find((known) => sameAddress(known, from));
    if (body.length >= LEAST_CARGO) {
      this.#usedAt = now;
      return [...(at === undefined ? [] : this.#rise(at, now)), { kind: 'cargo', bytes: body }];
    }
    const word = decodeWord(body);
    switch (word?.kind) {
      case 'here': {
        this.#token = word.token;
        const proof = word.prove && at !== undefined ? [this.#hello(at, now)] : [];
        return word.both && at !== undefined ? [...proof, ...this.#rise(at, now)] : proof;
      }
      case 'bye':
        return this.#end();
      case 'hello':
      case undefined:
        this.#refused++;
        return [];
    }
  }

  #rise(at: Address, now: Instant): BridgeEffect[] {
    if (this.#state.name !== 'calling') return [];
    this.#usedAt = now;
    this.#state = { name: 'up', at, sayAt: this.#nextSaying(now) };
    return [{ kind: 'up', again: false }];
  }

  #end(): BridgeEffect[] {
    this.#state = { name: 'over' };
    return [{ kind: 'down' }];
  }

  #hello(to: Address, now: Instant): BridgeEffect {
    const pad = LEAST_PADDING + this.#random(MOST_PADDING - LEAST_PADDING);
    return { kind: 'send', to, bytes: sealWord(this.#session, { kind: 'hello', token: this.#token }, pad, now) };
  }

  #nextSaying(now: Instant): Instant {
    return after(now, ms(SAY_SO * between(this.#random, 0.67, 1.33)));
  }
}
