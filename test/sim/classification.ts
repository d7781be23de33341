/**
 * How often a NAT is recognised: `node test/sim/classification.ts [--runs 500]`. Each cell runs the product's probe
 * through one allocator of the emulator; beside it stand the rules of frp and of EasyTier.
 * Bars, for the 29 of the first table: 99.5 % right, and of the blocks 99.5 % found. Ends with 1 when one was missed.
 */
import { parseArgs } from 'node:util';
import { classify } from '../../agent/nat/classify.ts';
import { probed, type Weather } from './classification/line.ts';
import { near, quantile, type Score, score } from './classification/score.ts';
import { FURTHER, PACES, type Setting, SETTINGS } from './classification/settings.ts';
import { holds } from './prediction/chance.ts';
import { WORDS } from './prediction/print.ts';
import { SEED } from './seed.ts';

const BAR = 0.995;

export const WEATHERS: readonly Weather[] = [20, 50, 150].flatMap((delay) =>
  [0.01, 0.1].map((loss) => ({ delay, loss, gap: loss > 0.05 ? 0.5 : 0.02 })),
);

function percent(part: number, whole: number): string {
  const share = (100 * part) / whole;
  return share === 100 ? '100' : share.toFixed(share >= 99.99 ? 4 : share >= 99.95 ? 2 : 1);
}

function row(setting: Setting, runs: number): Score[] {
  const scores = WEATHERS.map((weather, cell) => score(setting, weather, runs, SEED * 64 + cell));
  const sum = (of: (score: Score) => number): number => scores.reduce((total, score) => total + of(score), 0);
  const all = sum(({ runs }) => runs);
  const drifts = scores.flatMap((score) => score.drifts);
  const stepping = setting.step !== undefined && setting.step !== 0 && setting.mapping !== 'address-dependent';
  const wrong = new Map<string, number>();
  for (const score of scores) for (const [said, times] of score.wrong) wrong.set(said, (wrong.get(said) ?? 0) + times);
  console.log(
    [
      setting.name.padEnd(42),
      ...scores.map((score) => percent(score.right, score.runs).padStart(6)),
      (setting.counters === undefined
        ? ''
        : percent(
            sum(({ counted }) => counted),
            all,
          )
      ).padStart(6),
      (setting.size === undefined
        ? ''
        : percent(
            sum(({ found }) => found),
            all,
          )
      ).padStart(6),
      (stepping ? quantile(drifts, 0.5).toFixed(0) : '').padStart(6),
      (stepping && setting.flows >= 50 ? percent(near(drifts, setting.flows), 1) : '').padStart(6),
      quantile(
        scores.flatMap(({ probes }) => probes),
        0.5,
      )
        .toFixed(0)
        .padStart(6),
      (setting.frp === undefined
        ? '–'
        : percent(
            sum(({ frp }) => frp),
            all,
          )
      ).padStart(6),
      (setting.easytier === undefined
        ? '–'
        : percent(
            sum(({ easytier }) => easytier),
            all,
          )
      ).padStart(6),
      ` ${[...wrong].map(([said, times]) => `${said} ×${times}`).join(', ')}`,
    ].join(' '),
  );
  return scores;
}

function table(title: string, settings: readonly Setting[], runs: number): Score[][] {
  console.log(`\n${title}\n`);
  const weathers = WEATHERS.map(({ delay, loss }) => `${delay}/${loss * 100}`.padStart(6));
  const columns = ['count', 'range', 'drift', '±30 %', 'probes', 'frp', 'EasyT'].map((name) => name.padStart(6));
  console.log(['right %, by one-way ms / % lost each way'.padEnd(42), ...weathers, ...columns].join(' '));
  const scores = settings.map((setting) => row(setting, runs));
  const all = scores.flat();
  const right = all.reduce((total, score) => total + score.right, 0);
  const worst = Math.min(...all.map((score) => score.right / score.runs));
  console.log(
    `all: ${percent(
      right,
      all.reduce((total, { runs }) => total + runs, 0),
    )} % right, worst cell ${percent(worst, 1)} %`,
  );
  for (const [cell, { delay, loss }] of WEATHERS.entries()) {
    const times = scores.flatMap((row) => row[cell]?.times ?? []);
    const [p50, p95] = [0.5, 0.95].map((q) => quantile(times, q).toFixed(0));
    console.log(`${delay} ms one way, ${loss * 100} % lost: profile after ${p50} ms (p95 ${p95} ms)`);
  }
  return scores;
}

/** True when it is held, or too small a sample to say. */
function judge(what: string, scores: readonly Score[], good: (score: Score) => number): boolean {
  const [well, runs] = [good, (score: Score) => score.runs].map((of) => scores.reduce((sum, one) => sum + of(one), 0));
  const held = holds(well ?? 0, runs ?? 0, BAR, scores[0]?.runs ?? 0);
  console.log(`${what.padEnd(12)} >= ${100 * BAR} %   ${percent(well ?? 0, runs ?? 1)} % of ${runs}   ${WORDS[held]}`);
  return held !== 'missed';
}

/** What one verdict costs this machine, once the code is warm. */
function cost(): string {
  const weather = WEATHERS[3];
  if (weather === undefined) throw new Error('no weather');
  const many = SETTINGS.flatMap((setting) => [1, 2, 3, 4, 5].map((seed) => probed(setting, weather, seed).samples));
  const silent = { otherPort: 'silent', otherAddress: 'silent', portAfter: 'kept' } as const;
  const times = many.map((samples) => {
    const start = performance.now();
    classify(samples, silent, []);
    return performance.now() - start;
  });
  return [0.5, 0.95].map((q) => quantile(times, q).toFixed(2)).join(' ms in the median, p95 ');
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '500' } } });
  const runs = Number(values.runs);
  const start = performance.now();
  const rows = table('The 29 allocators of the bar', SETTINGS, runs);
  table('Further ones', FURTHER, runs);
  table('Every counter at every pace of others', PACES, runs);
  console.log(`\none verdict takes ${cost()} ms\n`);
  const blocks = rows.filter((_, i) => SETTINGS[i]?.kinds[0] === 'block-random');
  const held = [
    judge('recognised', rows.flat(), ({ right }) => right),
    judge('block found', blocks.flat(), ({ found }) => found),
  ];
  process.exitCode = held.every(Boolean) ? 0 : 1;
  console.log(`${((performance.now() - start) / 1000).toFixed(0)} s`);
}
