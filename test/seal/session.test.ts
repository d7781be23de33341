import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { seeded } from '../../agent/base/random.ts';
import { after, at, minutes, seconds } from '../../agent/base/time.ts';
import type { Cipher, Suite } from '../../agent/seal/cipher.ts';
import { decodeHeader, encodeHeader, type FirstByte, KIND } from '../../agent/seal/header.ts';
import { Session } from '../../agent/seal/session.ts';
import { fixedCipher } from './entering.ts';

const cipher = fixedCipher(10);
const NOW = at(5000);
const keys = { send: cipher.random(32), receive: cipher.random(32) };
const block = cipher.block(cipher.random(16));

function pair(options: { suite?: Suite; window?: 64 | 2048; using?: Cipher; firstByte?: FirstByte } = {}) {
  const { suite = 'aes-128-gcm', window = 64, using = cipher, firstByte = 'any' } = options;
  const common = { cipher: using, suite, theirIndex: 9, theirHeader: block, window, firstByte };
  return {
    sender: new Session({ ...common, keys, random: seeded(4) }),
    receiver: new Session({ ...common, keys: { send: keys.receive, receive: keys.send }, random: seeded(5) }),
  };
}

const open = (session: Session, datagram: Uint8Array, now = NOW) => {
  const header = decodeHeader(datagram, block);
  return header === undefined ? 'stranger' : session.open(header, datagram, now);
};

const bodyOf = (opened: ReturnType<typeof open>) =>
  typeof opened === 'string' ? opened : Uint8Array.from(opened.body);

describe.each(['aes-128-ocb', 'aes-128-gcm', 'chacha20-poly1305'] as const)('a session under %s', (suite) => {
  test('carries any body with any padding, which is taken off again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1168 }), fc.integer({ min: 0, max: 255 }), (body, pad) => {
        const { sender, receiver } = pair({ suite });
        const datagram = sender.seal(sender.nextCounter(), body, pad, NOW);
        expect(datagram.length).toBe(32 + body.length + pad);
        expect(bodyOf(open(receiver, datagram))).toEqual(body);
      }),
    );
  });

  test('refuses a datagram with any bit changed or any byte missing, and opens it still when it comes whole', () => {
    const { sender, receiver } = pair({ suite });
    const body = cipher.random(100);
    const datagram = sender.seal(0, body, 7, NOW);
    for (let bit = 0; bit < datagram.length * 8; bit++) {
      const flipped = datagram.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(typeof open(receiver, flipped)).toBe('string');
    }
    for (let length = 0; length < datagram.length; length++) {
      expect(typeof open(receiver, datagram.subarray(0, length))).toBe('string');
    }
    expect(bodyOf(open(receiver, datagram))).toEqual(body);
  });
});

test('the other direction has a key of its own: a reflected datagram is forged', () => {
  const { sender } = pair();
  expect(open(sender, sender.seal(0, Uint8Array.of(1), 0, NOW))).toBe('forged');
});

test('a packet number is never sealed twice', () => {
  const { sender } = pair();
  sender.seal(5, Uint8Array.of(1), 0, NOW);
  expect(() => sender.seal(5, Uint8Array.of(2), 0, NOW)).toThrow();
  expect(() => sender.seal(4, Uint8Array.of(2), 0, NOW)).toThrow();
  expect(sender.nextCounter()).toBe(6);
  expect(sender.nextCounter()).toBe(7);
});

test.each([64, 2048] as const)('a window of %i opens each datagram at most once, as a plain list would', (window) => {
  const count = window === 64 ? 300 : 5000;
  const { sender } = pair({ window });
  const datagrams = Array.from({ length: count }, (_, i) => sender.seal(i, Uint8Array.of(i & 255), 0, NOW));
  fc.assert(
    fc.property(fc.infiniteStream(fc.integer({ min: -window - 40, max: 60 })), (steps) => {
      const { receiver } = pair({ window });
      const seen = new Set<number>();
      let newest = -1;
      for (let i = 0; i < 400; i++) {
        const counter = Math.min(count - 1, Math.max(0, newest + (steps.next().value ?? 0)));
        const opened = open(receiver, datagrams[counter] as Uint8Array);
        const wanted = counter > newest - window && !seen.has(counter);
        if (typeof opened === 'string') expect([counter, opened, wanted]).toEqual([counter, 'replayed', false]);
        else expect([counter, opened.fresh, wanted]).toEqual([counter, counter > newest, true]);
        seen.add(counter);
        newest = Math.max(newest, counter);
      }
    }),
    { numRuns: 20 },
  );
});

test('a forged datagram with a number far ahead does not move the window', () => {
  const { sender, receiver } = pair();
  const forged = new Uint8Array(60);
  forged.set(encodeHeader({ index: 9, counter: 1_000_000, kind: KIND.data, phase: 0, pad: 0 }, block));
  expect(open(receiver, forged)).toBe('forged');
  expect(bodyOf(open(receiver, sender.seal(0, Uint8Array.of(3), 0, NOW)))).toEqual(Uint8Array.of(3));
});

test('forged datagrams of every phase cost the session nothing', () => {
  const { sender, receiver } = pair();
  for (let phase = 0; phase < 8; phase++) {
    const forged = new Uint8Array(60);
    forged.set(encodeHeader({ index: 9, counter: phase, kind: KIND.data, phase, pad: 0 }, block));
    expect(open(receiver, forged)).toBe(phase === 7 ? 'old-key' : 'forged');
  }
  expect(receiver.phases.receive).toBe(0);
  expect(bodyOf(open(receiver, sender.seal(0, Uint8Array.of(3), 0, NOW)))).toEqual(Uint8Array.of(3));
});

