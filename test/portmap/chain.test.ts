import { describe, expect, test } from 'vitest';
import { upstreamOf } from '../../agent/portmap/upstream.ts';
import type { GatewayOptions } from './gateway.ts';
import { Lan, type LanOptions } from './lan.ts';

const WAN = '203.0.113.80';
/** A router behind a router: its own outside address is one of the other's LAN. */
const INNER = '192.168.0.23';
const OUTER = '192.168.0.1';

const double = (outer: Omit<GatewayOptions, 'ip'>, inner: LanOptions = { natpmp: true }): LanOptions => ({
  wan: INNER,
  observed: WAN,
  open: true,
  ...inner,
  behind: { ip: OUTER, ...outer },
});

const opened = ({ mapping }: Lan): string =>
  mapping === undefined
    ? 'none'
    : `${mapping.protocol} ${mapping.state} ${mapping.external?.port ?? 0} through ${mapping.layers}`;

describe('Where the gateway behind ours may be', () => {
  const door = { gateway: '192.168.1.1', own: '192.168.1.2', port: 41_001 };
  test.each<[string, string, readonly string[]]>([
    ['192.168.0.23', 'a router’s LAN', ['192.168.0.1', '192.168.0.254']],
    ['192.168.178.20', 'a Fritz!Box’s', ['192.168.178.1', '192.168.178.254', '192.168.0.1']],
    ['10.7.33.12', 'a big network', ['10.7.33.1', '10.7.33.254', '10.0.0.1']],
    ['172.20.1.9', 'the middle range', ['172.20.1.1', '172.20.1.254', '172.16.0.1']],
    ['192.168.0.1', 'it has the first address itself', ['192.168.0.254']],
    ['192.168.1.7', 'the same network as our LAN', ['192.168.0.1']],
    ['100.64.3.4', 'a carrier', []],
    ['203.0.113.80', 'the internet', []],
    ['fd00::1', 'IPv6', []],
  ])('%s (%s): %j', (wan, _what, expected) => {
    expect(upstreamOf(wan, door)).toEqual(expected);
  });
});

