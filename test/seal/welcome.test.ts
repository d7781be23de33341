import { describe, expect, test } from 'vitest';

import { seeded } from '../../agent/base/random.ts';
import { after, at, type Instant, minutes, ms, seconds } from '../../agent/base/time.ts';
import { IK2_NEED, rendezvousHeaderKey, RESUME2_NEED } from '../../agent/seal/entry.ts';
import type { GreetingEffect } from '../../agent/seal/greet.ts';
import { decodeHeader, KIND } from '../../agent/seal/header.ts';
import { maskKey, openMasked, sealMasked } from '../../agent/seal/mask.ts';
import {
  arrive,
  BOTH,
  cipher,
  CLIENT,
  enter,
  firstData,
  fixedCipher,
  greeting,
  HEADER_KEY,
  HOME,
  NETWORK,
  OWN_INDEX,
  SERVER,
  START,
  welcome,
} from './entering.ts';

const own = cipher.block(HEADER_KEY);
const kinds = (server: ReturnType<typeof welcome>, sent: readonly Uint8Array[]) =>
  sent.map((bytes) => decodeHeader(bytes, server.header)?.kind);

function sends(effects: readonly GreetingEffect[]): Uint8Array {
  const found = effects.find((effect) => effect.kind === 'send');
  if (found === undefined) throw new Error('nothing was sent');
  return found.bytes;
}

const bytesOf = (found: Uint8Array) => Uint8Array.from(found);

