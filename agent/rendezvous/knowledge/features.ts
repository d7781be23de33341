import {
  FILTERINGS,
  NAT_KINDS,
  type NatKind,
  type NatProfile,
  POOLINGS,
  type PortRange,
  TRAITS,
  UNKNOWN,
} from '../../base/nat-profile.ts';
import { type Millis, ms } from '../../base/time.ts';
import type { Cells } from './cells.ts';

/** What is counted of a NAT, each with a Dirichlet distribution of its own. */
export const FACETS = [
  'kind',
  'filtering',
  'offset',
  'step',
  'counters',
  /** Size and alignment of a household's own block. */
  'block',
  'range',
  'pooling',
  'poison',
  'quota',
  'timeout',
] as const;
export type Facet = (typeof FACETS)[number];

/** A facet, and a value of it as text. */
export type Feature = readonly [facet: Facet, value: string];

/** So much agreement is called the carrier's way of doing it. */
export const SURE = 0.95;
/** A feature that a plan is built on was seen at least this often. */
const ENOUGH = 8;

/** What a profile says, one feature for each facet that it knows. The kind stands first. */
export function featuresOf(profile: NatProfile): readonly Feature[] {
  const { kind, filtering, offset, step, counters, ports, pooling, external, poison, quota } = profile;
  const features: Feature[] = [['kind', kind]];
  if (filtering !== 'unknown') features.push(['filtering', filtering]);
  if (kind === 'offset') features.push(['offset', String(offset)]);
  if (steps(kind)) features.push(['step', String(step)]);
  if (kind === 'per-core') features.push(['counters', String(counters)]);
  if (ports !== undefined) features.push(blocks(kind) ? ['block', blockText(ports)] : ['range', rangeText(ports)]);
  if (external.length > 1 || pooling !== 'one') features.push(['pooling', pooling]);
  if (poison !== 'unknown') features.push(['poison', poison]);
  if (quota > 0) features.push(quotaFeature(quota));
  return features;
}

/** Four values per octave: how far a household came before it was refused differs by a few each time. */
export function quotaFeature(mappings: number): Feature {
  return ['quota', String(coarse(Math.max(1, Math.min(65_536, mappings))))];
}

export function timeoutFeature(lived: Millis): Feature {
  return ['timeout', String(coarse(Math.max(1, Math.min(86_400, lived / 1000))))];
}

/**
 * The profile of a whole carrier, where all that its kind is used for is agreed upon; else undefined. `external` is empty.
 *
 * Each household has a block of its own, so where the kind is one of blocks, `ports` is only one such block: its
 * size is that of all of them, and its beginning modulo its size is their alignment.
 */
export function profileOf(cells: Cells, kind: NatKind, confidence: number): NatProfile | undefined {
  const offset = kind === 'offset' ? agreed(cells, 'offset') : '0';
  const step = steps(kind) ? agreed(cells, 'step') : '0';
  const counters = kind === 'per-core' ? countersOf(cells) : 1;
  const ports = portsOf(cells, kind);
  if (offset === undefined || step === undefined || counters === undefined || ports === 'unclear') return undefined;
  return {
    ...UNKNOWN,
    kind,
    confidence,
    offset: Number(offset),
    step: Number(step),
    counters,
    ports,
    filtering: FILTERINGS.find((word) => word === agreed(cells, 'filtering')) ?? 'unknown',
    pooling: POOLINGS.find((word) => word === agreed(cells, 'pooling')) ?? 'one',
    poison: TRAITS.find((word) => word === agreed(cells, 'poison')) ?? 'unknown',
    quota: quotaOf(cells) ?? 0,
  };
}

/** The low quarter of what was found: who has less than the others must not be asked for more. */
export function quotaOf(cells: Cells): number | undefined {
  return quantile(cells, 'quota', 0.25);
}

/** What nine of ten mappings outlived. */
export function timeoutOf(cells: Cells): Millis | undefined {
  const seconds = quantile(cells, 'timeout', 0.1);
  return seconds === undefined ? undefined : ms(seconds * 1000);
}

