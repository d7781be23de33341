import { PORTS } from './likelihood.ts';
import { logLater } from './counting.ts';
import type { Reading } from './reading.ts';
import { type Mark, type Series, stepsBetween } from './series.ts';

/**
 * Readings as several counters, one for each core of a carrier's box: a flow belongs to one of them, nobody knows
 * which. A port goes on where one of the chains found so far stands, or begins a new chain.
 */
export function chained(series: readonly Series[]): Reading[] {
  return STEPS.flatMap(([step, share]) => {
    const { links } = follow(series, step);
    return CORES.map(([counters, of]) => {
      const log = Math.log(share * of) + links.reduce((sum, link) => sum + logOf(link, counters), 0);
      return { kind: 'per-core', step, counters, ports: undefined, log };
    });
  });
}

/** Mappings of others on each chain from one burst to the next. */
export function driftsOf(series: readonly Series[], step: number): Drift[] {
  return follow(series, step).drifts;
}

export interface Drift {
  readonly others: number;
  readonly from: Mark;
  readonly to: Mark;
}

/** One port: how likely the chains there were make it, all together, and how many they were. */
interface Link {
  readonly likely: number;
  readonly chains: number;
}

interface Head {
  mark: Mark;
  burst: number;
}

/** It is the turn of each core as often as of any other; one not seen so far begins anywhere. */
function logOf({ likely, chains }: Link, counters: number): number {
  return Math.log((likely + Math.max(counters - chains, UNRULY) / PORTS) / counters);
}

function follow(series: readonly Series[], step: number): { links: Link[]; drifts: Drift[] } {
  const heads: Head[] = [];
  const links: Link[] = [];
  const drifts: Drift[] = [];
  for (const [burst, marks] of series.entries()) {
    for (const mark of marks) {
      let [sum, best, bestHead] = [0, CLOSER / PORTS, undefined as Head | undefined];
      for (const head of heads) {
        const likely = Math.exp(logLink(head, mark, burst, step));
        sum += likely;
        if (likely > best) [best, bestHead] = [likely, head];
      }
      links.push({ likely: sum, chains: heads.length });
      if (bestHead === undefined) {
        heads.push({ mark, burst });
        continue;
      }
      if (bestHead.burst !== burst) {
        const others = stepsBetween(bestHead.mark.port, mark.port, step) - 1;
        drifts.push({ others, from: bestHead.mark, to: mark });
      }
      Object.assign(bestHead, { mark, burst });
    }
  }
  return { links, drifts };
}

/** The next port of a chain is a step away, but for the others' mappings and those of ours that nobody saw. */
function logLink(head: Head, mark: Mark, burst: number, step: number): number {
  const others = stepsBetween(head.mark.port, mark.port, step) - 1;
  if (!Number.isInteger(others) || others < 0) return -Infinity;
  if (head.burst !== burst) return logLater(others, MOST_LATER);
  return others > 40 ? -Infinity : Math.log(others === 0 ? 0.8 : 0.2 * 0.3 * 0.7 ** (others - 1));
}

/** One core of a carrier's box makes no more mappings from burst to burst; among many chains more looks like chance. */
const MOST_LATER = 500;
/** More chains than cores: something that belongs to none. */
const UNRULY = 1e-6;
/** A chain is gone on with only where that is so many times likelier than a new one. */
const CLOSER = 16;
const STEPS: readonly (readonly [step: number, share: number])[] = [
  [1, 0.7],
  [-1, 0.1],
  [2, 0.1],
  [4, 0.05],
  [8, 0.05],
];
const CORES: readonly (readonly [counters: number, share: number])[] = [
  [2, 0.3],
  [3, 0.03],
  [4, 0.3],
  [6, 0.06],
  [8, 0.22],
  [12, 0.04],
  [16, 0.05],
];
