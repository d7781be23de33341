import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultRoutes } from '../../agent/uplink/routes.ts';
import { ipv6Route, route } from './proc.ts';

/** Written down from a machine. */
const HOST4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
const HOST6 = `fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`;

test('the default routes of a host, without the one that refuses', () => {
  expect(defaultRoutes(HOST4, HOST6)).toEqual([
    { family: 4, name: 'eth0', gateway: '192.0.2.1', metric: 0 },
    { family: 6, name: 'eth0', gateway: 'fd00::1', metric: 1024 },
  ]);
});

test('the lowest metric comes first', () => {
  const four = route([
    { dev: 'wwan0', via: '10.64.0.1', metric: 600 },
    { dev: 'eth1', via: '198.51.100.1', metric: 10 },
  ]);
  expect(defaultRoutes(four, '').map(({ name }) => name)).toEqual(['eth1', 'wwan0']);
});

test('a PPP line has no next hop', () => {
  expect(defaultRoutes(route([{ dev: 'pppoe-wan' }]), '')).toEqual([
    { family: 4, name: 'pppoe-wan', gateway: undefined, metric: 0 },
  ]);
});

test('a link-local next hop is named with its interface', () => {
  expect(defaultRoutes('', ipv6Route([{ dev: 'eth1', via: 'fe80::1' }]))[0]?.gateway).toBe('fe80::1%eth1');
});

test('routes by source through one next hop are one way out', () => {
  const six = ipv6Route([
    { dev: 'eth1', via: 'fe80::1', metric: 512, from: '2001:db8:1::/56' },
    { dev: 'eth1', via: 'fe80::1', metric: 384, from: '2001:db8:2::5/128' },
  ]);
  expect(defaultRoutes('', six)).toEqual([{ family: 6, name: 'eth1', gateway: 'fe80::1%eth1', metric: 384 }]);
});

test.each([
  ['that is down', { dev: 'eth1', via: '198.51.100.1', flags: 2 }],
  ['that refuses', { dev: 'eth1', flags: 0x201 }],
  ['to a network', { dev: 'eth1', via: '198.51.100.1', to: '10.0.0.0/8' }],
  ['to half of the internet', { dev: 'tun0', via: '10.8.0.1', to: '0.0.0.0/1' }],
])('a route %s is no way out', (_what, line) => {
  expect(defaultRoutes(route([line]), '')).toEqual([]);
});

test('a flood of advertised routers is cut short', () => {
  const flood = Array.from({ length: 5000 }, (_, i) => ({ dev: 'eth1', via: `fe80::${i.toString(16)}` }));
  expect(defaultRoutes('', ipv6Route(flood))).toHaveLength(16);
});

test('whatever stands in the files, reading them throws nothing and every route has a name and a metric', () => {
  const word = fc.oneof(
    fc.constantFrom('00000000', '00', '0'.repeat(32), '0003', '1', 'eth0', 'ffffffff', 'fe80', '-1', '1e9', 'eth0%x'),
    fc.string({ maxLength: 40 }),
  );
  const text = fc
    .array(
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
      { maxLength: 20 },
    )
    .map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (four, six) => {
      for (const { name, metric } of defaultRoutes(four, six)) {
        expect(name).toMatch(/^[^\s/%]{1,15}$/);
        expect(metric).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});
