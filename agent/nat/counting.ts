import { logOthers, PORTS } from './likelihood.ts';
import type { Reading } from './reading.ts';
import { type Mark, type Series, stepsBetween } from './series.ts';

/**
 * Readings as one counter that everybody behind the address shares: each port is some steps after the one before, one
 * for each mapping of our own and one for each of somebody else's in between. All steps worth a thought are tried.
 */
export function counting(series: readonly Series[]): Reading[] {
  const lanes = lanesOf(series);
  const steps = candidates(lanes);
  const readings = steps.map((step) => inOrder(lanes, step));
  if (lanes.length === 1) readings.push(...steps.filter((step) => step > 0).map((step) => outOfOrder(series, step)));
  return readings;
}

/** From one mark to the next on the same outside address. */
interface Gap {
  readonly from: Mark;
  readonly to: Mark;
  /** Mappings of our own from one to the other, as far as that can be known. */
  readonly own: number;
  /** Both left in the same tick. */
  readonly close: boolean;
}
/** One outside address: a counter of its own. */
type Lane = readonly Gap[];

/** With several outside addresses nobody knows how many of our mappings went to each, so one is counted. */
function lanesOf(series: readonly Series[]): Lane[] {
  const all = series.flatMap((marks, number) => marks.map((mark) => ({ mark, number })));
  const byIp = [...Map.groupBy(all, ({ mark }) => mark.ip).values()];
  return byIp.map((lane) =>
    lane.slice(1).flatMap(({ mark: to, number }, i) => {
      const before = lane[i];
      if (before === undefined) return [];
      const own = byIp.length === 1 ? to.order - before.mark.order : 1;
      return [{ from: before.mark, to, own, close: number === before.number }];
    }),
  );
}

function inOrder(lanes: readonly Lane[], step: number): Reading {
  const gaps = lanes.flat();
  const close = gaps.filter((gap) => gap.close).map((gap) => [othersIn(gap, step), gap.own] as const);
  const mean = meanOthers(close);
  // The first port of each address may be any.
  let log = logStep(step) - lanes.length * Math.log(PORTS) + (lanes.length > 1 ? Math.log(POOLED) : 0);
  for (const gap of gaps) {
    const others = othersIn(gap, step);
    const ordinary = gap.close ? logNear(others, mean * gap.own) : logLater(others);
    log += Math.log(LOST / PORTS + (1 - LOST) * Math.exp(ordinary));
  }
  return { kind: 'sequential', step, counters: 1, ports: undefined, log };
}

/** The same where the box, or the way to it, mixed up the order inside a burst: any order is as good as another. */
function outOfOrder(series: readonly Series[], step: number): Reading {
  let log = logStep(step) + Math.log(MIXED);
  for (const marks of series) {
    const sorted = marks.map(({ port }) => port).sort((a, b) => a - b);
    log -= Math.log(PORTS);
    for (const [i, port] of sorted.entries()) {
      const before = sorted[i - 1];
      if (before === undefined) continue;
      const others = (port - before) / step - 1;
      log += Math.log(LOST / PORTS + (1 - LOST) * Math.exp(logNear(others, 0.1))) - Math.log(i + 1);
    }
  }
  return { kind: 'sequential', step, counters: 1, ports: undefined, log };
}

function othersIn({ from, to, own }: Gap, step: number): number {
  return stepsBetween(from.port, to.port, step) - own;
}

/** Mappings of others for each of our own inside a burst; the busiest tenth of the gaps is left out of it. */
function meanOthers(gaps: readonly (readonly [others: number, own: number])[]): number {
  const whole = gaps.filter(([others]) => possible(others)).sort(([a], [b]) => a - b);
  let [others, own] = [0.25, 5];
  for (const [x, n] of whole.slice(0, Math.floor(whole.length * 0.9))) {
    others += x;
    own += n;
  }
  return Math.min(16, others / own);
}

/** Log of the probability of so many others inside one tick. */
export function logNear(others: number, mean: number): number {
  return possible(others) ? logOthers(others, mean) : -Infinity;
}

/** The same a quarter of a second later, where a busy carrier may have given out hundreds: all magnitudes alike. */
export function logLater(others: number, most = MOST_LATER): number {
  return possible(others, most) ? -Math.log((others + 1) * Math.log(most + 1)) : -Infinity;
}

function possible(others: number, most = 200): boolean {
  return others >= 0 && others <= most && Number.isInteger(others);
}

function candidates(lanes: readonly Lane[]): number[] {
  const found = new Set(COMMON);
  const distances = lanes
    .flat()
    .filter(({ close }) => close)
    .map(({ from, to, own }) => circular(to.port - from.port) / own);
  for (const distance of distances) if (Number.isInteger(distance)) found.add(distance);
  const down = distances.filter((distance) => distance < 0);
  const falls = down.length > distances.length / 2;
  const common = (falls ? down : distances.filter((distance) => distance > 0)).reduce(divisor, 0);
  found.add(falls ? -common : common);
  return [...found].filter((step) => step !== 0 && Math.abs(step) <= FARTHEST);
}

/** Strides that boxes really have; what else the distances suggest is tried, too. */
const COMMON = [1, -1, 2, -2, 4, -4, 8, 16, 32, 64];
const FARTHEST = 1024;

/** How far a step is to be expected before anything was seen: small ones, and upwards. */
function logStep(step: number): number {
  const size = Math.abs(step);
  const share = size === 1 ? 0.6 : size === 2 ? 0.12 : COMMON.includes(size) ? 0.04 : 0.02 / size;
  return Math.log(step > 0 ? share : share / 4);
}

/** A tick's gap that fits nothing: another core, a lost order. */
const LOST = 0.02;
const MIXED = 0.05;
/** Pools that count: without a single neighbour seen, chance is the better guess. */
const POOLED = 0.1;
const MOST_LATER = 4000;

function circular(distance: number): number {
  if (distance > 32_768) return distance - 65_536;
  return distance < -32_768 ? distance + 65_536 : distance;
}

function divisor(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  if (!Number.isInteger(y)) return x;
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
