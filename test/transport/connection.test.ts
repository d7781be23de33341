import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomBytes, seeded } from '../../agent/base/random.ts';
import { at, ms } from '../../agent/base/time.ts';
import { Connection, type Effect } from '../../agent/transport/connection.ts';
import { Pair, type Side, type Way } from './pair.ts';

const CHUNK = 1140;

function numbered(number: number, size = CHUNK): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

/** A live stream from a to b: what arrived how often, and when. */
class Stream {
  readonly arrived = new Map<number, number>();
  readonly arrivals: number[] = [];
  readonly latency: number[] = [];
  readonly others: { side: Side; effect: Effect }[] = [];
  readonly #sentAt: number[] = [];
  sent = 0;

  constructor(pair: Pair) {
    pair.watch = (side, effect) => {
      if (effect.kind === 'deliver' && side === 'b') {
        const number = numberOf(effect.bytes);
        this.arrived.set(number, (this.arrived.get(number) ?? 0) + 1);
        this.arrivals.push(pair.now);
        this.latency.push(pair.now - (this.#sentAt[number] ?? 0));
      } else if (effect.kind !== 'send' && effect.kind !== 'deliver') this.others.push({ side, effect });
    };
  }

  /** A chunk every `gap` ms until `until`. */
  send(pair: Pair, gap: number, until: number): this {
    const next = (): void => {
      if (pair.now >= until) return;
      this.give(pair);
      pair.later(gap, next);
    };
    pair.later(0, next);
    return this;
  }

  /** One chunk now. */
  give(pair: Pair): void {
    this.#sentAt.push(pair.now);
    pair.say('a', numbered(this.sent++));
  }

  get everyOnce(): boolean {
    return this.arrived.size === this.sent && [...this.arrived.values()].every((times) => times === 1);
  }

  kinds(side: Side): string[] {
    return this.others.filter((other) => other.side === side).map((other) => other.effect.kind);
  }

  longestPause(from: number): number {
    let longest = 0;
    for (let i = 1; i < this.arrivals.length; i++) {
      if ((this.arrivals[i - 1] ?? 0) >= from)
        longest = Math.max(longest, (this.arrivals[i] ?? 0) - (this.arrivals[i - 1] ?? 0));
    }
    return longest;
  }
}

/** Bulk from a to b for so many seconds of virtual time; bytes delivered, by second. */
function pour(pair: Pair, seconds: number): number[] {
  const perSecond: number[] = Array.from({ length: seconds }, () => 0);
  pair.watch = (_side, effect) => {
    const second = Math.min(seconds - 1, Math.floor(pair.now / 1000));
    if (effect.kind === 'deliver') perSecond[second] = (perSecond[second] ?? 0) + effect.bytes.length;
  };
  const fill = (): void => {
    while (pair.a.queued < 128 * 1024) pair.say('a', new Uint8Array(CHUNK), { deadline: 1e9 });
    pair.later(1, fill);
  };
  fill();
  pair.run(seconds * 1000);
  return perSecond;
}

describe('delivery', () => {
  test('every message arrives exactly once over 20 % loss with reordering and duplicates', () => {
    const pair = new Pair(1, { delay: 25, loss: 0.2, jitter: 10, twice: 0.1 });
    const stream = new Stream(pair).send(pair, 1.5, 3000);
    pair.run(6000);
    expect(stream.sent).toBe(2000);
    expect(stream.everyOnce).toBe(true);
  });

  test('whatever the path does short of silence, every message arrives exactly once', () => {
    const way = fc.record({
      delay: fc.integer({ min: 0, max: 120 }),
      loss: fc.double({ min: 0, max: 0.25, noNaN: true }),
      jitter: fc.integer({ min: 0, max: 40 }),
      twice: fc.double({ min: 0, max: 0.3, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.nat(), way, way, fc.integer({ min: 1, max: 12 }), (seed, a, b, gap) => {
        const pair = new Pair(seed, { a, b }, { deadline: ms(20_000), idle: ms(60_000), keepAlive: ms(60_000) });
        const stream = new Stream(pair).send(pair, gap, 600);
        pair.run(20_000);
        expect(stream.everyOnce).toBe(true);
        expect(pair.a.stats().bytesInFlight).toBe(0);
        expect(pair.a.queued).toBe(0);
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  test('messages are delivered as they arrive: one that is being repaired holds up nobody', () => {
    const pair = new Pair(2, { delay: 25 });
    const stream = new Stream(pair).send(pair, 2, 400);
    pair.later(100, () => (pair.gate = () => false));
    pair.later(101, () => (pair.gate = () => true));
    pair.run(1000);
    expect(stream.everyOnce).toBe(true);
    expect(stream.latency.filter((latency) => latency > 26).length).toBeLessThanOrEqual(1);
    expect(Math.max(...stream.latency)).toBeLessThan(25 + 50 + 15);
  });

  describe('on a line without delay, between busy computers', () => {
    /** A child that has caught up with a second of stream as fast as the line took it, and follows at 20 Mbit/s. */
    const following = (seed: number): { pair: Pair; stream: Stream } => {
      const pair = new Pair(seed, { delay: 0.05, rate: 40_000, queue: 100 });
      const stream = new Stream(pair);
      pair.later(0, () => {
        for (let i = 0; i < 2200; i++) stream.give(pair);
      });
      pair.run(500);
      expect(pair.a.stats().phase).toBe('probe-bandwidth');
      stream.latency.length = 0;
      return { pair, stream: stream.send(pair, 0.456, 3000) };
    };

    test('a receiver that looks only every 10 ms still gets all there is each time', () => {
      const { pair, stream } = following(6);
      pair.later(500, () => (pair.turn = 10));
      pair.run(4000);
      expect(stream.everyOnce).toBe(true);
      expect(Math.max(...stream.latency)).toBeLessThanOrEqual(10 + 1);
    });

    test('what a source held back for 30 ms is out with the next turn but one', () => {
      const { pair, stream } = following(7);
      pair.later(500, () => (pair.turn = 5));
      for (let start = 1000; start < 2500; start += 100) {
        pair.later(start, () => {
          for (let i = 0; i < 66; i++) stream.give(pair);
        });
      }
      pair.run(4000);
      expect(stream.everyOnce).toBe(true);
      expect(Math.max(...stream.latency)).toBeLessThanOrEqual(2 * 5 + 1);
    });
  });

  test('a lost tail is found by a probe, without anything sent after it', () => {
    const pair = new Pair(3, { delay: 25 });
    const stream = new Stream(pair).send(pair, 2, 200);
    pair.later(196, () => (pair.gate = (from) => from !== 'a'));
    pair.later(240, () => (pair.gate = () => true));
    pair.run(1000);
    expect(stream.everyOnce).toBe(true);
    expect(Math.max(...stream.latency)).toBeLessThan(25 + 150);
  });

  test('repairs need one round trip and little more', () => {
    const pair = new Pair(4, { delay: 25, loss: 0.02 });
    const stream = new Stream(pair).send(pair, 0.456, 4000);
    pair.run(6000);
    expect(stream.everyOnce).toBe(true);
    const sorted = stream.latency.toSorted((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(26);
    expect(sorted[Math.floor(sorted.length * 0.99)]).toBeLessThan(25 + 50 + 10);
  });

  test('same seed, identical run', () => {
    const run = (): string => {
      const pair = new Pair(5, { delay: 20, loss: 0.05, jitter: 5 });
      new Stream(pair).send(pair, 2, 1000);
      pair.run(2000);
      return JSON.stringify([pair.sizes, pair.a.stats(), pair.b.stats()]);
    };
    expect(run()).toBe(run());
  });
});

describe('deadlines', () => {
  test('a message too late is dropped by its sender and counted', () => {
    const pair = new Pair(6, { delay: 25 });
    const stream = new Stream(pair);
    pair.gate = () => false;
    for (let i = 0; i < 10; i++) pair.say('a', numbered(i), { deadline: 300 });
    pair.later(1000, () => (pair.gate = () => true));
    pair.run(3000);
    expect(stream.arrived.size).toBe(0);
    const expired = stream.others.flatMap(({ effect }) => (effect.kind === 'expired' ? [effect.count] : []));
    expect(expired.reduce((sum, count) => sum + count, 0)).toBe(10);
    expect(pair.a.stats().expiredMessages).toBe(10);
  });

  test('a path slower than the stream delivers what is in time, drops the rest and says that it is slow', () => {
    const pair = new Pair(7, { delay: 25, rate: 500, queue: 100 });
    const stream = new Stream(pair).send(pair, 1.14, 5000);
    pair.run(8000);
    const slow = stream.others.filter(({ effect }) => effect.kind === 'slow');
    expect(slow.length).toBeGreaterThanOrEqual(2);
    expect(slow.length).toBeLessThanOrEqual(7);
    const told = slow.at(-1)?.effect;
    if (told?.kind !== 'slow') throw new Error('no word of it');
    expect(told.rate).toBeGreaterThan(350_000);
    expect(told.rate).toBeLessThan(650_000);
    expect(told.wanted).toBeGreaterThan(900_000);
    expect(stream.arrived.size + pair.a.stats().expiredMessages).toBe(stream.sent);
    expect(stream.arrived.size).toBeGreaterThan(0.35 * stream.sent);
    expect(Math.max(...stream.latency)).toBeLessThan(1500 + 300);
  });

  test('what may wait is bounded in bytes', () => {
    const pair = new Pair(8, { delay: 25 }, { queue: 50_000 });
    pair.gate = () => false;
    for (let i = 0; i < 1000; i++) pair.say('a', numbered(i));
    expect(pair.a.queued).toBeLessThanOrEqual(50_000);
    expect(pair.a.stats().expiredMessages).toBeGreaterThan(800);
  });

  test('with little time left a repair is sent twice, once', () => {
    const path: Way = { delay: 75 };
    const pair = new Pair(9, path);
    for (let i = 0; i < 20; i++) pair.later(10 * i, () => pair.say('a', numbered(i)));
    pair.run(1000);
    const before = pair.sizes.a.length;
    pair.gate = (from) => from !== 'a';
    pair.say('a', numbered(100), { deadline: 1350 });
    pair.gate = () => true;
    for (let i = 101; i < 110; i++) pair.say('a', numbered(i), { deadline: 1500 });
    pair.run(1500);
    const large = pair.sizes.a.slice(before).filter((size) => size > 1000);
    expect(large.length).toBe(10 + 2);
    expect(pair.b.stats().duplicateMessages).toBe(1);
  });

  test.each([
    { delay: 25, loss: 0.1, rate: 125, queue: 50 },
    { delay: 10, loss: 0.2, rate: 60, queue: 30 },
  ])('a second copy that window or pace holds back asks for no tick before they open ($rate bytes/ms)', (path) => {
    const pair = new Pair(1, path, { deadline: ms(160) });
    for (let i = 0; i < 800; i++) pair.later(40 * Math.floor(i / 8), () => pair.say('a', numbered(i)));
    pair.run(5000);
    // The pair itself says when time stands still.
    expect(pair.a.stats().lostPackets).toBeGreaterThan(50);
  });
});

describe('congestion control', () => {
  test('fills a 50 Mbit/s bottleneck and keeps its queue bounded', () => {
    const pair = new Pair(10, { delay: 25, rate: 6250, queue: 200 });
    const perSecond = pour(pair, 6);
    const goodput = perSecond.slice(2).reduce((sum, bytes) => sum + bytes, 0) / 4;
    expect((goodput * 8) / 1e6).toBeGreaterThan(0.85 * 50);
    expect(pair.a.stats().rttMs).toBeLessThan(50 + 60);
  });

  test('does not collapse under random loss', () => {
    const pair = new Pair(11, { delay: 25, rate: 6250, queue: 100, loss: 0.02 });
    const perSecond = pour(pair, 6);
    for (const bytes of perSecond.slice(2)) expect((bytes * 8) / 1e6).toBeGreaterThan(0.85 * 50);
  });

  test('a live stream is not taken for the capacity of its path', () => {
    const pair = new Pair(12, { delay: 25, loss: 0.02 });
    const stream = new Stream(pair).send(pair, 9.12, 20_000);
    pair.run(20_500);
    const before = pair.now;
    // After 20 s of 1 Mbit/s a second at 16 times that: a new keyframe, a second channel.
    const burst = new Stream(pair).send(pair, 0.57, before + 1000);
    pair.run(before + 3000);
    expect(stream.everyOnce).toBe(true);
    expect(burst.everyOnce).toBe(true);
    const sorted = burst.latency.toSorted((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(60);
  });

  test('a live stream is never held up by probing for the round-trip time', () => {
    const pair = new Pair(13, { delay: 25, rate: 3000, queue: 200 });
    const stream = new Stream(pair).send(pair, 0.5, 25_000);
    pair.run(26_000);
    expect(Math.max(...stream.latency.slice(1000))).toBeLessThan(60);
  });

  test('a path that becomes slower is noticed within seconds', () => {
    const way = { delay: 25, rate: 6250, queue: 200 };
    const pair = new Pair(14, way);
    pair.later(3000, () => (way.rate = 1250));
    const perSecond = pour(pair, 8);
    expect(((perSecond[7] ?? 0) * 8) / 1e6).toBeGreaterThan(8);
    expect(pair.a.stats().deliveryRate).toBeLessThan(1_600_000);
    expect(pair.a.stats().lossRate).toBeLessThan(0.05);
  });

  test('packets are paced: never more than 2 ms worth, or ten packets, at once', () => {
    const pair = new Pair(15, { delay: 25, rate: 6250, queue: 100 });
    let burst = 0;
    let at = -1;
    let most = 0;
    pour(pair, 1);
    pair.watch = (side, effect) => {
      if (side !== 'a' || effect.kind !== 'send') return;
      burst = pair.now === at ? burst + 1 : 1;
      at = pair.now;
      most = Math.max(most, burst);
    };
    pair.run(3000);
    expect(most).toBeLessThanOrEqual(16);
  });
});

describe('change of address', () => {
  /** B's NAT forgets its mapping: nothing reaches B until B has sent something again. */
  function rebind(pair: Pair, when: number, portOnly: boolean): void {
    let lost = false;
    pair.later(when, () => {
      lost = true;
      const before = pair.gate;
      pair.gate = (from) => before(from) && !(from === 'a' && lost);
      const seen = pair.arriving;
      const since = pair.sizes.b.length;
      pair.arriving = (to, size) => {
        seen?.(to, size);
        if (to !== 'a' || !lost || pair.sizes.b.length === since) return;
        lost = false;
        pair.step('a', { kind: 'moved', portOnly });
      };
    });
  }

  test.each([
    ['another port', true],
    ['another address', false],
  ])('%s in mid-stream, twice: nothing is lost and the gap is short', (_, portOnly) => {
    const pair = new Pair(16, { delay: 25, loss: 0.02 });
    const stream = new Stream(pair).send(pair, 1.14, 6000);
    rebind(pair, 2000, portOnly);
    rebind(pair, 4000, portOnly);
    pair.run(8000);
    expect(stream.everyOnce).toBe(true);
    expect(stream.longestPause(1000)).toBeLessThan(100 + 50);
    expect(stream.kinds('a')).toEqual(['path', 'path']);
    const paths = stream.others.filter(({ effect }) => effect.kind === 'path');
    expect(paths.every(({ effect }) => effect.kind === 'path' && effect.proven)).toBe(true);
  });

  test('both sides turn to a relay that has proven itself, at once: neither waits for the other', () => {
    const pair = new Pair(18, { delay: 25, loss: 0.02 });
    const stream = new Stream(pair).send(pair, 1.14, 5000);
    // The old way has been dead for half a second.
    pair.later(2000, () => (pair.gate = () => false));
    pair.later(2500, () => {
      pair.gate = () => true;
      for (const side of ['a', 'b'] as const) pair.step(side, { kind: 'rerouted', arrives: false });
    });
    pair.run(7000);
    expect(stream.everyOnce).toBe(true);
    expect(stream.longestPause(1000)).toBeLessThan(500 + 100);
    expect(stream.kinds('a')).not.toContain('path');
  });

  test('a change right after the last ACK is noticed by the receiver, which speaks up', () => {
    for (let when = 2000; when < 2040; when += 1.3) {
      const pair = new Pair(17, { delay: 25 });
      const stream = new Stream(pair).send(pair, 1.14, 3000);
      rebind(pair, when, true);
      pair.run(4500);
      expect(stream.everyOnce).toBe(true);
      expect(stream.longestPause(1000)).toBeLessThan(100 + 50);
    }
  });

  test('a stream hums in the pauses between its blocks, so that its end is noticed within some 30 ms', () => {
    const pair = new Pair(27, { delay: 25 });
    let number = 0;
    for (let block = 0; block < 75; block++) {
      pair.later(40 * block, () => {
        for (let i = 0; i < 18; i++) pair.say('a', numbered(number++));
      });
    }
    pair.run(3000);
    const [said, spoke] = [pair.sizes.a.length, pair.sizes.b.filter((size) => size > 900).length];
    expect(said).toBeGreaterThan(number + 40);
    expect(said).toBeLessThan(number + 260);
    expect(spoke).toBe(0);
    pair.gate = (from) => from === 'b';
    pair.run(3000 + 25 + 60);
    expect(pair.sizes.b.filter((size) => size > 900).length).toBe(1);
    // It does not hum for ever.
    pair.run(8000);
    const late = pair.sizes.a.length;
    pair.run(9000);
    expect(pair.sizes.a.length - late).toBeLessThan(8);
  });

  test('the receiver of blocks of 40 ms does not take the pauses between them for silence', () => {
    const pair = new Pair(18, { delay: 25, jitter: 3 });
    let number = 0;
    for (let block = 0; block < 100; block++) {
      pair.later(40 * block, () => {
        for (let i = 0; i < 18; i++) pair.say('a', numbered(number++));
      });
    }
    pair.run(4000);
    expect(pair.sizes.b.filter((size) => size > 900).length).toBe(0);
  });

  test('an address that answers nothing gets at most three times what came from it', () => {
    const pair = new Pair(19, { delay: 25 });
    const stream = new Stream(pair).send(pair, 1.14, 4000);
    let arrivedBytes = 0;
    pair.later(1000, () => {
      // From now on whatever B says is shown to A as coming from elsewhere, and nothing of A's gets there.
      pair.gate = (from) => from === 'b';
      pair.step('a', { kind: 'moved' });
      const before = pair.bytes.a;
      pair.arriving = (to, size) => {
        if (to === 'a') arrivedBytes += size;
        expect(pair.bytes.a - before).toBeLessThanOrEqual(3 * arrivedBytes + 3 * size);
      };
    });
    pair.run(6000);
    expect(stream.others.some(({ side, effect }) => side === 'a' && effect.kind === 'path' && !effect.proven)).toBe(
      true,
    );
  });
});

describe('the wire', () => {
  test('data and control have many sizes, none above 1,200 bytes', () => {
    const pair = new Pair(20, { delay: 25, loss: 0.01 });
    new Stream(pair).send(pair, 1.14, 4000);
    pair.run(5000);
    for (const side of ['a', 'b'] as const) {
      const counts = new Map<number, number>();
      for (const size of pair.sizes[side]) counts.set(size, (counts.get(size) ?? 0) + 1);
      const [most = 0, second = 0] = [...counts.values()].toSorted((x, y) => y - x);
      expect(Math.max(...pair.sizes[side])).toBeLessThanOrEqual(1200);
      expect(Math.min(...pair.sizes[side])).toBeGreaterThanOrEqual(40);
      expect((most + second) / pair.sizes[side].length).toBeLessThan(0.2);
    }
    expect(Math.max(...pair.sizes.b.filter((size) => size < 900))).toBeLessThanOrEqual(170);
  });

  test('a chunk of six TS packets fits, also beside an ACK', () => {
    const pair = new Pair(21, { delay: 25 });
    new Stream(pair).send(pair, 5, 1000);
    pair.later(3, () => pair.step('b', { kind: 'message', bytes: new Uint8Array(1) }));
    pair.run(1500);
    expect(pair.sizes.a.filter((size) => size > 1140).length).toBe(200);
  });

  test('packet numbers are never used twice and only rise', () => {
    const pair = new Pair(22, { delay: 25, loss: 0.1 });
    const last = { a: -1, b: -1 };
    pair.watch = (side, effect) => {
      if (effect.kind !== 'send') return;
      expect(effect.counter).toBe(last[side] + 1);
      last[side] = effect.counter;
    };
    for (let i = 0; i < 300; i++) {
      pair.later(2 * i, () => pair.say('a', numbered(i)));
      pair.later(3 * i, () => pair.say('b', numbered(i)));
    }
    pair.run(3000);
    expect(last.a).toBeGreaterThan(300);
  });
});

describe('life and end', () => {
  test('an idle connection keeps its mapping alive at uneven intervals', () => {
    const pair = new Pair(23, { delay: 25 });
    const times: number[] = [];
    pair.watch = (side, effect) => side === 'a' && effect.kind === 'send' && times.push(pair.now);
    pair.say('a', numbered(0));
    pair.run(120_000);
    const pauses = times.map((time, i) => time - (times[i - 1] ?? 0)).filter((pause) => pause > 1000);
    expect(pauses.length).toBeGreaterThan(8);
    expect(Math.max(...pauses)).toBeLessThan(13_400);
    expect(new Set(pauses.map((pause) => Math.round(pause / 100))).size).toBeGreaterThan(5);
    expect(pair.a.stats().silentMs).toBeLessThan(15_000);
  });

  test('it ends when the peer says so', () => {
    const pair = new Pair(24, { delay: 25 });
    pair.step('a', { kind: 'close', reason: 7 });
    pair.run(100);
    expect(pair.effects.map(({ side, effect }) => ({ side, effect }))).toEqual([
      { side: 'a', effect: { kind: 'closed', by: 'us', reason: 7 } },
      { side: 'b', effect: { kind: 'closed', by: 'peer', reason: 7 } },
    ]);
    expect(pair.a.wake()).toBeUndefined();
    expect(pair.a.step({ kind: 'message', bytes: new Uint8Array(1) }, at(200))).toEqual([]);
  });

  test('it ends after half a minute without any word from the peer', () => {
    const pair = new Pair(25, { delay: 25 });
    pair.gate = () => false;
    pair.say('a', numbered(0));
    pair.run(29_000);
    expect(pair.effects.some(({ effect }) => effect.kind === 'closed')).toBe(false);
    pair.run(31_000);
    expect(pair.effects.at(-1)?.effect).toEqual({ kind: 'closed', by: 'silence', reason: 0 });
  });

  test('it sleeps when nothing is to be done', () => {
    const pair = new Pair(26, { delay: 25 });
    pair.say('a', numbered(0));
    pair.run(2000);
    for (const side of ['a', 'b'] as const) expect(pair.of(side).wake() ?? 0).toBeGreaterThan(2000 + 3000);
  });

  test('bodies that make no sense are counted and change nothing', () => {
    const connection = new Connection({ random: seeded(1) });
    const random = seeded(2);
    for (let i = 0; i < 5000; i++) {
      for (const effect of connection.step(
        { kind: 'body', counter: i, bytes: randomBytes(random, random(40)) },
        at(i / 10),
      )) {
        if (effect.kind === 'closed') return;
      }
    }
    expect(connection.stats().refusedBodies).toBeGreaterThan(1000);
  });

  test('every wake leads somewhere: no timer fires in vain for long', () => {
    const pair = new Pair(27, { delay: 25, loss: 0.3 });
    new Stream(pair).send(pair, 3, 2000);
    pair.later(700, () => pair.step('a', { kind: 'moved' }));
    pair.run(4000);
    const side = pair.a;
    let now = at(pair.now);
    let ticks = 0;
    for (let wake = side.wake(); wake !== undefined && wake < 12_000 && ticks < 10_000; wake = side.wake()) {
      now = at(Math.max(now, wake));
      side.step({ kind: 'tick' }, now);
      ticks++;
    }
    expect(ticks).toBeLessThan(200);
  });
});
