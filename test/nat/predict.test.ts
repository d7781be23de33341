import { expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at, ms } from '../../agent/base/time.ts';
import { windowOf } from '../../agent/nat/predict.ts';
import { Allocator } from '../../agent/sim/allocation.ts';

const CALM = { step: 1, drift: 0, burstiness: 1.5, ports: undefined };
const NOW = { port: 5000, own: 0, age: ms(0), watched: ms(2000), misses: 0 };

test('the next port of a counter at rest is one step on, and that is fired at first', () => {
  expect(windowOf(CALM, NOW)).toMatchObject({ centre: 5001, halfWidth: 3, ports: [5001, 5002, 5003, 5004] });
});

test('own mappings move it, a stride spreads it, and downwards is as good', () => {
  expect(windowOf({ ...CALM, step: -7 }, { ...NOW, own: 2 })).toMatchObject({
    centre: 4979,
    ports: [4979, 4972, 4965, 4958],
  });
});

test('it is about the ports that others will have taken, and wider the longer nobody looked', () => {
  const busy = { ...CALM, drift: 50 };
  const soon = windowOf(busy, { ...NOW, age: ms(100) });
  const later = windowOf(busy, { ...NOW, age: ms(300) });
  expect(soon).toMatchObject({ centre: 5006 });
  expect(later).toMatchObject({ centre: 5016 });
  expect(later?.halfWidth).toBeGreaterThan(soon?.halfWidth ?? 0);
});

test('ports come in order of likelihood: out from the likeliest, none twice', () => {
  const { ports = [], centre } = windowOf({ ...CALM, drift: 50 }, { ...NOW, age: ms(300) }) ?? {};
  expect(Math.abs((ports[0] ?? 0) - (centre ?? 0))).toBeLessThanOrEqual(2);
  const away = ports.map((port) => Math.abs(port - (ports[0] ?? 0)));
  for (const [i, distance] of away.entries()) expect(distance).toBeLessThanOrEqual(i);
  expect(new Set(ports).size).toBe(ports.length);
});

test('each miss doubles it, until it is no window any more', () => {
  const busy = { ...CALM, drift: 50 };
  const widths = [0, 1, 5].map((misses) => windowOf(busy, { ...NOW, age: ms(300), misses })?.halfWidth);
  expect(widths[1]).toBe(2 * (widths[0] ?? 0));
  expect(widths.at(-1)).toBeUndefined();
});

test('it goes around inside a block, and is not wider than half of it', () => {
  const block = { ...CALM, ports: { from: 1024, to: 1055 } };
  expect(windowOf(block, { ...NOW, port: 1055 })?.ports).toEqual([1024, 1025, 1026, 1027]);
  expect(windowOf({ ...block, drift: 50 }, { ...NOW, port: 1055, age: ms(300) })).toBeUndefined();
});

test('a NAT that does not count has none', () => {
  expect(windowOf({ ...CALM, step: 0 }, NOW)).toBeUndefined();
});

/** What the window is worth: how often a counter that others use, too, is where it says. */
test.each([
  [15, 100],
  [50, 100],
  [50, 300],
  [250, 100],
])('with %i foreign mappings a second and %i ms unobserved, 97 of 100 next ports lie in it', (perSecond, age) => {
  const random = seeded(perSecond * 1000 + age);
  let hits = 0;
  for (let run = 0; run < 400; run++) {
    const allocator = new Allocator({ kind: 'sequential' }, { perSecond }, random);
    const wanted = { insidePort: 1, subscriber: '', flow: '', taken: () => false };
    const choose = (when: number): number => allocator.choose(wanted, at(when)) ?? 0;
    const [first, last] = [choose(0), choose(2000)];
    const drift = (((last - first + 64_512) % 64_512) - 1) / 2;
    const window = windowOf({ ...CALM, drift }, { ...NOW, port: last, age: ms(age) });
    if (window?.ports.includes(choose(2000 + age)) === true) hits++;
  }
  expect(hits).toBeGreaterThanOrEqual(388);
});
