import type { Attempt, MatrixKind } from './matrix.ts';
import type { Load } from './watch.ts';

/** Kinds that give each destination another port. */
const SYMMETRIC: ReadonlySet<MatrixKind> = new Set([
  'symmetric-preserve',
  'sequential',
  'stride',
  'random-block',
  'random',
]);

/**
 * `fill`: two small blocks, once in five. `unknowable`: nobody can know a port of either side. `lottery`: one side steps, the other draws from a small block; worth
 * playing in the background. `spray`: a random port has to be hit, which takes its time.
 */
export type PairClass = 'knowable' | 'spray' | 'lottery' | 'fill' | 'unknowable';

export function classOf(from: MatrixKind, to: MatrixKind): PairClass {
  const both = SYMMETRIC.has(from) && SYMMETRIC.has(to);
  if (both && (from === 'random' || to === 'random')) return 'unknowable';
  if (from === 'random-block' && to === 'random-block') return 'fill';
  if (both && (from === 'random-block' || to === 'random-block')) return 'lottery';
  const hard = [from, to].includes('random');
  const dialled = [from, to].some((kind) => kind === 'open' || kind === 'full-cone' || kind === 'address-restricted');
  return hard && !dialled ? 'spray' : 'knowable';
}

export interface Bar {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  readonly held: boolean;
}

/** The bars on a whole matrix. Times are the ping's own seconds. */
export function bars(attempts: readonly Attempt[]): readonly Bar[] {
  const of = (kind: PairClass): readonly Attempt[] => attempts.filter(({ from, to }) => classOf(from, to) === kind);
  const cells = Map.groupBy(attempts, ({ from, to }) => `${from} ${to}`);
  const cellsDirect = [...cells.values()].filter((cell) => cell.some(({ direct }) => direct)).length;
  const [knowable, spray, lottery] = [of('knowable'), of('spray'), of('lottery')];
  const certain = [...knowable, ...spray];
  const times = seconds(knowable);
  const worstFirst = Math.max(...[...cells.values()].map((cell) => quantile(firstBytes(cell), 0.95)));
  return [
    share('ordered pairs with a direct path', cellsDirect, cells.size, 0.93),
    share('direct where a port can be known', certain.filter(({ direct }) => direct).length, certain.length, 0.99),
    limit('median time to it', quantile(times, 0.5), 0.4),
    limit('p95 time to it', quantile(times, 0.95), 2),
    // Of some kinds alone there may be none of these pairs.
    ...(spray.length === 0 ? [] : [limit('p95 where a random port must be hit', quantile(seconds(spray), 0.95), 8)]),
    ...(lottery.length === 0
      ? []
      : [
          share(
            'direct, stepping against a block',
            lottery.filter(({ direct }) => direct).length,
            lottery.length,
            0.85,
          ),
        ]),
    share('connected at all', attempts.filter(({ method }) => method !== undefined).length, attempts.length, 1),
    limit('first byte, p95 of the worst pair', worstFirst, 0.5),
  ];
}

/** What attempts cost, by the limits of agent/punch/limits.ts; everything on the line counts, also what is no punch. */
export function safety(attempts: readonly Attempt[]): readonly Bar[] {
  const loads = attempts.flatMap((attempt) => attempt.loads);
  const most = (of: (load: Load) => number): number => Math.max(...loads.map(of));
  const bar = (what: string, measured: number, limit_: number): Bar => ({
    what,
    measured: String(measured),
    wanted: `≤ ${limit_}`,
    held: measured <= limit_,
  });
  return [
    bar(
      'datagrams of a household in a second, at most',
      most(({ there }) => there.fastest),
      200,
    ),
    bar(
      'datagrams towards a household in a second, at most',
      most(({ back }) => back.fastest),
      200,
    ),
    bar(
      'new mappings of a household in a ping, at most',
      most(({ mappings }) => mappings.made),
      512,
    ),
    bar(
      'new rows in a router’s table in a ping, at most',
      most(({ flows }) => flows.made),
      2000,
    ),
  ];
}

/** The cost of each pair of classes, for a person. */
export function costs(attempts: readonly Attempt[]): string {
  const groups = Map.groupBy(attempts, ({ from, to }) => classOf(from, to));
  return [...groups]
    .map(([kind, all]) => {
      const loads = all.flatMap((attempt) => attempt.loads);
      const p95 = (of: (load: Load) => number): string => String(quantile(loads.map(of), 0.95)).padStart(5);
      return `${kind.padEnd(12)} p95 of a household: ${p95(({ there }) => there.packets)} datagrams, ${p95(({ there }) => there.fastest)} in a second, ${p95(({ mappings }) => mappings.made)} mappings, ${p95(({ flows }) => flows.made)} rows`;
    })
    .join('\n');
}

/** The matrix for a person: how many of a cell's attempts were direct, and its median time. */
export function table(kinds: readonly MatrixKind[], attempts: readonly Attempt[]): string {
  const rows = kinds.map((from) => {
    const cells = kinds.map((to) => {
      const cell = attempts.filter((one) => one.from === from && one.to === to);
      const direct = cell.filter((one) => one.direct);
      const time = direct.length === 0 ? '' : ` ${quantile(seconds(cell), 0.5).toFixed(2)}`;
      return `${direct.length}/${cell.length}${time}`.padEnd(10);
    });
    return `${from.padEnd(20)}${cells.join('')}`;
  });
  return [`${''.padEnd(20)}${kinds.map((kind) => kind.slice(0, 9).padEnd(10)).join('')}`, ...rows].join('\n');
}

export function barText({ what, measured, wanted, held }: Bar): string {
  return `${held ? 'held  ' : 'MISSED'} ${what}: ${measured} (bar ${wanted})`;
}

function seconds(attempts: readonly Attempt[]): readonly number[] {
  return attempts.map(({ directAfter }) => directAfter).filter((time) => time !== undefined);
}

function firstBytes(attempts: readonly Attempt[]): readonly number[] {
  return attempts.map(({ firstByte }) => firstByte ?? Infinity);
}

/** The least value that at least this share of them does not exceed. */
export function quantile(values: readonly number[], share_: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share_) - 1)] ?? Number.NaN;
}

function share(what: string, count: number, total: number, least: number): Bar {
  const measured = total === 0 ? 'nothing measured' : `${((100 * count) / total).toFixed(1)} % (${count} of ${total})`;
  return { what, measured, wanted: `≥ ${100 * least} %`, held: total > 0 && count >= least * total };
}

function limit(what: string, value: number, most: number): Bar {
  return { what, measured: `${value.toFixed(3)} s`, wanted: `≤ ${most} s`, held: value <= most };
}
