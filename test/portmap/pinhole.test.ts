import { describe, expect, test } from 'vitest';
import { decodeSaved } from '../../agent/portmap/saved.ts';
import { allowedControl, allowedLocation } from '../../agent/portmap/url.ts';
import type { Upnp } from './gateway-upnp.ts';
import { Lan, type LanOptions } from './lan.ts';

const OWN = '2001:db8::2';
const firewall = (upnp: Partial<Upnp> = {}): LanOptions => ({
  six: true,
  observed: OWN,
  open: true,
  upnp: { version: 2, firewall: {}, ...upnp },
});

const opened = ({ mapping }: Lan): string =>
  mapping === undefined ? 'none' : `${mapping.protocol} ${mapping.state} ${mapping.external?.port ?? 0}`;

describe('A firewall of IPv6', () => {
  test.each<[string, Partial<Upnp>, string]>([
    ['opens a pinhole', {}, 'upnp verified 41001'],
    ['is found though it listens to everybody only', { deafToUnicast: true }, 'upnp verified 41001'],
    ['gives an hour where two are too much', { firewall: { longest: 3600 } }, 'upnp verified 41001'],
    ['can’t say its state', { faults: { GetFirewallStatus: 401 } }, 'upnp verified 41001'],
    ['can’t read back', { faults: { GetPinholePackets: 401 } }, 'upnp verified 41001'],
    ['loses what it made', { faults: { GetPinholePackets: 704 } }, 'lying'],
    ['is off', { firewall: { enabled: false } }, 'firewall-off'],
    ['forbids pinholes', { firewall: { allowed: false } }, 'pinholes-forbidden'],
    ['forbids them when asked only', { faults: { AddPinhole: 703 } }, 'pinholes-forbidden'],
    ['allows nobody', { faults: { AddPinhole: 606 } }, 'not-authorized'],
    ['is full', { faults: { AddPinhole: 701 } }, 'table-full'],
    ['wants to know who comes in', { faults: { AddPinhole: 708 } }, 'wildcard-refused'],
    ['knows TCP only', { faults: { AddPinhole: 705 } }, 'no-arguments-fit'],
    ['dislikes every argument', { faults: { AddPinhole: 402 } }, 'no-arguments-fit'],
    ['fails', { faults: { AddPinhole: 501 } }, 'action-failed'],
  ])('that %s: %j: %s', (_what, upnp, expected) => {
    const lan = new Lan(firewall(upnp));
    lan.run(3000);
    const { upnp: standing } = lan.lease.standings ?? {};
    expect(standing?.name === 'refused' ? standing.reason : opened(lan)).toBe(expected);
    if (expected.startsWith('upnp')) expect(lan.pinholes).toEqual([`${OWN}:41001`]);
  });

  test('is asked at the address that answered, whatever it calls itself', () => {
    const lan = new Lan(firewall());
    lan.run(1000);
    expect(new Set(lan.requests.map((to) => to.replace(/\/.*/, '')))).toEqual(new Set(['[fe80::1%eth0]:5000']));
  });

  test.each([
    ['http://192.168.1.1:5000/rootDesc.xml', 'over IPv4'],
    ['http://router.local:5000/rootDesc.xml', 'by a name'],
  ])('that says %s is not asked: %s', (location) => {
    const lan = new Lan(firewall({ location }));
    lan.run(3000);
    expect(lan.requests).toEqual([]);
    expect(opened(lan)).toBe('none');
  });

  test('keeps one pinhole through a hundred renewals, by its number', () => {
    const lan = new Lan(firewall());
    lan.run(1000);
    for (let i = 0; i < 100; i++) {
      lan.run(4_500_000);
      expect(lan.pinholes).toEqual([`${OWN}:41001`]);
    }
    expect(opened(lan)).toBe('upnp verified 41001');
    expect(lan.gateway.asked.get('AddPinhole')).toBe(1);
    expect(lan.gateway.asked.get('UpdatePinhole')).toBeGreaterThanOrEqual(100);
  });

  test('that has forgotten it makes another one at the next renewal', () => {
    const lan = new Lan(firewall());
    lan.run(1000);
    lan.gateway.table.clear();
    lan.run(4_500_000);
    expect(lan.pinholes).toEqual([`${OWN}:41001`]);
    expect(lan.gateway.asked.get('AddPinhole')).toBe(2);
  });

  test('has nothing left of us after an orderly end', () => {
    const lan = new Lan(firewall());
    lan.run(1000);
    lan.give({ kind: 'stop' });
    lan.run(2000);
    expect(lan.pinholes).toEqual([]);
    expect(lan.kept).toEqual([]);
    expect(lan.stoppedAt).toBeDefined();
  });

  test.each([
    ['its number', true],
    ['no number, for it was killed in the middle', false],
  ])('has nothing left of a run that was killed and wrote down %s', (_what, numbered) => {
    const first = new Lan(firewall());
    first.run(20_000);
    expect(first.kept).toMatchObject([{ protocol: 'upnp', internal: 41_001, pinhole: 1 }]);
    const saved = first.kept.map(({ pinhole, ...lease }) => (numbered ? { ...lease, pinhole } : lease));
    const second = new Lan({ ...firewall(), port: 45_000, saved });
    second.gateway.table.open(OWN, 41_001, 7200, 0);
    second.run(20_000);
    expect(second.pinholes).toEqual([`${OWN}:45000`]);
    expect(second.kept).toMatchObject([{ internal: 45_000 }]);
  });

  test('goes on with the pinhole of a run that was killed, where the port is the same', () => {
    const first = new Lan(firewall());
    first.run(1000);
    const second = new Lan({ ...firewall(), saved: first.kept });
    second.gateway.table.open(OWN, 41_001, 7200, 0);
    second.run(3000);
    expect(opened(second)).toBe('upnp verified 41001');
    expect(second.gateway.asked.get('AddPinhole')).toBeUndefined();
  });

  test('is not asked by UPnP where PCP does', () => {
    const lan = new Lan({ ...firewall(), pcp: true });
    lan.run(1000);
    expect(opened(lan)).toBe('pcp verified 41001');
    expect(lan.gateway.asked.get('AddPinhole')).toBeUndefined();
  });
});

