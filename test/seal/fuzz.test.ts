import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { seeded } from '../../agent/base/random.ts';
import { decodeClaim, decodeGrant, rendezvousHeaderKey } from '../../agent/seal/entry.ts';
import { decodeHeader, encodeHeader, HEADER, KIND, TAG } from '../../agent/seal/header.ts';
import { maskKey, openMasked, sealMasked } from '../../agent/seal/mask.ts';
import { Noise } from '../../agent/seal/noise.ts';
import { PairHandshake } from '../../agent/seal/pair.ts';
import { Session } from '../../agent/seal/session.ts';
import { Tickets } from '../../agent/seal/tickets.ts';
import {
  arrive,
  BOTH,
  CLIENT,
  enter,
  fixedCipher,
  greeting,
  HEADER_KEY,
  NETWORK,
  SERVER,
  START,
  welcome,
} from './entering.ts';

// Bytes of strangers and of meddlers: nothing throws, nothing is answered, nothing grows.
// FUZZ_RUNS=1000000 gives each of these that many inputs.
const numRuns = Number(process.env.FUZZ_RUNS ?? 300);
const check = { numRuns, endOnFailure: true };
const PATIENCE_MS = 30_000 + numRuns;

const cipher = fixedCipher(90);
const random = seeded(91);
const ownBlock = cipher.block(HEADER_KEY);
const ownMask = maskKey(cipher, HEADER_KEY);
const serverHeaderKey = rendezvousHeaderKey(cipher, SERVER.publicKey, NETWORK);
const serverBlock = cipher.block(serverHeaderKey);
const serverMask = maskKey(cipher, serverHeaderKey);

const noise = fc.uint8Array({ maxLength: 600 });
const kind = fc.integer({ min: 0, max: 31 });

/** Another datagram made of a good one: bytes set, cut off, added, or two of them crossed. */
function mutant(good: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const name = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const names = new Set(good.map(name));
  const edits = fc.array(fc.tuple(fc.nat(600), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 });
  return fc
    .record({ one: fc.constantFrom(...good), two: fc.constantFrom(...good), cut: fc.nat(600), edits, way: fc.nat(3) })
    .map(({ one, two, cut, edits: changes, way }) => {
      if (way === 0) return one.slice(0, cut % one.length);
      if (way === 1) return Uint8Array.from([...one, ...two.subarray(0, (cut % 40) + 1)]);
      const other = way === 2 ? Uint8Array.from([...one.subarray(0, HEADER), ...two.subarray(HEADER)]) : one.slice();
      for (const [at, by] of changes) other[at % other.length] = (other[at % other.length] ?? 0) ^ by;
      return other;
    })
    .filter((bytes) => !names.has(name(bytes)));
}

describe('headers and masks', () => {
  test(
    'of strangers’ bytes are none',
    () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 1600 }), (bytes) => {
          expect(decodeHeader(bytes, ownBlock)).toBeUndefined();
          expect(openMasked(bytes, ownMask)).toBeUndefined();
        }),
        check,
      );
    },
    PATIENCE_MS,
  );
});

describe('the contents of handshakes', () => {
  test(
    'of any bytes are decoded or refused',
    () => {
      const tickets = new Tickets(cipher, START);
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          expect(decodeClaim(bytes) === undefined).toBe(bytes.length < 21);
          const grant = decodeGrant(bytes);
          expect(grant === undefined).toBe(bytes.length < 38 || bytes.length < 38 + (bytes[37] ?? 0));
          expect(tickets.open(bytes, START)).toBeUndefined();
        }),
        check,
      );
    },
    PATIENCE_MS,
  );

  test(
    'as Noise messages of any bytes are refused',
    () => {
      const options = { cipher, suite: 'chacha20-poly1305', prologue: new Uint8Array(0), identity: SERVER } as const;
      const responders = [
        new Noise({ ...options, pattern: 'IK', initiator: false }),
        new Noise({
          ...options,
          pattern: 'KKpsk0',
          initiator: false,
          theirs: CLIENT.publicKey,
          psk: cipher.random(32),
        }),
      ];
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...responders), (bytes, responder) => {
          expect(responder.read(bytes)).toBeUndefined();
        }),
        check,
      );
    },
    PATIENCE_MS,
  );
});

