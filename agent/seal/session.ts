import { between, type Random } from '../base/random.ts';
import { after, type Instant, minutes, ms, seconds } from '../base/time.ts';
import { Slab } from '../base/slab.ts';
import { Window } from '../base/window.ts';
import type { Aead, BlockCipher, Cipher, Suite } from './cipher.ts';
import { COUNTERS, type FirstByte, type Header, HEADER, TAG } from './header.ts';
import { Headers } from './headers.ts';
import { Ratchet } from './ratchet.ts';

/** A key serves this long, give or take a fifth, or so many datagrams: docs/security.md, rule 7. */
const KEY_LIFE = minutes(10);
const KEY_DATAGRAMS = 2 ** 20;
/** How long the key before still opens what was on the way: far beyond any reordering. */
const OLD_KEY_LIFE = seconds(30);

export interface SessionKeys {
  /** 32-byte keys of the two directions, as a Noise handshake splits them. */
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

export interface SessionOptions {
  readonly cipher: Cipher;
  readonly suite: Suite;
  readonly keys: SessionKeys;
  /** The number the other side knows this session by. */
  readonly theirIndex: number;
  /** The other side's header key. */
  readonly theirHeader: BlockCipher;
  /** Counters remembered against replay: 64 towards a rendezvous, 2,048 for media. */
  readonly window: 64 | 2048;
  readonly random: Random;
  readonly firstByte?: FirstByte;
}

/** `fresh`: no newer datagram came before, so this one may move the peer's address. */
export interface Opened {
  readonly body: Uint8Array;
  readonly fresh: boolean;
}

export type NotOpened = 'replayed' | 'forged' | 'old-key';

/**
 * Seals and opens the data datagrams of one session. Each direction renews its key by itself: the sender counts `phase`
 * up, the receiver derives the next key on sight.
 */
export class Session {
  readonly theirIndex: number;
  readonly suite: Suite;
  readonly #headers: Headers;
  readonly #random: Random;
  readonly #nonce = new Uint8Array(12);
  readonly #window: Window;
  readonly #slab = new Slab();

  readonly #sending: Ratchet;
  #sendKey: Aead;
  #sendPhase = 0;
  #sentInPhase = 0;
  #sendUntil: Instant | undefined;
  #lastSealed = -1;
  #reserved = 0;

  readonly #receiving: Ratchet;
  #receivePhase = 0;
  #oldUntil: Instant | undefined;

  constructor(options: SessionOptions) {
    this.theirIndex = options.theirIndex;
    this.suite = options.suite;
    const { theirIndex, theirHeader, firstByte, random } = options;
    this.#headers = new Headers(theirIndex, theirHeader, firstByte ?? 'any', random);
    this.#random = random;
    this.#window = new Window(options.window);
    this.#sending = new Ratchet(options.cipher, options.suite, options.keys.send);
    this.#receiving = new Ratchet(options.cipher, options.suite, options.keys.receive);
    this.#sendKey = this.#sending.key(0);
  }

  /** How often each direction has renewed its key. */
  get phases(): { readonly send: number; readonly receive: number } {
    return { send: this.#sendPhase, receive: this.#receivePhase };
  }

  /** Sets a packet number aside, for callers without a transport that numbers for itself. */
  nextCounter(): number {
    this.#reserved = Math.max(this.#reserved, this.#lastSealed + 1);
    return this.#reserved++;
  }

  /** How much padding the datagram of this number should have: 0 to `most`, evenly; whoever seals with it does so cheaper. */
  pad(counter: number, most: number): number {
    return this.#headers.pad(counter, most, this.#sendPhase & 7);
  }

  /**
   * One whole datagram of body.length + pad + 32 bytes; `pad` is 0 to 255. Throws when `counter` is not above every
   * counter sealed before: a nonce used twice would open the session, so that mistake must end the process.
   */
  seal(counter: number, body: Uint8Array, pad: number, now: Instant): Uint8Array {
    if (counter <= this.#lastSealed || counter >= COUNTERS) throw new Error(`packet number ${counter} used twice`);
    this.#lastSealed = counter;
    this.#renew(now);
    const header = this.#headers.take(counter, pad, this.#sendPhase & 7);
    const datagram = this.#slab.take(HEADER + body.length + pad + TAG);
    datagram.set(header);
    const sealed = datagram.subarray(HEADER);
    let plain = body;
    if (pad > 0) {
      sealed.set(body);
      plain = sealed.subarray(0, body.length + pad);
    }
    this.#sendKey.seal(this.#nonceOf(counter), header, plain, sealed);
    return datagram;
  }

  /** The body of an authentic datagram never seen before, or why not. Nothing changes unless it is authentic. */
  open(header: Header, datagram: Uint8Array, now: Instant): Opened | NotOpened {
    if (!this.#window.fresh(header.counter)) return 'replayed';
    const phase = this.#phaseOf(header.phase, now);
    if (phase === undefined) return 'old-key';
    const plain = this.#receiving
      .key(phase)
      .open(this.#nonceOf(header.counter), datagram.subarray(0, HEADER), datagram.subarray(HEADER));
    if (plain === undefined || header.pad > plain.length) return 'forged';
    if (phase > this.#receivePhase) this.#follow(phase, now);
    const fresh = header.counter > this.#window.newest;
    this.#window.mark(header.counter);
    return { body: plain.subarray(0, plain.length - header.pad), fresh };
  }

  #nonceOf(counter: number): Uint8Array {
    const nonce = this.#nonce;
    const high = Math.floor(counter / 0x1_0000_0000);
    nonce[6] = high >>> 8;
    nonce[7] = high;
    nonce[8] = counter >>> 24;
    nonce[9] = counter >>> 16;
    nonce[10] = counter >>> 8;
    nonce[11] = counter;
    return nonce;
  }

  #renew(now: Instant): void {
    if (this.#sendUntil !== undefined && (now >= this.#sendUntil || this.#sentInPhase >= KEY_DATAGRAMS)) {
      this.#sendPhase++;
      this.#sendKey = this.#sending.key(this.#sendPhase);
      this.#sending.forget(this.#sendPhase);
      this.#sentInPhase = 0;
      this.#sendUntil = undefined;
    }
    this.#sendUntil ??= after(now, ms(KEY_LIFE * between(this.#random, 0.8, 1.2)));
    this.#sentInPhase++;
  }

  /** The whole phase behind its low three bits: the one before while it lasts, the present one, or up to six ahead. */
  #phaseOf(bits: number, now: Instant): number | undefined {
    if (this.#oldUntil !== undefined && now > this.#oldUntil) {
      this.#oldUntil = undefined;
      this.#receiving.forget(this.#receivePhase);
    }
    const ahead = (bits - this.#receivePhase) & 7;
    if (ahead < 7) return this.#receivePhase + ahead;
    return this.#oldUntil === undefined ? undefined : this.#receivePhase - 1;
  }

  #follow(phase: number, now: Instant): void {
    this.#oldUntil = after(now, OLD_KEY_LIFE);
    this.#receivePhase = phase;
    this.#receiving.forget(phase - 1);
  }
}
