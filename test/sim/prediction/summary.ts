import type { Trial } from './trial.ts';

/** Of many runs of one cell what the table tells. All shares are from 0 to 1, all times in milliseconds. */
export interface Summary {
  readonly runs: number;
  readonly direct: number;
  readonly connected: number;
  /** Direct paths by METHOD, runs without one by REASON. */
  readonly methods: ReadonlyMap<string, number>;
  readonly labels: ReadonlyMap<string, number>;
  /** Ascending; only of direct paths. */
  readonly times: readonly number[];
  readonly contacts: readonly number[];
  readonly firstBytes: readonly number[];
  /** Both sides together, ascending. */
  readonly packets: readonly number[];
  /** Of the more burdened side, ascending. */
  readonly mappings: readonly number[];
  /** Of the more burdened side, the most in any run. */
  readonly flows: number;
  readonly perSecond: number;
  readonly bytesPerSecond: number;
}

export function summarize(trials: readonly Trial[]): Summary {
  const direct = trials.filter(({ way }) => way === 'direct');
  const worst = (figure: (side: Trial['sides'][0]) => number): number =>
    trials.reduce((most, { sides }) => Math.max(most, figure(sides[0]), figure(sides[1])), 0);
  return {
    runs: trials.length,
    direct: direct.length,
    connected: trials.filter(({ way }) => way !== 'none').length,
    methods: count(direct.map(({ method }) => method)),
    labels: count(trials.filter(({ way }) => way !== 'direct').map(({ label }) => label)),
    times: ascending(direct.map(({ after }) => after)),
    contacts: ascending(direct.map(({ contact }) => contact)),
    firstBytes: ascending(trials.map(({ firstByte }) => firstByte)),
    packets: ascending(trials.map(({ sides: [a, b] }) => a.packets + b.packets)),
    mappings: ascending(trials.map(({ sides: [a, b] }) => Math.max(a.mapped, b.mapped))),
    flows: worst(({ flows }) => flows),
    perSecond: worst(({ perSecond }) => perSecond),
    bytesPerSecond: worst(({ bytesPerSecond }) => bytesPerSecond),
  };
}

/** Several cells as one. */
export function together(parts: readonly Summary[]): Summary {
  const all = (list: (part: Summary) => readonly number[]): number[] => ascending(parts.flatMap(list));
  const sum = (figure: (part: Summary) => number): number => parts.reduce((total, part) => total + figure(part), 0);
  const most = (figure: (part: Summary) => number): number =>
    parts.reduce((top, part) => Math.max(top, figure(part)), 0);
  return {
    runs: sum(({ runs }) => runs),
    direct: sum(({ direct }) => direct),
    connected: sum(({ connected }) => connected),
    methods: merge(parts.map(({ methods }) => methods)),
    labels: merge(parts.map(({ labels }) => labels)),
    times: all(({ times }) => times),
    contacts: all(({ contacts }) => contacts),
    firstBytes: all(({ firstBytes }) => firstBytes),
    packets: all(({ packets }) => packets),
    mappings: all(({ mappings }) => mappings),
    flows: most(({ flows }) => flows),
    perSecond: most(({ perSecond }) => perSecond),
    bytesPerSecond: most(({ bytesPerSecond }) => bytesPerSecond),
  };
}

/** The share of runs that were direct within that time after asking. */
export function directWithin({ times, runs }: Summary, within = Infinity): number {
  return times.filter((time) => time <= within).length / runs;
}

/** The least value of an ascending list that this share of it does not exceed; NaN of an empty one. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function ascending(values: number[]): number[] {
  return values.sort((a, b) => a - b);
}

function count(words: readonly string[]): Map<string, number> {
  return merge(words.map((word) => new Map([[word, 1]])));
}

function merge(parts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const part of parts) {
    for (const [word, number] of part) counts.set(word, (counts.get(word) ?? 0) + number);
  }
  return counts;
}
