import { expect, test } from 'vitest';
import { askNetifd, readGround } from '../../agent/io/terrain.ts';
import { readTerrain } from '../../agent/roles/terrain.ts';
import { dump, LAN } from '../uplink/dump.ts';
import { addresses, ipv6Route, route } from '../uplink/proc.ts';
import { madeUpRoot } from './made-up-root.ts';

const ubus = (answer: string): string => `#!/bin/sh
[ "$*" = "call network.interface dump" ] || exit 2
cat <<'END'
${answer}
END
`;

test('the kernel tells of its routes, and of which interfaces are Ethernet', () => {
  const own = addresses(['198.51.100.7/32', 'pppoe-wan'], ['192.168.1.1/24', 'br-lan']);
  const four = route([{ dev: 'pppoe-wan' }]);
  const root = madeUpRoot({
    'proc/net/route': four,
    'proc/net/ipv6_route': ipv6Route([]),
    'proc/sys/net/ipv4/ip_forward': '1\n',
    'sys/class/net/br-lan/type': '1\n',
    'sys/class/net/pppoe-wan/type': '512\n',
  });
  expect(readGround(root, () => own)).toEqual({
    route: four,
    ipv6Route: '',
    ifInet6: '',
    forwarding: '1\n',
    addresses: own,
    ethernet: ['br-lan'],
  });
});

test('a system without /proc has no way out that we know of', async () => {
  expect(await readTerrain(madeUpRoot({}))).toEqual({ uplinks: [], isGateway: false, lan: [] });
});

test.each(['bin/ubus', 'usr/bin/ubus'])('netifd is asked by %s', async (path) => {
  const answer = dump([LAN]);
  expect(await askNetifd(madeUpRoot({ [path]: ubus(answer) }))).toBe(`${answer}\n`);
});

test('what netifd says is part of the terrain', async () => {
  const lte = { interface: 'lte', proto: 'qmi', l3_device: 'wwan0', via: [{ nexthop: 'fe80::1' }], pd: ['::/0'] };
  const root = madeUpRoot({
    'bin/ubus': ubus(dump([LAN, lte])),
    'proc/net/if_inet6': '20010db8000000000000000000000005 02 40 00 80   br-lan\n',
  });
  expect((await readTerrain(root)).uplinks).toMatchObject([{ name: 'wwan0', proto: 'qmi', own: '2001:db8::5' }]);
});

test.each([
  ['is not installed', {}],
  ['has nobody to ask', { 'bin/ubus': '#!/bin/sh\necho "Failed to connect to ubus" >&2; exit 255\n' }],
  ['never stops talking', { 'bin/ubus': '#!/bin/sh\nexec yes\n' }],
])('nothing is heard of a netifd that %s', async (_what, files) => {
  expect(await askNetifd(madeUpRoot(files))).toBeUndefined();
});
