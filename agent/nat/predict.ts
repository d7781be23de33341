import type { NatProfile } from '../base/nat-profile.ts';
import type { Millis } from '../base/time.ts';
import { logOthers } from './likelihood.ts';

/** Where a counter stood when it was last seen. */
export interface Standing {
  readonly port: number;
  /** Mappings of our own since. */
  readonly own: number;
  /** How long ago that will be when the next one is made. */
  readonly age: Millis;
  /** How long the counter was watched for its drift. */
  readonly watched: Millis;
  /** Windows that were tried in vain: each doubles the next. */
  readonly misses: number;
}

export interface Window {
  readonly centre: number;
  /** Ports from the centre to either end; the end nearer to the last port may be cut off. */
  readonly halfWidth: number;
  /** The likeliest first. */
  readonly ports: readonly number[];
}

/**
 * The ports that a counting NAT will give its next mapping, when nobody can look while it is made: the fallback where
 * brackets are not possible. For several counters ask once for each. Undefined where it does not count, or where the
 * window is wider than 256 ports or than half of the household's block: such a NAT may as well be taken for random.
 */
export function windowOf(
  { step, drift, burstiness, ports }: Pick<NatProfile, 'step' | 'drift' | 'burstiness' | 'ports'>,
  { port, own, age, watched, misses }: Standing,
): Window | undefined {
  if (step === 0) return undefined;
  const seconds = age / 1000;
  const others = drift * seconds;
  // What is not known of the drift adds to what chance does: it was watched for a while only.
  const doubt = 1 + age / Math.max(1, watched);
  const half = Math.ceil(SURE * Math.sqrt(burstiness * others * doubt + 1)) * 2 ** misses;
  const [low, high] = [Math.max(0, Math.round(others) - half), Math.round(others) + half];
  const [from, to] = [ports?.from ?? 1024, ports?.to ?? 65_535];
  const size = to - from + 1;
  if (high - low + 1 > Math.min(MOST, size / (2 * Math.abs(step)))) return undefined;
  const at = (count: number): number => wrap(port + step * (own + 1 + count), from, size);
  const spread = Math.max(1.01, burstiness * doubt);
  const likely = Array.from({ length: high - low + 1 }, (_, i) => low + i)
    .map((count) => ({ count, log: logOthers(count, Math.max(others, 0.05), spread) }))
    .sort((a, b) => b.log - a.log || b.count - a.count);
  return {
    centre: at(Math.round(others)),
    halfWidth: half * Math.abs(step),
    ports: likely.map(({ count }) => at(count)),
  };
}

function wrap(port: number, from: number, size: number): number {
  return from + ((((port - from) % size) + size) % size);
}

/** Standard deviations to either side: 99 of 100 where the counts are what they are taken for. */
const SURE = 2.6;
const MOST = 256;