describe('a rendezvous', () => {
  const server = welcome();
  const first = enter(server, greeting());
  const second = enter(server, greeting({ ticket: first.ticket }));
  const third = enter(server, greeting({ random: seeded(92) }));
  const data = third.session.seal(0, Uint8Array.of(1, 2, 3), 20, START);
  const good = [...first.sent, ...second.sent, ...third.sent, data];
  const { pending } = server;

  test(
    'says nothing to strangers’ bytes',
    () => {
      fc.assert(
        fc.property(noise, (bytes) => {
          expect(arrive(server, bytes, START)).toBe('stranger');
        }),
        check,
      );
    },
    PATIENCE_MS,
  );

  test(
    'says nothing to datagrams meddled with, and keeps nothing of them',
    () => {
      fc.assert(
        fc.property(mutant(good), (bytes) => {
          const welcomed = arrive(server, bytes, START);
          expect(welcomed === 'stranger' ? 'refused' : welcomed.kind).toBe('refused');
          expect(server.pending).toBe(pending);
        }),
        check,
      );
    },
    PATIENCE_MS,
  );

  test(
    'answers any content sealed properly with a cookie at most, and keeps nothing of it',
    () => {
      fc.assert(
        fc.property(kind, fc.uint8Array({ maxLength: 440 }), (asked, content) => {
          const bytes = sealMasked({ block: serverBlock, mask: serverMask, index: 1, kind: asked, content, random });
          const welcomed = arrive(server, bytes, START);
          const cookie = welcomed !== 'stranger' && welcomed.kind === 'reply';
          expect(cookie).toBe(asked === KIND.hello && content.length >= 16);
          if (cookie) expect(welcomed.bytes.length).toBeLessThanOrEqual(bytes.length);
          expect(server.pending).toBe(pending);
        }),
        check,
      );
    },
    PATIENCE_MS,
  );

  test(
    'with a good cookie in front refuses any claim that is not authentic',
    () => {
      const [, ik1] = first.sent as [Uint8Array, Uint8Array];
      const cookie = (openMasked(ik1, serverMask) ?? new Uint8Array(0)).subarray(0, 16);
      fc.assert(
        fc.property(fc.constantFrom(KIND.ik1, KIND.resume1), fc.uint8Array({ maxLength: 400 }), (asked, rest) => {
          const content = Uint8Array.from([...cookie, ...rest]);
          const sealed = { block: serverBlock, mask: serverMask, index: 1, kind: asked, content, random, least: 300 };
          const welcomed = arrive(server, sealMasked(sealed), START);
          expect(welcomed === 'stranger' ? 'stranger' : welcomed.kind).toBe('refused');
          expect(server.pending).toBe(pending);
        }),
        check,
      );
    },
    PATIENCE_MS,
  );
});

describe('a greeting client', () => {
  const server = welcome();
  const answers = [enter(server, greeting()), enter(server, greeting({ random: seeded(93) }))].flatMap(
    ({ received }) => received,
  );

  function proving() {
    const client = greeting();
    const [effect] = client.step({ kind: 'start' }, START);
    const cookie = effect?.kind === 'send' ? arrive(server, effect.bytes, START) : 'stranger';
    if (cookie === 'stranger' || cookie.kind !== 'reply') throw new Error('no cookie');
    return { client, cookie: cookie.bytes };
  }

  test(
    'waiting for a cookie ignores everything else',
    () => {
      const { client, cookie } = proving();
      fc.assert(
        fc.property(fc.oneof(noise, mutant([cookie, ...answers]), fc.constantFrom(...answers)), (bytes) => {
          expect(client.step({ kind: 'datagram', bytes }, START)).toEqual([{ kind: 'ignored' }]);
        }),
        check,
      );
    },
    PATIENCE_MS,
  );

  test(
    'waiting for its answer ignores everything else, however well it is masked',
    () => {
      const { client, cookie } = proving();
      client.step({ kind: 'datagram', bytes: cookie }, START);
      const masked = fc.tuple(fc.constantFrom(KIND.ik2, KIND.resume2, KIND.cookie), fc.uint8Array({ maxLength: 440 }));
      const sealed = masked.map(([asked, content]) =>
        sealMasked({ block: ownBlock, mask: ownMask, index: 0x0102_0304, kind: asked, content, random }),
      );
      fc.assert(
        fc.property(fc.oneof(noise, mutant(answers), sealed, fc.constantFrom(...answers)), (bytes) => {
          expect(client.step({ kind: 'datagram', bytes }, START)).toEqual([{ kind: 'ignored' }]);
        }),
        check,
      );
    },
    PATIENCE_MS,
  );
});

