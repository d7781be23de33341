import { type Address, key, sameAddress } from '../base/address.ts';
import { bytesOf, sameBytes } from '../base/bytes.ts';
import type { Machine } from '../base/machine.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, ms, seconds, since } from '../base/time.ts';
import type { Cipher } from '../seal/cipher.ts';
import { type Header, HEADER, TAG } from '../seal/header.ts';
import type { Session } from '../seal/session.ts';
import type { Carry, Leg } from '../wire/messages.ts';
import { decodeWord, HERE_LENGTH, LEAST_CARGO, type LegOptions, type LegWord, legSession, sealWord } from './leg.ts';

/** Both ends call at once when they are told; who has not come by then does not come. */
const COMING = seconds(10);
/** Two that use us say something every third of a second. */
const SILENT = seconds(15);
/** Where our own NAT lets in only whom we have written to, we write first. */
const OPENERS = [0, 150, 400].map(ms);
/** An end that writes from another address is asked to prove it, so often at most. */
const ASK_APART = ms(200);
const PADDING = 64;
/** There is no second chance to say it. */
const BYES = 3;

export type CarriageInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'datagram'; readonly header: Header; readonly bytes: Uint8Array; readonly from: Address }
  /** Our owner wants no more of it, or it is too much for us. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'tick' };

export type CarriageEffect =
  | { readonly kind: 'send'; readonly to: Address; readonly bytes: Uint8Array }
  /** Both have come. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'over'; readonly why: 'nobody-came' | 'silent' | 'stopped' };

export interface CarriageOptions extends LegOptions {
  /** Does our NAT let in only whom we have written to? */
  readonly writesFirst: boolean;
  /** Where we may write. */
  readonly mayWrite: (to: Address) => boolean;
  /** Takes that many bytes from what we carry for others; false when there is no room. */
  readonly spend: (bytes: number, now: Instant) => boolean;
}

interface End {
  readonly number: number;
  readonly session: Session;
  readonly addresses: readonly Address[];
  /** Where it has proven to be. */
  at: Address | undefined;
  askedAt: Instant | undefined;
}

type State =
  | { readonly name: 'coming'; readonly openers: number }
  | { readonly name: 'carrying' }
  | { readonly name: 'over' };

/**
 * Carries between two households that find no direct path: opens what comes by the one leg, seals it for the other, one for one
 * and never longer. What is inside is sealed between the two.
 */
export class Carriage implements Machine<CarriageInput, CarriageEffect> {
  readonly pairId: number;
  readonly #options: CarriageOptions;
  readonly #ends: readonly [End, End];
  readonly #born: Instant;
  /** Makes proofs of address. */
  readonly #secret: Uint8Array;
  readonly #cipher: Cipher;
  readonly #random: Random;
  #state: State = { name: 'coming', openers: 0 };
  #usedAt: Instant;
  #datagrams = 0;
  #bytes = 0;
  #refused = 0;

  constructor(options: CarriageOptions, { pairId, legs }: Carry, now: Instant) {
    this.pairId = pairId;
    this.#options = options;
    this.#cipher = options.cipher;
    this.#random = options.random;
    this.#secret = options.cipher.random(32);
    this.#born = now;
    this.#usedAt = now;
    const end = (leg: Leg): End => {
      const addresses = leg.addresses.filter(options.mayWrite);
      const session = legSession(options, leg, 'relay');
      return { number: leg.number, session, addresses, at: undefined, askedAt: undefined };
    };
    this.#ends = [end(legs[0]), end(legs[1])];
  }

