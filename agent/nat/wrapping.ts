import { logNear } from './counting.ts';
import { PORTS } from './likelihood.ts';
import type { Reading } from './reading.ts';
import type { Series } from './series.ts';

/**
 * Readings as a counter in the household's own block, from whose end it comes back to the beginning. Only that jump
 * tells such a block from a quiet shared counter, so without one there is nothing to read.
 */
export function wrapping(series: readonly Series[]): Reading[] {
  const marks = series.flat();
  return SIZES.flatMap((size) => {
    const block = blockAround(
      marks.map(({ port }) => port),
      size,
    );
    return block === undefined ? [] : STEPS.flatMap((step) => around(marks, step, block, size));
  });
}

function around(marks: Series, step: number, from: number, size: number): Reading[] {
  let wraps = 0;
  let log = Math.log(1 / SIZES.length / STEPS.length) - Math.log(PORTS);
  for (const [i, mark] of marks.entries()) {
    const before = marks[i - 1];
    if (before === undefined) continue;
    const way = (mark.port - before.port) / step;
    if (way < 0) wraps++;
    const others = (way < 0 ? way + size / Math.abs(step) : way) - (mark.order - before.order);
    log += Math.log(0.02 / size + 0.98 * Math.exp(logNear(others, 0.05)));
  }
  const ports = { from, to: from + size - 1 };
  return wraps === 1 ? [{ kind: 'block-sequential', step, counters: 1, ports, log }] : [];
}

/** The first port of the aligned block that holds all of them, carriers count blocks from 1024. */
export function blockAround(ports: readonly number[], size: number): number | undefined {
  const [first = 0] = ports;
  const from = first - ((((first - 1024) % size) + size) % size);
  return first >= 1024 && ports.every((port) => port >= from && port < from + size) ? from : undefined;
}

const STEPS = [1, -1, 2];
/** What carriers hand out to one subscriber. */
export const SIZES = [64, 128, 256, 512, 1024, 2048, 4096];
