import { describe, expect, test } from 'vitest';
import { Lan, type LanOptions } from './lan.ts';

const WAN = '203.0.113.80';
const IGD1 = { upnp: { version: 1 } } as const;
const IGD2 = { upnp: { version: 2 } } as const;
const ALL = { pcp: true, natpmp: true, ...IGD2 } as const;

const opened = (lan: Lan): string => {
  const { mapping } = lan;
  return mapping === undefined ? 'none' : `${mapping.protocol} ${mapping.state} ${mapping.external?.port ?? 0}`;
};

describe('A household asks its gateway in every language', () => {
  test.each<[string, LanOptions, string, number]>([
    ['all three', ALL, 'pcp', 10],
    ['PCP only', { pcp: true }, 'pcp', 10],
    ['NAT-PMP only', { natpmp: true }, 'natpmp', 10],
    ['UPnP of version 2 only', IGD2, 'upnp', 300],
    ['UPnP of version 1 only', IGD1, 'upnp', 300],
    ['UPnP over PPP only', { upnp: { version: 1, services: [{ kind: 'PPP', connected: true }] } }, 'upnp', 300],
    ['NAT-PMP and UPnP', { natpmp: true, ...IGD1 }, 'natpmp', 10],
    ['UPnP that does not hear unicast', { upnp: { version: 1, deafToUnicast: true } }, 'upnp', 400],
  ])('a gateway that speaks %s opens the port, and it is verified', (_what, options, protocol, within) => {
    const lan = new Lan({ ...options, observed: WAN, open: true });
    lan.run(1000);
    expect(opened(lan)).toBe(`${protocol} verified 41001`);
    expect(lan.mapping).toMatchObject({ outside: 'open', external: { ip: WAN, port: 41_001 } });
    expect(lan.mappings[0]?.at).toBeLessThan(within);
    expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
  });

  test('nobody answers, and after that it is asked again and again, ever less often', () => {
    const lan = new Lan({});
    lan.run(40_000);
    expect(lan.lease.standings).toMatchObject({
      pcp: { name: 'refused', reason: 'silent' },
      natpmp: { name: 'refused', reason: 'silent' },
      upnp: { name: 'refused', reason: 'silent' },
    });
    expect(lan.mappings).toEqual([]);
  });

  test('a gateway that comes up later is found', () => {
    const lan = new Lan({ pcp: true, observed: WAN, open: true });
    lan.gateway.silent = true;
    lan.run(20_000);
    lan.gateway.silent = false;
    lan.run(60_000);
    expect(opened(lan)).toBe('pcp verified 41001');
  });

  test('of several lines the one that is connected is asked', () => {
    const services = [
      { kind: 'IP', connected: false },
      { kind: 'PPP', connected: true },
    ] as const;
    const lan = new Lan({ upnp: { version: 1, services }, observed: WAN, open: true });
    lan.run(1000);
    expect(opened(lan)).toBe('upnp verified 41001');
    expect(lan.requests.at(-1)).toContain('/control/1');
  });

  test('a tenth of all datagrams may get lost', () => {
    const kinds = new Map<string, number>();
    for (let seed = 0; seed < 100; seed++) {
      const lan = new Lan({ ...ALL, seed, loss: 0.1, observed: WAN, open: true });
      lan.run(2000);
      expect(opened(lan)).toMatch(/^(pcp|natpmp|upnp) verified 41001$/);
      expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
      const kind = lan.mapping?.protocol ?? 'none';
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    expect(kinds.get('pcp')).toBeGreaterThan(70);
  });
});

describe('A port that somebody else has', () => {
  test.each<[string, LanOptions]>([
    ['PCP', { pcp: true }],
    ['NAT-PMP', { natpmp: true }],
    ['UPnP of version 2', IGD2],
    ['UPnP of version 1', IGD1],
  ])('leads to another one over %s', (_what, options) => {
    const lan = new Lan({ ...options, taken: [41_001], observed: WAN, open: true });
    lan.run(1000);
    expect(lan.mapping).toMatchObject({ state: 'verified' });
    expect(lan.mapping?.external?.port).not.toBe(41_001);
    expect(lan.table).toHaveLength(1);
  });

  test('two agents of one house get one port each', () => {
    const lan = new Lan({ ...IGD1, observed: WAN, open: true });
    lan.gateway.table.occupy(41_001, '192.168.1.3');
    lan.run(1000);
    expect(lan.mapping).toMatchObject({ state: 'verified' });
    expect(lan.gateway.table.at(41_001, lan.now)?.ip).toBe('192.168.1.3');
  });
});

describe('Gateways with errors of their own', () => {
  test.each<[string, LanOptions['upnp'], string]>([
    ['knows permanent leases only', { version: 1, permanentOnly: true }, 'upnp verified 41001'],
    ['says 402 to leases that end', { version: 2, permanentOnly: true }, 'upnp verified 41001'],
    ['wants the same port outside and inside', { version: 1, samePort: true }, 'upnp verified 41001'],
    ['has never heard of AddAnyPortMapping', { version: 2, faults: { AddAnyPortMapping: 401 } }, 'upnp verified 41001'],
    ['can’t read back', { version: 1, faults: { GetSpecificPortMappingEntry: 401 } }, 'upnp verified 41001'],
    ['does not say its address', { version: 1, faults: { GetExternalIPAddress: 501 } }, 'upnp verified 41001'],
    ['fails', { version: 1, faults: { AddPortMapping: 501 } }, 'none'],
    ['allows nobody', { version: 1, faults: { AddPortMapping: 606 } }, 'none'],
    ['has a full table', { version: 1, faults: { AddPortMapping: 728 } }, 'none'],
    ['finds every port taken', { version: 1, faults: { AddPortMapping: 718 } }, 'none'],
    ['refuses every argument', { version: 2, faults: { AddAnyPortMapping: 402, AddPortMapping: 402 } }, 'none'],
  ])('one that %s: %s', (_what, upnp, expected) => {
    const lan = new Lan({ ...(upnp && { upnp }), observed: WAN, open: true });
    lan.run(5000);
    expect(opened(lan)).toBe(expected);
    const tries = [...lan.gateway.asked].filter(([name]) => name.startsWith('Add')).map(([, count]) => count);
    expect(Math.max(...tries)).toBeLessThanOrEqual(12);
  });

  test('one that needs 5 s for everything costs nothing but itself', () => {
    const lan = new Lan({ ...IGD1, delay: 5000 });
    lan.run(20_000);
    expect(opened(lan)).toBe('none');
    expect(lan.lease.standings?.upnp).toMatchObject({ name: 'refused' });
  });

  test('one whose PCP needs 5 s is taken at its word when it comes', () => {
    const lan = new Lan({ pcp: true, delay: 5000, observed: WAN, open: true });
    lan.run(6000);
    expect(opened(lan)).toBe('pcp verified 41001');
  });

  test('one that lies in every language is left alone after each was tried once', () => {
    const lan = new Lan({ ...ALL, lying: true, observed: WAN, open: true });
    lan.run(10_000);
    expect(opened(lan)).toBe('none');
    expect(lan.verifications.length).toBeGreaterThanOrEqual(2);
    expect(lan.lease.standings).toMatchObject({
      pcp: { name: 'disproved' },
      natpmp: { name: 'disproved' },
      upnp: { name: 'refused', reason: 'lying' },
    });
  });
});

describe('Another NAT in front', () => {
  test.each<[string, LanOptions, string, string | undefined]>([
    ['a private address, over NAT-PMP', { natpmp: true, wan: '10.9.8.7' }, 'double-nat', WAN],
    ['a carrier’s address, over NAT-PMP', { natpmp: true, wan: '100.64.3.4' }, 'carrier-nat', WAN],
    ['a public address that is not ours, over PCP', { pcp: true }, 'differs', '198.51.100.9'],
  ])('is named: %s', (_what, options, outside, observed) => {
    const lan = new Lan({ ...options, ...(observed !== undefined && { observed }) });
    lan.run(1000);
    expect(lan.mapping).toMatchObject({ outside });
  });

  test('and the claim is closed, not held against the gateway, when nobody gets in', () => {
    const lan = new Lan({ natpmp: true, wan: '10.9.8.7', observed: WAN, open: true });
    lan.run(1000);
    expect(lan.mapping).toMatchObject({ state: 'closed', outside: 'double-nat', external: { ip: WAN } });
    expect(lan.table).toHaveLength(1);
  });

  test('PCP and UPnP refuse there, and what they say tells why', () => {
    const lan = new Lan({ pcp: true, ...IGD1, wan: '10.9.8.7' });
    lan.run(5000);
    expect(lan.lease.standings).toMatchObject({
      pcp: { name: 'refused', reason: 'no-resources', wan: '10.9.8.7' },
      upnp: { name: 'refused', reason: 'action-failed', wan: '10.9.8.7' },
    });
  });
});

describe('A lease in the course of time', () => {
  const KINDS: readonly (readonly [string, LanOptions])[] = [
    ['PCP', { pcp: true }],
    ['NAT-PMP', { natpmp: true }],
    ['UPnP 1', IGD1],
    ['UPnP 2', IGD2],
  ];

  test.each(KINDS)(
    'is renewed a hundred times over %s, always the same port, one line in the table',
    (_what, options) => {
      const lan = new Lan({ ...options, longest: 120, observed: WAN, open: true });
      lan.run(1000);
      for (let i = 0; i < 100; i++) {
        lan.run(75_000);
        expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
      }
      expect(opened(lan)).toMatch(/verified 41001$/);
      expect(lan.mappings.every(({ mapping }) => mapping !== undefined)).toBe(true);
      expect(lan.verifications.length).toBeGreaterThanOrEqual(100);
    },
  );

  test.each(KINDS)('is noticed to be gone over %s when the gateway starts anew, and made again', (_what, options) => {
    const lan = new Lan({ ...options, observed: WAN, open: true });
    lan.run(30_000);
    lan.tell(lan.gateway.reboot(lan.now));
    expect(lan.table).toEqual([]);
    lan.run(2000);
    expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
    expect(opened(lan)).toMatch(/verified 41001$/);
  });

  test('is made again when the daemon restarts with a clock that goes on, since it announces itself', () => {
    const lan = new Lan({ pcp: true, systemUptime: true, observed: WAN, open: true });
    lan.run(1000);
    lan.tell(lan.gateway.reboot(lan.now));
    lan.run(2000);
    expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
  });

  test('follows a description that moved to another port', () => {
    const lan = new Lan({ ...IGD1, observed: WAN, open: true });
    lan.run(1000);
    lan.gateway.httpPort = 49_152;
    lan.tell(lan.gateway.reboot(lan.now));
    lan.run(2000);
    expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
  });

  test('says farewell and comes back with the gateway', () => {
    const lan = new Lan({ ...IGD1, observed: WAN, open: true });
    lan.run(1000);
    lan.tell(lan.gateway.notify('ssdp:byebye'));
    lan.gateway.silent = true;
    lan.run(30_000);
    lan.gateway.silent = false;
    lan.tell(lan.gateway.reboot(lan.now));
    lan.run(20_000);
    expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
    expect(opened(lan)).toBe('upnp verified 41001');
  });

  test.each(KINDS)('has the new address over %s after the line was redialled', (_what, options) => {
    const lan = new Lan({ ...options, observed: WAN, open: true });
    lan.run(1000);
    lan.tell(lan.gateway.redial('203.0.113.99', lan.now));
    lan.give({ kind: 'observed', ip: '203.0.113.99' });
    lan.run(20_000);
    expect(lan.mapping).toMatchObject({
      state: 'verified',
      external: { ip: '203.0.113.99', port: 41_001 },
      outside: 'open',
    });
  });

  test('forged announcements make it ask once in ten seconds', () => {
    const lan = new Lan({ pcp: true, observed: WAN, open: true });
    lan.run(1000);
    const before = lan.gateway.asked.get('pcp') ?? 0;
    for (let i = 0; i < 600; i++) {
      lan.tell(lan.gateway.redial(WAN, lan.now));
      lan.run(100);
    }
    expect((lan.gateway.asked.get('pcp') ?? 0) - before).toBeLessThanOrEqual(8);
  });

  test('is silent for a while and then asked again, without losing the port', () => {
    const lan = new Lan({ pcp: true, longest: 600, observed: WAN, open: true });
    lan.run(1000);
    lan.gateway.silent = true;
    lan.run(400_000);
    lan.gateway.silent = false;
    lan.run(150_000);
    expect(lan.mappings.some(({ mapping }) => mapping === undefined)).toBe(false);
    expect(lan.table).toEqual(['41001>192.168.1.2:41001']);
  });

  test('ends when the gateway stays away, and the household is told', () => {
    const lan = new Lan({ pcp: true, longest: 120, observed: WAN, open: true });
    lan.run(1000);
    lan.gateway.silent = true;
    lan.run(200_000);
    expect(lan.mapping).toBeUndefined();
  });
});

describe('Nothing is left behind', () => {
  test.each<[string, LanOptions]>([
    ['PCP', { pcp: true }],
    ['NAT-PMP', { natpmp: true }],
    ['UPnP 1', IGD1],
    ['UPnP 2', IGD2],
    ['all three', ALL],
  ])('after an orderly end, over %s', (_what, options) => {
    const lan = new Lan({ ...options, observed: WAN, open: true });
    lan.run(1000);
    expect(lan.table).toHaveLength(1);
    lan.give({ kind: 'stop' });
    lan.run(1000);
    expect(lan.table).toEqual([]);
    expect(lan.stoppedAt).toBeLessThan(1600);
    expect(lan.kept).toEqual([]);
  });

  test('when it ends in the middle of asking', () => {
    for (let ms = 0; ms < 20; ms++) {
      const lan = new Lan({ ...IGD2 });
      lan.run(245 + ms);
      lan.give({ kind: 'stop' });
      lan.run(3000);
      expect(lan.table).toEqual([]);
      expect(lan.stoppedAt).toBeDefined();
    }
  });

  test.each<[string, LanOptions]>([
    ['PCP', { pcp: true }],
    ['NAT-PMP', { natpmp: true }],
    ['UPnP 1', IGD1],
    ['UPnP 2', IGD2],
  ])('after a crash and a start with another port, over %s', (_what, options) => {
    const first = new Lan({ ...options, observed: WAN, open: true });
    first.run(1000);
    const [left] = first.gateway.table.entries(first.now);
    const second = new Lan({ ...options, port: 45_000, saved: first.kept, observed: WAN, open: true });
    if (left !== undefined) second.gateway.table.put(left, 0);
    second.run(20_000);
    expect(second.table).toEqual(['45000>192.168.1.2:45000']);
    expect(second.kept).toHaveLength(1);
  });

  test.each<[string, LanOptions]>([
    ['PCP', { pcp: true }],
    ['NAT-PMP', { natpmp: true }],
    ['UPnP 1', IGD1],
    ['UPnP 2', IGD2],
  ])('and after a crash the same port is taken up again, over %s', (_what, options) => {
    const first = new Lan({ ...options, taken: [41_001], observed: WAN, open: true });
    first.run(1000);
    const external = first.mapping?.external?.port;
    const [left] = first.gateway.table.entries(first.now);
    const second = new Lan({ ...options, taken: [41_001], saved: first.kept, observed: WAN, open: true });
    if (left !== undefined) second.gateway.table.put(left, 0);
    second.run(5000);
    expect(second.mapping).toMatchObject({ state: 'verified', external: { port: external } });
    expect(second.table).toHaveLength(1);
  });

  test('an entry of somebody else is not swept away', () => {
    const saved = [
      { protocol: 'upnp', gateway: '192.168.1.1', own: '192.168.1.2', internal: 45_000, external: 45_000 },
    ] as const;
    const lan = new Lan({ ...IGD1, saved });
    lan.gateway.table.occupy(45_000, '192.168.1.3');
    lan.run(3000);
    expect(lan.table).toContain('45000>192.168.1.3:45000');
  });
});

describe('Strangers', () => {
  test('answers that do not come from the gateway are no answers', () => {
    const other = new Lan({ pcp: true, natpmp: true });
    const lan = new Lan({ port: 41_001 });
    lan.run(10);
    const own = { ip: '192.168.1.2', port: 40_000 };
    const answers = [
      ...other.gateway.datagram(5351, own, Uint8Array.of(0, 0), 0),
      ...other.gateway.datagram(5351, own, Uint8Array.of(0, 1, 0, 0, 0xa0, 0x29, 0xa0, 0x29, 0, 0, 28, 32), 0),
    ];
    expect(answers).toHaveLength(2);
    for (const { bytes } of answers) {
      lan.forge({ ip: '192.168.1.66', port: 5351 }, bytes);
      lan.forge({ ip: '203.0.113.9', port: 5351 }, bytes);
      lan.forge({ ip: '192.168.1.1', port: 4711 }, bytes);
    }
    lan.run(1000);
    expect(lan.mappings).toEqual([]);
  });

  test('a description that another host offers is not fetched', () => {
    const lan = new Lan({ upnp: { version: 1, location: 'http://192.168.1.66:80/admin?reboot' } });
    lan.run(10_000);
    expect(lan.requests).toEqual([]);
    expect(lan.lease.refused.get('not-the-gateway')).toBeGreaterThan(0);
  });
});
