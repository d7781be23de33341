import { since } from '../base/time.ts';
import { driftsOf } from './chains.ts';
import { type Mark, type Series, stepsBetween } from './series.ts';

/** How fast others behind the same address take ports: per second, and variance over mean of their counts. */
export interface Pace {
  readonly drift: number;
  readonly burstiness: number;
}

/** Read from where a counter stood at the end of one burst and at the beginning of the next, our own mappings taken off. */
export function paceOf(series: readonly Series[], step: number, counters: number): Pace {
  const intervals = (counters > 1 ? onChains(series, step) : onAddresses(series, step)).filter(
    ({ others, seconds }) => seconds > 0 && others >= 0 && others <= MOST_PER_SECOND * seconds,
  );
  const others = intervals.reduce((sum, interval) => sum + interval.others, 0);
  const seconds = intervals.reduce((sum, interval) => sum + interval.seconds, 0);
  const drift = (PRIOR.others / counters + others / PRIOR.burstiness) / (PRIOR.seconds + seconds / PRIOR.burstiness);
  const squares = intervals.reduce((sum, { others: seen, seconds: time }) => {
    const expected = drift * time;
    return sum + (seen - expected) ** 2 / Math.max(expected, 1);
  }, 0);
  const weight = PRIOR.intervals + Math.max(0, intervals.length - 1);
  const burstiness = Math.max(PRIOR.burstiness, (PRIOR.burstiness * PRIOR.intervals + squares) / weight);
  return { drift: drift * counters, burstiness };
}

interface Interval {
  readonly others: number;
  readonly seconds: number;
}

function onAddresses(series: readonly Series[], step: number): Interval[] {
  const pool = new Set(series.flatMap((marks) => marks.map(({ ip }) => ip))).size;
  return series.slice(1).flatMap((marks, i) =>
    [...Map.groupBy(marks, ({ ip }) => ip)].flatMap(([ip, [to]]) => {
      const from = series[i]?.findLast((mark) => mark.ip === ip);
      if (from === undefined || to === undefined) return [];
      const own = Math.max(1, Math.round((to.order - from.order) / pool));
      return [between(from, to, Math.round(stepsBetween(from.port, to.port, step)) - own)];
    }),
  );
}

function onChains(series: readonly Series[], step: number): Interval[] {
  return driftsOf(series, step).map(({ from, to, others }) => between(from, to, others));
}

function between(from: Mark, to: Mark, others: number): Interval {
  return { others, seconds: since(from.sentAt, to.sentAt) / 1000 };
}

/** 15/s, a carrier's usual pace, but believed for 4 ms only. */
const PRIOR = { others: 0.06, seconds: 0.004, burstiness: 1.5, intervals: 8 };
/** Faster than this is not drift but another counter. */
const MOST_PER_SECOND = 20_000;
