/**
 * What a block costs beside the primitives it cannot do without: cutting and signing at the origin, verifying and
 * putting together in a household, against bare node:crypto calls over the same bytes, taken in turns in one run. Then what the
 * token of a private channel adds, the parsing of packets and the way through the ring.
 *
 * Bars: cut and sign at most 2 times the bare calls (every packet is copied twice, into its block and its chunk), verify 1.5.
 * Run with: node bench/stream.ts [milliseconds per figure, default 800]
 */
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';

import { at } from '../agent/base/time.ts';
import { chunkHash } from '../agent/blocks/chunk.ts';
import { Feed } from '../agent/blocks/feed.ts';
import { Lock } from '../agent/blocks/lock.ts';
import { Ring } from '../agent/blocks/ring.ts';
import { type BlockWritten, Writer } from '../agent/blocks/writer.ts';
import { nodeCipher } from '../agent/io/crypto.ts';
import { Entry } from '../agent/media/entry.ts';
import { PacketSync } from '../agent/media/packets.ts';
import { StreamReader } from '../agent/media/reader.ts';

const SPAN_MS = Number(process.argv[2] ?? 800);
const BLOCK = 112 * 188;
/** Blocks timed at once: short enough that some batch runs undisturbed on a busy machine. */
const BATCH = 20;
/** A stream of 8 Mbit/s. */
const PER_SECOND = 8e6 / 8 / BLOCK;

const cipher = nodeCipher();
const pair = cipher.signingPair();
const card = new Uint8Array(readFileSync(new URL('../agent/web/testcard.mpegts', import.meta.url)));
/** Video packets only, so that every block is full and one cost is the cost of 112 packets. */
const stream = fullBlocks(BATCH);

/** Microseconds per block of each: the best batch counts, because disturbance only ever adds. */
function costs<Name extends string>(things: Readonly<Record<Name, () => () => void>>): Record<Name, number> {
  const names = Object.keys(things) as Name[];
  const best = Object.fromEntries(names.map((name) => [name, Infinity])) as Record<Name, number>;
  const until = performance.now() + SPAN_MS * names.length;
  while (performance.now() < until) {
    for (const name of names) {
      const batch = things[name]();
      const start = performance.now();
      batch();
      best[name] = Math.min(best[name], ((performance.now() - start) * 1000) / BATCH);
    }
  }
  return best;
}

function fullBlocks(count: number): Uint8Array {
  const plain: Uint8Array[] = [];
  for (let from = 0; plain.length < count * 112; from = (from + 188) % card.length) {
    const packet = card.subarray(from, from + 188);
    const isPlain = packet[1] === 1 && packet[2] === 0 && ((packet[3] ?? 0) & 0x20) === 0;
    if (isPlain) plain.push(packet);
  }
  return new Uint8Array(Buffer.concat(plain));
}

function write(token?: Uint8Array): readonly BlockWritten[] {
  const writer = new Writer({ cipher, pair, epoch: 1, token, reader: new StreamReader(), now: at(0) });
  return writer.step({ kind: 'packets', bytes: stream }, at(0));
}

const blocks = write();
const token = cipher.random(32);
const sealed = write(token).flatMap(({ manifest, chunks }) => [manifest, ...chunks]);
const lock = new Lock(cipher, pair.publicKey, token);
const seal = lock.seal(1, cipher.random(8));
const messages = blocks.flatMap(({ manifest, chunks }) => [manifest, ...chunks]);
const [first] = blocks;
if (first === undefined) throw new Error('no block');
const [chunk = new Uint8Array(0)] = first.chunks;
const body = first.manifest.subarray(0, -64);
const signature = first.manifest.subarray(-64);
const secret = crypto.createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), pair.privateKey]),
  format: 'der',
  type: 'pkcs8',
});
const open = crypto.createPublicKey(secret);
const hashes = (): void => {
  for (const message of first.chunks) crypto.hash('sha256', message, 'buffer');
  crypto.hash('sha256', first.manifest, 'buffer');
};
const batch = (call: () => unknown) => () => () => {
  for (let i = 0; i < BATCH; i++) call();
};

const best = costs({
  bareSign: batch(() => {
    hashes();
    crypto.sign(null, body, secret);
  }),
  cutAndSign: () => () => void write(),
  bareVerify: batch(() => {
    hashes();
    crypto.verify(null, body, open, signature);
  }),
  verify: () => {
    const feed = new Feed({ cipher, channel: pair.publicKey });
    return () => {
      for (const message of messages) feed.take(message, 1, at(0));
    };
  },
  writePrivate: () => () => void write(token),
  passOn: () => {
    const feed = new Feed({ cipher, channel: pair.publicKey });
    return () => {
      for (const message of sealed) feed.take(message, 1, at(0));
    };
  },
  readPrivate: () => {
    const feed = new Feed({ cipher, channel: pair.publicKey, token });
    return () => {
      for (const message of sealed) feed.take(message, 1, at(0));
    };
  },
  turn: batch(() => lock.turn(1, seal, 7, first.bytes)),
  bareHash: batch(() => crypto.hash('sha256', chunk, 'buffer')),
  hash: batch(() => chunkHash(cipher, chunk)),
  parse: () => {
    const [sync, reader] = [new PacketSync(), new StreamReader()];
    return () => {
      const packets = sync.push(stream);
      for (let from = 0; from < packets.length; from += 188) reader.read(packets, from);
    };
  },
  ring: () => {
    const ring = new Ring({ entry: new Entry() });
    const readers = Array.from({ length: 10 }, () => ring.reader());
    return () => {
      for (const block of blocks) {
        ring.push({ ...block, flags: 1 }, at(0));
        for (const reader of readers) while (reader.next() !== undefined);
      }
    };
  },
});

const us = (value: number): string => `${value.toFixed(1).padStart(6)} us`;
const share = (value: number): string => `${((value * PER_SECOND) / 1e4).toFixed(2)} % of a core at 8 Mbit/s`;
const ratio = (own: number, bare: number): string =>
  `${(own / bare).toFixed(2)} x the bare calls (${bare.toFixed(1)} us)`;
console.log(`per block of 112 packets in ${first.chunks.length} chunks, best of many batches`);
console.log(
  `cut and sign  ${us(best.cutAndSign)}  ${ratio(best.cutAndSign, best.bareSign)}, bar 2;  ${share(best.cutAndSign)}`,
);
console.log(
  `verify        ${us(best.verify)}  ${ratio(best.verify, best.bareVerify)}, bar 1.5;  ${share(best.verify)}`,
);
console.log(
  `private: cut, seal and sign ${us(best.writePrivate)}, verify ${us(best.passOn)}, verify and open ${us(best.readPrivate)}`,
);
console.log(`seal or open  ${us(best.turn)}  ${((100 * best.turn) / best.verify).toFixed(0)} % of verifying`);
console.log(`hash a chunk  ${us(best.hash)}  ${ratio(best.hash, best.bareHash)}`);
console.log(`parse         ${us(best.parse)}  ${share(best.parse)}`);
console.log(`ring, 10 readers ${us(best.ring)}  ${share(best.ring)}`);
console.log(
  `manifests are ${((100 * first.manifest.length) / first.bytes.length).toFixed(1)} % of the bytes, chunk headers ${((100 * 12) / 1128).toFixed(1)} %`,
);
