import { expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at, seconds } from '../../agent/base/time.ts';
import { choose, type Standing } from '../../agent/portmap/contest.ts';
import { Epoch } from '../../agent/portmap/epoch.ts';
import { judgeOutside } from '../../agent/portmap/outside.ts';
import { inherit } from '../../agent/portmap/saved.ts';
import { afterFault, type Attempt, otherPort } from '../../agent/portmap/step.ts';

const add = { action: 'add', internal: 41_001, external: 41_001, lifetime: 7200 } as const;
const any = { ...add, action: 'any' } as const;
const again = (attempt: Attempt, change: Partial<Attempt>) => ({ kind: 'again', attempt: { ...attempt, ...change } });
const next = (reason: string) => ({ kind: 'next-service', reason });

test.each<[number, Attempt, unknown]>([
  [401, any, again(any, { action: 'add' })],
  [401, add, next('unknown-fault')],
  [402, add, again(add, { lifetime: 0 })],
  [402, any, again(any, { lifetime: 0 })],
  [402, { ...any, lifetime: 0 }, again(any, { action: 'add', lifetime: 0 })],
  [402, { ...add, lifetime: 0 }, next('no-arguments-fit')],
  [501, add, next('action-failed')],
  [606, add, next('not-authorized')],
  [606, { ...add, external: 80 }, { kind: 'other-port' }],
  [714, add, next('lying')],
  [715, add, next('wildcard-refused')],
  [716, { ...add, external: 0 }, { kind: 'other-port' }],
  [716, add, next('wildcard-refused')],
  [718, add, { kind: 'other-port' }],
  [718, any, again(any, { action: 'add' })],
  [724, { ...add, external: 50_000 }, again(add, { external: 41_001 })],
  [724, add, next('port-taken')],
  [725, add, again(add, { lifetime: 0 })],
  [726, add, next('wildcard-refused')],
  [728, add, next('table-full')],
  [0, add, next('unknown-fault')],
])('after error %i of %o', (code, attempt, step) => {
  expect(afterFault(code, attempt)).toEqual(step);
});

test('no error leads round in circles', () => {
  for (let code = 0; code < 1000; code++) {
    let attempt: Attempt = any;
    let steps = 0;
    for (;;) {
      const step = afterFault(code, attempt);
      if (step.kind !== 'again') break;
      attempt = step.attempt;
      expect(++steps).toBeLessThan(5);
    }
  }
});

test('another port is the internal one first, then any that was not tried', () => {
  const random = seeded(1);
  expect(otherPort([50_000], 41_001, random)).toBe(41_001);
  const tried = [41_001];
  for (let i = 0; i < 100; i++) tried.push(otherPort(tried, 41_001, random));
  expect(new Set(tried).size).toBe(tried.length);
  expect(tried.every((port) => port >= 10_000 && port < 60_000)).toBe(true);
});

const T = { start: at(1000), soon: at(1100), late: at(1300) };
const grant = { protocol: 'upnp', external: 1, ip: undefined, lifetime: seconds(1), permanent: false } as const;
const looking: Standing = { name: 'looking', since: T.start };
const asked: Standing = { name: 'asked', since: T.start };
const present: Standing = { name: 'present', wan: undefined };
const granted: Standing = { name: 'granted', grant };
const refused: Standing = { name: 'refused', reason: 'silent', wan: undefined };
const disproved: Standing = { name: 'disproved' };

test.each<[string, Standing, Standing, Standing, 'soon' | 'late', string]>([
  ['PCP is waited for a little', asked, present, present, 'soon', 'wait until 1250'],
  ['and no longer', asked, present, present, 'late', 'ask natpmp'],
  ['a refusal is no reason to wait', refused, present, present, 'soon', 'ask natpmp'],
  ['NAT-PMP is waited for a little', refused, looking, present, 'soon', 'wait until 1250'],
  ['UPnP comes last', refused, refused, present, 'soon', 'ask upnp'],
  ['both silent: UPnP', asked, looking, present, 'late', 'ask upnp'],
  ['the last one is waited for', refused, refused, looking, 'late', 'wait'],
  ['a late one too', asked, refused, refused, 'late', 'wait'],
  ['what was granted is held', asked, granted, looking, 'late', 'hold natpmp'],
  ['the better of two', granted, granted, granted, 'late', 'hold pcp'],
  ['what lied is not asked again', disproved, disproved, present, 'soon', 'ask upnp'],
  ['nobody', refused, disproved, refused, 'soon', 'none'],
])('%s', (_what, pcp, natpmp, upnp, when, expected) => {
  const choice = choose({ pcp, natpmp, upnp }, T[when]);
  const words = [
    choice.kind,
    ...(choice.kind === 'hold' || choice.kind === 'ask' ? [choice.protocol] : []),
    ...(choice.kind === 'wait' && choice.until !== undefined ? [`until ${choice.until}`] : []),
  ];
  expect(words.join(' ')).toBe(expected);
});

test.each([
  [
    'runs with ours',
    [
      [100, 0],
      [160, 60_000],
    ],
    false,
  ],
  [
    'a little slow, as cheap clocks are',
    [
      [100, 0],
      [3600, 3_700_000],
    ],
    false,
  ],
  [
    'back at zero',
    [
      [100, 0],
      [0, 10_000],
    ],
    true,
  ],
  [
    'started anew long ago',
    [
      [100_000, 0],
      [100, 3_600_000],
    ],
    true,
  ],
  [
    'jumped ahead',
    [
      [100, 0],
      [10_000, 10_000],
    ],
    true,
  ],
  [
    'one second back',
    [
      [100, 0],
      [99, 100],
    ],
    false,
  ],
] as const)('a gateway whose clock %s', (_what, heard, anew) => {
  const epoch = new Epoch();
  const [first, second] = heard.map(([value, time]) => epoch.hear(value, at(time)));
  expect(first).toBe(false);
  expect(second).toBe(anew);
});

test.each([
  ['203.0.113.1', '203.0.113.1', 'open'],
  ['203.0.113.1', undefined, 'unconfirmed'],
  ['203.0.113.1', '203.0.113.2', 'differs'],
  ['192.168.178.20', '203.0.113.2', 'double-nat'],
  ['100.100.1.1', '203.0.113.2', 'carrier-nat'],
  ['0.0.0.0', '203.0.113.2', 'no-address'],
  [undefined, '203.0.113.2', 'no-address'],
  ['169.254.3.4', undefined, 'no-address'],
] as const)('a gateway that names %s, seen from outside as %s: %s', (named, observed, outside) => {
  expect(judgeOutside(named, observed)).toBe(outside);
});

test('leases of an earlier run are taken up, swept, or left for where they belong', () => {
  const lease = { gateway: '192.168.1.1', own: '192.168.1.2', external: 50_000 };
  const nonce = '01'.repeat(12);
  const same = { ...lease, protocol: 'pcp', internal: 41_001, nonce } as const;
  const stale = { ...lease, protocol: 'upnp', internal: 45_000 } as const;
  const elsewhere = { ...same, gateway: '10.0.0.1' };
  const found = inherit([stale, elsewhere, same], { gateway: '192.168.1.1', own: '192.168.1.2', port: 41_001 });
  expect(found).toEqual({
    external: 50_000,
    nonce: new Uint8Array(12).fill(1),
    stale: [stale],
    elsewhere: [elsewhere],
  });
});