describe('A household behind two routers', () => {
  test.each<[string, Omit<GatewayOptions, 'ip'>, LanOptions, string]>([
    ['NAT-PMP and PCP', { pcp: true }, { natpmp: true }, 'pcp'],
    ['NAT-PMP both', { natpmp: true }, { natpmp: true }, 'natpmp'],
    ['NAT-PMP and UPnP', { upnp: { version: 1 } }, { natpmp: true }, 'upnp'],
    ['UPnP both', { upnp: { version: 2 } }, { upnp: { version: 1, careless: true } }, 'upnp'],
  ])('is open through both: %s', (_what, outer, inner, protocol) => {
    const lan = new Lan(double(outer, inner));
    lan.run(3000);
    expect(opened(lan)).toBe(`${protocol} verified 41001 through 2`);
    expect(lan.mapping).toMatchObject({ outside: 'open', external: { ip: WAN } });
    expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
    expect(lan.outerTable).toEqual([`41001>${INNER}:41001`]);
    expect(lan.chain.gateways).toMatchObject([
      { address: '192.168.1.1', layer: 1, wan: INNER, outside: 'double-nat' },
      { address: OUTER, layer: 2, wan: WAN, outside: 'open' },
    ]);
  });

  test('has the inner port that the inner router gave, and the outer one that the outer gave', () => {
    const lan = new Lan(double({ pcp: true, taken: [41_002] }, { natpmp: true, taken: [41_001] }));
    lan.run(3000);
    expect(lan.table).toEqual(['41002>192.168.1.2:41001']);
    expect(lan.outerTable).toEqual([`41003>${INNER}:41002`]);
    expect(opened(lan)).toBe('pcp verified 41003 through 2');
  });

  test('is tried at our own mapping after a second, where nobody upstream speaks', () => {
    const lan = new Lan(double({}));
    lan.run(1500);
    expect(lan.verifications).toHaveLength(1);
    expect(opened(lan)).toBe('natpmp closed 41001 through 1');
    expect(lan.mapping).toMatchObject({ outside: 'double-nat' });
  });

  test('is named where the outer router is behind a carrier, and not called open', () => {
    const lan = new Lan(double({ natpmp: true, wan: '100.64.7.8' }));
    lan.run(3000);
    expect(opened(lan)).toBe('natpmp closed 41001 through 2');
    expect(lan.mapping?.outside).toBe('carrier-nat');
  });

  test('asks nobody upstream of a carrier’s address', () => {
    const lan = new Lan({ ...double({ pcp: true }), wan: '100.64.7.8' });
    lan.run(3000);
    expect(lan.outer?.asked.size).toBe(0);
    expect(lan.mapping).toMatchObject({ outside: 'carrier-nat', layers: 1 });
  });

  test('asks nobody upstream of a router that has a public address', () => {
    const lan = new Lan({ ...double({ pcp: true }), wan: WAN });
    lan.run(3000);
    expect(lan.outer?.asked.size).toBe(0);
  });

  test('keeps both through a hundred renewals', () => {
    const lan = new Lan(double({ upnp: { version: 1 } }));
    lan.run(3000);
    for (let i = 0; i < 100; i++) {
      lan.run(750_000);
      expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
      expect(lan.outerTable).toEqual([`41001>${INNER}:41001`]);
    }
    expect(opened(lan)).toBe('upnp verified 41001 through 2');
    expect(lan.mappings.every(({ mapping }, i) => i === 0 || mapping !== undefined)).toBe(true);
  });

  test('has its mapping at the outer router again, ten minutes at most after that one forgot it', () => {
    const lan = new Lan(double({ natpmp: true }));
    lan.run(3000);
    lan.outer?.reboot(lan.now);
    expect(lan.outerTable).toEqual([]);
    lan.run(760_000);
    expect(lan.outerTable).toEqual([`41001>${INNER}:41001`]);
    expect(opened(lan)).toBe('natpmp verified 41001 through 2');
  });

  test('follows the inner router to another port, and leaves nothing behind at the outer one', () => {
    const lan = new Lan(double({ pcp: true }));
    lan.run(3000);
    lan.gateway.table.clear();
    lan.gateway.table.occupy(41_001, '192.168.1.3');
    lan.run(4_500_000);
    expect(lan.table).toContain('41002>192.168.1.2:41001');
    expect(lan.outerTable).toHaveLength(1);
    expect(lan.outerTable[0]).toContain(`>${INNER}:41002`);
    expect(lan.mapping).toMatchObject({ state: 'verified', layers: 2 });
  });

  test('asks the outer router no more once the inner one has the public address itself', () => {
    const lan = new Lan(double({ natpmp: true }));
    lan.run(3000);
    lan.tell(lan.gateway.redial(WAN, lan.now));
    lan.run(20_000);
    expect(lan.chain.gateways).toHaveLength(1);
    expect(lan.mapping).toMatchObject({ outside: 'open', layers: 1 });
    // From another address than the one it was made from nobody can take it back: it runs out.
    lan.run(1_200_000);
    expect(lan.outerTable).toEqual([]);
    expect(lan.kept.map(({ gateway }) => gateway)).toEqual(['192.168.1.1']);
  });

  test('takes both back at the end, the outer one first', () => {
    const lan = new Lan(double({ upnp: { version: 1 } }));
    lan.run(3000);
    lan.give({ kind: 'stop' });
    for (let i = 0; i < 100 && lan.outerTable.length > 0; i++) {
      expect(lan.table).toHaveLength(1);
      lan.run(1);
    }
    lan.run(3000);
    expect([lan.outerTable, lan.table, lan.kept]).toEqual([[], [], []]);
    expect(lan.stoppedAt).toBeDefined();
  });

  test.each<[string, Omit<GatewayOptions, 'ip'>]>([
    ['PCP', { pcp: true }],
    ['UPnP', { upnp: { version: 1 } }],
  ])('leaves nothing at either router when it was killed and comes back with another port: %s', (_what, outer) => {
    const first = new Lan(double(outer));
    first.run(20_000);
    expect(first.kept).toHaveLength(2);
    const [left] = first.gateway.table.entries(first.now);
    const [leftOutside] = first.outer?.table.entries(first.now) ?? [];
    const second = new Lan({ ...double(outer), port: 45_000, saved: first.kept });
    if (left !== undefined) second.gateway.table.put(left, 0);
    if (leftOutside !== undefined) second.outer?.table.put(leftOutside, 0);
    second.run(20_000);
    expect(second.table).toEqual(['45000>192.168.1.2:45000']);
    expect(second.outerTable).toEqual([`45000>${INNER}:45000`]);
    expect(second.kept).toHaveLength(2);
  });

  test('that moves to another network has its mapping written down until it is taken back, and no longer', () => {
    const lan = new Lan({ ...double({}, { pcp: true }), wan: WAN });
    lan.run(1000);
    const door = { gateway: '192.168.7.1', own: '192.168.7.2', port: 41_001 };
    lan.give({ kind: 'start', door, saved: lan.kept });
    const old = () => lan.kept.filter(({ gateway }) => gateway === '192.168.1.1');
    expect(old()).toHaveLength(1);
    lan.run(5000);
    expect(lan.table).toEqual([]);
    expect(old()).toEqual([]);
  });

  test('moves to another port of ours while it runs, and leaves nothing of the old one', () => {
    const lan = new Lan(double({ upnp: { version: 1 } }));
    lan.run(3000);
    lan.open = undefined;
    lan.give({ kind: 'start', door: { ...lan.door, port: 45_000 }, saved: lan.kept });
    lan.run(20_000);
    expect(lan.table).toEqual(['45000>192.168.1.2:45000']);
    expect(lan.outerTable).toEqual([`45000>${INNER}:45000`]);
    expect(lan.kept.map(({ internal }) => internal)).toEqual([45_000, 45_000]);
  });

  test('stays stopped, whoever speaks afterwards', () => {
    const lan = new Lan(double({ pcp: true }));
    lan.run(500);
    lan.give({ kind: 'stop' });
    lan.give({ kind: 'stop' });
    lan.run(5000);
    const { stoppedAt } = lan;
    lan.tell(lan.gateway.reboot(lan.now));
    lan.give({ kind: 'observed', ip: '203.0.113.99' });
    lan.run(100_000);
    expect(lan.stoppedAt).toBe(stoppedAt);
    expect([lan.table, lan.outerTable, lan.mapping]).toEqual([[], [], undefined]);
    expect(lan.chain.wake()).toBeUndefined();
  });

  test('is stopped at any moment without a trace', () => {
    for (let ms = 0; ms < 60; ms++) {
      const lan = new Lan(double({ natpmp: true, upnp: { version: 2 } }));
      lan.run(ms * 6);
      lan.give({ kind: 'stop' });
      lan.run(10_000);
      expect([lan.table, lan.outerTable, lan.kept], `after ${ms * 6} ms`).toEqual([[], [], []]);
      expect(lan.stoppedAt).toBeDefined();
    }
  });

  test('says which gateway lied: the outer one is disproved, the inner one is not', () => {
    const lan = new Lan(double({ natpmp: true, lying: true }));
    lan.run(5000);
    const [inner, outer] = lan.chain.gateways;
    expect(inner?.standings?.natpmp.name).toBe('granted');
    expect(outer?.standings?.natpmp.name).toBe('disproved');
    expect(lan.mapping).toMatchObject({ layers: 1, outside: 'double-nat' });
  });
});
