import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { choosePort } from '../../agent/uplink/portset.ts';
import { portsOf } from './rfc7597.ts';

/** RFC 7597, appendix A, example 1: PSID 0x34 of 8 bits behind an offset of 6. */
const EXAMPLE = portsOf({ a: 6, k: 8, psid: 0x34 });

test("the arithmetic is the RFC's", () => {
  expect(EXAMPLE).toHaveLength(63);
  expect(EXAMPLE.slice(0, 2)).toEqual([
    { from: 1232, to: 1235 },
    { from: 2256, to: 2259 },
  ]);
  expect(EXAMPLE.slice(-2)).toEqual([
    { from: 63_696, to: 63_699 },
    { from: 64_720, to: 64_723 },
  ]);
});

test('the customers of one address share out its ports, each to one', () => {
  const owners = new Map<number, number>();
  for (let psid = 0; psid < 16; psid++) {
    for (const { from, to } of portsOf({ a: 4, k: 4, psid })) {
      for (let port = from; port <= to; port++) owners.set(port, (owners.get(port) ?? 0) + 1);
    }
  }
  expect(owners.size).toBe(65_536 - 4096);
  expect(new Set(owners.values())).toEqual(new Set([1]));
});

describe('the port we take', () => {
  const set = fc
    .record({ a: fc.integer({ min: 0, max: 6 }), k: fc.integer({ min: 1, max: 8 }), seed: fc.nat() })
    .chain(({ a, k, seed }) =>
      fc.record({ a: fc.constant(a), k: fc.constant(k), seed: fc.constant(seed), psid: fc.nat(2 ** k - 1) }),
    );

  test('is ours and no port of the system, or there is none', () => {
    fc.assert(
      fc.property(set, ({ seed, ...of }) => {
        const ports = portsOf(of);
        const port = choosePort(ports, seeded(seed));
        if (port === undefined) expect(ports.every(({ to }) => to < 1024)).toBe(true);
        else expect(port >= 1024 && ports.some(({ from, to }) => port >= from && port <= to)).toBe(true);
      }),
    );
  });

  test('is of the first range, whose rule of source NAT fits before the others', () => {
    const chosen = Array.from({ length: 200 }, (_, seed) => choosePort(EXAMPLE, seeded(seed)));
    expect(new Set(chosen)).toEqual(new Set([1232, 1233, 1234, 1235]));
  });

  test('leaves out the ports of the system in a range that has both', () => {
    expect(choosePort([{ from: 1, to: 1024 }], seeded(1))).toBe(1024);
    expect(choosePort([{ from: 1, to: 255 }], seeded(1))).toBeUndefined();
  });
});
