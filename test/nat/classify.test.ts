import { expect, test } from 'vitest';
import type { NatProfile } from '../../agent/base/nat-profile.ts';
import { at } from '../../agent/base/time.ts';
import { classify } from '../../agent/nat/classify.ts';
import type { FilterTrials, Sample } from '../../agent/nat/sample.ts';

const TWO_BY_TWO = ['1.1.1.1:7000', '2.2.2.2:7000', '1.1.1.1:7001', '2.2.2.2:7001'];
const SILENT: FilterTrials = { otherPort: 'silent', otherAddress: 'silent', portAfter: 'kept' };

/** One row per burst: local port, then what each observer saw, in order of asking; '-' for no answer. */
function samples(bursts: readonly (readonly [number, ...string[]])[], observers = TWO_BY_TWO): Sample[] {
  return bursts.flatMap(([localPort, ...seen], socket) =>
    seen.flatMap((external, index) =>
      external === '-'
        ? []
        : [
            {
              socket,
              localPort,
              index,
              before: socket * seen.length + index,
              again: false,
              observer: address(observers[index] ?? ''),
              external: address(external),
              sentAt: at(0),
              answeredAt: at(40),
            },
          ],
    ),
  );
}

function address(text: string): { ip: string; port: number } {
  const [ip = '', port = ''] = text.split(':');
  return { ip, port: Number(port) };
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const x = (port: number): string => `9.9.9.9:${port}`;

const TABLE: readonly {
  readonly name: string;
  readonly samples: Sample[];
  readonly own?: string[];
  readonly expected: Partial<NatProfile>;
}[] = [
  { name: 'no answer at all', samples: [], expected: { kind: 'unknown', confidence: 0, external: [] } },
  {
    name: 'our own address outside',
    samples: samples([[4000, ...times(4, x(4000))]]),
    own: ['192.168.1.2', '9.9.9.9'],
    expected: { kind: 'open', offset: 0, confidence: 0.99 },
  },
  {
    name: 'the usual home router',
    samples: samples([
      [4000, ...times(4, x(4000))],
      [4500, ...times(4, x(4500))],
    ]),
    expected: { kind: 'preserve', offset: 0, confidence: 0.99, external: ['9.9.9.9'] },
  },
  {
    name: 'a constant distance in both bursts',
    samples: samples([
      [4000, ...times(4, x(6000))],
      [4500, ...times(4, x(6500))],
    ]),
    expected: { kind: 'offset', offset: 2000, confidence: 0.99 },
  },
  {
    name: 'one burst cannot tell a distance from any other port',
    samples: samples([[4000, ...times(4, x(6000))]]),
    expected: { kind: 'endpoint-independent', offset: 0 },
  },
  {
    name: 'a collision: one socket kept its port, the other got a stable one',
    samples: samples([
      [4000, ...times(4, x(4000))],
      [4500, ...times(4, x(31337))],
    ]),
    expected: { kind: 'endpoint-independent', confidence: 0.99 },
  },
  {
    name: 'a port per address',
    samples: samples([
      [4000, x(50), x(51), x(50), x(51)],
      [4500, x(52), x(53), x(52), x(53)],
    ]),
    expected: { kind: 'address-dependent', confidence: 0.99 },
  },
  {
    name: 'a port per address, with answers missing',
    samples: samples([
      [4000, x(50), '-', x(50), x(51)],
      [4500, x(52), x(53), x(52), '-'],
    ]),
    expected: { kind: 'address-dependent' },
  },
  {
    name: 'one up each time',
    samples: samples([
      [4000, x(50), x(51), x(52), x(53)],
      [4500, x(60), x(61), x(62), x(63)],
    ]),
    expected: { kind: 'sequential' },
  },
  {
    name: 'seven down each time, over the edge of the port space',
    samples: samples([[4000, x(9), x(2), x(65_531)]]),
    expected: { kind: 'sequential' },
  },
  {
    name: 'fifty up each time, one answer lost',
    samples: samples([[4000, x(100), x(150), '-', x(250)]]),
    expected: { kind: 'sequential' },
  },
  {
    name: 'one up each time, and once a neighbour took a hundred',
    samples: samples([
      [4000, x(50), x(51), x(52), x(153)],
      [4500, x(160), x(161), x(162), x(163)],
    ]),
    expected: { kind: 'sequential' },
  },
  {
    name: 'ports without any order',
    samples: samples([
      [4000, x(50), x(40051), x(12052), x(30053)],
      [4500, x(5000), x(61), x(62123), x(9063)],
    ]),
    expected: { kind: 'random' },
  },
  {
    name: 'the order inside a burst got lost on the way',
    samples: samples([
      [4000, x(52), x(50), x(53), x(51)],
      [4500, x(60), x(63), x(61), x(62)],
    ]),
    expected: { kind: 'sequential', step: 1 },
  },
  {
    name: 'our own port for the first, any for the others',
    samples: samples([
      [4000, x(4000), x(33_051), x(12_052), x(30_053)],
      [4500, x(4500), x(61_234), x(62_123), x(9063)],
    ]),
    expected: { kind: 'preserve-first', step: 0 },
  },
  {
    name: 'our own port for the first, the next ones for the others',
    samples: samples([
      [4000, x(4000), x(4001), x(4002), x(4003)],
      [4500, '-', x(4501), x(4502), x(4503)],
    ]),
    expected: { kind: 'preserve-first', step: 1 },
  },
  {
    name: 'a port per address, any',
    samples: samples([
      [4000, x(4050), x(40_051), x(4050), x(40_051)],
      [4500, x(52_123), x(21_053), x(52_123), x(21_053)],
    ]),
    expected: { kind: 'address-dependent', step: 0 },
  },
  {
    name: 'two counters by turns',
    samples: samples([
      [4000, x(5000), x(41_000), x(5001), x(41_001)],
      [4500, x(41_002), x(5002), x(41_003), x(5003)],
    ]),
    expected: { kind: 'per-core', step: 1, counters: 2 },
  },
  {
    name: 'to the end of a block and on at its beginning',
    samples: samples([
      [4000, x(1148), x(1149), x(1150), x(1151)],
      [4500, x(1024), x(1025), x(1026), x(1027)],
    ]),
    expected: { kind: 'block-sequential', step: 1, ports: { from: 1024, to: 1151 } },
  },
  {
    name: 'any port of a block of 256',
    samples: samples([
      [4000, x(1024 + 256 * 40 + 7), x(1024 + 256 * 40 + 201), x(1024 + 256 * 40 + 133), x(1024 + 256 * 40 + 44)],
      [4500, x(1024 + 256 * 40 + 90), x(1024 + 256 * 40 + 17), x(1024 + 256 * 40 + 250), x(1024 + 256 * 40 + 160)],
    ]),
    expected: { kind: 'block-random', ports: { from: 11_264, to: 11_519 } },
  },
  {
    name: 'a pool of addresses, each with a counter',
    samples: samples([
      [4000, '9.9.9.9:5000', '9.9.9.8:31000', '9.9.9.9:5001', '9.9.9.8:31001'],
      [4500, '9.9.9.9:5002', '9.9.9.8:31002', '9.9.9.9:5003', '9.9.9.8:31003'],
    ]),
    expected: { kind: 'sequential', step: 1, pooling: 'arbitrary' },
  },
  {
    name: 'an address for each socket',
    samples: samples([
      [4000, ...times(4, '9.9.9.9:4000')],
      [4500, ...times(4, '9.9.9.8:4500')],
    ]),
    expected: { kind: 'preserve', pooling: 'paired' },
  },
  {
    name: 'a pool of addresses',
    samples: samples([[4000, '9.9.9.9:5000', '9.9.9.8:31000', '9.9.9.7:1234', '9.9.9.6:8000']]),
    expected: { kind: 'random', external: ['9.9.9.9', '9.9.9.8', '9.9.9.7', '9.9.9.6'] },
  },
  {
    name: 'one observer: a kept port is a guess',
    samples: samples(
      [
        [4000, x(4000)],
        [4500, x(4500)],
      ],
      ['1.1.1.1:7000'],
    ),
    expected: { kind: 'preserve', confidence: 0.6 },
  },
  {
    name: 'one observer: any other port is nearly no knowledge',
    samples: samples(
      [
        [4000, x(31337)],
        [4500, x(999)],
      ],
      ['1.1.1.1:7000'],
    ),
    expected: { kind: 'endpoint-independent', confidence: 0.3 },
  },
  {
    name: 'two ports of one observer cannot see address-dependence',
    samples: samples(
      [
        [4000, x(4000), x(4000)],
        [4500, x(4500), x(4500)],
      ],
      ['1.1.1.1:7000', '1.1.1.1:7001'],
    ),
    expected: { kind: 'preserve', confidence: 0.8 },
  },
];

test.each(TABLE)('$name', ({ samples: seen, own = ['192.168.1.2'], expected }) => {
  expect(classify(seen, SILENT, own)).toMatchObject(expected);
});

test('What a carrier has always been tips the scales where the ports do not', () => {
  const seen = samples([[4000, x(51_000), x(60_123), x(64_001), x(55_555)]]);
  const range = { kind: 'range-random', ports: { from: 50_001, to: 65_535 } };
  expect(classify(seen, SILENT, [])).toMatchObject(range);
  expect(classify(seen, SILENT, [], { random: 1000 })).toMatchObject({ kind: 'random' });
  const surer = classify(seen, SILENT, [], { 'range-random': 100 });
  expect(surer).toMatchObject(range);
  expect(surer.confidence).toBeGreaterThan(classify(seen, SILENT, []).confidence);
});

test.each([
  ['kept', 'yes', 'no'],
  ['changed', 'yes', 'yes'],
  ['unasked', 'yes', 'unknown'],
  ['changed', 'no', 'unknown'],
] as const)('a port %s after a stranger wrote, one port for all: %s; poison: %s', (portAfter, one, poison) => {
  const ports = one === 'yes' ? times(4, x(4000)) : [x(50), x(51), x(52), x(53)];
  const seen = samples([[4000, ...ports]]);
  expect(classify(seen, { ...SILENT, portAfter }, []).poison).toBe(poison);
});

test.each([
  ['came', 'came', 'endpoint-independent'],
  ['silent', 'came', 'endpoint-independent'],
  ['unasked', 'came', 'endpoint-independent'],
  ['came', 'silent', 'address-dependent'],
  ['came', 'unasked', 'address-dependent'],
  ['silent', 'silent', 'address-and-port-dependent'],
  ['silent', 'unasked', 'address-and-port-dependent'],
  ['unasked', 'silent', 'unknown'],
  ['unasked', 'unasked', 'unknown'],
] as const)('another port %s, another address %s: filtering is %s', (otherPort, otherAddress, filtering) => {
  expect(classify([], { otherPort, otherAddress, portAfter: 'unasked' }, []).filtering).toBe(filtering);
});
