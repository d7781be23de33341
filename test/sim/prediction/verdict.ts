import { type Cell, type Row, TIMED } from './rows.ts';
import { directWithin, percentile, type Summary, together } from './summary.ts';

/** One promise beside what was measured. */
export interface Verdict {
  readonly what: string;
  readonly bar: string;
  readonly measured: string;
  /** `contact`: held when counted from the introduction leaving the rendezvous to the first datagram that gets through. */
  readonly held: 'held' | 'contact' | 'missed';
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

/** Holds one row against its own bars and against those of every row. */
export function judge({ bar }: Row, measured: readonly Measured[]): Verdict[] {
  const clear = all(measured, ({ loss }) => loss <= 0.01);
  const lossy = all(measured, ({ loss }) => loss > 0.01);
  const timed = all(measured, ({ loss, delay }) => loss <= 0.01 && delay === TIMED);
  const whole = all(measured, () => true);
  const verdicts: Verdict[] = [];
  const say = (what: string, limit: string, figure: string, held: boolean | Verdict['held']): void => {
    verdicts.push({
      what,
      bar: limit,
      measured: figure,
      held: held === true ? 'held' : held === false ? 'missed' : held,
    });
  };
  for (const { share, within } of bar.direct) {
    const found = directWithin(clear, within);
    const what = within === undefined ? 'direct' : `direct in ${seconds(within)}`;
    say(what, atLeast(share), `${percent(found)} of ${clear.runs}`, found >= share);
  }
  if (bar.direct.length === 0) say('direct', '-', percent(directWithin(clear)), true);
  if (lossy.runs > 0) {
    const found = directWithin(lossy);
    const share = bar.atTenPercent;
    say(
      'direct, 10 % loss',
      share === undefined ? '-' : atLeast(share),
      percent(found),
      share === undefined || found >= share,
    );
  }
  if (bar.time !== undefined && timed.direct > 0) {
    for (const [i, name] of (['p50', 'p95'] as const).entries()) {
      const share = i === 0 ? 0.5 : 0.95;
      const limit = bar.time[i] ?? 0;
      const [asked, contact] = [percentile(timed.times, share), percentile(timed.contacts, share)];
      const held = asked <= limit ? 'held' : contact <= limit ? 'contact' : 'missed';
      say(`${name}, RTT 80`, seconds(limit), `${seconds(asked)} (${seconds(contact)})`, held);
    }
  }
  say(
    'first byte p95',
    seconds(bar.firstByte),
    seconds(percentile(timed.firstBytes, 0.95)),
    percentile(timed.firstBytes, 0.95) <= bar.firstByte,
  );
  say(
    'connected',
    atLeast(CONNECTED),
    percent(clear.connected / clear.runs),
    clear.connected / clear.runs >= CONNECTED,
  );
  if (bar.packets !== undefined) {
    const found = percentile(timed.packets, 0.95);
    say('packets p95, RTT 80', `<= ${bar.packets}`, String(found), found <= bar.packets);
  }
  if (bar.mappings !== undefined) {
    const found = percentile(clear.mappings, 0.95);
    say('mappings p95', `<= ${bar.mappings}`, String(found), found <= bar.mappings);
  }
  const mappings = whole.mappings.at(-1) ?? 0;
  say('mappings at most', `<= ${MAPPINGS}`, String(mappings), mappings <= MAPPINGS);
  say('per second', `<= ${PPS}`, String(whole.perSecond), whole.perSecond <= PPS);
  say('bytes/s', `<= ${BYTES_PER_SECOND}`, String(whole.bytesPerSecond), whole.bytesPerSecond <= BYTES_PER_SECOND);
  say('table entries', `<= ${ENTRIES}`, String(whole.flows), whole.flows <= ENTRIES);
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
