/**
 * What sealing costs beside the primitives it cannot do without: one datagram of 1,200 bytes through Session, against
 * bare node:crypto calls for the same bytes (AEAD with a KeyObject, one AES block for the header), taken in turns in one
 * run; then what each datagram of entering costs a rendezvous.
 *
 * Bars: seal and open at most 1.5 times the bare calls; a ticket at most a third of Noise IK.
 * Run with: node bench/seal.ts [milliseconds per figure, default 800]
 */
import crypto from 'node:crypto';

import { at } from '../agent/base/time.ts';
import { nodeCipher, secureRandom } from '../agent/io/crypto.ts';
import type { Suite } from '../agent/seal/cipher.ts';
import { Greeting, type GreetingEffect, type Ticket } from '../agent/seal/greet.ts';
import { decodeHeader, HEADER, TAG } from '../agent/seal/header.ts';
import { Session } from '../agent/seal/session.ts';
import { Welcome, type Welcomed } from '../agent/seal/welcome.ts';

const SPAN_MS = Number(process.argv[2] ?? 800);
const BODY = 1200 - HEADER - TAG;
/** What a chunk of six TS packets leaves room for. */
const PAD = 23;
/** Short enough that some batch runs undisturbed on a busy machine. */
const BATCH = 100;
const NOW = at(0);
const cipher = nodeCipher();

/** A thing to be timed: each batch is prepared outside the time taken. */
type Timed = () => () => void;

/** Microseconds per call of each, batch about: the best batch counts, because disturbance only ever adds. */
function costs<Name extends string>(things: Readonly<Record<Name, Timed>>): Record<Name, number> {
  const best = Object.fromEntries(Object.keys(things).map((name) => [name, Infinity])) as Record<Name, number>;
  const until = performance.now() + SPAN_MS * Object.keys(things).length;
  while (performance.now() < until) {
    for (const name of Object.keys(things) as Name[]) {
      const batch = things[name]();
      const start = performance.now();
      batch();
      best[name] = Math.min(best[name], ((performance.now() - start) * 1000) / BATCH);
    }
  }
  return best;
}

const repeat = (call: () => unknown): Timed => {
  return () => () => {
    for (let i = 0; i < BATCH; i++) call();
  };
};

function datagrams(suite: Suite): Record<'bareSeal' | 'seal' | 'bareOpen' | 'open', number> {
  const key = crypto.createSecretKey(crypto.randomBytes(suite === 'chacha20-poly1305' ? 32 : 16));
  const name = suite as 'aes-128-gcm';
  const tagLength = { authTagLength: TAG };
  const ecb = crypto.createSecretKey(crypto.randomBytes(16));
  const encrypting = crypto.createCipheriv('aes-128-ecb', ecb, null).setAutoPadding(false);
  const decrypting = crypto.createDecipheriv('aes-128-ecb', ecb, null).setAutoPadding(false);
  const [nonce, plainHeader, body] = [crypto.randomBytes(12), crypto.randomBytes(HEADER), crypto.randomBytes(BODY)];
  const bareSeal = () => {
    const header = encrypting.update(plainHeader);
    const aead = crypto.createCipheriv(name, key, nonce, tagLength);
    aead.setAAD(header);
    const sealed = aead.update(body);
    aead.final();
    return { header, sealed, tag: aead.getAuthTag() };
  };
  const { header, sealed, tag } = bareSeal();
  const bareOpen = () => {
    decrypting.update(header);
    const aead = crypto.createDecipheriv(name, key, nonce, tagLength);
    aead.setAAD(header);
    aead.setAuthTag(tag);
    aead.update(sealed);
    aead.final();
  };

  const block = cipher.block(cipher.random(16));
  const keys = { send: cipher.random(32), receive: cipher.random(32) };
  const shared = { cipher, suite, theirIndex: 1, theirHeader: block, window: 2048, random: secureRandom } as const;
  const sender = new Session({ ...shared, keys });
  const receiver = new Session({ ...shared, keys: { send: keys.receive, receive: keys.send } });
  // As a relay does it: a full message and a little padding.
  const message = body.subarray(0, BODY - PAD);
  const seal = () => {
    const counter = sender.nextCounter();
    return sender.seal(counter, message, sender.pad(counter, PAD), NOW);
  };
  const open: Timed = () => {
    const fresh = Array.from({ length: BATCH }, seal);
    return () => {
      for (const datagram of fresh) {
        const found = decodeHeader(datagram, block);
        if (found === undefined || typeof receiver.open(found, datagram, NOW) === 'string')
          throw new Error('not opened');
      }
    };
  };
  return costs({ bareSeal: repeat(bareSeal), seal: repeat(seal), bareOpen: repeat(bareOpen), open });
}

