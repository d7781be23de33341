import { expect, test } from 'vitest';
import type { NatProfile } from '../../agent/base/nat-profile.ts';
import { at } from '../../agent/base/time.ts';
import { classify } from '../../agent/nat/classify.ts';
import type { FilterTrials, Sample } from '../../agent/nat/sample.ts';

const TWO_BY_TWO = ['1.1.1.1:7000', '2.2.2.2:7000', '1.1.1.1:7001', '2.2.2.2:7001'];
const SILENT: FilterTrials = { otherPort: 'silent', otherAddress: 'silent' };

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
  expect(classify([], { otherPort, otherAddress }, []).filtering).toBe(filtering);
});