describe('a client of a rendezvous', () => {
  test('enters by hello, cookie and Noise IK, and the two talk both ways', () => {
    const server = welcome();
    const entered = enter(server, greeting());
    expect(entered.resumed).toBe(false);
    expect(kinds(server, entered.sent)).toEqual([KIND.hello, KIND.ik1]);
    const welcomed = firstData(server, entered, Uint8Array.of(1, 2, 3));
    if (welcomed === 'stranger' || welcomed.kind !== 'entered') throw new Error(JSON.stringify(welcomed));
    expect(bytesOf(welcomed.body)).toEqual(Uint8Array.of(1, 2, 3));
    expect(bytesOf(welcomed.client)).toEqual(CLIENT.publicKey);
    expect(bytesOf(welcomed.theirHeaderKey)).toEqual(HEADER_KEY);
    expect(welcomed.index).toBe(entered.session.theirIndex);
    expect(welcomed.session.suite).toBe('aes-128-gcm');
    expect(entered.session.suite).toBe('aes-128-gcm');
    const answer = welcomed.session.seal(welcomed.session.nextCounter(), Uint8Array.of(9), 40, entered.now);
    const header = decodeHeader(answer, own);
    expect(header?.index).toBe(OWN_INDEX);
    const opened = header && entered.session.open(header, answer, entered.now);
    if (opened === undefined || typeof opened === 'string') throw new Error('the answer did not open');
    expect(bytesOf(opened.body)).toEqual(Uint8Array.of(9));
  });

  test('comes back with its ticket and no Diffie-Hellman, also after the rendezvous was started anew', () => {
    const server = welcome();
    const first = enter(server, greeting());
    const stopped = after(START, minutes(5));
    const again = welcome({ now: at(0), ticketKeys: server.ticketKeys(stopped), random: seeded(20) });
    let agreed = 0;
    const counting = {
      ...cipher,
      agree: (...args: Parameters<typeof cipher.agree>) => (agreed++, cipher.agree(...args)),
    };
    const second = enter(again, greeting({ ticket: first.ticket, cipher: counting }), at(0));
    expect(second.resumed).toBe(true);
    expect(agreed).toBe(0);
    expect(kinds(again, second.sent)).toEqual([KIND.hello, KIND.resume1]);
    const welcomed = firstData(again, second);
    expect(welcomed).toMatchObject({ kind: 'entered' });
    if (welcomed !== 'stranger' && welcomed.kind === 'entered')
      expect(bytesOf(welcomed.client)).toEqual(CLIENT.publicKey);
    const third = enter(again, greeting({ ticket: second.ticket }), after(at(0), seconds(10)));
    expect(third.resumed).toBe(true);
  });

  test('with a ticket that means nothing any more enters by Noise IK after two tries', () => {
    const first = enter(welcome(), greeting());
    const stranger = welcome({ random: seeded(21), cipher: fixedCipher(22) });
    const entered = enter(stranger, greeting({ ticket: first.ticket }));
    expect(entered.resumed).toBe(false);
    expect(kinds(stranger, entered.sent)).toEqual([KIND.hello, KIND.resume1, KIND.resume1, KIND.ik1]);
    expect(stranger.refused.ticket).toBe(2);
  });

  test('a ticket serves for three days and not longer', () => {
    const server = welcome();
    const { ticket } = enter(server, greeting());
    const days = (count: number) => after(START, minutes(count * 24 * 60));
    expect(enter(server, greeting({ ticket }), days(2.9)).resumed).toBe(true);
    expect(enter(server, greeting({ ticket }), days(3.1)).resumed).toBe(false);
  });

  test('enters through loss, with waits that grow, and tells how often it was not answered', () => {
    const lost = seeded(30);
    for (let seed = 0; seed < 30; seed++) {
      const server = welcome({ random: seeded(seed) });
      const entered = enter(server, greeting({ random: seeded(100 + seed) }), START, () => lost(10) < 4);
      expect(firstData(server, entered)).toMatchObject({ kind: 'entered' });
    }
  });

  test('never gives up on a rendezvous that says nothing, and never hurries it', () => {
    const client = greeting();
    let now = START;
    client.step({ kind: 'start' }, now);
    const waits: number[] = [];
    let tries = 0;
    for (let i = 0; i < 50; i++) {
      const next = client.wake() as Instant;
      waits.push(next - now);
      now = next;
      const effects = client.step({ kind: 'tick' }, now);
      const told = effects.find((effect) => effect.kind === 'unanswered');
      tries = told?.tries ?? tries;
      expect(effects.filter((effect) => effect.kind === 'send')).toHaveLength(1);
    }
    expect(tries).toBe(50);
    expect(waits[0]).toBeLessThan(700);
    expect(Math.min(...waits.slice(10))).toBeGreaterThan(5000);
    expect(Math.max(...waits)).toBeLessThan(10_700);
  });

  test('stops at once with a server key that is none', () => {
    const client = greeting({ serverKey: new Uint8Array(32) });
    const server = welcome({ identity: { publicKey: new Uint8Array(32), privateKey: SERVER.privateKey } });
    const hello = sends(client.step({ kind: 'start' }, START));
    const welcomed = arrive(server, hello, START);
    if (welcomed === 'stranger' || welcomed.kind !== 'reply') throw new Error('no cookie');
    expect(client.step({ kind: 'datagram', bytes: welcomed.bytes }, START)).toEqual([
      { kind: 'failed', reason: 'server-key' },
    ]);
    expect(client.wake()).toBeUndefined();
  });

  test('takes ChaCha20 when either side has no AES', () => {
    for (const [mine, theirs] of [
      [['chacha20-poly1305'], BOTH],
      [BOTH, ['chacha20-poly1305']],
    ] as const) {
      const server = welcome({ suites: theirs });
      expect(enter(server, greeting({ suites: mine })).session.suite).toBe('chacha20-poly1305');
    }
  });

  test('of another network is a stranger', () => {
    const server = welcome();
    const hello = sends(greeting({ networkSecret: Uint8Array.of(9) }).step({ kind: 'start' }, START));
    expect(arrive(server, hello, START)).toBe('stranger');
  });

  test('ignores answers to somebody else and answers that come too late', () => {
    const server = welcome();
    const entered = enter(server, greeting());
    const other = greeting({ random: seeded(50), headerKey: cipher.random(16) });
    other.step({ kind: 'start' }, START);
    for (const bytes of entered.received) {
      expect(other.step({ kind: 'datagram', bytes }, START)).toEqual([{ kind: 'ignored' }]);
    }
    const client = greeting();
    enter(server, client);
    for (const bytes of entered.received) {
      expect(client.step({ kind: 'datagram', bytes }, START)).toEqual([{ kind: 'ignored' }]);
    }
  });
});

test.each([
  ['Noise IK', KIND.ik2],
  ['a ticket', KIND.resume2],
])('a client entering by %s takes the true answer after forged ones under the right mask', (_, kind) => {
  const server = welcome();
  const client = greeting(kind === KIND.ik2 ? {} : { ticket: enter(server, greeting()).ticket });
  const cookie = arrive(server, sends(client.step({ kind: 'start' }, START)), START);
  if (cookie === 'stranger' || cookie.kind !== 'reply') throw new Error('no cookie');
  const proof = sends(client.step({ kind: 'datagram', bytes: cookie.bytes }, START));
  const answer = arrive(server, proof, START);
  if (answer === 'stranger' || answer.kind !== 'reply') throw new Error('no answer');
  const mask = maskKey(cipher, HEADER_KEY);
  const content = openMasked(answer.bytes, mask) ?? new Uint8Array(0);
  for (const at of [0, 20, 40, content.length - 1]) {
    const forged = content.slice();
    forged[at] = (forged[at] ?? 0) ^ 1;
    const bytes = sealMasked({ block: own, mask, index: OWN_INDEX, kind, content: forged, random: seeded(81) });
    expect(client.step({ kind: 'datagram', bytes }, START)).toEqual([{ kind: 'ignored' }]);
  }
  expect(client.step({ kind: 'datagram', bytes: answer.bytes }, START)).toMatchObject([{ kind: 'done' }]);
});

