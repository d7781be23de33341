import type { Address } from '../base/address.ts';
import { concat } from '../base/bytes.ts';
import type { NetEffect, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import { HEADER, TAG } from '../seal/header.ts';
import { encode } from '../wire/codec.ts';
import type { FromRendezvous } from '../wire/messages.ts';
import type { Client } from './directory.ts';

/** What one datagram of ours carries at most: 1,200 bytes with header and tag (docs/wire.md 1). */
const BODY = 1200 - HEADER - TAG;
/** Control datagrams get up to so many bytes of padding, so that their size does not tell what they are. */
const PADDING = 64;
/** Bytes sent to an address that is not proven, per byte received from there (RFC 9000, 8.1). */
const UNPROVEN_FACTOR = 3;

export type Send = Extract<NetEffect, { kind: 'send' }>;

/** How a question came, as far as its answer depends on it. */
interface Question {
  readonly from: Address;
  /** Bytes of the whole datagram. */
  readonly length: number;
}

/** Everything a rendezvous says goes through here, so that nobody gets more than is proven to be theirs. */
export class Voice {
  readonly #random: Random;
  readonly #refuse: (reason: 'unproven' | 'too-short') => void;
  #sent = 0;

  constructor(random: Random, refuse: (reason: 'unproven' | 'too-short') => void) {
    this.#random = random;
    this.#refuse = refuse;
  }

  /** Datagrams. */
  get sent(): number {
    return this.#sent;
  }

  send(socket: SocketId, to: Address, bytes: Uint8Array): Send {
    this.#sent++;
    return { kind: 'send', socket, to, bytes };
  }

  /** To where the client is, in as few datagrams as it takes. What an unproven address may not get is dropped. */
  tell(client: Client, messages: readonly FromRendezvous[], now: Instant): Send[] {
    const bodies: Uint8Array[][] = [];
    let room = 0;
    for (const bytes of messages.map(encode)) {
      if (bytes.length > room) {
        bodies.push([]);
        room = BODY;
      }
      bodies.at(-1)?.push(bytes);
      room -= bytes.length;
    }
    return bodies.flatMap((parts) => this.#tellBody(client, concat(parts), now));
  }

  /** Straight back to where a question came from, never with more than came; from whichever of our sockets. */
  echo(client: Client, answer: FromRendezvous, socket: SocketId, question: Question, now: Instant): Send[] {
    const body = encode(answer);
    const room = question.length - HEADER - TAG - body.length;
    if (room < 0) {
      this.#refuse('too-short');
      return [];
    }
    const bytes = seal(client, body, Math.min(room, this.#random(PADDING)), now);
    return [this.send(socket, question.from, bytes)];
  }

  #tellBody(client: Client, body: Uint8Array, now: Instant): Send[] {
    // A relayed datagram may be longer than our own ones; it has its padding inside.
    let most = Math.max(body.length, BODY);
    if (client.path.kind === 'moved') {
      most = UNPROVEN_FACTOR * client.path.received - client.path.sent - HEADER - TAG;
      if (body.length > most) {
        this.#refuse('unproven');
        return [];
      }
    }
    const bytes = seal(client, body, Math.min(this.#random(PADDING), most - body.length), now);
    if (client.path.kind === 'moved') client.path.sent += bytes.length;
    return [this.send(client.socket, client.address, bytes)];
  }
}

function seal(client: Client, body: Uint8Array, pad: number, now: Instant): Uint8Array {
  return client.session.seal(client.session.nextCounter(), body, pad, now);
}
