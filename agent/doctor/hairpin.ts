import type { Address } from '../base/address.ts';
import { sameBytes } from '../base/bytes.ts';
import type { SocketId } from '../base/net.ts';
import { type Random, randomBytes } from '../base/random.ts';
import { after, type Instant, isDue, ms } from '../base/time.ts';
import type { Place, Trial, TrialEffect, TrialInput } from './trial.ts';

/** Without the other end there is nothing to write to. */
const LOOKS = 3;
const WRITES = 3;
const BETWEEN = ms(100);
const PATIENCE = ms(500);
const WORD = 48;

/**
 * Whether a datagram to our own outside address comes back in (RFC 4787, section 6): two sockets are looked at by an
 * observer and then write to each other's outside. Each opens its own mapping towards the other by that.
 */
export class Hairpin implements Trial {
  readonly sockets: readonly [SocketId, SocketId];
  readonly #observer: Place;
  readonly #word: Uint8Array;
  readonly #outside = new Map<SocketId, Address>();
  #state:
    | { readonly name: 'looking'; readonly tries: number; readonly nextAt: Instant | undefined }
    | { readonly name: 'writing'; readonly tries: number; readonly nextAt: Instant }
    | { readonly name: 'over'; readonly came: boolean | undefined } = { name: 'looking', tries: 0, nextAt: undefined };
  #open = 0;

  constructor(sockets: readonly [SocketId, SocketId], observer: Place, random: Random) {
    this.sockets = sockets;
    this.#observer = observer;
    this.#word = randomBytes(random, WORD);
  }

  get over(): boolean {
    return this.#state.name === 'over';
  }

  /** Undefined where nobody could tell our outside. */
  get came(): boolean | undefined {
    return this.#state.name === 'over' ? this.#state.came : undefined;
  }

  begin(): readonly TrialEffect[] {
    return this.sockets.map((socket) => ({ kind: 'open', socket, ip: '0.0.0.0', port: 0 }));
  }

  step(input: TrialInput, now: Instant): readonly TrialEffect[] {
    switch (input.kind) {
      case 'opened':
        return ++this.#open === this.sockets.length ? this.#look(now) : [];
      case 'failed':
        return this.#end(undefined);
      case 'observed':
        this.#outside.set(input.socket, input.external);
        return this.#state.name === 'looking' && this.#outside.size === 2 ? this.#write(0, now) : [];
      case 'datagram':
        return this.#state.name === 'writing' && sameBytes(input.bytes, this.#word) ? this.#end(true) : [];
      case 'tick':
        return this.#tick(now);
      case 'filtered':
      case 'knocked':
        return [];
    }
  }

  wake(): Instant | undefined {
    return this.#state.name === 'over' ? undefined : this.#state.nextAt;
  }

  #tick(now: Instant): readonly TrialEffect[] {
    const state = this.#state;
    if (state.name === 'over' || !isDue(state.nextAt, now)) return [];
    return state.name === 'looking' ? this.#look(now) : this.#write(state.tries, now);
  }

  #look(now: Instant): readonly TrialEffect[] {
    const tries = this.#state.name === 'looking' ? this.#state.tries : 0;
    if (tries === LOOKS) return this.#end(undefined);
    this.#state = { name: 'looking', tries: tries + 1, nextAt: after(now, PATIENCE) };
    const unseen = this.sockets.filter((socket) => !this.#outside.has(socket));
    return unseen.map((socket) => ({ kind: 'probe', socket, observer: this.#observer.number, index: 0 }));
  }

  #write(tries: number, now: Instant): readonly TrialEffect[] {
    if (tries === WRITES) return this.#end(false);
    const last = tries + 1 === WRITES;
    this.#state = { name: 'writing', tries: tries + 1, nextAt: after(now, last ? PATIENCE : BETWEEN) };
    const [one, other] = this.sockets;
    return [this.#to(one, other), this.#to(other, one)].flat();
  }

  #to(from: SocketId, to: SocketId): readonly TrialEffect[] {
    const outside = this.#outside.get(to);
    return outside === undefined ? [] : [{ kind: 'send', socket: from, to: outside, bytes: this.#word }];
  }

  #end(came: boolean | undefined): readonly TrialEffect[] {
    this.#state = { name: 'over', came };
    return this.sockets.map((socket) => ({ kind: 'close', socket }));
  }
}
