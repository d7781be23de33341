import type { Address } from '../../agent/base/address.ts';
import { randomBytes, seeded } from '../../agent/base/random.ts';
import { after, at, type Instant, ms } from '../../agent/base/time.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import type { Cipher, Suite } from '../../agent/seal/cipher.ts';
import type { Machine } from '../../agent/base/machine.ts';
import {
  Greeting,
  type GreetingEffect,
  type GreetingInput,
  type GreetingOptions,
  type Ticket,
} from '../../agent/seal/greet.ts';
import { decodeHeader } from '../../agent/seal/header.ts';
import type { Session } from '../../agent/seal/session.ts';
import { Welcome, type Welcomed, type WelcomeOptions } from '../../agent/seal/welcome.ts';

// One rendezvous and one client in front of it, as the tests of this folder need them.

export const NETWORK = Uint8Array.of(1, 2, 3);
export const HOME: Address = { ip: '198.51.100.7', port: 40_000 };
export const START = at(1_000_000);
export const BOTH: readonly Suite[] = ['chacha20-poly1305', 'aes-128-gcm'];

/** The real primitives with chance that is the same in every run. */
export function fixedCipher(seed: number): Cipher {
  const real = nodeCipher();
  const random = seeded(seed);
  return {
    ...real,
    random: (length) => randomBytes(random, length),
    pair: (secret) => real.pair(secret ?? randomBytes(random, 32)),
  };
}

export const cipher = fixedCipher(1);
export const SERVER = cipher.pair();
export const CLIENT = cipher.pair();

export function welcome(options: Partial<WelcomeOptions> = {}): Welcome {
  const random = seeded(2);
  return new Welcome({
    cipher,
    random,
    identity: SERVER,
    networkSecret: NETWORK,
    suites: BOTH,
    now: START,
    ...options,
  });
}

export const HEADER_KEY = cipher.random(16);
export const OWN_INDEX = 0x0102_0304;

/** Each draws other numbers, as no two starts have the same. */
let greetings = 3000;

export function greeting(options: Partial<GreetingOptions> = {}): Greeting {
  return new Greeting({
    cipher,
    random: seeded(greetings++),
    identity: CLIENT,
    serverKey: SERVER.publicKey,
    networkSecret: NETWORK,
    headerKey: HEADER_KEY,
    index: OWN_INDEX,
    suites: BOTH,
    ...options,
  });
}

/** What the rendezvous makes of raw bytes: its header first, then its door. */
export function arrive(server: Welcome, bytes: Uint8Array, now: Instant, from: Address = HOME): Welcomed | 'stranger' {
  const header = decodeHeader(bytes, server.header);
  return header === undefined ? 'stranger' : server.receive(header, bytes, from, now);
}

export interface Entered {
  readonly session: Session;
  readonly ticket: Ticket;
  readonly resumed: boolean;
  /** What the client sent, in order. */
  readonly sent: readonly Uint8Array[];
  readonly received: readonly Uint8Array[];
  readonly now: Instant;
}

/** Lets the two talk, 20 ms each way, until the client is in; `lost` says which datagrams never arrive. */
export function enter(
  server: Welcome,
  client: Machine<GreetingInput, GreetingEffect>,
  start: Instant = START,
  lost: () => boolean = () => false,
): Entered {
  const [sent, received]: [Uint8Array[], Uint8Array[]] = [[], []];
  let now = start;
  let effects = client.step({ kind: 'start' }, now);
  for (let turn = 0; turn < 200; turn++) {
    const answers: Uint8Array[] = [];
    for (const effect of effects) {
      if (effect.kind === 'done') return { ...effect, sent, received, now };
      if (effect.kind !== 'send') continue;
      sent.push(effect.bytes);
      const welcomed = lost() ? undefined : arrive(server, effect.bytes, after(now, ms(20)));
      if (welcomed !== undefined && welcomed !== 'stranger' && welcomed.kind === 'reply' && !lost())
        answers.push(welcomed.bytes);
    }
    received.push(...answers);
    if (answers.length > 0) now = after(now, ms(40));
    else now = client.wake() ?? now;
    effects =
      answers.length > 0
        ? answers.flatMap((bytes) => client.step({ kind: 'datagram', bytes }, now))
        : client.step({ kind: 'tick' }, now);
  }
  throw new Error('the client never got in');
}

/** The client's first data, and what the rendezvous says to it. */
export function firstData(server: Welcome, entered: Entered, body = Uint8Array.of(42)): Welcomed | 'stranger' {
  const datagram = entered.session.seal(entered.session.nextCounter(), body, 30, entered.now);
  return arrive(server, datagram, after(entered.now, ms(20)));
}