describe('An address with a zone', () => {
  const gateway = 'fe80::1%eth0';
  const place = { to: { ip: gateway, port: 5000 }, path: '/d' };

  test.each<[string, unknown]>([
    ['http://[fe80::1]:5000/d', place],
    ['http://[fe80::1%25eth0]:5000/d', place],
    ['http://[fe80::1%eth0]:5000/d', place],
    ['http://[2001:db8::1]:5000/d', place],
    ['http://192.168.1.1:5000/d', 'not-the-gateway'],
    ['http://[fe80::1]@6.6.6.6/d', 'not-http'],
    ['http://[fe80::1]:5000/d\r\nHost: x', 'bad-path'],
  ])('is asked itself when it says %j', (location, expected) => {
    expect(allowedLocation(location, gateway)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['/ctl', '/ctl'],
    ['http://[2001:db8::1]:5000/ctl', '/ctl'],
    ['http://[2001:db8::1]:5001/ctl', 'elsewhere'],
    ['http://192.168.1.1:5000/ctl', 'elsewhere'],
  ])('has its services there too: %j', (control, expected) => {
    const found = allowedControl(control, undefined, place);
    expect(typeof found === 'string' ? found : found.path).toBe(expected);
    if (typeof found !== 'string') expect(found.to).toEqual(place.to);
  });

  test.each([
    [gateway, OWN, true],
    ['fe80::1', OWN, true],
    ['fe80::1%', OWN, false],
    ['fe80::1%a/../b', OWN, false],
    ['192.168.1.1%eth0', '192.168.1.2', false],
    [gateway, 'fe80::2%eth0', false],
  ])('is kept as a gateway’s, never as our own: %s for %s', (at, own, good) => {
    const lease = { protocol: 'upnp', gateway: at, own, internal: 41_001, external: 41_001, pinhole: 7 };
    expect(decodeSaved([lease])).toEqual(good ? [lease] : undefined);
  });
});
