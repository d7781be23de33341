import { describe, expect, test } from 'vitest';
import { readNetifd } from '../../agent/uplink/netifd.ts';
import { type Ground, type Terrain, terrainOf } from '../../agent/uplink/terrain.ts';
import { type Dumped, dump, LAN, LOOPBACK, mapData } from './dump.ts';
import { addresses, ground, ifInet6, ipv6Route, route } from './proc.ts';
import { portsOf } from './rfc7597.ts';

const onOpenWrt = (of: Partial<Ground>, interfaces: readonly Dumped[]): Terrain =>
  terrainOf(
    ground({ forwarding: '1\n', ethernet: ['br-lan', 'eth1', 'eth2'], ...of }),
    readNetifd(dump([LOOPBACK, LAN, ...interfaces])),
  );

const HOME = ['192.168.1.1/24', 'br-lan'] as const;
const SET = portsOf({ a: 6, k: 8, psid: 0x34 });

describe('without netifd', () => {
  test('a computer in the house is no gateway', () => {
    expect(
      terrainOf(
        ground({
          route: route([{ dev: 'eth0', via: '192.168.1.1', metric: 100 }]),
          addresses: addresses(['192.168.1.2/24', 'eth0']),
          ethernet: ['eth0'],
        }),
      ),
    ).toEqual({
      uplinks: [
        {
          name: 'eth0',
          family: 4,
          own: '192.168.1.2',
          prefix: 24,
          gateway: '192.168.1.1',
          metric: 100,
          ports: [],
          proto: undefined,
        },
      ],
      isGateway: false,
      lan: [],
    });
  });

  const router = ground({
    route: route([{ dev: 'wan', via: '198.51.100.1' }]),
    forwarding: '1\n',
    addresses: addresses(['198.51.100.7/24', 'wan'], ['192.168.1.1/24', 'lan']),
    ethernet: ['wan', 'lan'],
  });

  test('what forwards from a network of its own is a gateway', () => {
    expect(terrainOf(router)).toMatchObject({ isGateway: true, lan: ['lan'], uplinks: [{ name: 'wan' }] });
  });

  test('what does not forward is no gateway', () => {
    expect(terrainOf({ ...router, forwarding: '0\n' }).isGateway).toBe(false);
  });

  test.each(['docker0', 'br-0123456789ab', 'virbr0', 'veth12ab34c', 'cni0'])(
    'the network of %s inside this machine is none of the house',
    (name) => {
      const host = {
        ...router,
        addresses: addresses(['192.168.1.2/24', 'wan'], ['172.17.0.1/16', name]),
        ethernet: ['wan', name],
      };
      expect(terrainOf(host)).toMatchObject({ isGateway: false, lan: [] });
    },
  );

  test.each([
    ['a tunnel', { addresses: addresses(['198.51.100.7/24', 'wan'], ['10.9.0.2/24', 'wg0']) }],
    ['a link to one other router', { addresses: addresses(['198.51.100.7/24', 'wan'], ['10.9.0.2/31', 'lan']) }],
  ])('%s is no network of the house', (_what, parts) => {
    expect(terrainOf({ ...router, ...parts })).toMatchObject({ isGateway: false, lan: [] });
  });

  test('a line that is down leaves a gateway without uplinks', () => {
    const down = { ...router, route: route([]), addresses: addresses(['192.168.1.1/24', 'lan']) };
    expect(terrainOf(down)).toEqual({ uplinks: [], isGateway: true, lan: ['lan'] });
  });

  test('of several addresses of an interface the one beside the gateway is meant', () => {
    const two = { ...router, addresses: addresses(['10.0.0.5/24', 'wan'], ['198.51.100.7/24', 'wan']) };
    expect(terrainOf(two).uplinks[0]?.own).toBe('198.51.100.7');
  });

  test('a way out over an interface without an address borrows the public one', () => {
    const unnumbered = { ...router, addresses: addresses(['192.168.1.1/24', 'lan'], ['198.51.100.9/32', 'dummy0']) };
    expect(terrainOf(unnumbered).uplinks[0]?.own).toBe('198.51.100.9');
  });
});

