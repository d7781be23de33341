import { concat } from '../base/bytes.ts';
import { after, at, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Aead, Cipher } from './cipher.ts';
import { TICKET } from './entry.ts';

/** A sealing key serves a day and opens for two more (docs/security.md, rule 8). */
const KEY_LIFE = seconds(24 * 3600);
const KEYS = 3;

/** One sealing key as it is kept over a restart. Age instead of date: there is no wall clock. */
export interface TicketKey {
  readonly id: number;
  readonly key: Uint8Array;
  readonly age: Millis;
}

/** Whom a ticket stands for. */
export interface Ticketed {
  readonly client: Uint8Array;
  readonly secret: Uint8Array;
}

interface Held {
  readonly id: number;
  readonly key: Uint8Array;
  readonly aead: Aead;
  readonly born: Instant;
}

/**
 * Tickets hold a client's public key and a shared secret, sealed so that only this server (or its next start) reads
 * them; the server itself remembers nothing.
 *
 *     0    1       13                               77    93
 *     | id | nonce | client public key 32, secret 32 | tag |
 */
export class Tickets {
  readonly #cipher: Cipher;
  /** Newest first. */
  #keys: readonly Held[];

  constructor(cipher: Cipher, now: Instant, kept: readonly TicketKey[] = []) {
    this.#cipher = cipher;
    this.#keys = kept
      .filter(({ key }) => key.length === 32)
      .slice(0, KEYS)
      .map(({ id, key, age }) => ({ id, key, aead: cipher.aead('chacha20-poly1305', key), born: at(now - age) }));
  }

  /** What must be kept, as secret as the identity, for tickets to outlive this process. */
  export(now: Instant): readonly TicketKey[] {
    this.#rotate(now);
    return this.#keys.map(({ id, key, born }) => ({ id, key, age: ms(now - born) }));
  }

  seal(ticketed: Ticketed, now: Instant): Uint8Array {
    const { id, aead } = this.#rotate(now);
    const ticket = new Uint8Array(TICKET);
    ticket[0] = id;
    const nonce = this.#cipher.random(12);
    ticket.set(nonce, 1);
    const plain = concat([ticketed.client, ticketed.secret]);
    aead.seal(nonce, ticket.subarray(0, 1), plain, ticket.subarray(13));
    return ticket;
  }

  open(ticket: Uint8Array, now: Instant): Ticketed | undefined {
    this.#rotate(now);
    const held = this.#keys.find(({ id }) => id === ticket[0]);
    if (held === undefined || ticket.length !== TICKET) return undefined;
    const plain = held.aead.open(ticket.subarray(1, 13), ticket.subarray(0, 1), ticket.subarray(13));
    return plain === undefined
      ? undefined
      : { client: Uint8Array.from(plain.subarray(0, 32)), secret: plain.subarray(32) };
  }

  /** The key to seal with; drops what is too old on the way. */
  #rotate(now: Instant): Held {
    this.#keys = this.#keys.filter(({ born }) => now < after(born, ms(KEYS * KEY_LIFE)));
    const newest = this.#keys[0];
    if (newest !== undefined && now < after(newest.born, KEY_LIFE)) return newest;
    const key = this.#cipher.random(32);
    const id = ((newest?.id ?? this.#cipher.random(1)[0] ?? 0) + 1) & 255;
    const held: Held = { id, key, aead: this.#cipher.aead('chacha20-poly1305', key), born: now };
    this.#keys = [held, ...this.#keys].slice(0, KEYS);
    return held;
  }
}
