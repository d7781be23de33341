import { type Address, sameAddress } from '../base/address.ts';
import { concat } from '../base/bytes.ts';
import type { NetEffect, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import type { Header } from '../seal/header.ts';
import type { Session } from '../seal/session.ts';
import { decode, encode } from '../wire/codec.ts';
import type { FromClient, Message, Registered } from '../wire/messages.ts';
import type { Server } from './entrance.ts';

/** Control datagrams get up to so many bytes of padding, so that their size does not tell what they are. */
export const PADDING = 64;

type Send = Extract<NetEffect, { kind: 'send' }>;

/** A session with a rendezvous. */
export interface Up {
  readonly session: Session;
  readonly index: number;
  readonly server: Server;
  readonly fullHandshakeAt: Instant;
  /** Undefined until the answer to `register`. */
  registered: Registered | undefined;
  observers: readonly Address[];
}

/** The line to a rendezvous, while it is up: what we say leaves sealed, what comes is opened. */
export class Line {
  readonly #random: Random;
  /** The socket we speak from. */
  readonly #socket: SocketId;
  #up: Up | undefined;
  #unopened = 0;

  constructor(random: Random, socket: SocketId) {
    this.#random = random;
    this.#socket = socket;
  }

  get up(): Up | undefined {
    return this.#up;
  }

  get isRegistered(): boolean {
    return this.#up?.registered !== undefined;
  }

  /** Datagrams that were taken for the rendezvous' and did not open. */
  get unopened(): number {
    return this.#unopened;
  }

  /** A session begins: nobody is registered in it yet. */
  open({ session, index, server }: Pick<Up, 'session' | 'index' | 'server'>, fullHandshakeAt: Instant): void {
    this.#up = { session, index, server, fullHandshakeAt, registered: undefined, observers: [] };
  }

  close(): void {
    this.#up = undefined;
  }

  /** What a datagram of this session says; nothing when it does not open. */
  hear(up: Up, header: Header, bytes: Uint8Array, now: Instant): readonly Message[] {
    const opened = up.session.open(header, bytes, now);
    const messages = typeof opened === 'string' ? opened : decode(opened.body);
    if (typeof messages !== 'string') return messages;
    this.#unopened++;
    return [];
  }

  /** To the rendezvous, in one datagram. */
  tell(messages: readonly FromClient[], now: Instant, padding = PADDING): Send[] {
    if (this.#up === undefined) return [];
    const pad = padding === 0 ? 0 : this.#random(padding);
    return this.ask(concat(messages.map(encode)), pad, now);
  }

  /** A body to the rendezvous, with so much padding. */
  ask(body: Uint8Array, pad: number, now: Instant): Send[] {
    return this.#up === undefined ? [] : this.send(body, pad, this.#up.server.address, this.#socket, now);
  }

  /** A body to any of the rendezvous' addresses, from any of our sockets. */
  send(body: Uint8Array, pad: number, to: Address, socket: SocketId, now: Instant): Send[] {
    if (this.#up === undefined) return [];
    const { session } = this.#up;
    return [{ kind: 'send', socket, to, bytes: session.seal(session.nextCounter(), body, pad, now) }];
  }
}

/** Takes the answer to `register`. An observer that listens everywhere is reached where the rendezvous is. */
export function register(up: Up, answer: Registered): void {
  const { ip } = up.server.address;
  up.registered = answer;
  up.observers = answer.observers.map((one) => (isAny(one.ip) ? { ip, port: one.port } : one));
}

/** Takes the address that the rendezvous sees us at; true when it is another than before. */
export function observe(up: Up, observed: Address): boolean {
  if (up.registered === undefined || sameAddress(up.registered.observed, observed)) return false;
  up.registered = { ...up.registered, observed };
  return true;
}

function isAny(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}
