import type { Witness } from './witness.ts';

/** Cushions of viewers, in milliseconds: a gap is seen when blocks are later than this. */
export const CUSHIONS = [250, 500, 1000, 2000] as const;

/** What is counted while a simulation runs. */
export class Tally {
  /** Times that a household's viewers saw a gap, by cushion. */
  readonly gaps = CUSHIONS.map(() => 0);
  /** How late the first block after each break came at the household next to it, in milliseconds. */
  readonly repairs: number[] = [];
  /** From a parent's failure until another one feeds. */
  readonly adoptions: number[] = [];
  /** Every time that some household above a viewer fails. */
  losses = 0;
  viewerMs = 0;
  joins: number[] = [];
  departures = 0;
  /** Streams that the origin sent at most, at any moment. */
  copies = 0;
  isCounting = false;
  /** Is told of each household what the figures above only count. */
  witness: Witness | undefined;

  late(worst: number): void {
    if (!this.isCounting) return;
    for (const [i, cushion] of CUSHIONS.entries()) if (worst > cushion) this.gaps[i] = (this.gaps[i] ?? 0) + 1;
  }

  perViewerHour(count: number): number {
    return count / Math.max(1e-9, this.viewerMs / 3_600_000);
  }
}

export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
