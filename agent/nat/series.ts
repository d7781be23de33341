import type { Instant } from '../base/time.ts';
import type { Sample } from './sample.ts';

/** One new mapping as it was seen outside. */
export interface Mark {
  /** Mappings of our own that came before it in this run, seen or not. */
  readonly order: number;
  /** Mappings of this socket that came before it. */
  readonly place: number;
  /** The observer's address. */
  readonly toward: string;
  readonly ip: string;
  readonly port: number;
  readonly localPort: number;
  readonly sentAt: Instant;
}

/** The mappings of one socket in the order in which the NAT made them: its burst left in one tick. */
export type Series = readonly Mark[];

/** The bursts in order of time; an observer that a burst asked twice counts once. */
export function seriesOf(samples: readonly Sample[]): Series[] {
  const bySocket = Map.groupBy(samples, (sample) => sample.socket);
  return [...bySocket.values()].map((burst) => marksOf(burst).sort((a, b) => a.order - b.order)).sort(byStart);
}

/** Whatever was asked twice had its mapping from the first time, in all likelihood: loss is rarer indoors. */
function marksOf(burst: readonly Sample[]): Mark[] {
  const sentAt = burst.reduce((first, sample) => (sample.sentAt < first ? sample.sentAt : first), Infinity as Instant);
  // What was asked first began where the socket did; failing that, the first one that was seen.
  const once = burst.find(({ again }) => !again);
  const start = once === undefined ? Math.min(...burst.map(({ before }) => before)) : once.before - once.index;
  return burst.map(({ before, observer, external, localPort }) => {
    return { order: before, place: before - start, toward: observer.ip, ...external, localPort, sentAt };
  });
}

function byStart([a]: Series, [b]: Series): number {
  return (a?.order ?? 0) - (b?.order ?? 0);
}

/** How many steps lie between two ports in the step's own direction, around the end of the port space; it may be a fraction. */
export function stepsBetween(from: number, to: number, step: number): number {
  const straight = (to - from) / step;
  if (straight >= 0) return straight;
  // Counters go around at 65536, or come back at 1024.
  const [over1024, over0] = [straight + 64_512 / Math.abs(step), straight + 65_536 / Math.abs(step)];
  return Number.isInteger(over1024) && from >= 1024 && to >= 1024 ? over1024 : over0;
}