  /** Numbers of the two legs, in the order's own order. */
  get legs(): readonly [number, number] {
    return [this.#ends[0].number, this.#ends[1].number];
  }

  get isOver(): boolean {
    return this.#state.name === 'over';
  }

  /** What went through so far, as it left us; and what did not open or had no room. */
  get counters(): { readonly datagrams: number; readonly bytes: number; readonly refused: number } {
    return { datagrams: this.#datagrams, bytes: this.#bytes, refused: this.#refused };
  }

  age(now: Instant): number {
    return since(this.#born, now);
  }

  step(input: CarriageInput, now: Instant): readonly CarriageEffect[] {
    if (this.#state.name === 'over') return [];
    switch (input.kind) {
      case 'start':
      case 'tick':
        return this.#tick(now);
      case 'datagram':
        return this.#datagram(input.header, input.bytes, input.from, now);
      case 'stop':
        return this.#end('stopped', now);
    }
  }

  wake(): Instant | undefined {
    switch (this.#state.name) {
      case 'coming': {
        const opener = this.#options.writesFirst ? OPENERS[this.#state.openers] : undefined;
        return earliest(after(this.#born, COMING), opener === undefined ? undefined : after(this.#born, opener));
      }
      case 'carrying':
        return after(this.#usedAt, SILENT);
      case 'over':
        return undefined;
    }
  }

  #tick(now: Instant): CarriageEffect[] {
    switch (this.#state.name) {
      case 'coming': {
        if (now >= after(this.#born, COMING)) return this.#end('nobody-came', now);
        const { openers } = this.#state;
        const due = this.#options.writesFirst ? OPENERS[openers] : undefined;
        if (due === undefined || now < after(this.#born, due)) return [];
        this.#state = { name: 'coming', openers: openers + 1 };
        return this.#ends.flatMap((end) =>
          end.at === undefined ? end.addresses.map((to) => this.#here(end, to, this.#random(PADDING), now)) : [],
        );
      }
      case 'carrying':
        return now >= after(this.#usedAt, SILENT) ? this.#end('silent', now) : [];
      case 'over':
        return [];
    }
  }

  #datagram(header: Header, bytes: Uint8Array, from: Address, now: Instant): CarriageEffect[] {
    const [one, other] = this.#ends;
    const [end, far] = header.index === one.number ? [one, other] : [other, one];
    const opened = end.session.open(header, bytes, now);
    const elsewhere = end.at === undefined || !sameAddress(end.at, from);
    if (typeof opened === 'string' || (elsewhere && !this.#options.mayWrite(from))) {
      this.#refused++;
      return [];
    }
    const { body, fresh } = opened;
    if (body.length >= LEAST_CARGO) {
      const asked = elsewhere && fresh ? this.#ask(end, from, bytes.length, now) : [];
      return [...asked, ...this.#pass(far, body, now)];
    }
    const word = decodeWord(body);
    if (word?.kind !== 'hello') {
      this.#refused++;
      return [];
    }
    const came = elsewhere && fresh && sameBytes(word.token, this.#token(end, from));
    if (came) end.at = from;
    const gathered = came ? this.#gather(far, now) : [];
    return [...gathered, ...this.#answer(end, from, bytes.length, now)];
  }

  /** One has come; when the other one is there already, both are told. */
  #gather(far: End, now: Instant): CarriageEffect[] {
    if (this.#state.name !== 'coming' || far.at === undefined) return [];
    this.#state = { name: 'carrying' };
    this.#usedAt = now;
    return [{ kind: 'begun' }, this.#here(far, far.at, this.#random(PADDING), now)];
  }

  #pass(far: End, cargo: Uint8Array, now: Instant): CarriageEffect[] {
    if (this.#state.name !== 'carrying' || far.at === undefined || !this.#options.spend(cargo.length, now)) {
      this.#refused++;
      return [];
    }
    this.#usedAt = now;
    const bytes = far.session.seal(far.session.nextCounter(), cargo, 0, now);
    this.#datagrams++;
    this.#bytes += bytes.length;
    return [{ kind: 'send', to: far.at, bytes }];
  }

  #ask(end: End, from: Address, length: number, now: Instant): CarriageEffect[] {
    if (end.askedAt !== undefined && since(end.askedAt, now) < ASK_APART) return [];
    end.askedAt = now;
    return this.#answer(end, from, length, now);
  }

  /** Never longer than what it answers. */
  #answer(end: End, to: Address, length: number, now: Instant): CarriageEffect[] {
    const room = length - HEADER - TAG - HERE_LENGTH;
    return room < 0 ? [] : [this.#here(end, to, Math.min(room, this.#random(PADDING)), now)];
  }

  #here(end: End, to: Address, pad: number, now: Instant): CarriageEffect {
    const prove = end.at === undefined || !sameAddress(end.at, to);
    const both = this.#state.name === 'carrying';
    const word: LegWord = { kind: 'here', both, prove, token: this.#token(end, to) };
    return { kind: 'send', to, bytes: sealWord(end.session, word, pad, now) };
  }

  #token(end: End, at: Address): Uint8Array {
    return this.#cipher.mac(this.#secret, bytesOf(`${end.number} ${key(at)}`)).subarray(0, 8);
  }

  #end(why: Extract<CarriageEffect, { kind: 'over' }>['why'], now: Instant): CarriageEffect[] {
    const byes = this.#ends.flatMap(({ at, session }): CarriageEffect[] => {
      if (at === undefined) return [];
      const bye = (): Uint8Array => sealWord(session, { kind: 'bye' }, this.#random(PADDING), now);
      return Array.from({ length: BYES }, () => ({ kind: 'send', to: at, bytes: bye() }));
    });
    this.#state = { name: 'over' };
    return [...byes, { kind: 'over', why }];
  }
}
