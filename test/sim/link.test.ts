import { describe, expect, test } from 'vitest';
import { at, ms } from '../../agent/base/time.ts';
import type { LinkShape } from '../../agent/sim/link.ts';
import { World } from '../../agent/sim/world.ts';

const COUNT = 20_000;

interface Arrival {
  readonly number: number;
  readonly after: number;
}

/** One datagram of `bytes` every `everyMs` over a link of this shape; what arrived, and how long each took. */
function over(shape: LinkShape, options: { everyMs?: number; bytes?: number; count?: number } = {}): Arrival[] {
  const { everyMs = 1, bytes = 100, count = COUNT } = options;
  const world = new World({ seed: 11 });
  const arrivals: Arrival[] = [];
  const server = world.host();
  server.socket((_, datagram) => {
    const number = new DataView(datagram.buffer).getUint32(0);
    arrivals.push({ number, after: world.now - number * everyMs });
  }, 9);
  const socket = world.host({ access: { up: shape, down: {} } }).socket();
  for (let number = 0; number < count; number++) {
    world.at(at(number * everyMs), () => {
      const datagram = new Uint8Array(bytes);
      new DataView(datagram.buffer).setUint32(0, number);
      socket.send({ ip: server.ip, port: 9 }, datagram);
    });
  }
  world.run(at(count * everyMs + 10_000));
  return arrivals;
}

const times = (arrivals: readonly Arrival[]): number[] => arrivals.map(({ after }) => after);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const overtaken = (arrivals: readonly Arrival[]): number =>
  arrivals.filter(({ number }, i) => number < (arrivals[i - 1]?.number ?? -1)).length;

describe('A simulated link', () => {
  test('An empty shape is ideal: everything arrives, in order, at once', () => {
    const arrivals = over({}, { count: 100 });
    expect(arrivals).toHaveLength(100);
    expect(times(arrivals).every((time) => time === 0)).toBe(true);
  });

  test('Delay is exact, jitter lies on top evenly and never changes the order', () => {
    const arrivals = over({ delay: ms(25), jitter: ms(5) }, { everyMs: 10 });
    expect(Math.min(...times(arrivals))).toBeGreaterThanOrEqual(25);
    expect(Math.max(...times(arrivals))).toBeLessThan(30);
    expect(mean(times(arrivals))).toBeCloseTo(27.5, 1);
    expect(overtaken(over({ delay: ms(25), jitter: ms(5) }, { everyMs: 0.1 }))).toBe(0);
  });

  test('Loss is the share it was given, and of single datagrams', () => {
    const lost = COUNT - over({ loss: 0.02 }).length;
    expect(lost / COUNT).toBeGreaterThan(0.017);
    expect(lost / COUNT).toBeLessThan(0.023);
  });

  test('Loss in bursts is the same share in runs of the mean length', () => {
    const arrivals = over({ loss: 0.05, burst: 4 });
    const gaps = arrivals.map(({ number }, i) => number - (arrivals[i - 1]?.number ?? -1) - 1).filter((gap) => gap > 0);
    expect(1 - arrivals.length / COUNT).toBeGreaterThan(0.04);
    expect(1 - arrivals.length / COUNT).toBeLessThan(0.06);
    expect(mean(gaps)).toBeGreaterThan(3.5);
    expect(mean(gaps)).toBeLessThan(4.5);
  });

  test('Reordering holds the given share back, and nothing is lost by it', () => {
    const arrivals = over({ delay: ms(10), reorder: 0.1, reorderBy: ms(3.5) });
    expect(arrivals).toHaveLength(COUNT);
    expect(times(arrivals).filter((time) => time > 13).length / COUNT).toBeCloseTo(0.1, 1);
    expect(overtaken(arrivals)).toBeGreaterThan(COUNT * 0.05);
  });

  test('Duplicates come at the given share', () => {
    expect(over({ duplicate: 0.1 }).length / COUNT).toBeCloseTo(1.1, 1);
  });

  test('A rate limit lets its bits through and no more, and a datagram waits at most as long as the queue', () => {
    // 1,000 bits with the headers, so 1,000 a second; twice that is offered.
    const arrivals = over({ rate: 1_000_000, queue: ms(50) }, { everyMs: 0.5, bytes: 97 });
    expect(arrivals.length).toBeGreaterThan(COUNT / 2 - 10);
    expect(arrivals.length).toBeLessThan(COUNT / 2 + 80);
    expect(Math.max(...times(arrivals))).toBeLessThanOrEqual(51.1);
    expect(overtaken(arrivals)).toBe(0);
  });

  test('A slow router spaces a burst', () => {
    const arrivals = over({ spacing: ms(0.5) }, { everyMs: 0, count: 10 });
    expect(times(arrivals)).toEqual([0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]);
  });

  test('Both directions are shaped on their own', () => {
    const world = new World({ seed: 1 });
    const server = world.host();
    const socket = server.socket((from) => socket.send(from, Uint8Array.of(1)), 9);
    const done: number[] = [];
    const home = world.host({ access: { up: { delay: ms(30) }, down: { delay: ms(5) } } });
    home.socket(() => done.push(world.now)).send({ ip: server.ip, port: 9 }, Uint8Array.of(0));
    world.run(at(100));
    expect(done).toEqual([35]);
  });
});
