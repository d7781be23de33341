import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { place, Tree } from '../../agent/tree/plan.ts';

/** `origin:2(a:2(c:0,d:1),b:0)`: a node, how many children it feeds, and those it has. */
function tree(text: string): Tree {
  const grown = new Tree();
  const path: string[] = [];
  let last = '';
  for (const [, node, slots, mark] of text.matchAll(/(\w+):(\d+)|([(),])/g)) {
    if (node !== undefined) {
      if (grown.root === undefined) grown.plant(node, Number(slots));
      else grown.enter(node, Number(slots));
      const parent = path.at(-1);
      if (parent !== undefined) grown.attach(node, parent);
      last = node;
    } else if (mark === '(') path.push(last);
    else if (mark === ')') path.pop();
  }
  return grown;
}

describe('placing a household', () => {
  it.each([
    ['under the origin while it has a free slot', 'o:2(a:2)', [], 'o'],
    ['under the shallowest free member when the origin is full', 'o:2(a:2(c:2),b:2)', [], 'a'],
    ['past members that feed nobody', 'o:1(a:1(b:0))', [], undefined],
    ['past a full level', 'o:1(a:1(b:3))', [], 'b'],
    ['not under those it avoids', 'o:2(a:2,b:2)', ['a'], 'b'],
    ['nowhere when all it could have is avoided', 'o:1', ['o'], undefined],
  ])('%s', (_where, text, avoid, parent) => {
    expect(place(tree(text), 'x', new Set(avoid))).toBe(parent);
  });

  it('prefers the best ranked of one depth, and takes none ranked as never', () => {
    const grown = tree('o:3(a:1,b:1,c:1)');
    const rank = (parent: string): number => ({ a: 2, b: 1, c: Infinity })[parent] ?? 0;
    expect(place(grown, 'x', new Set(), rank)).toBe('b');
    expect(place(grown, 'x', new Set(['a', 'b']), rank)).toBe(undefined);
  });

  it('never goes below the household itself', () => {
    const grown = tree('o:1(a:2(b:2,c:2))');
    grown.detach('a');
    expect(place(grown, 'a', new Set(['o']))).toBe(undefined);
    expect(place(grown, 'a', new Set())).toBe('o');
  });
});

describe('a tree', () => {
  it('keeps the children of a lost node together with theirs, without a place', () => {
    const grown = tree('o:2(a:2(c:1(e:0),d:1),b:2)');
    expect(grown.remove('a')).toEqual(['c', 'd']);
    expect(grown.get('c')).toMatchObject({ parent: undefined, depth: undefined });
    expect(grown.get('e')).toMatchObject({ parent: 'c', depth: undefined });
    expect(grown.attach('c', 'b')).toBe(true);
    expect(grown.get('e')?.depth).toBe(3);
  });

  it('refuses loops', () => {
    const grown = tree('o:1(a:2(b:2(c:2)))');
    expect(grown.attach('a', 'c')).toBe(false);
    expect(grown.attach('a', 'a')).toBe(false);
    expect(grown.attach('o', 'a')).toBe(false);
  });

  it('changes its origin, and those under the old one are loose until they ask again', () => {
    const grown = tree('o:2(a:2,b:2)');
    grown.plant('p', 1);
    expect(grown.get('a')?.depth).toBe(undefined);
    expect(place(grown, 'a', new Set())).toBe('p');
  });
});

