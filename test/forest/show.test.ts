import { expect, test } from 'vitest';
import type { Account } from '../../agent/forest/blow.ts';
import type { Facts, TreeShot } from '../../agent/forest/shot.ts';
import { Show } from '../../agent/forest/show.ts';

/** Households of a shot with who feeds them, as a page reads them. */
function read({ ids, parents, states }: TreeShot): { id: number; parent: number | null; state: string }[] {
  const numbers: number[] = [];
  for (const step of ids) numbers.push((numbers.at(-1) ?? 0) + step);
  return numbers.map((id, i) => {
    const parent = parents[i] ?? -1;
    return {
      id,
      parent: parent === -1 ? null : parent === 0 ? 0 : (numbers[parent - 1] ?? null),
      state: states[i] ?? '',
    };
  });
}

function all(show: Show): Facts[] {
  return read(show.shot()).flatMap(({ id }) => show.facts(id) ?? []);
}

/** Who has most below it: a child of the origin. */
function top(show: Show): Facts {
  const [first] = all(show).toSorted((a, b) => b.below - a.below);
  if (first === undefined) throw new Error('nobody is here');
  return first;
}

function last(show: Show): Account {
  const [blow] = show.shot().blows;
  if (blow === undefined) throw new Error('no blow');
  return blow;
}

const forest = (seed: number, households = 100): Show => new Show({ seed, most: 3, households });

test('a shot names every household once, with the parent that its facts name', () => {
  const show = forest(1);
  const shot = show.shot();
  expect(shot.ids.length).toBe(100);
  for (const { id, parent, state } of read(shot)) {
    expect(show.facts(id)).toMatchObject({ id, parent, state: 'playing' });
    expect(state).toBe('p');
  }
});

test('a thousand households are told in less than 10,000 characters', () => {
  const show = forest(1, 1000);
  show.run(45_000);
  const shot = show.shot();
  expect(shot.ids.length).toBe(1000);
  expect(JSON.stringify(shot).length).toBeLessThan(10_000);
});

test.each([1, 2, 3, 4, 5])('what a kill did is what a look at every millisecond finds (seed %i)', (seed) => {
  const show = forest(seed);
  const { id, below, children } = top(show);
  const began = show.now;
  expect(show.order({ what: 'kill', house: id })).toBe(undefined);
  expect(last(show)).toMatchObject({ cause: { kind: 'killed', house: id }, below, orphans: children.length });
  let placed = 0;
  const waiting = new Set(children);
  while (!last(show).isOver) {
    show.run(show.now + 1);
    for (const child of waiting) {
      const parent = show.facts(child)?.parent ?? null;
      if (parent !== null && parent !== id) waiting.delete(child);
      if (waiting.size === 0 && placed === 0) placed = show.now - began;
    }
  }
  const account = last(show);
  expect(account).toMatchObject({ unplaced: 0, without: 0, gaps: 0, broken: below });
  expect(Math.abs((account.placedMs ?? 0) - placed)).toBeLessThanOrEqual(1);
  expect(account.repairP50Ms).toBeGreaterThan(100);
  expect(account.repairWorstMs).toBeLessThan(600);
  // The latest block of all is the latest of one of them.
  const worst = Math.max(...all(show).map(({ worstMs }) => worstMs));
  expect(account.worstMs).toBe(worst);
  expect(Math.max(...show.shot().strip)).toBe(worst);
});

test('households below a killed one wait, are mended by spares, and play again', () => {
  const show = forest(2);
  show.order({ what: 'kill', house: top(show).id });
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    show.run(show.now + 10);
    for (const state of show.shot().states) seen.add(state);
  }
  expect([...seen].toSorted()).toEqual(['d', 'm', 'p']);
  expect(new Set(show.shot().states)).toEqual(new Set('p'));
});

test('a household that leaves in order costs nobody a block, and the origin feeds no third meanwhile', () => {
  const show = forest(3);
  const { id, below } = top(show);
  show.order({ what: 'leave', house: id });
  show.run(show.now + 4000);
  expect(last(show)).toMatchObject({ below, gaps: 0, unplaced: 0, isOver: true });
  // One round trip passes between what the leaver gave its heir last and what the origin gives it first.
  expect(last(show).worstMs).toBeLessThan(300);
  expect(last(show).placedMs).toBeLessThan(2500);
  expect(show.facts(id)).toBe(undefined);
});

test('who saw a gap is counted once, and shown', () => {
  const show = new Show({ seed: 3, most: 2, households: 100 });
  show.order({ what: 'kill-feeders' });
  let shown = 0;
  for (let i = 0; i < 300; i++) {
    show.run(show.now + 100);
    shown = Math.max(shown, show.shot().states.replaceAll(/[^g]/g, '').length);
  }
  const { gaps, worstMs, broken } = last(show);
  expect(gaps).toBeGreaterThan(0);
  expect(gaps).toBeLessThanOrEqual(broken);
  expect(worstMs).toBeGreaterThan(700);
  expect(shown).toBeGreaterThan(0);
  expect(shown).toBeLessThanOrEqual(gaps);
});

test('a carrier takes all its households with it, and as many come back with the same lines', () => {
  const show = forest(4);
  const lines = (): number[] =>
    all(show)
      .map(({ slots }) => slots)
      .toSorted((a, b) => a - b);
  const before = lines();
  show.order({ what: 'carrier-out' });
  const { cause } = last(show);
  if (cause.kind !== 'carrier') throw new Error(cause.kind);
  expect(cause.many).toBeGreaterThan(0);
  expect(all(show).length).toBe(100 - cause.many);
  expect(all(show).map(({ carrier }) => carrier)).not.toContain(cause.carrier);
  show.run(show.now + 9000);
  expect(all(show).length).toBe(100 - cause.many);
  show.run(show.now + 6000);
  expect(lines()).toEqual(before);
});

test('without a rendezvous it heals as well', () => {
  const show = forest(1);
  expect(show.order({ what: 'rendezvous', on: false })).toBe(undefined);
  expect(show.order({ what: 'rendezvous', on: false })).toMatch(/off already/);
  show.order({ what: 'kill', house: top(show).id });
  show.run(show.now + 5000);
  expect(last(show)).toMatchObject({ unplaced: 0, without: 0, isOver: true });
  expect(show.shot().rendezvous).toBe(false);
});

test('the forest becomes as large or small as it is told to', () => {
  const show = forest(6, 31);
  show.order({ what: 'size', households: 200 });
  show.run(show.now + 30_000);
  expect(show.shot().states).toBe('p'.repeat(200));
  show.order({ what: 'size', households: 20 });
  show.run(show.now + 30_000);
  expect(show.shot().states).toBe('p'.repeat(20));
});

test('where households stay a minute, about as many of a hundred have gone after it as must', () => {
  const show = forest(7);
  const first = new Set(all(show).map(({ id }) => id));
  show.order({ what: 'stay', seconds: 60 });
  show.run(show.now + 60_000);
  const left = all(show).filter(({ id }) => first.has(id)).length;
  // One in e, give or take four standard deviations.
  expect(left).toBeGreaterThan(17);
  expect(left).toBeLessThan(57);
});

test('the origin is not killed, and nobody twice', () => {
  const show = forest(8, 31);
  expect(show.order({ what: 'kill', house: 0 })).toMatch(/origin stays/);
  const { id } = top(show);
  show.order({ what: 'kill', house: id });
  expect(show.order({ what: 'kill', house: id })).toBe(`Household ${id} has gone already.`);
  expect(show.shot().blows.length).toBe(1);
});