describe('on OpenWrt', () => {
  test('a line over PPPoE with a public address', () => {
    const { uplinks, isGateway } = onOpenWrt(
      {
        route: route([{ dev: 'pppoe-wan', via: '198.51.100.1' }]),
        addresses: addresses(['198.51.100.7/32', 'pppoe-wan'], HOME),
      },
      [
        {
          interface: 'wan',
          proto: 'pppoe',
          l3_device: 'pppoe-wan',
          v4: ['198.51.100.7/32'],
          via: [{ nexthop: '198.51.100.1' }],
        },
      ],
    );
    expect(isGateway).toBe(true);
    expect(uplinks).toMatchObject([{ name: 'pppoe-wan', own: '198.51.100.7', proto: 'pppoe', ports: [] }]);
  });

  test('two interfaces of netifd on one device are told apart by their family', () => {
    const { uplinks } = onOpenWrt(
      {
        route: route([{ dev: 'eth1', via: '198.51.100.1' }]),
        ipv6Route: ipv6Route([{ dev: 'eth1', via: 'fe80::1', metric: 512, from: '2001:db8::5/128' }]),
        ifInet6: ifInet6([{ ip: '2001:db8::5/128', dev: 'eth1', flags: 0 }]),
        addresses: addresses(['198.51.100.7/24', 'eth1'], HOME),
      },
      [
        {
          interface: 'wan',
          proto: 'dhcp',
          l3_device: 'eth1',
          v4: ['198.51.100.7/24'],
          via: [{ nexthop: '198.51.100.1' }],
        },
        {
          interface: 'wan6',
          proto: 'dhcpv6',
          l3_device: 'eth1',
          v6: ['2001:db8::5/128'],
          via: [{ nexthop: 'fe80::1' }],
        },
      ],
    );
    expect(uplinks).toMatchObject([
      { family: 4, proto: 'dhcp', gateway: '198.51.100.1' },
      { family: 6, proto: 'dhcpv6', gateway: 'fe80::1%eth1', own: '2001:db8::5' },
    ]);
  });

  test('where only a prefix is delegated, our address is one of that prefix on the LAN', () => {
    const { uplinks } = onOpenWrt(
      {
        ipv6Route: ipv6Route([
          { dev: 'eth1', via: 'fe80::1' },
          { dev: 'eth2', via: 'fe80::2', metric: 2048 },
        ]),
        ifInet6: ifInet6([
          { ip: 'fd12::1/60', dev: 'br-lan' },
          { ip: '2001:db8:aa00::1/60', dev: 'br-lan', flags: 0 },
          { ip: '2001:db8:bb00::1/60', dev: 'br-lan', flags: 0 },
        ]),
      },
      [
        {
          interface: 'wan6',
          proto: 'dhcpv6',
          l3_device: 'eth1',
          pd: ['2001:db8:bb00::/56'],
          via: [{ nexthop: 'fe80::1' }],
        },
        {
          interface: 'wanb6',
          proto: 'dhcpv6',
          l3_device: 'eth2',
          pd: ['2001:db8:aa00::/56'],
          via: [{ nexthop: 'fe80::2' }],
        },
      ],
    );
    expect(uplinks.map(({ name, own }) => [name, own])).toEqual([
      ['eth1', '2001:db8:bb00::1'],
      ['eth2', '2001:db8:aa00::1'],
    ]);
  });

  test('MAP-E: the port set goes with the shared address', () => {
    const { uplinks } = onOpenWrt(
      {
        route: route([{ dev: 'map-wan_map' }]),
        addresses: addresses(['192.0.2.18/32', 'map-wan_map'], HOME),
      },
      [
        {
          interface: 'wan_map',
          proto: 'map',
          l3_device: 'map-wan_map',
          v4: ['192.0.2.18/32'],
          via: [{ nexthop: '0.0.0.0' }],
          data: mapData('192.0.2.18', SET),
        },
      ],
    );
    expect(uplinks).toEqual([
      {
        name: 'map-wan_map',
        family: 4,
        own: '192.0.2.18',
        prefix: 32,
        gateway: undefined,
        metric: 0,
        ports: SET,
        proto: 'map',
      },
    ]);
  });

  test('a port set is of the shared address alone', () => {
    const { uplinks } = onOpenWrt(
      { route: route([{ dev: 'eth1', via: '192.168.8.1' }]), addresses: addresses(['192.168.8.2/24', 'eth1'], HOME) },
      [{ interface: 'wan_map', proto: 'map', l3_device: 'eth1', data: mapData('192.0.2.18', SET) }],
    );
    expect(uplinks).toMatchObject([{ own: '192.168.8.2', ports: [] }]);
  });

  test('MAP-T: the interface has no address, and the world knows us by the translated one', () => {
    const { uplinks } = onOpenWrt({ route: route([{ dev: 'map-wan_map' }]), addresses: addresses(HOME) }, [
      {
        interface: 'wan_map',
        proto: 'map',
        l3_device: 'map-wan_map',
        via: [{ nexthop: '0.0.0.0' }],
        data: mapData('192.0.2.18', SET),
      },
    ]);
    expect(uplinks).toMatchObject([{ own: '192.0.2.18', ports: SET }]);
  });

  test('several lines: in the order of their metrics, and one that only a table of its own leads to at the end', () => {
    const { uplinks, lan } = onOpenWrt(
      {
        route: route([
          { dev: 'eth2', via: '203.0.113.1', metric: 20 },
          { dev: 'eth1', via: '198.51.100.1', metric: 10 },
        ]),
        addresses: addresses(['198.51.100.7/24', 'eth1'], ['203.0.113.7/24', 'eth2'], ['100.64.3.3/30', 'wwan0'], HOME),
      },
      [
        { interface: 'wan', proto: 'dhcp', l3_device: 'eth1', metric: 10, via: [{ nexthop: '198.51.100.1' }] },
        { interface: 'wanb', proto: 'dhcp', l3_device: 'eth2', metric: 20, via: [{ nexthop: '203.0.113.1' }] },
        { interface: 'lte', proto: 'qmi', l3_device: 'wwan0', via: [{ nexthop: '100.64.3.2', table: 7 }] },
      ],
    );
    expect(uplinks.map(({ name, proto }) => [name, proto])).toEqual([
      ['eth1', 'dhcp'],
      ['eth2', 'dhcp'],
      ['wwan0', 'qmi'],
    ]);
    expect(lan).toEqual(['br-lan']);
  });

  test('an access point that only forwards between its ports is no gateway', () => {
    const { isGateway, uplinks } = onOpenWrt(
      { route: route([{ dev: 'br-lan', via: '192.168.1.254' }]), addresses: addresses(HOME) },
      [],
    );
    expect({ isGateway, names: uplinks.map(({ name }) => name) }).toEqual({ isGateway: false, names: ['br-lan'] });
  });
});
