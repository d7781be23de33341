import { type Held, holds } from './chance.ts';
import { type Cell, type Row, TIMED } from './rows.ts';
import { directWithin, percentile, type Summary, together } from './summary.ts';

/** One promise beside what was measured. */
export interface Verdict {
  readonly what: string;
  readonly bar: string;
  readonly measured: string;
  /** `contact`: held when counted from the introduction leaving the rendezvous to the first datagram that gets through. */
  readonly held: Held | 'contact';
}

export interface Measured {
  readonly cell: Cell;
  readonly summary: Summary;
}

/** Most datagrams and bytes a second of one household. */
const PPS = 200;
const BYTES_PER_SECOND = 16_000;
/** Most new mappings of one household in a minute, which no run is longer than. */
const MAPPINGS = 512;
/** Most entries that a router's table may grow by. */
const ENTRIES = 2000;
const CONNECTED = 0.999;
const P95 = 0.95;

/** Holds one row against its own bars and against those of every row. */
export function judge({ bar }: Row, measured: readonly Measured[]): Verdict[] {
  const clear = all(measured, ({ loss }) => loss <= 0.01);
  const lossy = all(measured, ({ loss }) => loss > 0.01);
  const timed = all(measured, ({ loss, delay }) => loss <= 0.01 && delay === TIMED);
  const whole = all(measured, () => true);
  const perCell = measured[0]?.summary.runs ?? 0;
  const verdicts: Verdict[] = [];
  const say = (what: string, limit: string, figure: string, held: Verdict['held']): void => {
    verdicts.push({ what, bar: limit, measured: figure, held });
  };
  const sayDirect = (what: string, share: number | undefined, summary: Summary, within?: number): void => {
    const found = directWithin(summary, within);
    const held = share === undefined ? 'held' : holds(Math.round(found * summary.runs), summary.runs, share, perCell);
    say(what, share === undefined ? '-' : atLeast(share), `${percent(found)} of ${summary.runs}`, held);
  };
  /** At most so much in that share of all runs. */
  const fits = (values: readonly number[], share: number, limit: number): Held =>
    holds(values.filter((value) => value <= limit).length, values.length, share, perCell);
  const sayMost = (what: string, limit: number | undefined, values: readonly number[]): void => {
    if (limit !== undefined) say(what, `<= ${limit}`, String(percentile(values, P95)), fits(values, P95, limit));
  };
  const sayAtMost = (what: string, limit: number, most: number): void =>
    say(what, `<= ${limit}`, String(most), most <= limit ? 'held' : 'missed');

  for (const { share, within } of bar.direct) {
    sayDirect(within === undefined ? 'direct' : `direct in ${seconds(within)}`, share, clear, within);
  }
  if (bar.direct.length === 0) sayDirect('direct', undefined, clear);
  if (lossy.runs > 0) sayDirect('direct, 10 % loss', bar.atTenPercent, lossy);
  if (bar.time !== undefined && timed.direct > 0) {
    for (const [i, [name, share]] of (
      [
        ['p50', 0.5],
        ['p95', P95],
      ] as const
    ).entries()) {
      const limit = bar.time[i] ?? 0;
      const asked = fits(timed.times, share, limit);
      const held = asked === 'held' || fits(timed.contacts, share, limit) !== 'held' ? asked : 'contact';
      const figures = [timed.times, timed.contacts].map((values) => seconds(percentile(values, share)));
      say(`${name}, RTT 80`, seconds(limit), `${figures[0]} (${figures[1]})`, held);
    }
  }
  const first = percentile(timed.firstBytes, P95);
  say('first byte p95', seconds(bar.firstByte), seconds(first), fits(timed.firstBytes, P95, bar.firstByte));
  const connected = holds(clear.connected, clear.runs, CONNECTED, perCell);
  say('connected', atLeast(CONNECTED), percent(clear.connected / clear.runs), connected);
  sayMost('packets p95, RTT 80', bar.packets, timed.packets);
  sayMost('mappings p95', bar.mappings, clear.mappings);
  sayAtMost('mappings at most', MAPPINGS, whole.mappings.at(-1) ?? 0);
  sayAtMost('per second', PPS, whole.perSecond);
  sayAtMost('bytes/s', BYTES_PER_SECOND, whole.bytesPerSecond);
  sayAtMost('table entries', ENTRIES, whole.flows);
  return verdicts;
}

/** The cell where direct paths were rarest, in words. */
export function worstCell(measured: readonly Measured[], loss: number): string {
  const worst = measured
    .filter(({ cell }) => cell.loss === loss)
    .toSorted((a, b) => directWithin(a.summary) - directWithin(b.summary))[0];
  return worst === undefined ? '-' : `${percent(directWithin(worst.summary))} at ${describeCell(worst.cell)}`;
}

export function describeCell({ delay, loss, flows, varianceOverMean }: Cell): string {
  return `${delay} ms, ${100 * loss} % loss, ${flows}/s var/mean ${varianceOverMean}`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

export function seconds(millis: number): string {
  return millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(2)} s`;
}

function atLeast(share: number): string {
  return `>= ${Number((100 * share).toFixed(3))} %`;
}

function all(measured: readonly Measured[], which: (cell: Cell) => boolean): Summary {
  return together(measured.filter(({ cell }) => which(cell)).map(({ summary }) => summary));
}
