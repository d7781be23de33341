import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../agent/base/address.ts';
import { type NatKind, UNKNOWN } from '../../agent/base/nat-profile.ts';
import type { Opening } from '../../agent/base/opening.ts';
import { at, ms, seconds } from '../../agent/base/time.ts';
import { full, spend } from '../../agent/base/allowance.ts';
import { candidates } from '../../agent/rendezvous/candidates.ts';
import { suits } from '../../agent/rendezvous/suits.ts';
import { Wheel } from '../../agent/rendezvous/wheel.ts';

function address(text: string): Address {
  const found = parseAddress(text);
  if (found === undefined) throw new Error(text);
  return found;
}

describe('the addresses a household is told of another', () => {
  const from = (observed: string, internal: string[] = [], proven: string[] = []) => ({
    observed: address(observed),
    internal: internal.map(address),
    proven: proven.map((text) => ({ ...address(text), opening: 'none' as const })),
  });
  const elsewhere = from('198.51.100.9:5000', ['192.168.1.9:5000']);

  it.each([
    ['what was observed comes first', from('203.0.113.7:40000'), elsewhere, ['203.0.113.7:40000']],
    [
      'private ones only behind the same public IP',
      from('203.0.113.7:40000', ['192.168.1.5:5000', '10.0.0.5:5000']),
      from('203.0.113.7:40001'),
      ['203.0.113.7:40000', '192.168.1.5:5000', '10.0.0.5:5000'],
    ],
    [
      'private ones never to somebody elsewhere',
      from('203.0.113.7:40000', ['192.168.1.5:5000']),
      elsewhere,
      ['203.0.113.7:40000'],
    ],
    [
      "a victim's address that was merely claimed is not passed on",
      from('203.0.113.7:40000', ['192.0.2.1:5000', '8.8.8.8:53']),
      elsewhere,
      ['203.0.113.7:40000'],
    ],
    [
      "a port mapped on one's own public IP is",
      from('203.0.113.7:40000', ['203.0.113.7:5000']),
      elsewhere,
      ['203.0.113.7:40000', '203.0.113.7:5000'],
    ],
    [
      'another address of its own is, once proven',
      from('203.0.113.7:40000', [], ['[2001:db8::7]:5000']),
      elsewhere,
      ['203.0.113.7:40000', '[2001:db8::7]:5000'],
    ],
    [
      'no service port of a LAN device is knocked at',
      from('203.0.113.7:40000', ['192.168.1.1:80', '192.168.1.1:1023', '192.168.1.1:1024']),
      from('203.0.113.7:40001'),
      ['203.0.113.7:40000', '192.168.1.1:1024'],
    ],
    [
      'loopback, link-local and multicast are nobody',
      from('203.0.113.7:40000', ['127.0.0.1:5000', '169.254.1.1:5000', '239.1.1.1:5000', '[fe80::1]:5000']),
      from('203.0.113.7:40001'),
      ['203.0.113.7:40000'],
    ],
    [
      'each is told once',
      from('203.0.113.7:40000', ['203.0.113.7:40000'], ['203.0.113.7:40000']),
      elsewhere,
      ['203.0.113.7:40000'],
    ],
  ])('%s', (_rule, target, viewer, expected) => {
    expect(candidates(target, viewer)).toEqual(expected.map((text) => ({ ...address(text), opening: 'none' })));
  });

  it('begin with the door that stands open, once', () => {
    const target = from('203.0.113.7:40000', ['203.0.113.7:51000']);
    const proven = [{ ...address('203.0.113.7:51000'), opening: 'mapped-upnp' as const }];
    expect(candidates({ ...target, proven }, elsewhere)).toEqual([
      { ...address('203.0.113.7:51000'), opening: 'mapped-upnp' },
      { ...address('203.0.113.7:40000'), opening: 'none' },
    ]);
  });
});

describe('an allowance', () => {
  it('is spent at once up to its burst, then at its rate, and says how long to wait', () => {
    const rate = { burst: 6, perSecond: 0.1 };
    const allowance = full(rate, at(0));
    for (let i = 0; i < 6; i++) expect(spend(allowance, rate, 1, at(0))).toBe('spent');
    expect(spend(allowance, rate, 1, at(0))).toBe(10_000);
    expect(spend(allowance, rate, 1, at(10_000))).toBe('spent');
  });

  it('never gives more than burst and rate, however it is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ wait: fc.nat(5000), cost: fc.nat(4) }), { maxLength: 100 }), (asks) => {
        const rate = { burst: 5, perSecond: 2 };
        const allowance = full(rate, at(0));
        let [now, spent] = [0, 0];
        for (const { wait, cost } of asks) {
          now += wait;
          if (spend(allowance, rate, cost, at(now)) === 'spent') spent += cost;
          expect(spent).toBeLessThanOrEqual(5 + (2 * now) / 1000 + 1e-9);
        }
      }),
    );
  });
});

describe('a wheel', () => {
  it('brings up everything at its time or one turn later, never before, and loses nothing', () => {
    const item = fc.record({ after: fc.integer({ min: 0, max: 40_000 }), wait: fc.nat(3000) });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 60 }), (items) => {
        const wheel = new Wheel<number>(seconds(1), 128);
        const due: number[] = [];
        let now = 0;
        let came = 0;
        const take = (): void => {
          for (const one of wheel.due(at(now))) {
            came++;
            expect(now).toBeGreaterThanOrEqual(due[one] ?? 0);
          }
        };
        for (const { after, wait } of items) {
          now += wait;
          take();
          due.push(now + after);
          wheel.add(due.length - 1, at(now + after), at(now));
        }
        for (let wake = wheel.wake(); wake !== undefined; wake = wheel.wake()) {
          expect(wake).toBeGreaterThan(now - 1000);
          now = Math.max(now, wake);
          take();
        }
        expect(came).toBe(items.length);
        expect(now).toBeLessThanOrEqual(Math.max(0, ...due) + 1000 + items.reduce((sum, { wait }) => sum + wait, 0));
      }),
    );
  });

  it('gives back what lies beyond its reach at its end, to be put in again', () => {
    const wheel = new Wheel<string>(ms(100), 10);
    wheel.add('far', at(100_000), at(0));
    expect(wheel.due(at(850))).toEqual([]);
    expect(wheel.due(at(1000))).toEqual(['far']);
    expect(wheel.wake()).toBe(undefined);
  });

  it('sleeps through a long pause', () => {
    const wheel = new Wheel<string>(ms(100), 10);
    wheel.add('one', at(200), at(0));
    expect(wheel.due(at(1e9))).toEqual(['one']);
  });
});

it('open parents are liked best, and two hard NATs least', () => {
  const of = (kind: NatKind, door: Opening = 'none') => ({ ...UNKNOWN, kind, door });
  const [open, preserve, random, sequential] = [of('open'), of('preserve'), of('random'), of('sequential')];
  expect(suits(open, random)).toBe(0);
  expect(suits(of('random', 'mapped-pcp'), random)).toBe(0);
  expect(suits(preserve, random)).toBeLessThan(suits(random, preserve));
  expect(suits(random, sequential)).toBeGreaterThan(suits(random, preserve));
});