describe('an introduced peer', () => {
  const [alice, bob] = [cipher.pair(), cipher.pair()];
  const secret = cipher.random(32);
  const shared = { cipher, random, secret, pairId: 5, index: 6, suites: BOTH };
  const bobKey = cipher.random(16);
  const bobBlock = cipher.block(bobKey);
  const mask = maskKey(cipher, secret);
  const opener = () =>
    new PairHandshake({ ...shared, identity: alice, theirKey: bob.publicKey, theirHeaderKey: bobKey, initiator: true });
  const peer = new PairHandshake({
    ...shared,
    identity: bob,
    theirKey: alice.publicKey,
    theirHeaderKey: cipher.random(16),
    initiator: false,
  });
  const a = opener();
  const good = [a.knock(), a.first(), a.first()];

  test(
    'says nothing to datagrams meddled with',
    () => {
      fc.assert(
        fc.property(fc.oneof(noise, mutant(good)), (bytes) => {
          const header = decodeHeader(bytes, bobBlock);
          const heard = header === undefined ? { kind: 'refused' } : peer.receive(header, bytes);
          expect(heard.kind).toBe('refused');
        }),
        check,
      );
    },
    PATIENCE_MS,
  );

  test(
    'takes no handshake from one who knows the pair secret and nothing else',
    () => {
      fc.assert(
        fc.property(kind, fc.uint8Array({ maxLength: 440 }), (asked, content) => {
          const bytes = sealMasked({ block: bobBlock, mask, index: 5, kind: asked, content, random });
          const header = decodeHeader(bytes, bobBlock);
          if (header === undefined) throw new Error('the header was lost');
          const heard = peer.receive(header, bytes);
          expect(heard.kind === 'refused' || (heard.kind === 'knock' && asked === KIND.knock)).toBe(true);
        }),
        check,
      );
      const opening = opener();
      for (let i = 0; i < 3000; i++) opening.knock();
    },
    PATIENCE_MS,
  );
});

describe('a session', () => {
  const keys = { send: cipher.random(32), receive: cipher.random(32) };
  const options = { cipher, suite: 'aes-128-gcm', theirIndex: 1, theirHeader: ownBlock, window: 64, random } as const;
  const sender = new Session({ ...options, keys });
  const receiver = new Session({ ...options, keys: { send: keys.receive, receive: keys.send } });
  const good = [10, 11, 12].map((counter) => sender.seal(counter, cipher.random(80), counter, START));

  test(
    'opens nothing but what its peer sealed',
    () => {
      const header = fc.record({
        index: fc.constant(1),
        counter: fc.oneof(
          fc.nat(100),
          fc.maxSafeInteger().map((value) => Math.abs(value) % 2 ** 44),
        ),
        kind: fc.constant(0),
        phase: fc.nat(7),
        pad: fc.nat(255),
      });
      const addressed = fc.tuple(header, fc.uint8Array({ minLength: TAG, maxLength: 200 })).map(([fields, body]) => {
        return Uint8Array.from([...encodeHeader(fields, ownBlock), ...body]);
      });
      fc.assert(
        fc.property(fc.oneof(addressed, mutant(good)), (bytes) => {
          const found = decodeHeader(bytes, ownBlock);
          expect(found === undefined ? 'string' : typeof receiver.open(found, bytes, START)).toBe('string');
        }),
        check,
      );
      expect(receiver.phases.receive).toBe(0);
      for (const datagram of good) {
        const found = decodeHeader(datagram, ownBlock);
        expect(typeof (found && receiver.open(found, datagram, START))).toBe('object');
      }
    },
    PATIENCE_MS,
  );
});
