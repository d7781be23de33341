import { type Address, sameAddress, scope } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, SocketId } from '../base/net.ts';
import { after, type Instant, isDue, type Millis, minutes, ms, seconds } from '../base/time.ts';
import type { Ground } from '../punch/target.ts';
import type { Proven } from '../wire/messages.ts';

export type SixInput =
  /** Our socket of IPv4 has this port. */
  | { readonly kind: 'bound'; readonly port: number }
  /** We are registered, perhaps anew, where nothing is proven yet: there are these observers, by their places. */
  | { readonly kind: 'observers'; readonly observers: readonly Address[] }
  /** Our interfaces have other addresses than before. */
  | { readonly kind: 'networks'; readonly networks: Ground['networks'] }
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed' }
  /** An observer's answer to our probe. */
  | { readonly kind: 'observed'; readonly external: Address; readonly token: Uint8Array }
  | { readonly kind: 'tick' };

export type SixEffect =
  | Extract<NetEffect, { kind: 'open' }>
  | { readonly kind: 'probe'; readonly socket: SocketId; readonly observer: number; readonly index: number }
  /** We are somewhere else than we said, or for the first time: to be registered. */
  | { readonly kind: 'moved' };

/** Until the next question, while none was answered; then REGULAR. */
const PATIENCE: readonly Millis[] = [ms(300), ms(700), seconds(2), seconds(8)];
/** Providers change prefixes, and hosts their privacy addresses (RFC 8981). */
const REGULAR: Millis = minutes(5);

/**
 * A household's IPv6 side. There is no NAT to be read: one socket, and the proof of the address it is seen at, which
 * the rendezvous then names to others. The firewalls of both routers are opened as those of IPv4 are, by sending at the same
 * time (RFC 6092 REC-17: simple security in gateways is stateful).
 *
 *     closed ──observers of IPv6, and an address of our own──▶ opening ──▶ asking ──observed──▶ proven
 *                                                                          ◀──── every 5 minutes ──┘
 */
export class Six implements Machine<SixInput, SixEffect> {
  readonly socket: SocketId;
  #state: 'closed' | 'opening' | 'open' | 'none';
  /** The same port for both families: a rule of the owner's firewall is for one. */
  #port = 0;
  #observer: number | undefined;
  /** What is proven has to be registered, also where we are as we were. */
  #isUntold = true;
  #asked = 0;
  #due: Instant | undefined;
  #proven: Proven | undefined;

  constructor(socket: SocketId, networks: Ground['networks']) {
    this.socket = socket;
    this.#state = hasPublic(networks) ? 'closed' : 'none';
  }

  /** The socket, where peers may be knocked at from it. */
  get door(): SocketId | undefined {
    return this.#state === 'open' && this.#proven !== undefined ? this.socket : undefined;
  }

  get proven(): readonly Proven[] {
    return this.#proven === undefined ? [] : [this.#proven];
  }

  step(input: SixInput, now: Instant): readonly SixEffect[] {
    switch (input.kind) {
      case 'bound':
        this.#port = input.port;
        return [];
      case 'observers': {
        this.#isUntold = true;
        const place = input.observers.findIndex(({ ip }) => ip.includes(':'));
        this.#observer = place < 0 ? undefined : place;
        return this.#begin(now);
      }
      case 'networks':
        if (!hasPublic(input.networks)) return this.#lose();
        if (this.#state === 'none') this.#state = 'closed';
        return this.#begin(now);
      case 'opened':
        this.#state = 'open';
        return this.#ask(now);
      case 'failed':
        return this.#failed();
      case 'observed': {
        const { external, token } = input;
        const before = this.#isUntold ? undefined : this.#proven;
        this.#isUntold = false;
        this.#proven = { address: external, token, opening: 'none' };
        this.#asked = 0;
        this.#due = after(now, REGULAR);
        return before !== undefined && sameAddress(before.address, external) ? [] : [{ kind: 'moved' }];
      }
      case 'tick':
        return isDue(this.#due, now) ? this.#ask(now) : [];
    }
  }

  wake(): Instant | undefined {
    return this.#due;
  }

  #begin(now: Instant): readonly SixEffect[] {
    if (this.#observer === undefined) return [];
    switch (this.#state) {
      case 'closed':
        this.#state = 'opening';
        return [this.#open()];
      case 'open':
        return this.#ask(now);
      case 'opening':
      case 'none':
        return [];
    }
  }

  #open(): SixEffect {
    return { kind: 'open', socket: this.socket, ip: '::', port: this.#port };
  }

  /** Another program may have our port; a socket of IPv6 may be impossible. */
  #failed(): readonly SixEffect[] {
    this.#state = this.#port === 0 ? 'none' : 'opening';
    if (this.#port === 0) return [];
    this.#port = 0;
    return [this.#open()];
  }

  /** The line has no IPv6 any more. */
  #lose(): readonly SixEffect[] {
    if (this.#proven === undefined) return [];
    this.#proven = undefined;
    return [{ kind: 'moved' }];
  }

  #ask(now: Instant): readonly SixEffect[] {
    if (this.#observer === undefined) return [];
    this.#due = after(now, PATIENCE[this.#asked] ?? REGULAR);
    const index = this.#asked++ & 0xff;
    return [{ kind: 'probe', socket: this.socket, observer: this.#observer, index }];
  }
}

function hasPublic(networks: Ground['networks']): boolean {
  return networks.some(({ ip }) => ip.includes(':') && scope(ip) === 'public');
}
