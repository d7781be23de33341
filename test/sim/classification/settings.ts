import type { NatProfile } from '../../../agent/base/nat-profile.ts';
import type { Allocation } from '../../../agent/sim/allocation.ts';
import type { Dependence } from '../../../agent/sim/nat.ts';

/** One way to give out ports, and what must be said of it. */
export interface Setting {
  readonly name: string;
  readonly mapping: Dependence;
  readonly allocation: Allocation;
  /** New mappings of others per second, as far as they share a counter with us. */
  readonly flows: number;
  /** Outside addresses, taken in turns. */
  readonly addresses?: number;
  /** Any of these kinds is right. */
  readonly kinds: readonly NatProfile['kind'][];
  readonly offset?: number;
  readonly step?: number;
  readonly counters?: number;
  /** Size of the range that new ports come from, where one is to be found. */
  readonly size?: number;
  /** In the words of frp and of EasyTier, where they have one for it. */
  readonly frp?: 'easy' | 'regular' | 'irregular';
  readonly easytier?: 'cone' | 'easy symmetric' | 'symmetric';
}

const [EIM, ADM, APDM] = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'] as const;
const EASY = { frp: 'easy', easytier: 'cone' } as const;
const STEPS = { frp: 'regular', easytier: 'easy symmetric' } as const;
const CHANCE = { frp: 'irregular', easytier: 'symmetric' } as const;

function counter(step: number, flows: number): Setting {
  const allocation: Allocation = { kind: 'sequential', stride: step };
  const name = `sequential ${step > 0 ? '+' : '−'}${Math.abs(step)} at ${flows}/s`;
  return { name, mapping: APDM, allocation, flows, kinds: ['sequential'], step, ...STEPS };
}

function cores(counters: number, flows: number): Setting {
  const allocation: Allocation = { kind: 'sequential', counters };
  const name = `${counters} counters at ${flows}/s`;
  return { name, mapping: APDM, allocation, flows, kinds: ['per-core'], step: 1, counters, ...STEPS };
}

/** Until a block's own counter comes around nobody can tell it from a quiet shared one. */
function ownCounter(size: number): Setting {
  const allocation: Allocation = { kind: 'block', size, order: 'sequential' };
  const kinds = ['sequential', 'block-sequential'] as const;
  return { name: `own block of ${size}, in order`, mapping: APDM, allocation, flows: 0, kinds, step: 1, ...STEPS };
}

function ownBlock(size: number): Setting {
  const allocation: Allocation = { kind: 'block', size, order: 'random' };
  return {
    name: `own block of ${size}`,
    mapping: APDM,
    allocation,
    flows: 0,
    kinds: ['block-random'],
    size,
    ...CHANCE,
  };
}

function range(from: number, to: number): Setting {
  const allocation: Allocation = { kind: 'random', from, to };
  const size = to - from + 1;
  const kinds = [size > 4096 ? 'range-random' : 'block-random'] as const;
  return { name: `random ${from}-${to}`, mapping: APDM, allocation, flows: 0, kinds, size, ...CHANCE };
}

function pool(flows: number): Setting {
  const allocation: Allocation = { kind: 'sequential' };
  const name = `sequential, 4 addresses in turns, ${flows}/s`;
  return { name, mapping: APDM, allocation, flows, addresses: 4, kinds: ['sequential'], step: 1, ...STEPS };
}

const EASY_SETTINGS: readonly Setting[] = [
  { name: 'preserve', mapping: EIM, allocation: { kind: 'preserve' }, flows: 0, kinds: ['preserve'], ...EASY },
  {
    name: 'constant offset',
    mapping: EIM,
    allocation: { kind: 'offset', by: 2000 },
    flows: 0,
    kinds: ['offset'],
    offset: 2000,
    ...EASY,
  },
  {
    name: 'any other stable port',
    mapping: EIM,
    allocation: { kind: 'random' },
    flows: 0,
    kinds: ['endpoint-independent'],
    ...EASY,
  },
  {
    name: 'address-dependent, in order',
    mapping: ADM,
    allocation: { kind: 'sequential' },
    flows: 15,
    kinds: ['address-dependent'],
    step: 1,
  },
];

/** The 29 allocators that the bar is about. */
export const SETTINGS: readonly Setting[] = [
  ...EASY_SETTINGS,
  ...[15, 50, 150, 250, 1000].map((flows) => counter(1, flows)),
  ...[2, -1, 4, 8].map((step) => counter(step, 50)),
  ownCounter(128),
  ownCounter(512),
  pool(15),
  range(1024, 65_535),
  range(50_001, 65_535),
  range(32_768, 60_999),
  ...[64, 128, 256, 512, 1024, 2048, 4096].map(ownBlock),
  ...[2, 4, 8].map((counters) => cores(counters, 50)),
].map((setting) => (setting.size === 64_512 ? { ...setting, kinds: ['random'] } : setting));

/** Every counter at every pace. */
export const PACES: readonly Setting[] = [0.4, 4, 15, 50, 150, 250, 1000].flatMap((flows) => [
  ...[1, 2, -1, 4, 7, 8, 16].map((step) => counter(step, flows)),
  ...[2, 4, 8].map((counters) => cores(counters, flows)),
  pool(flows),
]);

/** What the 29 leave out. */
export const FURTHER: readonly Setting[] = [
  {
    name: 'own port for the first destination only',
    mapping: APDM,
    allocation: { kind: 'preserve' },
    flows: 0,
    kinds: ['preserve-first'],
    step: 0,
  },
  {
    name: 'the same, then the next free ones',
    mapping: APDM,
    allocation: { kind: 'preserve', otherwise: 'next' },
    flows: 0,
    kinds: ['preserve-first'],
    step: 1,
  },
  {
    name: 'address-dependent, random',
    mapping: ADM,
    allocation: { kind: 'random' },
    flows: 0,
    kinds: ['address-dependent'],
    step: 0,
  },
  range(50_000, 50_255),
  range(20_000, 39_999),
  counter(7, 10),
  counter(1, 1000),
];
