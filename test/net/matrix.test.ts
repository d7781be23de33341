import { expect, test } from 'vitest';
import { matrix } from './matrix.ts';
import { bars, barText, classOf, table } from './matrix-bars.ts';
import { describeInLab } from './missing.ts';
import { MATRIX } from './nats.ts';

/** Times are printed beside their bars; on a machine that others use they prove nothing, so none is asserted. */
describeInLab('every ordered pair of NATs', () => {
  test('meets directly wherever a port can be known, and is connected everywhere', { timeout: 900_000 }, async () => {
    const line = { delayMs: 20 };
    const attempts = await matrix({ kinds: MATRIX, runs: 1, place: 'host', line, atOnce: 2, patience: 20 });
    for (const { from, to, line: said, direct } of attempts) if (!direct) console.log(`${from} → ${to}: ${said}`);
    console.log(table(MATRIX, attempts));
    console.log(bars(attempts).map(barText).join('\n'));
    const certain = attempts.filter(({ from, to }) => ['knowable', 'spray'].includes(classOf(from, to)));
    const relayed = certain.filter(({ direct }) => !direct).map(({ from, to }) => `${from} → ${to}`);
    // One in a hundred may miss, and this is one run of each: two of 120 happen by chance in a third of all runs.
    expect(relayed.length, relayed.join(', ')).toBeLessThanOrEqual(2);
    expect(attempts.filter(({ method }) => method === undefined)).toEqual([]);
    expect(attempts).toHaveLength(MATRIX.length ** 2);
  });
});
