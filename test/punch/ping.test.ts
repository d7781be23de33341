import { expect, test } from 'vitest';
import { UNKNOWN } from '../../agent/base/nat-profile.ts';
import { ms } from '../../agent/base/time.ts';
import { prospect } from '../../agent/punch/prospect.ts';
import { type KindName, NAT_KINDS } from '../../agent/sim/kinds.ts';
import { sameCarrier, sameLan } from './meeting.ts';
import { ping } from './ping-town.ts';

const KINDS = [
  'open',
  'firewall',
  'full-cone',
  'address-restricted',
  'port-restricted',
  'offset',
  'carrier',
  'address-dependent',
  'sequential',
  'random',
] as const;

/** Is there a port of either side that can be known, or hit within reason? */
function isKnowable(...pair: readonly [KindName, KindName]): boolean {
  const [mine, theirs] = pair.map((kind) => ({ ...UNKNOWN, ...NAT_KINDS[kind].truth, confidence: 1 }));
  return prospect(mine ?? UNKNOWN, theirs ?? UNKNOWN).kind !== 'none';
}

test('hearth ping: direct wherever the ports can be known, else by the relay, within half a second', () => {
  for (const asks of KINDS) {
    for (const listens of KINDS) {
      const line = ping(asks, listens);
      const [, way, whole, byte] = /^connected (\w+) .*after (.*?) s(?:, first byte after (.*) s by)?/.exec(line) ?? [];
      expect(`${asks} ${listens} ${way}`).toBe(`${asks} ${listens} ${isKnowable(asks, listens) ? 'direct' : 'relay'}`);
      expect(Number(byte ?? whole)).toBeLessThan(0.5);
    }
  }
});

test.each([
  ['open', 'random', 'connected direct dial after 0.160 s, first byte after 0.160 s by dial'],
  [
    'port-restricted',
    'offset',
    'connected direct simultaneous after 0.120 s, first byte after 0.120 s by simultaneous',
  ],
] as const)('%s asks for %s: %s', (asks, listens, line) => {
  expect(ping(asks, listens)).toBe(line);
});

test.each([
  ['random', 'sequential', 'random'],
  ['random-block', 'random', 'random'],
  ['pool', 'firewall', 'pool'],
] as const)('%s asks for %s: a relay, because of "%s"', (asks, listens, reason) => {
  expect(ping(asks, listens)).toMatch(
    new RegExp(String.raw`^connected relay relay-rendezvous after 0\.\d{3} s: ${reason}$`),
  );
  expect(ping(asks, listens, { relay: false })).toBe(`not connected: ${reason}`);
});

test('two programs on one LAN find each other there', () => {
  const line = ping('port-restricted', 'port-restricted', { home: sameLan({ hairpin: 'external-source' }) });
  expect(line).toMatch(/^connected direct lan after .* by lan$/);
});

test('two homes behind one carrier that does not lead back inside are relayed, and told so', () => {
  const carrier = (hairpin: 'none' | 'external-source'): string =>
    ping('port-restricted', 'port-restricted', { home: sameCarrier({ hairpin }) });
  expect(carrier('external-source')).toMatch(/^connected direct simultaneous /);
  expect(carrier('none')).toMatch(/^connected relay relay-rendezvous after .*: hairpin$/);
});

test('with a tenth of all datagrams lost on both lines, easy pairs connect directly', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const line = ping('port-restricted', 'offset', { seed, access: { delay: ms(20), jitter: ms(5), loss: 0.1 } });
    expect(line).toMatch(/^connected direct simultaneous /);
  }
});

test('a household that is not there, and a line without UDP', () => {
  expect(ping('port-restricted', 'blocked')).toBe('not connected: peer-unknown');
  expect(ping('blocked', 'open')).toBe('not connected: rendezvous-unreachable');
});
