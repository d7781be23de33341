import { expect, test } from 'vitest';
import { sixAddresses } from '../../agent/uplink/addresses.ts';
import { ifInet6 } from './proc.ts';

const listed = (lines: Parameters<typeof ifInet6>[0]): readonly string[] =>
  sixAddresses(ifInet6(lines)).map(({ ip }) => ip);

test('a pinhole is made for the address that stays, not for a temporary one', () => {
  expect(
    listed([
      { ip: '2001:db8::1:bad/64', dev: 'eth0', flags: 0x01 },
      { ip: '2001:db8::5:1/64', dev: 'eth0', flags: 0x00 },
    ])[0],
  ).toBe('2001:db8::5:1');
});

test('after a new prefix the addresses of the old one come last, and leave when they are gone', () => {
  const old = { ip: '2001:db8:1::1/64', dev: 'eth0', flags: 0x20 };
  const fresh = { ip: '2001:db8:2::1/64', dev: 'eth0', flags: 0x00 };
  const temporary = { ip: '2001:db8:2::bad/64', dev: 'eth0', flags: 0x01 };
  expect(listed([old, temporary, fresh])).toEqual(['2001:db8:2::1', '2001:db8:2::bad', '2001:db8:1::1']);
  expect(listed([fresh])).toEqual(['2001:db8:2::1']);
});

test('what somebody has set goes before what was assigned', () => {
  expect(
    listed([
      { ip: '2001:db8::1:1/64', dev: 'eth0', flags: 0x00 },
      { ip: '2001:db8::2:2/64', dev: 'eth0', flags: 0x80 },
    ])[0],
  ).toBe('2001:db8::2:2');
});

test('an address for the house alone stands behind all public ones', () => {
  expect(
    listed([
      { ip: 'fd00::1/64', dev: 'eth0' },
      { ip: '2001:db8::bad/64', dev: 'eth0', flags: 0x01 },
    ]),
  ).toEqual(['2001:db8::bad', 'fd00::1']);
});

test.each([
  ['is still being checked', { ip: '2001:db8::1/64', dev: 'eth0', flags: 0x40 }],
  ['somebody else has', { ip: '2001:db8::1/64', dev: 'eth0', flags: 0x88 }],
  ['is for one link', { ip: 'fe80::1/64', dev: 'eth0' }],
  ['is for this machine', { ip: '::1/128', dev: 'lo' }],
])('an address that %s is not taken', (_what, line) => {
  expect(listed([line])).toEqual([]);
});

test.each([
  '',
  '\n',
  'fe80',
  `${'2001'.repeat(8)} 02 zz 00 80 eth0`,
  `${'2001'.repeat(8)} 02 ff 00 80 eth0`,
  '2001 '.repeat(6),
])('a line that is none is passed over: %j', (text) => {
  expect(sixAddresses(text)).toEqual([]);
});
