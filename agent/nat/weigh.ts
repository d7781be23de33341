import { NAT_KINDS, type NatKind } from '../base/nat-profile.ts';
import { chained } from './chains.ts';
import { counting } from './counting.ts';
import { logSum } from './likelihood.ts';
import { drawn } from './ranges.ts';
import type { Reading } from './reading.ts';
import type { Series } from './series.ts';
import { wrapping } from './wrapping.ts';

/** How often each kind was seen before in places like this one: counts, as the fleet has them. */
export type Priors = Readonly<Partial<Record<NatKind, number>>>;

export interface Verdict {
  readonly reading: Reading;
  /** 0 to 1: share of belief in the reading's kind. */
  readonly share: number;
}

/** A NAT that maps per destination: which of the readings explains the ports best, and by how much. */
export function weigh(series: readonly Series[], priors: Priors = {}): Verdict {
  const ports = series.flatMap((marks) => marks.map(({ port }) => port));
  const all = [...counting(series), ...drawn(ports), ...wrapping(series)];
  if (new Set(series.flatMap((marks) => marks.map(({ ip }) => ip))).size === 1) all.push(...chained(series));
  const weighted = all.map((reading) => ({ ...reading, log: reading.log + logPrior(reading.kind, priors) }));
  const total = logSum(weighted.map(({ log }) => log));
  const share = (kind: NatKind): number =>
    Math.exp(logSum(weighted.filter((reading) => one(reading.kind) === one(kind)).map(({ log }) => log)) - total);
  const kind = NAT_KINDS.reduce((best, next) => (share(next) > share(best) ? next : best));
  const readings = weighted.filter((reading) => one(reading.kind) === one(kind));
  const reading = readings.reduce((best, next) => (next.log > best.log ? next : best));
  return { reading, share: share(kind) };
}

/** A counter is a counter, whether it was seen to come around or not. */
function one(kind: NatKind): NatKind {
  return kind === 'block-sequential' ? 'sequential' : kind;
}

function logPrior(kind: NatKind, priors: Priors): number {
  const seen = Object.values(priors).reduce((sum, count) => sum + count, 0);
  return Math.log(((BEFORE[kind] ?? 0) * WEIGHT + (priors[kind] ?? 0)) / (WEIGHT + seen));
}

/** What is thought of the world before anything is known of the place, and how many sightings that is worth. */
const BEFORE: Priors = {
  sequential: 0.35,
  'per-core': 0.05,
  'block-sequential': 0.1,
  'block-random': 0.15,
  'range-random': 0.1,
  random: 0.25,
};
const WEIGHT = 10;
