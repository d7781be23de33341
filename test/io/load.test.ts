import { expect, test } from 'vitest';
import { readLoad } from '../../agent/io/load.ts';
import { madeUpRoot } from './made-up-root.ts';

const DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth1: 3806074234 25000    1    7    0     0          0         0  8577714   90000    2    5    0     0       0          0
 eth10:       1       1    0    0    0     0          0         0        2       1    0    0    0     0       0          0
`;

test('a router tells what left by its line, how fast that is, how busy it is and what it has left', () => {
  const root = madeUpRoot({
    'proc/net/dev': DEV,
    'proc/stat': 'cpu  100 5 50 800 20 3 2 1 0 0\ncpu0 100 5 50 800 20 3 2 1 0 0\n',
    'proc/meminfo': 'MemTotal:      250000 kB\nMemAvailable:   90000 kB\n',
    'sys/class/net/eth1/speed': '1000\n',
  });
  const { ownMs, ...load } = readLoad('eth1', root);
  expect(load).toEqual({
    sentBytes: 8_577_714,
    linkMbits: 1000,
    ticks: { busy: 161, all: 981 },
    freeBytes: 90_000 * 1024,
  });
  expect(ownMs).toBeGreaterThan(0);
});

test.each([
  ['Wi-Fi, which has no speed to tell', { 'proc/net/dev': DEV, 'sys/class/net/eth1/speed': '-1\n' }, 8_577_714],
  ['a system that tells nothing', {}, undefined],
])('%s leaves out what is not known', (_what, files, sentBytes) => {
  const { linkMbits, sentBytes: sent, ticks, freeBytes } = readLoad('eth1', madeUpRoot(files));
  expect({ linkMbits, sent, ticks, freeBytes }).toEqual({
    linkMbits: undefined,
    sent: sentBytes,
    ticks: undefined,
    freeBytes: undefined,
  });
});
