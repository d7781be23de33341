import type { Bar } from '../matrix-bars.ts';
import { quantile } from '../matrix-bars.ts';

/** A share of a measurement's values that has to stay under something, in ms. */
export function within(what: string, spans: readonly number[], share: number, mostMs: number): Bar {
  const value = quantile(spans, share);
  return {
    what: `${what}, p${100 * share} of ${spans.length}`,
    measured: `${value.toFixed(0)} ms`,
    wanted: `≤ ${mostMs} ms`,
    held: value <= mostMs,
  };
}

export function atMost(what: string, value: number, most: number, unit = ''): Bar {
  const rounded = Number.isInteger(value) ? String(value) : value.toFixed(2);
  return { what, measured: `${rounded}${unit}`, wanted: `≤ ${most}${unit}`, held: value <= most };
}

export function atLeast(what: string, count: number, total: number, least: number): Bar {
  return {
    what,
    measured: `${count} of ${total}`,
    wanted: `≥ ${100 * least} %`,
    held: total > 0 && count >= least * total,
  };
}

/** A figure that nothing was promised of. */
export function told(what: string, measured: string): Bar {
  return { what, measured, wanted: 'none', held: true };
}

export function spansText(spans: readonly number[]): string {
  return spans.map((span) => span.toFixed(0)).join(', ');
}

/** Median, p95 and the last. */
export function spread(spans: readonly number[]): string {
  const [half, most, last] = [0.5, 0.95, 1].map((share) => quantile(spans, share).toFixed(0));
  return `p50 ${half}, p95 ${most}, last ${last} ms`;
}
