import type { Sample } from './sample.ts';

/** One burst as far as it came. */
export interface Tally {
  readonly asked: number;
  readonly samples: readonly Sample[];
}

/**
 * New mappings a NAT gave before it gave no more, read from bursts in order of time: one got most of its answers, and
 * of a later one not a single probe was answered, though each was sent twice. 0 where nothing of the kind was seen.
 * Chance does that once in a million at 10 % loss each way. The caller knows that the line itself is alive.
 */
export function quotaOf(bursts: readonly Tally[]): number {
  const silent = bursts.findIndex(({ asked, samples }) => asked >= ENOUGH && samples.length === 0);
  const before = bursts.slice(0, Math.max(0, silent)).flatMap(({ samples }) => samples);
  const given = new Set(before.map(({ external: { ip, port } }) => `${ip} ${port}`)).size;
  const heard = bursts[silent - 1];
  return heard !== undefined && heard.samples.length >= heard.asked * 0.75 ? given : 0;
}

const ENOUGH = 4;