test('padding longer than the body is refused', () => {
  const { sender, receiver } = pair();
  const honest = sender.seal(0, new Uint8Array(0), 3, NOW);
  expect(bodyOf(open(receiver, honest))).toEqual(new Uint8Array(0));
  const lying = new Uint8Array(32);
  const header = encodeHeader({ index: 9, counter: 1, kind: KIND.data, phase: 0, pad: 1 }, block);
  lying.set(header);
  const nonce = new Uint8Array(12);
  nonce[11] = 1;
  const chain = (info: string) => cipher.mac(keys.send, Uint8Array.from([...Buffer.from(info), 1]));
  const aead = cipher.aead('aes-128-gcm', chain('hearth key').subarray(0, 16));
  aead.seal(nonce, header, new Uint8Array(0), lying.subarray(16));
  expect(open(receiver, lying)).toBe('forged');
});

describe('key renewal', () => {
  test('comes 8 to 12 minutes after a key’s first datagram, at another moment in every session', () => {
    const moments = [1, 2, 3, 4, 5, 6].map((seed) => {
      const session = new Session({
        cipher,
        suite: 'aes-128-gcm',
        keys,
        theirIndex: 1,
        theirHeader: block,
        window: 64,
        random: seeded(seed),
      });
      let now = NOW;
      while (session.phases.send === 0) {
        session.seal(session.nextCounter(), Uint8Array.of(1), 0, now);
        now = after(now, seconds(1));
      }
      return (now - NOW) / 60_000;
    });
    for (const moment of moments) {
      expect(moment).toBeGreaterThanOrEqual(8);
      expect(moment).toBeLessThan(12.1);
    }
    expect(new Set(moments).size).toBeGreaterThan(3);
  });

  test('comes after 2^20 datagrams however quickly they go', () => {
    const free: Cipher = {
      ...cipher,
      aead: () => ({ seal: () => undefined, open: () => undefined }),
      block: () => ({ encrypt: (plain) => plain, decrypt: (sealed) => sealed }),
    };
    const { sender } = pair({ using: free });
    const nothing = new Uint8Array(0);
    for (let i = 0; i < 2 ** 20; i++) sender.seal(i, nothing, 0, NOW);
    expect(sender.phases.send).toBe(0);
    sender.seal(2 ** 20, nothing, 0, NOW);
    expect(sender.phases.send).toBe(1);
  });

  test('loses nothing when datagrams of the old and the new key change places', () => {
    const { sender, receiver } = pair({ window: 2048 });
    const later = after(NOW, minutes(13));
    const old = Array.from({ length: 50 }, (_, i) => sender.seal(i, Uint8Array.of(i), 0, NOW));
    const young = Array.from({ length: 50 }, (_, i) => sender.seal(50 + i, Uint8Array.of(50 + i), 0, later));
    expect(sender.phases.send).toBe(1);
    const random = seeded(6);
    const mixed = [...old, ...young].map((datagram) => ({ datagram, place: random(1000) }));
    mixed.sort((a, b) => a.place - b.place);
    const bodies = mixed.map(({ datagram }) => bodyOf(open(receiver, datagram, later)));
    expect(bodies.map((body) => body[0]).sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect(receiver.phases.receive).toBe(1);
  });

  test('keeps the old key 30 s and not longer', () => {
    const { sender, receiver } = pair({ window: 2048 });
    const later = after(NOW, minutes(13));
    const [early, late] = [sender.seal(0, Uint8Array.of(1), 0, NOW), sender.seal(1, Uint8Array.of(2), 0, NOW)];
    open(receiver, sender.seal(2, Uint8Array.of(3), 0, later), later);
    expect(bodyOf(open(receiver, early, after(later, seconds(30))))).toEqual(Uint8Array.of(1));
    expect(open(receiver, late, after(later, seconds(30.1)))).toBe('old-key');
  });

  test('is followed over phases of which every datagram was lost', () => {
    const { sender, receiver } = pair();
    let now = NOW;
    let datagram = sender.seal(0, Uint8Array.of(0), 0, now);
    for (let i = 1; i <= 6; i++) {
      now = after(now, minutes(13));
      datagram = sender.seal(i, Uint8Array.of(i), 0, now);
    }
    expect(sender.phases.send).toBe(6);
    expect(bodyOf(open(receiver, datagram, now))).toEqual(Uint8Array.of(6));
    expect(receiver.phases.receive).toBe(6);
  });

  test('goes round the three bits of the phase without a hitch', () => {
    const { sender, receiver } = pair();
    let now = NOW;
    for (let i = 0; i < 20; i++) {
      expect(bodyOf(open(receiver, sender.seal(i, Uint8Array.of(i), 0, now), now))).toEqual(Uint8Array.of(i));
      now = after(now, minutes(13));
    }
    expect(receiver.phases.receive).toBe(19);
  });
});

test('a shy session never begins a datagram as RTP does, and is read like any other', () => {
  const { sender, receiver } = pair({ firstByte: 'shy', window: 2048 });
  for (let i = 0; i < 2000; i++) {
    const datagram = sender.seal(i, Uint8Array.of(i & 255), 0, NOW);
    expect((datagram[0] ?? 0) & 0xc0).not.toBe(0x80);
    expect(typeof open(receiver, datagram)).toBe('object');
  }
});