function entering(): Record<'hello' | 'ik1' | 'resume1' | 'stranger', number> {
  const identity = cipher.pair();
  const networkSecret = cipher.random(32);
  const suites: readonly Suite[] = ['aes-128-gcm', 'chacha20-poly1305'];
  const shared = { cipher, random: secureRandom, networkSecret, suites };
  const server = new Welcome({ ...shared, identity, now: NOW });
  const from = { ip: '198.51.100.1', port: 4000 };
  const arrive = (bytes: Uint8Array): Welcomed | undefined => {
    const header = decodeHeader(bytes, server.header);
    return header && server.receive(header, bytes, from, NOW);
  };
  const answer = (bytes: Uint8Array): Uint8Array => {
    const welcomed = arrive(bytes);
    if (welcomed?.kind !== 'reply') throw new Error('not answered');
    return welcomed.bytes;
  };
  const sent = (effects: readonly GreetingEffect[]): Uint8Array => {
    const [effect] = effects;
    if (effect?.kind !== 'send') throw new Error('nothing sent');
    return effect.bytes;
  };
  const self = { identity: cipher.pair(), serverKey: identity.publicKey, headerKey: cipher.random(16), index: 1 };
  const greeting = (ticket?: Ticket) => new Greeting({ ...shared, ...self, ...(ticket && { ticket }) });
  const hello = () => sent(greeting().step({ kind: 'start' }, NOW));
  const proof = (ticket?: Ticket) => () => {
    const client = greeting(ticket);
    const cookie = answer(sent(client.step({ kind: 'start' }, NOW)));
    return { client, bytes: sent(client.step({ kind: 'datagram', bytes: cookie }, NOW)) };
  };
  const first = proof()();
  const [done] = first.client.step({ kind: 'datagram', bytes: answer(first.bytes) }, NOW);
  if (done?.kind !== 'done') throw new Error('not in');
  const each = (make: () => Uint8Array): Timed => {
    return () => {
      const requests = Array.from({ length: BATCH }, make);
      return () => {
        for (const bytes of requests) answer(bytes);
      };
    };
  };
  const noise = cipher.random(300);
  return costs({
    stranger: repeat(() => arrive(noise)),
    hello: each(hello),
    resume1: each(() => proof(done.ticket)().bytes),
    ik1: each(() => proof()().bytes),
  });
}

const line = (what: string, bare: number, ours: number): string =>
  `${what.padEnd(24)} ${bare.toFixed(2).padStart(6)} | ${ours.toFixed(2).padStart(6)} | ${(ours / bare).toFixed(2)}`;

console.log('1200-byte datagram, us:   bare   | session | ratio');
for (const suite of ['aes-128-ocb', 'aes-128-gcm', 'chacha20-poly1305'] as const) {
  const cost = datagrams(suite);
  console.log(line(`${suite} seal`, cost.bareSeal, cost.seal));
  console.log(line(`${suite} open`, cost.bareOpen, cost.open));
}
const { stranger, hello, resume1, ik1 } = entering();
console.log('at the rendezvous, us a datagram, its answer included:');
console.log(`  stranger's bytes ${stranger.toFixed(2)}, hello ${hello.toFixed(1)}, ik1 ${ik1.toFixed(0)}`);
console.log(`  resume1 ${resume1.toFixed(0)}, which is ${(resume1 / ik1).toFixed(2)} of ik1`);
