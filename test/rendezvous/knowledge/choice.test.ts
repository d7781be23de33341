import { describe, expect, it, test } from 'vitest';
import { seeded } from '../../../agent/base/random.ts';
import type { Method } from '../../../agent/base/outcome.ts';
import { ms } from '../../../agent/base/time.ts';
import { beta, gamma } from '../../../agent/rendezvous/knowledge/chance.ts';
import type { Knowledge } from '../../../agent/rendezvous/knowledge/knowledge.ts';
import { day, knowledge } from './fleet.ts';

const today = day(100);
const PAIR = 'preserve+sequential';

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Trial number `n` of a pair class, each by another household in another network. */
function report(to: Knowledge, n: number, method: Method, success: boolean, seconds = 0.3): void {
  const ip = `${1 + (n >> 14)}.${(n >> 7) & 127}.${n & 127}.1`;
  const after = ms(seconds * 1000);
  to.learn({ kind: 'outcome', by: `home ${n}`, ip, pairClass: PAIR, method, success, after }, today);
}

describe('samples of chance', () => {
  test.each([0.3, 1, 2.5, 40])('of the gamma distribution with shape %f have its mean and its variance', (shape) => {
    const random = seeded(3);
    const samples = Array.from({ length: 40_000 }, () => gamma(shape, random));
    const middle = mean(samples);
    const variance = mean(samples.map((sample) => (sample - middle) ** 2));
    // Four deviations of the mean of so many.
    expect(Math.abs(middle - shape)).toBeLessThan(4 * Math.sqrt(shape / samples.length));
    expect(variance / shape).toBeGreaterThan(0.9);
    expect(variance / shape).toBeLessThan(1.1);
  });

  test.each([
    [1, 1],
    [8, 2],
    [0.5, 0.5],
    [300, 20],
  ])('of Beta(%f, %f) have its mean, its variance and its median', (a, b) => {
    const random = seeded(4);
    const samples = Array.from({ length: 40_000 }, () => beta(a, b, random));
    const variance = (a * b) / ((a + b) ** 2 * (a + b + 1));
    const middle = mean(samples);
    expect(Math.abs(middle - a / (a + b))).toBeLessThan(4 * Math.sqrt(variance / samples.length));
    expect(mean(samples.map((sample) => (sample - middle) ** 2)) / variance).toBeCloseTo(1, 1);
    expect(samples.every((sample) => sample >= 0 && sample <= 1)).toBe(true);
  });
});

