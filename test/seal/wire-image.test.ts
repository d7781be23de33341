import { describe, expect, test } from 'vitest';

import { seeded } from '../../agent/base/random.ts';
import { after, type Instant, ms } from '../../agent/base/time.ts';
import type { Greeting, GreetingInput } from '../../agent/seal/greet.ts';
import type { FirstByte } from '../../agent/seal/header.ts';
import { PairHandshake } from '../../agent/seal/pair.ts';
import { Session } from '../../agent/seal/session.ts';
import type { Welcome } from '../../agent/seal/welcome.ts';
import { BOTH, enter, fixedCipher, greeting, START, welcome } from './entering.ts';

// What somebody on the road sees of handshakes and data. Chance is seeded: the figures are the same in every run.

const SAMPLES = 1536;
const SHY_SAMPLES = 256;
/** Chi-square of 255 degrees of freedom passes this in 1 of some 100,000 tests; here are 576. */
const CHI_SQUARE_LIMIT = 365;

function datagrams(firstByte: FirstByte, count: number): Record<string, Uint8Array[]> {
  const cipher = fixedCipher(80);
  const random = seeded(81);
  const block = cipher.block(cipher.random(16));
  const pair = {
    cipher,
    random,
    theirKey: cipher.pair().publicKey,
    theirHeaderKey: cipher.random(16),
    secret: cipher.random(32),
    pairId: 1,
    index: 2,
    suites: BOTH,
    firstByte,
  };
  const [knocker, opener] = [
    new PairHandshake({ ...pair, identity: cipher.pair(), initiator: false }),
    new PairHandshake({ ...pair, identity: cipher.pair(), initiator: true }),
  ];
  const keys = { send: cipher.random(32), receive: cipher.random(32) };
  const session = new Session({
    cipher,
    random,
    suite: 'aes-128-ocb',
    keys,
    theirIndex: 3,
    theirHeader: block,
    window: 64,
    firstByte,
  });
  const times = <Item>(make: (i: number) => Item): Item[] => Array.from({ length: count }, (_, i) => make(i));
  return {
    knock: times(() => knocker.knock()),
    kk1: times(() => opener.first()),
    // The same empty-handed content every time: nothing but the sealing makes it vary.
    data: times((i) => session.seal(i, new Uint8Array(64), 0, START)),
    ...entering(firstByte, count),
  };
}

function entering(firstByte: FirstByte, count: number): Record<string, Uint8Array[]> {
  const cipher = fixedCipher(82);
  const server = welcome({ cipher, random: seeded(83), firstByte });
  const found: Record<string, Uint8Array[]> = { hello: [], cookie: [], ik1: [], ik2: [], resume1: [], resume2: [] };
  let ticket = enter(server, greeting()).ticket;
  const random = seeded(84);
  for (let i = 0; i < count; i++) {
    const now = after(START, ms(i * 100));
    const client = { cipher, random, headerKey: cipher.random(16), firstByte };
    // A third comes the long way; its first message is lost twice, so each gives three samples.
    const long = i % 3 === 0 ? enterLate(server, greeting(client), now) : undefined;
    const back = enter(server, greeting({ ...client, ticket }), now);
    ticket = back.ticket;
    found.hello?.push(...back.sent.slice(0, 1));
    found.cookie?.push(...back.received.slice(0, 1));
    found.resume1?.push(...back.sent.slice(1));
    found.resume2?.push(...back.received.slice(1));
    found.ik1?.push(...(long?.sent.slice(1) ?? []));
    found.ik2?.push(...(long?.received.slice(1) ?? []));
  }
  return found;
}

/** Enters although the rendezvous' first two answers after the cookie are lost; they are listed all the same. */
function enterLate(server: Welcome, client: Greeting, start: Instant) {
  let arrived = 0;
  const lossy = {
    step: (input: GreetingInput, now: Instant) =>
      input.kind === 'datagram' && ++arrived > 1 && arrived < 4 ? [] : client.step(input, now),
    wake: () => client.wake(),
  };
  return enter(server, lossy, start);
}

const plain = datagrams('any', SAMPLES);

describe.each(Object.entries(plain))('%s datagrams', (name, samples) => {
  test('are enough to judge by', () => {
    expect(samples.length).toBeGreaterThanOrEqual(SAMPLES);
  });

  test('have every value equally often at each of the first 64 places', () => {
    for (let place = 0; place < 64; place++) {
      const counts = new Float64Array(256);
      for (const sample of samples) counts[sample[place] ?? 0] = (counts[sample[place] ?? 0] ?? 0) + 1;
      const wanted = samples.length / 256;
      const chiSquare = counts.reduce((sum, count) => sum + (count - wanted) ** 2 / wanted, 0);
      expect(chiSquare, `${name}, byte ${place}`).toBeLessThan(CHI_SQUARE_LIMIT);
    }
  });

  test('never hold the same 16 bytes twice', () => {
    const seen = new Set<string>();
    let blocks = 0;
    for (const sample of samples) {
      for (let at = 0; at + 16 <= sample.length; at += 16) {
        seen.add(sample.subarray(at, at + 16).join());
        blocks++;
      }
    }
    expect(seen.size).toBe(blocks);
  });
});

// The sizes of data are the transport's business (test/transport, test/net/wire-image.test.ts).
const handshakes = Object.entries(plain).filter(([name]) => name !== 'data');

test.each(handshakes)('%s datagrams are of many sizes from 96 to 480 bytes', (_, samples) => {
  const sizes = new Map<number, number>();
  for (const { length } of samples) sizes.set(length, (sizes.get(length) ?? 0) + 1);
  expect(Math.min(...sizes.keys())).toBeGreaterThanOrEqual(96);
  expect(Math.max(...sizes.keys())).toBeLessThanOrEqual(480);
  // An answer no longer than a short question has little choice; still no size is common.
  expect(Math.max(...sizes.values()) / samples.length).toBeLessThan(0.05);
});
test('with the shy setting no datagram of any kind begins as RTP does', () => {
  for (const [name, samples] of Object.entries(datagrams('shy', SHY_SAMPLES))) {
    const rtp = samples.filter((sample) => ((sample[0] ?? 0) & 0xc0) === 0x80);
    expect(rtp.length, name).toBe(0);
  }
});
