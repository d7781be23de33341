import { expect, test } from 'vitest';
import { bytesOf } from '../../agent/base/bytes.ts';
import { decodeDescription } from '../../agent/portmap/description.ts';
import { bestFirst, candidatesOf, isUp } from '../../agent/portmap/service.ts';
import { decodeSoap } from '../../agent/portmap/soap.ts';
import { allowedLocation } from '../../agent/portmap/url.ts';
import { FAULTS, VENDORS } from './vendors.ts';

test.each(VENDORS.map((vendor) => [vendor.name, vendor] as const))(
  'the services of a gateway like %s are found where they are',
  (_name, { location, description, asked }) => {
    const place = allowedLocation(location, '192.168.1.1');
    const read = decodeDescription(bytesOf(description));
    if (typeof place === 'string' || typeof read === 'string') throw new Error('refused');
    const found = candidatesOf(read, place, false);
    expect(found.map((one) => `${one.service.type} ${one.place.path}`)).toEqual(asked);
    for (const one of found) expect(one.place.to).toEqual(place.to);
    expect(read.maker).toBe('Maker');
  },
);

test('there are gateways of at least twelve makers', () => {
  expect(new Set(VENDORS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(12);
});

test.each(FAULTS)('a fault %s is read', (_what, text, code) => {
  expect(decodeSoap(bytesOf(text), 'AddPortMapping')).toEqual({ kind: 'fault', code });
});

test('an answer is read whatever its prefixes and letters', () => {
  const text =
    '<E:Envelope><E:Body><m:GetExternalIPAddressResponse xmlns:m="x"><NEWEXTERNALIPADDRESS>203.0.113.9</NEWEXTERNALIPADDRESS>' +
    '</m:GetExternalIPAddressResponse></E:Body></E:Envelope>';
  const answer = decodeSoap(bytesOf(text), 'GetExternalIPAddress');
  expect(answer).toEqual({ kind: 'done', values: new Map([['newexternalipaddress', '203.0.113.9']]) });
  expect(decodeSoap(bytesOf(text), 'AddPortMapping')).toBe('not-an-answer');
});

const place = { to: { ip: '192.168.1.1', port: 80 }, path: '/' };
const candidate = (path: string) => ({
  service: { type: 'urn:x:service:WANIPConnection:1', kind: 'ip', version: 1, control: path } as const,
  place: { ...place, path },
});

test.each<[string, readonly (readonly [boolean | undefined, string | undefined])[], string]>([
  [
    'the connected one',
    [
      [false, undefined],
      [true, '203.0.113.1'],
    ],
    '1 0',
  ],
  [
    'the one with a public address',
    [
      [true, '10.0.0.1'],
      [true, '203.0.113.1'],
    ],
    '1 0',
  ],
  [
    'the one that says nothing, before one that is down',
    [
      [false, '203.0.113.1'],
      [undefined, undefined],
    ],
    '1 0',
  ],
  [
    'the first of equals',
    [
      [true, '203.0.113.1'],
      [true, '203.0.113.2'],
    ],
    '0 1',
  ],
  [
    'the connected one, before one without an address',
    [
      [true, '0.0.0.0'],
      [true, '100.64.0.1'],
    ],
    '1 0',
  ],
])('of several lines %s is asked first', (_what, said, order) => {
  const connections = said.map(([connected, external]) => ({ connected, external }));
  const sorted = bestFirst(
    connections.map((_, i) => candidate(String(i))),
    connections,
  );
  expect(sorted.map((one) => one.place.path).join(' ')).toBe(order);
});

test('routers have several words for a line that is up', () => {
  expect(['Connected', 'connected', 'Up', 'Disconnected', 'Unconfigured', '', undefined].map(isUp)).toEqual([
    true,
    true,
    true,
    false,
    false,
    undefined,
    undefined,
  ]);
});
