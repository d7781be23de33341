import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipBytes, ipText, key, parseAddress, scope } from '../../agent/base/address.ts';
import { interval } from '../../agent/base/backoff.ts';
import { bytesOf, fromHex, hex, Reader, textOf, Writer } from '../../agent/base/bytes.ts';
import { Deadlines } from '../../agent/base/deadlines.ts';
import { seeded } from '../../agent/base/random.ts';
import { base32, fromBase32 } from '../../agent/base/text32.ts';
import { at, ms } from '../../agent/base/time.ts';
import { Window } from '../../agent/base/window.ts';

describe('address', () => {
  it.each([
    ['192.168.1.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['100.64.0.1', 'shared'],
    ['100.128.0.1', 'public'],
    ['192.0.0.2', 'shared'],
    ['192.0.0.9', 'public'],
    ['127.0.0.1', 'loopback'],
    ['169.254.1.1', 'link-local'],
    ['239.1.1.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['8.8.8.8', 'public'],
    ['::1', 'loopback'],
    ['fe80::1', 'link-local'],
    ['fd00::1', 'private'],
    ['2001:db8::1', 'public'],
    ['::ffff:10.0.0.1', 'private'],
    ['not an address', 'reserved'],
  ])('%s is %s', (ip, expected) => expect(scope(ip)).toBe(expected));

  it.each(['1.2.3.4:80', '[2001:db8::1]:443', '[::]:1'])('%s reads and prints the same', (text) => {
    const address = parseAddress(text);
    expect(address && key(address)).toBe(text);
  });

  it.each([
    '1.2.3.4',
    '1.2.3.4:70000',
    '01.2.3.4:5',
    '[1.2.3.4]:5',
    '2001:db8::1:443',
    'host:80',
    '1.2.3:4',
    '[::1::]:4',
  ])('%s is refused', (text) => expect(parseAddress(text)).toBeUndefined());

  it('any 4 or 16 bytes survive being written as text', () => {
    const either = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(either, (bytes) => {
        expect(ipBytes(ipText(bytes))).toEqual(bytes);
      }),
    );
  });
});

describe('bytes', () => {
  it('numbers, text and addresses come back as written', () => {
    const bytes = new Writer(1)
      .u8(255)
      .u16(65535)
      .u32(0xdeadbeef)
      .u48(2 ** 48 - 2)
      .text8('Küche 📺')
      .address({ ip: '2001:db8::5', port: 4000 })
      .address({ ip: '10.0.0.1', port: 1 })
      .done();
    const reader = new Reader(bytes);
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u48(), reader.text8()]).toEqual([
      255,
      65535,
      0xdeadbeef,
      2 ** 48 - 2,
      'Küche 📺',
    ]);
    expect([reader.address(), reader.address()]).toEqual([
      { ip: '2001:db8::5', port: 4000 },
      { ip: '10.0.0.1', port: 1 },
    ]);
    expect([reader.short, reader.left]).toEqual([false, 0]);
  });

  it('reading past the end gives zeros and is remembered', () => {
    const reader = new Reader(Uint8Array.of(1));
    expect([reader.u16(), reader.u8(), reader.short]).toEqual([0, 0, true]);
  });

  it('UTF-8 agrees with the platform for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(bytesOf(text)).toEqual(new Uint8Array(new TextEncoder().encode(text)));
        expect(textOf(bytesOf(text))).toBe(text.toWellFormed());
      }),
    );
  });

  it('any bytes decode to some text without an exception', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof textOf(bytes) === 'string'));
  });

  it('hexadecimal and base32 are their own inverses', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(hex(bytes))).toEqual(bytes);
        expect(fromBase32(base32(bytes))).toEqual(bytes);
      }),
    );
    expect(base32(bytesOf('foobar'))).toBe('mzxw6ytboi');
    expect([fromBase32('a'), fromBase32('ab1'), fromBase32('ab'), fromHex('0g')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('window', () => {
  it('agrees with a set of everything seen, for any order of counters', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 400 }), (counters) => {
        const window = new Window(64);
        const seen = new Set<number>();
        let newest = -1;
        for (const counter of counters) {
          const expected = counter > newest - 64 && !seen.has(counter);
          expect(window.fresh(counter)).toBe(expected);
          if (expected) {
            window.mark(counter);
            seen.add(counter);
            newest = Math.max(newest, counter);
          }
        }
      }),
    );
  });

  it('a jump of many counters forgets the old ones', () => {
    const window = new Window(2048);
    for (const counter of [0, 5, 2 ** 40]) window.mark(counter);
    expect([window.fresh(5), window.fresh(2 ** 40 - 2047), window.fresh(2 ** 40 - 2048)]).toEqual([false, true, false]);
  });
});

it('deadlines come due in order of time and once', () => {
  const deadlines = new Deadlines<'a' | 'b' | 'c'>();
  deadlines.set('a', at(30));
  deadlines.set('b', at(10));
  deadlines.set('c', at(50));
  expect(deadlines.next()).toBe(10);
  expect(deadlines.due(at(30))).toEqual(['b', 'a']);
  expect(deadlines.due(at(30))).toEqual([]);
  expect(deadlines.next()).toBe(50);
});

it('backoff grows to its ceiling and stays within its jitter', () => {
  const random = seeded(1);
  const backoff = { first: ms(100), factor: 2, most: ms(400), jitter: 0.25 };
  for (const [attempt, plain] of [100, 200, 400, 400].entries()) {
    const span = interval(backoff, attempt, random);
    expect(span).toBeGreaterThanOrEqual(plain * 0.75);
    expect(span).toBeLessThan(plain * 1.25);
  }
});

it('the same seed gives the same chance, another seed another', () => {
  const draw = (seed: number): number[] => {
    const random = seeded(seed);
    return Array.from({ length: 8 }, () => random(1000));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});