describe('whatever happens', () => {
  /** The same, as one would write it without a thought for cost. */
  class Naive {
    readonly parents = new Map<string, string | undefined>();
    readonly slots = new Map<string, number>();

    children(of: string): string[] {
      return [...this.parents].filter(([, parent]) => parent === of).map(([node]) => node);
    }

    depth(of: string): number | undefined {
      const parent = this.parents.get(of);
      if (parent === undefined) return of === 'o' ? 0 : undefined;
      const above = this.depth(parent);
      return above === undefined ? undefined : above + 1;
    }

    isBelow(node: string, top: string): boolean {
      const parent = this.parents.get(node);
      return node === top || (parent !== undefined && this.isBelow(parent, top));
    }

    /** Steps down from a node to the nearest that fits. */
    nearest(from: string, fits: (node: string) => boolean): number {
      const below = this.children(from).map((child) => this.nearest(child, fits) + 1);
      return Math.min(fits(from) ? 0 : Infinity, ...below);
    }

    height(of: string): number {
      return Math.max(0, ...this.children(of).map((child) => this.height(child) + 1));
    }

    isFree(node: string): boolean {
      return this.children(node).length < (this.slots.get(node) ?? 0);
    }

    bestDepth(joiner: string, avoid: readonly string[]): number | undefined {
      const fit = [...this.parents.keys()].filter(
        (node) =>
          this.depth(node) !== undefined &&
          this.children(node).length < (this.slots.get(node) ?? 0) &&
          !avoid.includes(node) &&
          !this.isBelow(node, joiner),
      );
      return fit.length === 0 ? undefined : Math.min(...fit.map((node) => this.depth(node) ?? Infinity));
    }
  }

  const node = fc.integer({ min: 0, max: 14 }).map((number) => `n${number}`);
  const happening = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        what: fc.constant('join' as const),
        node,
        slots: fc.nat(3),
        avoid: fc.array(node, { maxLength: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('leave' as const), node }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('resize' as const), node, slots: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('detach' as const), node }) },
  );

  it('slots, depths and places agree with a naive model, and nobody feeds more than it said', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const grown = new Tree();
        const naive = new Naive();
        grown.plant('o', 2);
        naive.parents.set('o', undefined);
        naive.slots.set('o', 2);
        for (const one of happenings) {
          switch (one.what) {
            case 'join': {
              grown.detach(one.node);
              grown.enter(one.node, one.slots);
              naive.parents.set(one.node, undefined);
              naive.slots.set(one.node, one.slots);
              const expected = naive.bestDepth(one.node, one.avoid);
              const parent = place(grown, one.node, new Set(one.avoid));
              expect(parent === undefined ? undefined : naive.depth(parent)).toBe(expected);
              if (parent === undefined) break;
              expect(naive.children(parent).length).toBeLessThan(naive.slots.get(parent) ?? 0);
              expect(grown.attach(one.node, parent)).toBe(true);
              naive.parents.set(one.node, parent);
              break;
            }
            case 'leave': {
              const orphans = naive.children(one.node);
              expect(grown.remove(one.node).toSorted()).toEqual(orphans.toSorted());
              naive.parents.delete(one.node);
              for (const orphan of orphans) naive.parents.set(orphan, undefined);
              break;
            }
            case 'resize':
              grown.resize(one.node, one.slots);
              if (naive.parents.has(one.node)) naive.slots.set(one.node, one.slots);
              break;
            case 'detach':
              grown.detach(one.node);
              if (naive.parents.has(one.node)) naive.parents.set(one.node, undefined);
          }
          for (const name of naive.parents.keys()) {
            const member = grown.get(name);
            expect([member?.parent, member?.depth, [...(member?.children ?? [])].toSorted()]).toEqual([
              naive.parents.get(name),
              naive.depth(name),
              naive.children(name).toSorted(),
            ]);
            expect([member?.nearest.free, member?.nearest.leaf, member?.height]).toEqual([
              naive.nearest(name, (node) => naive.isFree(node)),
              naive.nearest(name, (node) => node !== 'o' && naive.slots.get(node) === 0),
              naive.height(name),
            ]);
          }
          expect(grown.size).toBe(naive.parents.size);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('60,000 households find a place each without slowing down', () => {
    const grown = new Tree();
    grown.plant('o', 2);
    for (let i = 0; i < 60_000; i++) {
      grown.enter(`n${i}`, 2);
      const parent = place(grown, `n${i}`, new Set());
      if (parent !== undefined) grown.attach(`n${i}`, parent);
    }
    const deepest = Math.max(...[...grown.members()].map(({ depth = Infinity }) => depth));
    expect(deepest).toBe(Math.floor(Math.log2(60_001)));
  });
});
