import { expect, test } from 'vitest';
import { systemFacts } from '../../agent/io/system.ts';
import { madeUpRoot } from './made-up-root.ts';

const DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     840      10    0    0    0     0          0         0      840      10    0    0    0     0       0          0
  eth1: 3806074234 25000    1    7    0     0          0         0  8577714   90000    2    5    0     0       0          0
`;

test('a router tells what it is made of', async () => {
  const root = madeUpRoot({
    'proc/cpuinfo': 'processor\t: 0\nBogoMIPS\t: 26.00\n\nprocessor\t: 1\nBogoMIPS\t: 26.00\n',
    'proc/device-tree/model': 'Example Router AX\0',
    'proc/loadavg': '0.50 0.40 0.30 1/80 4711\n',
    'proc/uptime': '4711.25 9000.00\n',
    'proc/net/dev': DEV,
    'proc/sys/net/netfilter/nf_conntrack_count': '731\n',
    'proc/sys/net/netfilter/nf_conntrack_max': '16384\n',
    'sys/class/net/eth1/mtu': '1492\n',
  });
  const { memory, flash, ...facts } = await systemFacts(root, root);
  expect(facts).toEqual({
    processor: { model: 'Example Router AX', cores: 2, load: 0.25 },
    connections: { kind: 'table', used: 731, most: 16_384 },
    links: [{ name: 'eth1', mtuBytes: 1492, receivedBytes: 3_806_074_234, sentBytes: 8_577_714, dropped: 12 }],
    uptimeS: 4711.25,
    isClockSet: true,
  });
  expect(memory.availableBytes).toBeGreaterThan(0);
  expect(memory.totalBytes).toBeGreaterThan(memory.availableBytes);
  expect(flash?.totalBytes).toBeGreaterThan(flash?.freeBytes ?? 0);
});

test('a processor names itself before its board does', async () => {
  const root = madeUpRoot({
    'proc/cpuinfo': 'processor\t: 0\nmodel name\t: Intel(R) N100\n',
    'proc/device-tree/model': 'Board',
  });
  expect((await systemFacts(root, root)).processor).toEqual({ model: 'Intel(R) N100', cores: 1, load: undefined });
});

test('what a system does not tell is left open', async () => {
  const root = madeUpRoot({});
  expect(await systemFacts(`${root}/nowhere`, root)).toMatchObject({
    processor: { model: undefined, cores: 1, load: undefined },
    flash: undefined,
    connections: undefined,
    links: [],
    uptimeS: undefined,
  });
});
