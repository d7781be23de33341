import { expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { demoForest } from '../../agent/roles/demo-forest.ts';

function stage(): { forest: ReturnType<typeof demoForest>; readonly pass: (ms: number) => number } {
  let now = 0;
  const forest = demoForest({ random: seeded(1), clock: () => now });
  forest.shot();
  const pass = (ms: number): number => {
    const before = forest.shot().atMs;
    now += ms;
    return forest.shot().atMs - before;
  };
  return { forest, pass };
}

test('the forest of the demo keeps the time that it was told to keep', () => {
  const { forest, pass } = stage();
  expect(pass(100)).toBe(100);
  expect(forest.order({ what: 'speed', factor: 0.1 })).toBe(undefined);
  expect(pass(100)).toBe(10);
  forest.order({ what: 'speed', factor: 10 });
  expect(pass(100)).toBe(1000);
  forest.order({ what: 'speed', factor: 0 });
  expect(pass(100)).toBe(0);
});

test('what passed while nobody looked is not worked out', () => {
  expect(stage().pass(3_600_000)).toBe(500);
});

test('with another number of children the forest is another one, of the same size', () => {
  const { forest } = stage();
  forest.order({ what: 'kill-feeders' });
  expect(forest.order({ what: 'children', most: 8 })).toBe(undefined);
  expect(forest.shot()).toMatchObject({ most: 8, wanted: 31, blows: [] });
  expect(forest.shot().states).toBe('p'.repeat(31));
});

test('an order that nobody understands is answered with a sentence', () => {
  expect(stage().forest.order({ what: 'burn' })).toMatch(/"what" must be kill/);
});
