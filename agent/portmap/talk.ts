import { type Address, sameAddress } from '../base/address.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import { after, type Instant, type Millis, ms } from '../base/time.ts';

/**
 * When a question is asked, counted from the first time; the last entry is when nothing is expected any more. 250 ms doubling
 * is RFC 6886, 3.1; PCP's three seconds (RFC 6887, 8.1.1) are for servers far away. A gateway that is
 * silent for 16 s will not speak.
 */
export const PATIENT: readonly Millis[] = [0, 250, 750, 1750, 3750, 7750, 15_750].map(ms);
/** For what we can do without: taking a mapping away before we go. */
export const BRIEF: readonly Millis[] = [0, 250, 500].map(ms);

/** What the one who asks makes of an answer, and of none. */
export interface Listener<Effect> {
  readonly answered: (bytes: Uint8Array, now: Instant) => readonly Effect[];
  readonly gaveUp: (reason: 'silent' | 'no-socket') => readonly Effect[];
}

/** One question at a time to one server over UDP, asked again until it is answered or hopeless. Only the server itself is heard. */
export class Talk {
  readonly #socket: SocketId;
  readonly #own: string;
  readonly #server: Address;
  #open: 'no' | 'opening' | 'yes' = 'no';
  #asking:
    | { readonly questions: readonly Uint8Array[]; readonly times: readonly Millis[]; from: Instant; asked: number }
    | undefined;

  constructor(socket: SocketId, own: string, server: Address) {
    this.#socket = socket;
    this.#own = own;
    this.#server = server;
  }

  /** Asks this now instead of what was asked before. */
  ask(questions: readonly Uint8Array[], times: readonly Millis[], now: Instant): NetEffect[] {
    this.#asking = { questions, times, from: now, asked: 0 };
    if (this.#open === 'yes') return this.#send();
    if (this.#open === 'opening') return [];
    this.#open = 'opening';
    return [{ kind: 'open', socket: this.#socket, ip: this.#own, port: 0 }];
  }

  /** Waits for nothing more. */
  rest(): void {
    this.#asking = undefined;
  }

  close(): NetEffect[] {
    this.#asking = undefined;
    if (this.#open === 'no') return [];
    this.#open = 'no';
    return [{ kind: 'close', socket: this.#socket }];
  }

  step<Effect>(input: NetInput, now: Instant, listener: Listener<Effect>): readonly (NetEffect | Effect)[] {
    switch (input.kind) {
      case 'opened':
        if (input.socket !== this.#socket || this.#open !== 'opening') break;
        this.#open = 'yes';
        if (this.#asking !== undefined) this.#asking.from = now;
        return this.#send();
      case 'failed':
        if (input.socket !== this.#socket) break;
        this.#open = 'no';
        this.#asking = undefined;
        return listener.gaveUp('no-socket');
      case 'datagram':
        if (input.socket !== this.#socket || !sameAddress(input.from, this.#server)) break;
        return listener.answered(input.bytes, now);
      case 'tick': {
        const wake = this.wake();
        if (wake === undefined || now < wake || this.#asking === undefined) break;
        if (this.#asking.asked < this.#asking.times.length - 1) return this.#send();
        this.#asking = undefined;
        return listener.gaveUp('silent');
      }
    }
    return [];
  }

  wake(): Instant | undefined {
    if (this.#asking === undefined || this.#open !== 'yes') return undefined;
    const next = this.#asking.times[this.#asking.asked];
    return next === undefined ? undefined : after(this.#asking.from, next);
  }

  #send(): NetEffect[] {
    if (this.#asking === undefined) return [];
    this.#asking.asked++;
    return this.#asking.questions.map((bytes) => ({ kind: 'send', socket: this.#socket, to: this.#server, bytes }));
  }
}
