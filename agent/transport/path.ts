import { sameBytes } from '../base/bytes.ts';
import { type Random, randomBytes } from '../base/random.ts';
import { after, type Instant, type Millis, ms } from '../base/time.ts';
import { CHALLENGE } from './frames.ts';

/** Towards an address that has proven nothing, at most so many times what came from it (RFC 9000 section 8.1). */
const AMPLIFICATION = 3;
/**
 * A port alone has changed: the household there has proven its IP by all that went before, and a NAT that moved it is
 * likelier than an attacker beside it. So much may go there at once: the stream of a round trip.
 */
const PORT_ONLY = 128 * 1024;
const TRIES = 4;

type State =
  | { readonly name: 'proven' }
  | {
      readonly name: 'unproven';
      readonly data: Uint8Array;
      /** Bytes that may still be sent. */
      allowance: number;
      tries: number;
      /** When the challenge should go (again). */
      due: Instant;
    };

/** Whether the peer's address is proven: that whoever receives there also answers (RFC 9000 sections 8.2 and 9). */
export class Path {
  #state: State = { name: 'proven' };
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  get proven(): boolean {
    return this.#state.name === 'proven';
  }

  moved(portOnly: boolean, now: Instant): void {
    const allowance = portOnly ? PORT_ONLY : 0;
    this.#state = { name: 'unproven', data: randomBytes(this.#random, CHALLENGE), allowance, tries: 0, due: now };
  }

  /** Whoever carries there has proven itself by other means. */
  trusted(): void {
    this.#state = { name: 'proven' };
  }

  received(size: number): void {
    if (this.#state.name === 'unproven') this.#state.allowance += AMPLIFICATION * size;
  }

  sent(size: number): void {
    if (this.#state.name === 'unproven') this.#state.allowance -= size;
  }

  /** Bytes that may go there now. */
  get room(): number {
    return this.#state.name === 'proven' ? Infinity : this.#state.allowance;
  }

  /** The challenge, when it is time for it to be sent. */
  challenge(now: Instant): Uint8Array | undefined {
    return this.#state.name === 'unproven' && this.#state.due <= now && this.#state.tries < TRIES
      ? this.#state.data
      : undefined;
  }

  /** It was sent; the next try is `patience` later, twice as much each time. */
  challenged(patience: Millis, now: Instant): void {
    if (this.#state.name === 'proven') return;
    this.#state.due = after(now, ms(patience * 2 ** this.#state.tries));
    this.#state.tries++;
  }

  /** True when this answer proves the address. */
  answered(data: Uint8Array): boolean {
    if (this.#state.name === 'proven' || !sameBytes(data, this.#state.data)) return false;
    this.#state = { name: 'proven' };
    return true;
  }

  /** True once when all tries went unanswered. The limit stays: what is beyond it was never proven. */
  failed(now: Instant): boolean {
    if (this.#state.name === 'proven' || this.#state.tries < TRIES || this.#state.due > now) return false;
    this.#state.due = NEVER;
    return true;
  }

  wake(): Instant | undefined {
    return this.#state.name === 'proven' || this.#state.due === NEVER ? undefined : this.#state.due;
  }
}

const NEVER = Infinity as Instant;
