import { describe, expect, it } from 'vitest';
import { SEED } from './seed.ts';
import { arrivalOrder } from './tree/arrival.ts';
import { churn, flash, HOUR, liars, outage, withoutRendezvous } from './tree/scenarios.ts';
import { quantile } from '../../agent/forest/tally.ts';

/** A sample of `node test/sim/tree/table.ts`: fewer households, a shorter time, the bars where so few can hold them. */
const crowd = { seed: SEED, most: 2, households: 600, stay: HOUR };
const flat = Math.ceil(Math.log2(crowd.households));

describe('households with sessions of an hour', () => {
  const { tally, median } = churn(crowd, HOUR / 2);

  it('see less than one visible gap in six hours', () => {
    expect(tally.departures).toBeGreaterThan(100);
    expect(tally.perViewerHour(tally.gaps[1] ?? 0)).toBeLessThanOrEqual(0.15);
  });

  it('get the first repaired block within half a second of a failure, and mostly in 200 ms', () => {
    expect(tally.repairs.length).toBeGreaterThan(30);
    expect(quantile(tally.repairs, 0.5)).toBeLessThanOrEqual(200);
    expect(quantile(tally.repairs, 0.99)).toBeLessThanOrEqual(500);
  });

  it('hang as near to the origin as a balanced tree allows, and two steps', () => {
    expect(median.p99).toBeLessThanOrEqual(flat + 2);
    expect(median.most).toBeLessThanOrEqual(flat + 4);
  });

  it('have two streams from the origin, and at no moment a third', () => {
    expect(tally.copies).toBe(crowd.most);
  });

  it('would see a hundred times as many in a tree by order of arrival', () => {
    const { tally: plain } = arrivalOrder(SEED, crowd.households, HOUR, 120_000, 120_000 + HOUR);
    const ours = Math.max(1, tally.gaps[1] ?? 0);
    expect(plain.perViewerHour(plain.gaps[1] ?? 0)).toBeGreaterThan(100 * tally.perViewerHour(ours));
  });
});

it('ten minutes without a rendezvous cost nobody the stream', () => {
  const { lost, seconds } = withoutRendezvous(crowd);
  expect(lost).toBe(0);
  expect(seconds).toBeLessThan(120);
});

it('a tenth of all prefixes may vanish at once', () => {
  const { hit, after } = outage(crowd, ({ prefix }) => Number(prefix.slice(1)) < 50);
  expect(hit).toBeGreaterThan(0);
  expect(after.find(({ seconds }) => seconds === 3)?.share).toBeGreaterThanOrEqual(0.97);
});

it('a crowd within ten seconds gets in, and the origin feeds its two', () => {
  const { most, tally } = flash(crowd);
  expect(tally.copies).toBe(crowd.most);
  expect(most).toBeLessThan(120_000);
});

it.each(['mute', 'corrupt'] as const)('a %s parent is left within half a second', (manner) => {
  const { stayed } = liars(crowd, manner);
  expect(stayed.length).toBeGreaterThan(10);
  expect(quantile(stayed, 0.95)).toBeLessThanOrEqual(500);
});
