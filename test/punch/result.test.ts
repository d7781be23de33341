import { expect, test } from 'vitest';
import { at, seconds } from '../../agent/base/time.ts';
import { Result, type ResultInput } from '../../agent/punch/result.ts';

/** What was said, and when; ticks come by the machine's own wish. */
function say(...happenings: readonly (readonly [number, ResultInput])[]): unknown {
  const result = new Result({ patience: seconds(20) });
  const said: unknown[] = [];
  const step = (input: ResultInput, now: number): void => {
    for (const { line, exitCode } of result.step(input, at(now))) said.push([now, line, exitCode]);
  };
  for (const [when, input] of [...happenings, [60_000, { kind: 'tick' }] as const]) {
    const wake = result.wake();
    if (wake !== undefined && wake <= when) step({ kind: 'tick' }, wake);
    step(input, when);
  }
  return said;
}

const ASKED = [1000, { kind: 'asked' }] as const;

test('a direct path is the result as soon as it carries', () => {
  expect(say(ASKED, [1142, { kind: 'carried', method: 'simultaneous' }])).toEqual([
    [1142, 'connected direct simultaneous after 0.142 s, first byte after 0.142 s by simultaneous', 0],
  ]);
});

test('a relay carried first, then a direct path took over', () => {
  expect(
    say(
      ASKED,
      [1210, { kind: 'carried', method: 'relay-rendezvous' }],
      [3000, { kind: 'gave-up', reason: 'timeout', again: true }],
      [5500, { kind: 'carried', method: 'dial' }],
    ),
  ).toEqual([[5500, 'connected direct dial after 4.500 s, first byte after 0.210 s by relay-rendezvous', 0]]);
});

test('only relays within the patience: the one that carries now, when the first byte came, and why it is one', () => {
  expect(
    say(
      ASKED,
      [1300, { kind: 'carried', method: 'relay-household' }],
      [3000, { kind: 'gave-up', reason: 'filter', again: true }],
      [5000, { kind: 'carried', method: 'relay-rendezvous' }],
    ),
  ).toEqual([[21_000, 'connected relay relay-rendezvous after 0.300 s: filter', 0]]);
});

test('nothing more to try: the relay is the result at once, whichever comes first', () => {
  const line = 'connected relay relay-rendezvous after 0.300 s: random';
  const relayed = [1300, { kind: 'carried', method: 'relay-rendezvous' }] as const;
  expect(say(ASKED, relayed, [2000, { kind: 'gave-up', reason: 'random', again: false }])).toEqual([[2000, line, 0]]);
  expect(say(ASKED, [1200, { kind: 'gave-up', reason: 'random', again: false }], relayed)).toEqual([[1300, line, 0]]);
});

test('neither a path nor a relay', () => {
  expect(say(ASKED)).toEqual([[21_000, 'not connected: timeout', 1]]);
  expect(say(ASKED, [3000, { kind: 'gave-up', reason: 'drift', again: false }])).toEqual([
    [21_000, 'not connected: drift', 1],
  ]);
});

test.each(['peer-unknown', 'peer-offline', 'rendezvous-unreachable', 'refused', 'udp-blocked'] as const)(
  'no introduction because of %s: said at once',
  (reason) => {
    expect(say(ASKED, [1500, { kind: 'refused', reason }])).toEqual([[1500, `not connected: ${reason}`, 1]]);
    expect(say([500, { kind: 'refused', reason }])).toEqual([[500, `not connected: ${reason}`, 1]]);
  },
);

test('one line only, whatever happens later', () => {
  expect(
    say(ASKED, [1100, { kind: 'carried', method: 'lan' }], [1200, { kind: 'carried', method: 'dial' }]),
  ).toHaveLength(1);
});
