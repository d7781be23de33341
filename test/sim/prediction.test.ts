import { describe, expect, it, test } from 'vitest';
import { CAUSES } from './prediction/causes.ts';
import { atMost, holds } from './prediction/chance.ts';
import { runsOf } from './prediction/crew.ts';
import { NAMES, owed, P2PSP_ROWS } from './prediction/p2psp.ts';
import { cells, ROWS } from './prediction/rows.ts';
import { nodeScore } from './prediction/score.ts';
import { percentile, summarize } from './prediction/summary.ts';
import { trial } from './prediction/trial.ts';
import { judge } from './prediction/verdict.ts';
import { WORLDS } from './prediction/weights.ts';
import { SEED } from './seed.ts';

const RUNS = 12;
/** Fewer where there are many cells. */
const [PER_CELL, MANY] = [4, 40];

/** What a few runs can show: who connects, and what nobody may exceed. Times and costs are for `make tables`. */
const SHOWN = /^(direct|connected|mappings at most|per second|bytes|table entries)/;

describe('the table of what is promised, from a sample', () => {
  it.each(ROWS)('$name', (row) => {
    const all = cells(row);
    const last = SEED + (all.length > MANY ? PER_CELL / 2 : PER_CELL);
    const measured = all.map((cell) => ({ cell, summary: summarize(runsOf(row, cell, SEED, last)) }));
    const missed = judge(row, measured).filter(({ what, held }) => SHOWN.test(what) && held === 'missed');
    expect(missed.map(({ what, bar, measured: figure }) => `${what}: ${figure}, bar ${bar}`)).toEqual([]);
  });
});

test.each(NAMES.flatMap((a) => NAMES.filter((b) => owed(a, b)).map((b) => [a, b] as const)))(
  'the laboratory of P2PSP: %s asks for %s',
  (a, b) => {
    const row = P2PSP_ROWS[NAMES.indexOf(a) * NAMES.length + NAMES.indexOf(b)];
    if (row === undefined) throw new Error('no such pair');
    for (const [delay, loss] of [
      [30, 0.01],
      [10, 0.1],
    ] as const) {
      const cell = { row: row.name, delay, loss, flows: 0.4, varianceOverMean: 1.5 };
      const direct = runsOf(row, cell, SEED, SEED + PER_CELL).filter(({ way }) => way === 'direct').length;
      expect(holds(direct, PER_CELL, 0.98, PER_CELL)).not.toBe('missed');
    }
  },
);

test('a household has four candidates, and as many chances', () => {
  const world = WORLDS['4G/5G routers'];
  expect(nodeScore(() => 1, world, 'random')).toBeCloseTo(1, 9);
  expect(nodeScore(() => 0.5, world, 'random')).toBeCloseTo(15 / 16, 9);
  // Among NATs that never meet any of their own sort no second candidate of that sort is a chance.
  const alone = nodeScore((own, parent) => (own.of === 'R' && parent.of !== 'O' ? 0 : 1), world, 'chosen');
  const open = world.O / (world.O + world.E1 + world.E2);
  expect(alone).toBeCloseTo(1 - (world.R / 98.0) * (1 - open) ** 4, 3);
});

describe('a punch that failed is put down to its cause', () => {
  it.each(CAUSES)('$label: $words', (cause) => {
    const runs = Array.from({ length: RUNS }, (_, i) => trial(cause.scene(SEED + i), SEED + i));
    const words = runs.map(({ verdict, way, label }) => (verdict === '' && way !== 'direct' ? label : verdict));
    const failed = words.filter((word) => word !== '');
    const right = failed.filter((word) => word === cause.label).length;
    // The whole of it, `node test/sim/prediction/labels.ts`, has bars of 95 % and 0.1 %.
    expect(failed.length - right).toBeLessThanOrEqual(3);
    const opposite: Readonly<Record<string, string>> = { drift: 'random', random: 'drift' };
    expect(failed).not.toContain(opposite[cause.label]);
  });
});

test('a port that is given away to whoever comes first is met by bracket, though nobody could see that beforehand', () => {
  const cause = CAUSES.find(({ label }) => label === 'poison');
  if (cause === undefined) throw new Error('no such cause');
  for (let run = SEED; run < SEED + RUNS; run++) expect(trial(cause.scene(run), run).way).toBe('direct');
});

describe('a sample', () => {
  it.each([
    [20, 20, 0.999, 20, 'held'],
    [19, 20, 0.999, 20, 'open'],
    [17, 20, 0.999, 20, 'missed'],
    [995, 1000, 0.998, 500, 'missed'],
    [998, 1000, 0.998, 500, 'held'],
    [0, 20, 0.2, 20, 'open'],
    [0, 80, 0.2, 20, 'missed'],
  ] as const)('of %i good ones in %i, where %f are promised and a cell has %i: %s', (well, runs, share, cell, word) => {
    expect(holds(well, runs, share, cell)).toBe(word);
  });

  it('is judged by the binomial distribution', () => {
    expect(atMost(0, 10, 0.5)).toBeCloseTo(1 / 1024, 9);
    expect(atMost(5, 10, 0.5)).toBeCloseTo(0.623046875, 9);
    expect(atMost(10, 10, 0.3)).toBeCloseTo(1, 9);
    expect([atMost(3, 10, 0), atMost(3, 10, 1)]).toEqual([1, 0]);
  });

  it('has a percentile that so many do not exceed', () => {
    const twenty = Array.from({ length: 20 }, (_, i) => i + 1);
    expect([percentile(twenty, 0.5), percentile(twenty, 0.95), percentile([7], 0.5)]).toEqual([10, 19, 7]);
    expect(percentile([], 0.5)).toBeNaN();
  });
});