/** Is that a value which `featuresOf` and its like could have written? */
export function isFeature(facet: string, value: string): boolean {
  if (!FACETS.some((name) => name === facet)) return false;
  if (facet === 'kind') return NAT_KINDS.some((kind) => kind === value);
  return /^(other|[a-z][a-z-]{1,39}|-?\d{1,5}|\d{1,5}[+-]\d{1,5})$/.test(value);
}

function portsOf(cells: Cells, kind: NatKind): PortRange | 'unclear' | undefined {
  if (blocks(kind)) return blockOf(agreed(cells, 'block')) ?? 'unclear';
  if (kind === 'range-random') return rangeOf(cells) ?? 'unclear';
  const same = agreed(cells, 'range');
  return same === undefined ? undefined : readRange(same);
}

/** Cores are counted give or take one. */
function countersOf(cells: Cells): number | undefined {
  return cells.total('counters') < ENOUGH ? undefined : quantile(cells, 'counters', 0.5);
}

/** Households see different parts of one range: where no reading prevails, its ends are where one in ten saw further. */
function rangeOf(cells: Cells): PortRange | undefined {
  const counts = cells.counts('range').filter(({ value }) => value !== 'other');
  const [first] = counts;
  const total = cells.total('range');
  if (first === undefined || total < ENOUGH) return undefined;
  if (first.weight >= total / 2) return readRange(first.value);
  const ranges = counts.map(({ value, weight }) => ({ ...readRange(value), weight }));
  const from = at(
    ranges.map(({ from: end, weight }) => [end, weight]),
    0.1,
  );
  const to = at(
    ranges.map(({ to: end, weight }) => [end, weight]),
    0.9,
  );
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

function agreed(cells: Cells, facet: Facet): string | undefined {
  const [first] = cells.counts(facet);
  if (first === undefined || first.value === 'other') return undefined;
  const total = cells.total(facet);
  return total >= ENOUGH && first.weight >= total * SURE ? first.value : undefined;
}

function quantile(cells: Cells, facet: Facet, share: number): number | undefined {
  const counts = cells.counts(facet).filter(({ value }) => value !== 'other');
  const known = counts.map(({ value, weight }): [number, number] => [Number(value), weight]);
  return cells.total(facet) < 1 ? undefined : at(known, share);
}

/** The value under which that share of the weight lies. */
function at(weighted: readonly [number, number][], share: number): number | undefined {
  const wanted = weighted.reduce((sum, [, weight]) => sum + weight, 0) * share;
  let sum = 0;
  const ordered = [...weighted].sort(([a], [b]) => a - b);
  return ordered.find(([, weight]) => (sum += weight) >= wanted)?.[0];
}

function steps(kind: NatKind): boolean {
  return kind === 'sequential' || kind === 'per-core' || kind === 'block-sequential' || kind === 'address-dependent';
}

function blocks(kind: NatKind): boolean {
  return kind === 'block-sequential' || kind === 'block-random';
}

function blockText({ from, to }: PortRange): string {
  const size = to - from + 1;
  return `${size}+${from % size}`;
}

function blockOf(text: string | undefined): PortRange | undefined {
  const [size = 0, lag = 0] = text?.split('+').map(Number) ?? [];
  if (size < 1) return undefined;
  const from = lag + size * Math.ceil((FIRST_PORT - lag) / size);
  return { from, to: from + size - 1 };
}

function rangeText({ from, to }: PortRange): string {
  return `${from}-${to}`;
}

function readRange(text: string): PortRange {
  const [from = 0, to = 0] = text.split('-').map(Number);
  return { from, to };
}

/** No NAT that follows RFC 4787, requirement 3, gives out the well-known ones. */
const FIRST_PORT = 1024;

function coarse(value: number): number {
  const quarter = 2 ** (Math.floor(Math.log2(value)) - 2);
  return quarter < 1 ? Math.floor(value) : Math.floor(value / quarter) * quarter;
}
