import type { Row } from './rows.ts';
import { directWithin, percentile, together } from './summary.ts';
import { describeCell, type Measured, percent, seconds, type Verdict, worstCell } from './verdict.ts';

/** One row for a person: each promise beside its figure, then what the runs consisted of. */
export function printRow(row: Row, measured: readonly Measured[], verdicts: readonly Verdict[]): string {
  const whole = together(measured.map(({ summary }) => summary));
  const lines = verdicts.map(
    ({ what, bar, measured: figure, held }) =>
      `  ${what.padEnd(20)} ${bar.padEnd(10)} ${figure.padEnd(20)} ${WORDS[held]}`,
  );
  return [
    `\n${row.name}: ${whole.runs} runs in ${measured.length} cells`,
    ...lines,
    `  worst cell: ${worstCell(measured, 0.01)}; ${worstCell(measured, 0.1)}`,
    `  by ${words(whole.methods)}${whole.labels.size > 0 ? `; relayed for ${words(whole.labels)}` : ''}`,
  ].join('\n');
}

export function printCell({ cell, summary }: Measured): string {
  const { times, packets, mappings, perSecond, labels } = summary;
  const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)].map(seconds);
  return `    ${describeCell(cell).padEnd(44)} ${percent(directWithin(summary)).padStart(9)} ${p50} / ${p95}, packets ${percentile(packets, 0.95)}, mappings ${percentile(mappings, 0.95)}, ${perSecond}/s ${words(labels)}`;
}

export const WORDS: Readonly<Record<Verdict['held'], string>> = {
  held: 'held',
  contact: 'held from introduction to contact',
  open: 'below, which so few runs may be by chance',
  missed: 'MISSED',
};

function words(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([word, number]) => `${word} ${number}`)
    .join(', ');
}
