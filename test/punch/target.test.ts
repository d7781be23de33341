import { expect, test } from 'vitest';
import { parseAddress } from '../../agent/base/address.ts';
import { allowedTarget, type Ground, judge } from '../../agent/punch/target.ts';

const HOME: Ground = {
  networks: [
    { ip: '192.168.1.2', prefix: 24 },
    { ip: '10.20.0.1', prefix: 20 },
    { ip: '100.64.3.9', prefix: 22 },
    { ip: '2a00:1:2:3::2', prefix: 64 },
  ],
  rendezvous: [
    { ip: '203.0.113.1', port: 7000 },
    { ip: '203.0.113.2', port: 7000 },
  ],
};

test.each([
  // What observers see.
  ['9.9.9.9:40000', 'direct'],
  ['9.9.9.9:1024', 'direct'],
  ['[2a00:9::1]:40000', 'ipv6'],
  // A household on the same machine as the rendezvous is no infrastructure; the rendezvous is.
  ['203.0.113.1:40000', 'direct'],
  ['203.0.113.1:7000', 'infrastructure'],
  ['203.0.113.2:7000', 'infrastructure'],
  // System ports.
  ['9.9.9.9:1023', 'low-port'],
  ['9.9.9.9:53', 'low-port'],
  ['192.168.1.77:53', 'low-port'],
  ['9.9.9.9:0', 'low-port'],
  // Our own wires, and what only looks like one.
  ['192.168.1.77:40000', 'lan'],
  ['192.168.2.77:40000', 'off-link'],
  ['10.20.15.255:40000', 'lan'],
  ['10.20.16.0:40000', 'off-link'],
  ['172.16.0.1:40000', 'off-link'],
  ['100.64.0.1:40000', 'lan'],
  ['100.64.4.1:40000', 'off-link'],
  ['[2a00:1:2:3::99]:40000', 'lan'],
  ['[2a00:1:2:4::99]:40000', 'ipv6'],
  ['[fd00::1]:40000', 'off-link'],
  // Nobody's.
  ['127.0.0.1:40000', 'no-target'],
  ['[::1]:40000', 'no-target'],
  ['169.254.1.1:40000', 'no-target'],
  ['[fe80::1]:40000', 'no-target'],
  ['224.0.0.251:5353', 'no-target'],
  ['[ff02::fb]:5353', 'no-target'],
  ['0.0.0.0:40000', 'no-target'],
  ['255.255.255.255:40000', 'no-target'],
  ['[::ffff:127.0.0.1]:40000', 'no-target'],
  ['[::ffff:192.168.9.9]:40000', 'off-link'],
] as const)('%s: %s', (text, verdict) => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  expect(judge(address, HOME)).toBe(verdict);
  const good = verdict === 'direct' || verdict === 'ipv6' || verdict === 'lan';
  expect(allowedTarget(address, HOME)).toBe(good ? verdict : undefined);
});

test('what is no address at all is no target', () => {
  expect(judge({ ip: 'example.org', port: 40_000 }, HOME)).toBe('no-target');
  expect(judge({ ip: '', port: 40_000 }, HOME)).toBe('no-target');
});

test.each([
  ['127.0.0.1', '127.0.0.1', 'direct'],
  ['10.9.0.1', '10.9.1.7', 'direct'],
  ['10.9.0.1', '127.0.0.1', 'no-target'],
  ['127.0.0.1', '10.9.1.7', 'off-link'],
  ['9.9.9.9', '127.0.0.1', 'no-target'],
] as const)('a rendezvous at %s speaks of %s: %s', (rendezvous, ip, verdict) => {
  const ground: Ground = { networks: [], rendezvous: [{ ip: rendezvous, port: 7000 }] };
  expect(judge({ ip, port: 40_000 }, ground)).toBe(verdict);
});
