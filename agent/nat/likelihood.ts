/** Ports from 1024 up: how unlikely any one of them is where nothing is known. */
export const PORTS = 64_512;

/**
 * Log of the probability of `count` mappings of others where `mean` are expected: negative binomial, the usual
 * reading of counts whose variance is more than their mean. `burstiness` is variance over mean, above 1.
 */
export function logOthers(count: number, mean: number, burstiness = 1.5): number {
  if (mean <= 0) return count === 0 ? 0 : -Infinity;
  const size = mean / (burstiness - 1);
  let log = -size * Math.log(burstiness);
  for (let i = 0; i < count; i++) log += Math.log(((size + i) / (i + 1)) * (1 - 1 / burstiness));
  return log;
}

/** Log of the sum of numbers that are given by their logs. */
export function logSum(logs: readonly number[]): number {
  const most = Math.max(-Infinity, ...logs);
  if (most === -Infinity) return most;
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
}
