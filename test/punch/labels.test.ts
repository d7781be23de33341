import { describe, expect, it, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { ALL_PORTS } from '../../agent/punch/brackets.ts';
import { type Bracket, type Evidence, label } from '../../agent/punch/labels.ts';

const IP = '203.0.113.7';
const COUNTING = { step: 1, counters: 1, range: ALL_PORTS };
const LOST = undefined;

function brackets(...pairs: readonly (readonly [number | undefined, number | undefined])[]): Bracket[] {
  const sight = (port: number | undefined) => (port === undefined ? undefined : { ip: IP, port });
  return pairs.map(([first, second]) => ({ first: sight(first), second: sight(second) }));
}

const NARROW = brackets([4711, 4713], [4714, 4716], [4717, 4720]);
const WIDE = brackets([4711, 40_000], [2300, 60_001], [31_000, 9000]);

const EVIDENCE: Evidence = {
  brackets: NARROW,
  counting: COUNTING,
  believed: undefined,
  external: [IP],
  readExactly: false,
  steady: false,
  sameExternal: false,
  poison: false,
  refusedMappings: false,
  arrived: 1,
  halves: 0,
};

describe('why an attempt failed', () => {
  it.each([
    ['drift', 'narrow brackets, and the port was missed', {}],
    [
      'drift',
      'one bracket of three was wide: a stranger',
      { brackets: brackets([4711, 4713], [4714, 4800], [4801, 4803]) },
    ],
    ['random', 'wide brackets', { brackets: WIDE }],
    [
      'random',
      'wide brackets in the block that was believed',
      { brackets: brackets([2100, 2400], [2500, 2050], [2300, 2222]), believed: { from: 2048, to: 2559 } },
    ],
    [
      'block-hop',
      'brackets in another block than believed',
      { brackets: brackets([7100, 7400], [7500, 7050], [7300, 7222]), believed: { from: 2048, to: 2559 } },
    ],
    ['pool', 'another external address', { external: ['203.0.113.9'] }],
    ['filter', 'the port was read exactly and knocked at', { readExactly: true }],
    ['poison', 'the same, and the other NAT gives its port away', { readExactly: true, poison: true }],
    ['quota', 'whole sockets without an answer', { brackets: brackets([4711, 4713], [LOST, LOST], [LOST, LOST]) }],
    ['quota', 'a full table of our own', { refusedMappings: true }],
    [
      'loss',
      'the same where other sockets were seen by halves',
      { brackets: brackets([4711, 4713], [LOST, LOST], [LOST, LOST]), halves: 2 },
    ],
    [
      'filter',
      'one port for everybody, as was believed, and knocked at',
      { steady: true, readExactly: true, brackets: brackets([4711, 4711], [4712, 4712], [4713, LOST]) },
    ],
    ['random', 'one port for everybody was believed, and there are many', { steady: true, brackets: WIDE }],
    [
      'loss',
      'two probes of six missing, here and there',
      { brackets: brackets([4711, LOST], [4714, 4716], [LOST, 4719]) },
    ],
    ['loss', 'too little of the attempt arrived', { arrived: 0.7 }],
    ['hairpin', 'one address in front of both', { sameExternal: true }],
  ] as const)('%s: %s', (word, _why, evidence: Partial<Evidence>) => {
    expect(label({ ...EVIDENCE, ...evidence })).toBe(word);
  });

  it('is "pool" too when the addresses change within one bracket', () => {
    const hopping = [{ first: { ip: IP, port: 4711 }, second: { ip: '203.0.113.8', port: 5000 } }];
    expect(label({ ...EVIDENCE, brackets: hopping, external: [] })).toBe('pool');
  });
});

const RUNS = 20_000;

test('a counter is taken for random ports less than once in a thousand, with a thousand strangers a second', () => {
  const random = seeded(11);
  let confused = 0;
  for (let run = 0; run < RUNS; run++) {
    let port = 1024 + random(64_512);
    const next = (): number => {
      // Half a millisecond between two datagrams on a slow router: every second time a stranger comes between.
      port = 1024 + ((port - 1024 + 1 + (random(2) === 0 ? 1 : 0)) % 64_512);
      return port;
    };
    const all = brackets(...[0, 1, 2].map(() => [next(), (next(), next())] as const));
    if (label({ ...EVIDENCE, brackets: all }) !== 'drift') confused++;
  }
  expect(confused / RUNS).toBeLessThan(0.001);
});

test.each([
  ['all of the range', 1024, 64_512],
  ['a block of 512', 2048, 512],
] as const)('random ports out of %s are taken for a counter less than once in a thousand', (_what, from, size) => {
  const random = seeded(12);
  let confused = 0;
  for (let run = 0; run < RUNS; run++) {
    const draw = (): number => from + random(size);
    const all = brackets(...[0, 1, 2].map(() => [draw(), draw()] as const));
    if (label({ ...EVIDENCE, brackets: all }) !== 'random') confused++;
  }
  expect(confused / RUNS).toBeLessThan(0.001);
});

test('several counters that take turns are told from random ports as surely', () => {
  const random = seeded(13);
  const counting = { ...COUNTING, counters: 4 };
  let [lost, found] = [0, 0];
  for (let run = 0; run < RUNS; run++) {
    const counters = Array.from({ length: 4 }, () => 1024 + random(64_000));
    const next = (): number => {
      const core = random(4);
      return (counters[core] = (counters[core] ?? 0) + 1);
    };
    const turns = brackets(...[0, 1, 2].map(() => [next(), (next(), next())] as const));
    if (label({ ...EVIDENCE, counting, brackets: turns }) !== 'drift') lost++;
    const draw = (): number => 1024 + random(64_512);
    const any = brackets(...[0, 1, 2].map(() => [draw(), draw()] as const));
    if (label({ ...EVIDENCE, counting, brackets: any }) !== 'random') found++;
  }
  expect(lost / RUNS).toBeLessThan(0.001);
  expect(found / RUNS).toBeLessThan(0.001);
});
