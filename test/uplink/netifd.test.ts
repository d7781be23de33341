import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNetifd } from '../../agent/uplink/netifd.ts';
import { dump, LAN, LOOPBACK, mapData } from './dump.ts';
import { portsOf } from './rfc7597.ts';

test('what netifd says of a line over DHCP and DHCPv6', () => {
  const text = dump([
    LOOPBACK,
    LAN,
    { interface: 'wan', proto: 'dhcp', l3_device: 'eth1', v4: ['198.51.100.7/24'], via: [{ nexthop: '198.51.100.1' }] },
    {
      interface: 'wan6',
      proto: 'dhcpv6',
      l3_device: 'eth1',
      v6: ['2001:db8:0:1::5/128'],
      pd: ['2001:db8:7700::/56'],
      via: [{ nexthop: 'fe80::1', metric: 512, source: '2001:db8:7700::/56' }],
    },
  ]);
  expect(readNetifd(text)?.slice(2)).toEqual([
    {
      device: 'eth1',
      proto: 'dhcp',
      addresses: [{ ip: '198.51.100.7', prefix: 24 }],
      routes: [{ family: 4, name: 'eth1', gateway: '198.51.100.1', metric: 0 }],
      delegated: [],
      nat: undefined,
    },
    {
      device: 'eth1',
      proto: 'dhcpv6',
      addresses: [{ ip: '2001:db8:0:1::5', prefix: 128 }],
      routes: [{ family: 6, name: 'eth1', gateway: 'fe80::1%eth1', metric: 512 }],
      delegated: [{ ip: '2001:db8:7700::', prefix: 56 }],
      nat: undefined,
    },
  ]);
});

test('an interface that is down is not there', () => {
  expect(readNetifd(dump([{ interface: 'wan', proto: 'dhcp', l3_device: 'eth1', up: false }]))).toEqual([]);
});

test('a route without a metric has that of its interface', () => {
  const wan = { interface: 'wanb', proto: 'dhcp', l3_device: 'eth2', metric: 20, via: [{ nexthop: '203.0.113.1' }] };
  expect(readNetifd(dump([wan]))?.[0]?.routes[0]?.metric).toBe(20);
});

test.each([
  ['MAP-E with an offset of 6', { a: 6, k: 8, psid: 0x34 }],
  ['MAP-E as in Japan', { a: 4, k: 8, psid: 0xac }],
  ['lw4o6', { a: 0, k: 6, psid: 11 }],
])('the port set of %s is that of the RFC', (_what, set) => {
  const ranges = portsOf(set);
  const map = { interface: 'wan_map', proto: 'map', l3_device: 'map-wan_map', v4: ['203.0.113.9/32'] };
  const [read] = readNetifd(dump([{ ...map, data: mapData('203.0.113.9', ranges) }])) ?? [];
  expect(read?.nat).toEqual({ ip: '203.0.113.9', ports: ranges });
});

test('an address that a MAP domain does not share has all its ports', () => {
  const map = { interface: 'wan_map', proto: 'map', l3_device: 'map-wan_map', data: mapData('203.0.113.9', []) };
  expect(readNetifd(dump([map]))?.[0]?.nat).toEqual({ ip: '203.0.113.9', ports: [] });
});

test.each(['90-20', '0-5', '1-70000', '', '80,90', 'x'])('%j is no range of ports', (snat_port) => {
  const firewall = [{ type: 'nat', target: 'SNAT', proto: 'udp', snat_ip: '203.0.113.9', snat_port }];
  const map = { interface: 'wan_map', proto: 'map', l3_device: 'map-wan_map', data: { firewall } };
  expect(readNetifd(dump([map]))?.[0]?.nat?.ports).toEqual([]);
});

test.each(['', '[]', '{}', 'null', '{"interface":{}}', 'Command failed: Not found', '{"interface":['])(
  '%j is no answer of netifd',
  (text) => {
    expect(readNetifd(text)).toBeUndefined();
  },
);

test('whatever JSON comes, reading it throws nothing', () => {
  const names = ['interface', 'up', 'l3_device', 'route', 'data', 'firewall', 'ipv4-address', 'ipv6-prefix', 'mask'];
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(true, null, 0, 'eth1', '::', '0.0.0.0', 'SNAT', 'nat'),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...names), tie('any')),
    ),
  }));
  fc.assert(
    fc.property(fc.array(value.any, { maxLength: 4 }), (interfaces) => {
      expect(readNetifd(JSON.stringify({ interface: interfaces }))).toBeInstanceOf(Array);
    }),
  );
});
