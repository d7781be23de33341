import { sameAddress } from '../base/address.ts';
import { sameBytes } from '../base/bytes.ts';
import { type Instant, type Millis, seconds, since } from '../base/time.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Message, Response } from '../wire/messages.ts';
import { type Client, isAt, moved } from './directory.ts';
import { event, type RendezvousEffect, short } from './events.ts';
import type { Came, Floor } from './floor.ts';

/** An address moves at most this often (docs/security.md, rule 9). */
const MOVE_INTERVAL: Millis = seconds(1);

/** Where a household is: its address follows it, and is proven by an answer from there. */
export class Whereabouts {
  readonly #cipher: Cipher;
  readonly #refuse: Floor['refuse'];

  constructor(cipher: Cipher, refuse: Floor['refuse']) {
    this.#cipher = cipher;
    this.#refuse = refuse;
  }

  /** Lets the address follow the client, and counts what it sends from an address not proven yet. */
  follow(client: Client, came: Came, now: Instant): RendezvousEffect[] {
    const effects: RendezvousEffect[] = [];
    const mayMove = client.movedAt === undefined || since(client.movedAt, now) >= MOVE_INTERVAL;
    if (came.fresh && !isAt(client, came.from, came.socket) && mayMove) {
      if (!sameAddress(client.address, came.from)) {
        client.path = moved(this.#cipher);
        effects.push(event('moved', { node: short(client) }));
      }
      client.address = came.from;
      client.socket = came.socket;
      client.movedAt = now;
    }
    if (client.path.kind === 'moved' && isAt(client, came.from, came.socket)) client.path.received += came.length;
    return effects;
  }

  /** The answer to a challenge: only from where it was sent to, and only the same token. */
  response(client: Client, { token }: Response, came: Came): [] {
    if (client.path.kind === 'valid') return [];
    if (!isAt(client, came.from, came.socket) || !sameBytes(client.path.token, token)) return this.#refuse('response');
    client.path = { kind: 'valid' };
    return [];
  }
}

/** Probes leave from other sockets on purpose; everything else tells where the client is. */
export function tellsPlace({ kind }: Message): boolean {
  return kind !== 'probe' && kind !== 'filter-test' && kind !== 'try-door' && kind !== 'stretch';
}