describe('the choice of a method', () => {
  it('finds the better one of two within 200 trials, and stays with it', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const fleet = knowledge({ random: seeded(seed) });
      const luck = seeded(1000 + seed);
      const chosen: Method[] = [];
      for (let n = 0; n < 400; n++) {
        const method = fleet.choose(PAIR, ['birthday', 'bracket'], today);
        chosen.push(method);
        report(fleet, n, method, luck(100) < (method === 'bracket' ? 90 : 60));
      }
      expect(chosen.slice(200).filter((method) => method === 'bracket').length).toBeGreaterThan(180);
    }
  });

  it('regrets less than always taking what went best so far', () => {
    const share: Readonly<Record<string, number>> = { bracket: 0.7, walk: 0.6, birthday: 0.5 };
    const methods: readonly Method[] = ['birthday', 'walk', 'bracket'];
    const regrets = { thompson: [] as number[], greedy: [] as number[] };
    for (let seed = 1; seed <= 60; seed++) {
      const fleet = knowledge({ random: seeded(seed) });
      const counts = new Map(methods.map((method) => [method, { won: 1, lost: 1 }]));
      const greedy = (): Method => [...counts].reduce((best, one) => (rate(one[1]) > rate(best[1]) ? one : best))[0];
      for (const [name, choose] of [
        ['thompson', () => fleet.choose(PAIR, methods, today)],
        ['greedy', greedy],
      ] as const) {
        const luck = seeded(seed);
        let regret = 0;
        for (let n = 0; n < 500; n++) {
          const method = choose();
          const success = luck(1000) < 1000 * (share[method] ?? 0);
          regret += 0.7 - (share[method] ?? 0);
          if (name === 'thompson') report(fleet, n, method, success);
          const count = counts.get(method);
          if (name === 'greedy' && count !== undefined) count[success ? 'won' : 'lost']++;
        }
        regrets[name].push(regret);
      }
    }
    expect(mean(regrets.thompson)).toBeLessThan(mean(regrets.greedy) * 0.9);
  });

  it('goes the usual way nine times of ten while nothing is known, and the other one once', () => {
    const fleet = knowledge();
    const chosen = Array.from({ length: 1000 }, () => fleet.choose(PAIR, ['block', 'block-inverse'], today));
    const usual = chosen.filter((way) => way === 'block').length;
    expect(usual).toBeGreaterThan(850);
    expect(usual).toBeLessThan(980);
  });

  it('says what nobody has tried, there or anywhere', () => {
    const fleet = knowledge();
    const [here, there] = ['203.0.113.7', '198.51.100.7'];
    expect(fleet.hasTried(PAIR, 'block-inverse', today, [here])).toBe(false);
    fleet.learn(
      {
        kind: 'outcome',
        by: 'home',
        ip: there,
        pairClass: PAIR,
        method: 'block-inverse',
        success: true,
        after: ms(300),
      },
      today,
    );
    expect(fleet.hasTried(PAIR, 'block-inverse', today, [here])).toBe(true);
    expect(fleet.hasTried(PAIR, 'block', today, [here])).toBe(false);
  });

  it('prefers what is quick among what works', () => {
    const fleet = knowledge();
    for (let n = 0; n < 200; n++) report(fleet, n, n % 2 === 0 ? 'bracket' : 'birthday', true, n % 2 === 0 ? 0.3 : 12);
    const chosen = Array.from({ length: 100 }, () => fleet.choose(PAIR, ['birthday', 'bracket'], today));
    expect(chosen.filter((method) => method === 'bracket').length).toBeGreaterThan(95);
  });

  it('of one network may differ from that of the fleet', () => {
    const fleet = knowledge();
    for (let n = 0; n < 300; n++) report(fleet, n, n % 2 === 0 ? 'bracket' : 'birthday', n % 2 === 0);
    for (let n = 0; n < 60; n++) {
      const method = n % 2 === 0 ? 'bracket' : 'birthday';
      const from = { by: `here ${n}`, ip: `203.0.113.${n}` };
      fleet.learn(
        { kind: 'outcome', ...from, pairClass: PAIR, method, success: method === 'birthday', after: ms(300) },
        today,
      );
    }
    const often = (ips: readonly string[]): number =>
      Array.from({ length: 200 }, () => fleet.choose(PAIR, ['bracket', 'birthday'], today, ips)).filter(
        (method) => method === 'birthday',
      ).length;
    expect(often([])).toBeLessThan(10);
    expect(often(['203.0.113.200', '198.51.100.1'])).toBeGreaterThan(150);
  });

  it('learns anew when the better one stops working', () => {
    const fleet = knowledge();
    for (let n = 0; n < 2000; n++) report(fleet, n, n % 2 === 0 ? 'bracket' : 'birthday', n % 2 === 0 || n % 3 === 0);
    let turned: number | undefined;
    for (let n = 2000; n < 6000 && turned === undefined; n++) {
      const method = fleet.choose(PAIR, ['bracket', 'birthday'], today);
      if (method === 'birthday' && fleet.choose(PAIR, ['bracket', 'birthday'], today) === method) turned = n - 2000;
      report(fleet, n, method, method === 'birthday');
    }
    expect(turned).toBeLessThan(400);
  });
});

function rate({ won, lost }: { won: number; lost: number }): number {
  return won / (won + lost);
}