describe('a rendezvous', () => {
  test('remembers nothing of anybody who has not returned a cookie', () => {
    const server = welcome();
    for (let seed = 0; seed < 50; seed++) {
      const hello = sends(greeting({ random: seeded(seed) }).step({ kind: 'start' }, START));
      expect(arrive(server, hello, START, { ip: '203.0.113.9', port: seed + 1 })).toMatchObject({ kind: 'reply' });
    }
    expect(server.pending).toBe(0);
  });

  test('refuses a cookie from another address or port, and one from an epoch long past', () => {
    const server = welcome();
    const [, ik1] = enter(server, greeting()).sent as [Uint8Array, Uint8Array];
    const refused = { kind: 'refused', reason: 'cookie' };
    expect(arrive(server, ik1, START, { ip: HOME.ip, port: HOME.port + 1 })).toEqual(refused);
    expect(arrive(server, ik1, START, { ip: '198.51.100.8', port: HOME.port })).toEqual(refused);
    // The cookie is still good; but this datagram has been here before.
    expect(arrive(server, ik1, after(START, seconds(119)))).toEqual({ kind: 'refused', reason: 'replayed' });
    expect(arrive(server, ik1, after(START, seconds(241)))).toEqual(refused);
    expect(server.refused.cookie).toBe(3);
  });

  test('whose cookie ran out on the way is asked for another', () => {
    const server = welcome();
    const client = greeting();
    const hello = sends(client.step({ kind: 'start' }, START));
    const cookie = arrive(server, hello, START);
    if (cookie === 'stranger' || cookie.kind !== 'reply') throw new Error('no cookie');
    let now = after(START, seconds(300));
    let effects = client.step({ kind: 'datagram', bytes: cookie.bytes }, now);
    for (let turn = 0; turn < 20 && !effects.some((effect) => effect.kind === 'done'); turn++) {
      const welcomed = arrive(server, sends(effects), now);
      if (welcomed !== 'stranger' && welcomed.kind === 'reply') {
        effects = client.step({ kind: 'datagram', bytes: welcomed.bytes }, now);
      } else {
        now = client.wake() as Instant;
        effects = client.step({ kind: 'tick' }, now);
      }
    }
    expect(effects).toMatchObject([{ kind: 'done' }]);
    expect(server.refused.cookie).toBe(3);
  });

  test('keeps a living session undisturbed when its first message is played again', () => {
    const server = welcome();
    const entered = enter(server, greeting());
    const welcomed = firstData(server, entered);
    if (welcomed === 'stranger' || welcomed.kind !== 'entered') throw new Error('not in');
    const [hello, ik1] = entered.sent as [Uint8Array, Uint8Array];
    for (let i = 0; i < 20; i++) {
      expect(arrive(server, hello, after(entered.now, seconds(i)))).toEqual({ kind: 'refused', reason: 'replayed' });
      expect(arrive(server, ik1, after(entered.now, seconds(i)))).toEqual({ kind: 'refused', reason: 'replayed' });
    }
    const { session } = entered;
    for (let i = 0; i < 5; i++) {
      const datagram = session.seal(session.nextCounter(), Uint8Array.of(i), 0, entered.now);
      const header = decodeHeader(datagram, server.header);
      const opened = header && welcomed.session.open(header, datagram, entered.now);
      expect(opened).toMatchObject({ fresh: true });
    }
  });

  test('answers a repeated first message with the same session', () => {
    const server = welcome();
    const client = greeting();
    const hello = arrive(server, sends(client.step({ kind: 'start' }, START)), START);
    if (hello === 'stranger' || hello.kind !== 'reply') throw new Error('no cookie');
    const first = sends(client.step({ kind: 'datagram', bytes: hello.bytes }, START));
    const again = sends(client.step({ kind: 'tick' }, client.wake() as Instant));
    expect(first).not.toEqual(again);
    const replies = [first, again].map((bytes) => arrive(server, bytes, after(START, seconds(1))));
    expect(replies).toMatchObject([{ kind: 'reply' }, { kind: 'reply' }]);
    expect(server.pending).toBe(1);
  });

  test('forgets promised sessions that never came, and says nothing to their late data', () => {
    const server = welcome();
    const entered = enter(server, greeting());
    expect(server.pending).toBe(1);
    const late = entered.session.seal(0, Uint8Array.of(1), 0, entered.now);
    expect(arrive(server, late, after(entered.now, seconds(16)))).toEqual({ kind: 'refused', reason: 'index' });
    enter(server, greeting({ random: seeded(60), index: 5 }), after(entered.now, seconds(20)));
    expect(server.pending).toBe(1);
  });

  test('keeps a bounded number of promised sessions, and lets the oldest go first', () => {
    const server = welcome({ pendingMost: 3 });
    const promised = [1, 2, 3, 4, 5].map((index) => enter(server, greeting({ index, random: seeded(index) })));
    expect(server.pending).toBe(3);
    const came = promised.map((entered) => firstData(server, entered));
    expect(came).toMatchObject([
      { kind: 'refused', reason: 'index' },
      { kind: 'refused', reason: 'index' },
      { kind: 'entered' },
      { kind: 'entered' },
      { kind: 'entered' },
    ]);
    expect(server.pending).toBe(0);
  });

  test('never gives out an index that is in use', () => {
    const numbers = [7, 7, 7, 8];
    const random = seeded(70);
    const server = welcome({
      taken: (index) => index === 7,
      random: (below) => (below === 2 ** 32 && numbers.length > 0 ? (numbers.shift() as number) : random(below)),
    });
    // The first draw is the cookie's index, the next are the session's.
    expect(enter(server, greeting()).session.theirIndex).not.toBe(7);
  });

  test('counts data for sessions it does not know, and kinds that are not for it', () => {
    const server = welcome();
    const entered = enter(server, greeting());
    firstData(server, entered);
    const datagram = entered.session.seal(10, Uint8Array.of(1), 0, entered.now);
    expect(arrive(server, datagram, entered.now)).toEqual({ kind: 'refused', reason: 'index' });
    const header = decodeHeader(datagram, server.header);
    if (header === undefined) throw new Error('stranger');
    for (const kind of [KIND.cookie, KIND.ik2, KIND.resume2, KIND.knock, KIND.kk1, KIND.kk2, 31]) {
      expect(server.receive({ ...header, kind }, datagram, HOME, entered.now)).toEqual({
        kind: 'refused',
        reason: 'kind',
      });
    }
    expect(server.refused).toMatchObject({ index: 1, kind: 7 });
  });
});

describe('what a stranger or a meddler sends to a rendezvous', () => {
  const server = welcome();
  const first = enter(server, greeting());
  const second = enter(server, greeting({ ticket: first.ticket }), after(START, ms(10)));
  const requests = [...first.sent, ...second.sent];

  test('is not answered, whatever is cut off it, nor when it is whole and comes once more', () => {
    expect(kinds(server, requests)).toEqual([KIND.hello, KIND.ik1, KIND.hello, KIND.resume1]);
    for (const request of requests) {
      for (let length = 0; length <= request.length; length++) {
        const welcomed = arrive(server, request.subarray(0, length), START);
        expect(welcomed === 'stranger' ? 'refused' : welcomed.kind).toBe('refused');
      }
    }
  });

  test('is not answered when a single bit is changed', () => {
    for (const request of requests) {
      for (let bit = 0; bit < request.length * 8; bit += 3) {
        const flipped = request.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const welcomed = arrive(server, flipped, START);
        expect(welcomed === 'stranger' ? 'refused' : welcomed.kind).toBe('refused');
      }
    }
  });

  test('is refused when it is smaller than its answer would be, however authentic it is', () => {
    const mask = maskKey(cipher, rendezvousHeaderKey(cipher, SERVER.publicKey, NETWORK));
    const [, ik1, , resume1] = requests as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    for (const [kind, request, need] of [
      [KIND.ik1, ik1, IK2_NEED],
      [KIND.resume1, resume1, RESUME2_NEED],
    ] as const) {
      const content = openMasked(request, mask) ?? new Uint8Array(0);
      const sealed = { block: server.header, mask, index: 1, kind, content, random: seeded(80) };
      for (let size = content.length + 34; size < need + 3; size++) {
        const welcomed = arrive(server, sealMasked({ ...sealed, least: size, most: size }), START);
        expect(welcomed).toMatchObject(size < need ? { kind: 'refused', reason: 'malformed' } : { kind: 'reply' });
      }
    }
  });

  test('meets answers no longer than the question at every size a client may choose', () => {
    for (let seed = 0; seed < 200; seed++) {
      const door = welcome({ random: seeded(seed) });
      const entered = enter(door, greeting({ random: seeded(1000 + seed) }));
      const back = enter(door, greeting({ random: seeded(2000 + seed), ticket: entered.ticket }));
      for (const { sent, received } of [entered, back]) {
        for (const [i, answer] of received.entries()) {
          expect(answer.length).toBeLessThanOrEqual(sent[i]?.length ?? 0);
          expect(answer.length).toBeGreaterThanOrEqual(96);
        }
      }
    }
  });
});
