import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { Moves } from '../../agent/tree/moves.ts';
import { chooseCrowded, chooseSlot } from '../../agent/tree/placement.ts';
import { Plan, Tree } from '../../agent/tree/plan.ts';
import type { Suits } from '../../agent/tree/suits.ts';

const NOBODY: ReadonlySet<string> = new Set();

/** A plan and its clock; households do at once what they are told, unless a test says otherwise. */
class Scene {
  readonly plan: Plan;
  now = 0;

  constructor(suits: Partial<Suits> = {}, most = 2) {
    this.plan = new Plan({
      random: seeded(1),
      most,
      suits: { rank: () => 0, rtt: () => 40, isNear: () => false, ...suits },
    });
    this.plan.plant('o', 2);
  }

  join(node: string, capacity: number, { prefix = node, avoid = NOBODY, most = capacity } = {}) {
    return this.plan.join(node, { capacity, most, prefix }, avoid, at(this.now));
  }

  /** Takes the place that the table has for it, and both ends say so. */
  settle(node: string): void {
    const seat = this.plan.tree.get(node);
    const parent = seat?.parent;
    this.plan.stand(node, { parent, children: seat?.children ?? [] }, at(this.now));
    const above = parent === undefined ? undefined : this.plan.tree.get(parent);
    if (above !== undefined)
      this.plan.stand(above.node, { parent: above.parent, children: above.children }, at(this.now));
  }

  /** Joins and settles; it may have children two seconds later. */
  add(node: string, capacity: number): string | undefined {
    const answer = this.join(node, capacity);
    if (answer.kind === 'wait') return undefined;
    this.settle(node);
    this.pass(2000);
    return answer.parent;
  }

  pass(span: number) {
    this.now += span;
    return this.plan.due(at(this.now));
  }
}

describe('a newcomer', () => {
  it('goes under the origin first, then under whoever can feed', () => {
    const scene = new Scene();
    expect([scene.add('a', 2), scene.add('b', 2), scene.add('c', 2)]).toEqual(['o', 'o', expect.stringMatching(/a|b/)]);
  });

  it('gets no parent that has had the stream for less than a second, and is told when to come back', () => {
    const scene = new Scene();
    scene.add('a', 2);
    scene.join('b', 2);
    scene.settle('b');
    scene.join('c', 2);
    scene.settle('c');
    scene.join('d', 2);
    const answer = scene.join('e', 2);
    expect(answer).toMatchObject({ kind: 'wait' });
    if (answer.kind === 'wait') expect(answer.retryIn).toBeLessThan(3000);
    scene.pass(1100);
    expect(scene.join('e', 2).kind).toBe('placed');
  });

  it('comes back when there is a new generation, and who lost the stream within a second, sooner with others below it', () => {
    const scene = new Scene();
    for (const node of ['a', 'b', 'c', 'd']) scene.add(node, 1);
    scene.add('e', 0);
    const avoid = new Set(['o', 'a', 'b', 'c', 'd']);
    const waits = ['z', 'e', scene.plan.tree.get('e')?.parent ?? ''].map((node) => {
      const answer = scene.join(node, node === 'z' || node === 'e' ? 0 : 1, { avoid });
      return answer.kind === 'wait' ? answer.retryIn : NaN;
    });
    const [newcomer = NaN, leaf = NaN, tall = NaN] = waits;
    expect(newcomer).toBeGreaterThan(1000);
    expect(leaf).toBeLessThan(1000);
    expect(tall).toBeLessThan(leaf);
    expect(tall).toBeGreaterThan(50);
  });

  it('that passes nothing on does not take the last slot of the origin', () => {
    const scene = new Scene();
    expect(scene.add('leaf', 0.9)).toBe('o');
    expect(scene.add('other', 0)).toBe(undefined);
    expect(scene.add('a', 2)).toBe('o');
    expect(scene.add('other', 0)).toBe('a');
  });

  it('that passes on is put above a household that does not, which follows when there is something to get', () => {
    const scene = new Scene();
    for (const [node, capacity] of [
      ['a', 2],
      ['b', 2],
      ['leaf', 0],
      ['c', 2],
      ['d', 2],
      ['e', 2],
    ] as const)
      scene.add(node, capacity);
    const [parent, answer] = [scene.plan.tree.get('leaf')?.parent, scene.join('strong', 2)];
    expect(answer).toMatchObject({ kind: 'placed', parent, displaced: 'leaf' });
    scene.settle('strong');
    expect(scene.pass(900)).toEqual([]);
    expect(scene.pass(200)).toEqual([{ node: 'leaf', to: 'strong', instead: undefined }]);
  });

  it('that found itself another place is not followed there by whoever was to make room for it', () => {
    const scene = new Scene();
    for (const node of ['a', 'b']) scene.add(node, 2);
    for (const node of ['leaf', 'c', 'd', 'e']) scene.add(node, node === 'leaf' ? 0 : 2);
    const parent = scene.plan.tree.get('leaf')?.parent ?? '';
    expect(scene.join('strong', 2)).toMatchObject({ kind: 'placed', parent, displaced: 'leaf' });
    const other = ['c', 'd', 'e'].find((node) => scene.plan.tree.get(node)?.parent !== parent) ?? '';
    scene.plan.stand('strong', { parent: other, children: [] }, at(scene.now));
    scene.plan.stand(other, { parent: scene.plan.tree.get(other)?.parent, children: ['strong'] }, at(scene.now));
    expect(scene.plan.tree.get('strong')?.parent).toBe(other);
    expect(scene.plan.tree.get('leaf')?.parent).toBe(parent);
    expect(scene.pass(1100)).toEqual([]);
  });

  it('that feeds two makes a household that feeds nobody leave its place under the origin, once, and has it then', () => {
    const scene = new Scene();
    scene.add('leaf', 0);
    scene.add('a', 2);
    expect(scene.join('b', 2).kind).toBe('wait');
    expect(scene.pass(10)).toEqual([{ node: 'leaf', to: 'a', instead: undefined }]);
    scene.settle('leaf');
    expect(scene.join('b', 2)).toMatchObject({ kind: 'placed', parent: 'o' });
    expect(scene.plan.moved).toMatchObject({ lifted: 0, followed: 1 });
  });

  it('goes where its NAT suits, then to its own carrier, then where it is near', () => {
    const rtt = (a: string, b: string): number => (a === 'near' || b === 'near' ? 10 : 50);
    const grown = (suits: Partial<Suits>): string | undefined => {
      const scene = new Scene({ rtt, ...suits });
      for (const node of ['far', 'near']) scene.add(node, 2);
      return scene.add('x', 2);
    };
    expect(grown({})).toBe('near');
    expect(grown({ isNear: (a) => a === 'far' })).toBe('far');
    expect(grown({ isNear: (a) => a === 'far', rank: (parent) => (parent === 'far' ? 1 : 0) })).toBe('near');
    expect(grown({ rank: (parent) => (parent === 'near' ? 10 : 0) })).toBe('far');
    expect(grown({ rank: (parent) => (parent === 'o' ? 0 : Infinity) })).toBe(undefined);
  });

  it('gets spares that neither hang on its parent nor share a prefix with it', () => {
    const scene = new Scene();
    for (const node of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) scene.add(node, 2);
    const answer = scene.join('x', 2, { prefix: 'x' });
    if (answer.kind === 'wait') throw new Error('no place');
    expect(answer.spares).toHaveLength(2);
    for (const spare of answer.spares) expect(scene.plan.tree.isBelow(spare, answer.parent)).toBe(false);
    expect(answer.ancestors.at(-1)).toBe('o');
  });
});

describe('what households say of their places', () => {
  it('counts when both ends say it', () => {
    const scene = new Scene();
    for (const node of ['a', 'b', 'c']) scene.add(node, 2);
    const [from, to] = scene.plan.tree.get('c')?.parent === 'a' ? ['a', 'b'] : ['b', 'a'];
    scene.plan.stand('c', { parent: to, children: [] }, at(scene.now));
    expect(scene.plan.tree.get('c')?.parent).toBe(from);
    scene.plan.stand(to, { parent: 'o', children: ['c'] }, at(scene.now));
    expect(scene.plan.tree.get('c')?.parent).toBe(to);
  });

  it('builds the whole table again after a rendezvous lost it', () => {
    const before = new Scene();
    const nodes = Array.from({ length: 40 }, (_, i) => `n${i}`);
    for (const node of nodes) before.add(node, 2);
    const after = new Scene();
    for (const node of nodes.toReversed()) after.plan.enter(node, { capacity: 2, prefix: node }, at(0));
    for (const node of ['o', ...nodes.toReversed()]) {
      const seat = before.plan.tree.get(node);
      after.plan.stand(node, { parent: seat?.parent, children: seat?.children ?? [] }, at(0));
    }
    for (const node of nodes) expect(after.plan.tree.get(node)?.parent).toBe(before.plan.tree.get(node)?.parent);
  });

  it('a complaint of one child keeps newcomers away for a while, of two it makes a leaf', () => {
    const scene = new Scene();
    scene.add('liar', 2);
    const one = scene.join('a', 2);
    expect(one).toMatchObject({ parent: 'o' });
    scene.settle('a');
    scene.pass(2000);
    const children: string[] = [];
    for (const node of ['b', 'c', 'd', 'e']) {
      const answer = scene.join(node, 2);
      if (answer.kind === 'placed' && answer.parent === 'liar') children.push(node);
    }
    const [first, second] = children;
    if (first === undefined || second === undefined) throw new Error('the liar got no two children');
    expect(scene.plan.complain(first, 'liar', 'silent', false, at(scene.now))).toBe(false);
    expect(scene.plan.tree.get('liar')?.slots).toBe(2);
    expect(scene.plan.complain(first, 'liar', 'silent', false, at(scene.now))).toBe(false);
    expect(scene.plan.complain(second, 'liar', 'silent', false, at(scene.now))).toBe(true);
    expect(scene.plan.tree.get('liar')?.slots).toBe(0);
    scene.pass(61_000);
    scene.pass(31_000);
    expect(scene.plan.tree.get('liar')?.slots).toBe(2);
  });

  const known = (): Scene => {
    const scene = new Scene();
    for (const node of ['a', 'b', 'c', 'd', 'e', 'f']) scene.add(node, 2);
    // Those that feed nobody are tried out for that.
    scene.pass(25_000);
    for (const { by, of } of scene.plan.audits(at(scene.now))) scene.plan.audited(by, of, true, at(scene.now));
    return scene;
  };

  it('who says that it can feed and feeds nobody is tried out within half a minute', () => {
    const scene = new Scene();
    for (const node of ['a', 'b', 'c', 'd', 'e', 'f']) scene.add(node, 2);
    scene.pass(25_000);
    const idle = [...scene.plan.tree.members()].filter(({ below }) => below.length === 0).map(({ node }) => node);
    expect(scene.plan.audits(at(scene.now)).map(({ of }) => of)).toEqual(idle);
  });

  it('after one complaint somebody of a third prefix is sent to try the parent out, and clears it', () => {
    const scene = known();
    const child = scene.plan.tree.get('a')?.children[0] ?? '';
    scene.plan.complain(child, 'a', 'silent', false, at(scene.now));
    expect(scene.plan.tree.get('a')?.gate).toBe('shut');
    const [audit] = scene.plan.audits(at(scene.now));
    expect(audit?.of).toBe('a');
    expect(['a', ...(scene.plan.tree.get('a')?.children ?? [])]).not.toContain(audit?.by);
    expect(scene.plan.audited('stranger', 'a', false, at(scene.now))).toBe(false);
    expect(scene.plan.audited(audit?.by ?? '', 'a', true, at(scene.now))).toBe(false);
    expect(scene.plan.tree.get('a')?.gate).toBe('open');
  });

  it('a child that goes on complaining of a parent that was cleared is not heard, and takes no newcomers from it', () => {
    const scene = known();
    const child = scene.plan.tree.get('a')?.children[0] ?? '';
    const fault = (i: number) => (['slow', 'silent', 'corrupt'] as const)[i % 3] ?? 'slow';
    let [shut, trials] = [0, 0];
    for (let i = 0; i < 90; i++) {
      scene.plan.complain(child, 'a', fault(i), false, at(scene.now));
      scene.pass(2000);
      if (scene.plan.tree.get('a')?.gate === 'shut') shut++;
      for (const { by, of } of scene.plan.audits(at(scene.now))) {
        if (of === 'a') trials++;
        scene.plan.audited(by, of, true, at(scene.now));
      }
    }
    expect(trials).toBe(1);
    expect(shut).toBeLessThanOrEqual(6);
  });

  /** Somebody that was sent to it says that nothing came, after a child has said so. */
  const condemn = (scene: Scene): void => {
    const child = scene.plan.tree.get('a')?.children[0] ?? '';
    scene.plan.complain(child, 'a', 'silent', false, at(scene.now));
    const [audit] = scene.plan.audits(at(scene.now));
    expect(scene.plan.audited(audit?.by ?? '', 'a', false, at(scene.now))).toBe(true);
  };

  it('who was a leaf hours ago is one for a minute the next time, not for longer', () => {
    const scene = known();
    condemn(scene);
    for (let passed = 0; passed < 7200; passed += 10) {
      scene.pass(10_000);
      for (const { by, of } of scene.plan.audits(at(scene.now))) scene.plan.audited(by, of, true, at(scene.now));
    }
    scene.add('g', 2);
    scene.add('h', 2);
    condemn(scene);
    scene.pass(61_000);
    for (const { by, of } of scene.plan.audits(at(scene.now))) scene.plan.audited(by, of, true, at(scene.now));
    expect(scene.plan.tree.get('a')?.slots).toBe(2);
  });

  it('a child that it had does not make a leaf of it again while it is tried out', () => {
    const scene = known();
    const children = scene.plan.tree.get('a')?.children ?? [];
    condemn(scene);
    scene.pass(61_000);
    const trials = scene.plan.audits(at(scene.now));
    expect(trials.map(({ of }) => of)).toContain('a');
    for (const child of children) {
      expect(scene.plan.complain(child, 'a', 'silent', false, at(scene.now))).toBe(false);
      break;
    }
    for (const { by, of } of trials) scene.plan.audited(by, of, true, at(scene.now));
    expect(scene.plan.tree.get('a')?.slots).toBe(2);
  });

  it('nobody is said to help out with more than a household feeds at most, whatever it claims', () => {
    const scene = new Scene({}, 8);
    scene.plan.enter('boaster', { capacity: 31, most: 255, prefix: 'boaster' }, at(0));
    expect(scene.plan.tree.get('boaster')).toMatchObject({ slots: 8, most: 8 });
  });

  it('a complaint and a trial that brought nothing make a leaf, until another trial brings something', () => {
    const scene = known();
    const child = scene.plan.tree.get('a')?.children[0] ?? '';
    scene.plan.complain(child, 'a', 'silent', false, at(scene.now));
    const [first] = scene.plan.audits(at(scene.now));
    expect(scene.plan.audited(first?.by ?? '', 'a', false, at(scene.now))).toBe(true);
    expect(scene.plan.tree.get('a')?.slots).toBe(0);
    scene.pass(61_000);
    const [second] = scene.plan.audits(at(scene.now));
    expect([second?.of, scene.plan.tree.get('a')?.slots]).toEqual(['a', 0]);
    expect(scene.plan.audited(second?.by ?? '', 'a', false, at(scene.now))).toBe(true);
    scene.pass(100_000);
    expect(scene.plan.tree.get('a')?.slots).toBe(0);
    scene.pass(21_000);
    const [third] = scene.plan.audits(at(scene.now));
    scene.plan.audited(third?.by ?? '', 'a', true, at(scene.now));
    expect(scene.plan.tree.get('a')?.slots).toBe(2);
  });

  it('a complaint of one child that its parent is slow sends somebody to try it out', () => {
    const scene = known();
    const child = scene.plan.tree.get('a')?.children[0] ?? '';
    scene.plan.complain(child, 'a', 'slow', false, at(scene.now));
    expect(scene.plan.audits(at(scene.now)).map(({ of }) => of)).toEqual(['a']);
  });

  it('whom a child has left by itself is given nobody for five seconds: it may be on its way out', () => {
    const scene = known();
    const [child = ''] = scene.plan.tree.get('a')?.children ?? [];
    const other = ['c', 'd', 'e', 'f'].find((node) => scene.plan.tree.get(node)?.parent === 'b') ?? '';
    scene.plan.stand(child, { parent: other, children: [] }, at(scene.now));
    scene.plan.stand(other, { parent: 'b', children: [child] }, at(scene.now));
    expect(scene.plan.tree.get('a')?.gate).toBe('shut');
    scene.pass(5100);
    expect(scene.plan.tree.get('a')?.gate).toBe('open');
  });

  it('a stranger cannot complain', () => {
    const scene = new Scene();
    for (const node of ['a', 'b', 'c']) scene.add(node, 2);
    expect(scene.plan.complain('a', 'b', 'silent', false, at(scene.now))).toBe(false);
    expect(scene.plan.tree.get('b')?.gate).toBe('open');
  });
});

describe('a branch whose parent is gone', () => {
  /** Fourteen that feed two each, in three full rows; those of the first row could feed three. */
  const grown = (): Scene => {
    const scene = new Scene();
    for (let i = 0; i < 14; i++) {
      scene.join(`n${i}`, 2, { most: 3 });
      scene.settle(`n${i}`);
      scene.pass(2000);
    }
    return scene;
  };
  const childrenOf = (scene: Scene, node: string): readonly string[] => scene.plan.tree.get(node)?.children ?? [];

  it('hangs as high as before, by one that helps out, and is moved to a slot when a newcomer brings some', () => {
    const scene = grown();
    const [first = '', second = ''] = childrenOf(scene, 'o');
    const [heir = '', orphan = ''] = childrenOf(scene, first);
    scene.plan.leave(first, at(scene.now));
    scene.plan.stand('o', { parent: undefined, children: [second, heir] }, at(scene.now));
    scene.plan.stand(heir, { parent: 'o', children: childrenOf(scene, heir) }, at(scene.now));
    scene.plan.stand(orphan, { parent: undefined, children: childrenOf(scene, orphan) }, at(scene.now));
    const answer = scene.plan.join(orphan, { capacity: 2, most: 3, prefix: orphan }, NOBODY, at(scene.now));
    if (answer.kind === 'wait') throw new Error('no place');
    expect(scene.plan.tree.get(orphan)?.depth).toBeLessThanOrEqual(3);
    expect(scene.plan.tree.height).toBeLessThanOrEqual(5);
  });

  it('takes the place of a smaller one, which goes where there is room for it', () => {
    const scene = new Scene({}, 2);
    const said = (node: string, parent: string | undefined, children: readonly string[]): void =>
      scene.plan.stand(node, { parent, children }, at(scene.now));
    const line = ['o', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'];
    for (const node of [...line.slice(1), 'x', 'y']) scene.plan.enter(node, { capacity: 2, prefix: node }, at(0));
    for (const [i, node] of line.entries()) {
      const below = line.slice(i + 1, i + 2);
      said(node, line[i - 1], node === 'o' ? [...below, 'x'] : node === 'x' ? ['y'] : below);
    }
    said('x', 'o', ['y']);
    said('y', 'x', []);
    const before = scene.plan.tree.height;
    scene.plan.leave('nobody', at(scene.now));
    for (let i = 0; i < 12; i++) {
      scene.plan.enter(`gone${i}`, { capacity: 0, prefix: '' }, at(scene.now));
      scene.plan.leave(`gone${i}`, at(scene.now));
    }
    expect(scene.pass(1000).length).toBeGreaterThan(0);
    expect(scene.plan.tree.height).toBeLessThan(before);
  });
});

it('a free slot of the origin gets the branch without which the others hang highest, for one departure', () => {
  const line = ['o', 'a', 'b', 'c', 'd'];
  const standing = (beside: readonly string[]): Scene => {
    const scene = new Scene();
    for (const node of [...line.slice(1), ...beside]) scene.plan.enter(node, { capacity: 2, prefix: node }, at(0));
    for (const [i, node] of line.entries()) {
      const children = [...line.slice(i + 1, i + 2), ...(node === 'o' ? beside : [])];
      scene.plan.stand(node, { parent: line[i - 1], children }, at(0));
    }
    for (const node of beside) scene.plan.stand(node, { parent: 'o', children: [] }, at(0));
    return scene;
  };
  const pays = (scene: Scene): void => {
    scene.plan.enter('gone', { capacity: 0, prefix: '' }, at(scene.now));
    scene.plan.leave('gone', at(scene.now));
  };
  const scene = standing([]);
  expect(scene.pass(1000)).toEqual([]);
  pays(scene);
  expect(scene.pass(1000)).toEqual([{ node: 'c', to: 'o', instead: undefined }]);
  expect(scene.plan.tree.height).toBe(2);
  const full = standing(['x']);
  pays(full);
  expect(full.pass(1000)).toEqual([]);
});

it('a branch is not sent below somebody who is on the way to another place', () => {
  const tree = new Tree();
  tree.plant('o', 2);
  for (const [node, parent] of [
    ['a', 'o'],
    ['b', 'o'],
    ['c', 'b'],
    ['branch', 'a'],
    ['below', 'branch'],
  ] as const) {
    tree.enter(node, 2);
    tree.attach(node, parent);
  }
  const moves = new Moves(tree);
  moves.begin('b', 'o', 'a', at(0));
  tree.detach('branch');
  const suits: Suits = { rank: () => 0, rtt: () => 40, isNear: () => false };
  const chosen = (node: string): string | undefined => {
    const seat = tree.get(node);
    return seat && chooseSlot(tree, { seat, avoid: new Set(['o', 'a']) }, suits, seeded(1))?.node;
  };
  expect(chosen('branch')).toBe(undefined);
  moves.arrived('b', 'a');
  expect(chosen('branch')).toBe('b');
});

it('one newcomer goes above a child of somebody who feeds too many; the next not above that one, in a line', () => {
  const tree = new Tree();
  tree.plant('o', 2);
  const hang = (node: string, parent: string): void => {
    tree.enter(node, 2);
    tree.attach(node, parent);
  };
  for (const [node, parent] of [
    ['helper', 'o'],
    ['a', 'helper'],
    ['b', 'helper'],
    ['c', 'helper'],
  ] as const)
    hang(node, parent);
  for (const child of ['a', 'b', 'c']) for (const leaf of ['x', 'y']) hang(`${child}${leaf}`, child);
  const suits: Suits = { rank: () => 0, rtt: () => 40, isNear: () => false };
  const chosen = (node: string): string | undefined => {
    tree.enter(node, 2);
    const seat = tree.get(node);
    if (seat === undefined) return undefined;
    const newcomer = { seat, avoid: NOBODY };
    return chooseCrowded(tree, newcomer, 9, 9, suits, seeded(1), () => true)?.node;
  };
  const lower = chosen('first') ?? '';
  expect(['a', 'b', 'c']).toContain(lower);
  tree.attach('first', 'helper');
  tree.attach(lower, 'first');
  // It has a slot for the one that is too many.
  expect(chosen('second')).toBe(undefined);
});

describe('whatever happens', () => {
  const node = fc.integer({ min: 0, max: 19 }).map((number) => `n${number}`);
  const happening = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        what: fc.constant('join' as const),
        node,
        capacity: fc.constantFrom(0, 0.7, 1, 2, 3.5, 8),
      }),
    },
    { weight: 6, arbitrary: fc.record({ what: fc.constant('settle' as const), node }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('leave' as const), node }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('say' as const), node, other: node, third: node }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('complain' as const), node, other: node }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('failed' as const), node, other: node }) },
    {
      weight: 3,
      arbitrary: fc.record({ what: fc.constant('pass' as const), span: fc.constantFrom(50, 1000, 20_000) }),
    },
  );

  it('there is no loop, both ends know every link, nobody is moved twice in a minute, and each move is paid for by a departure', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 120 }), (happenings) => {
        const scene = new Scene({}, 4);
        const moved = new Map<string, number>();
        let departures = 0;
        for (const one of happenings) {
          const now = at(scene.now);
          switch (one.what) {
            case 'join':
              scene.join(one.node, one.capacity);
              break;
            case 'settle':
              scene.settle(one.node);
              break;
            case 'leave':
              departures++;
              scene.plan.leave(one.node, now);
              // Whoever comes back is somebody new.
              moved.delete(one.node);
              break;
            case 'say':
              // Up to two links are believed by that, and a parent that its child left by itself is taken for gone.
              departures += 2;
              scene.plan.stand(one.node, { parent: one.other, children: [one.third] }, now);
              break;
            case 'complain':
              departures++;
              scene.plan.complain(one.node, one.other, 'silent', false, now);
              break;
            case 'failed':
              scene.plan.failed(one.node, one.other);
              break;
            case 'pass':
              break;
          }
          // As a driver does: at once where there are orders, and while time goes by.
          const until = scene.now + (one.what === 'pass' ? one.span : 0);
          do {
            for (const move of scene.pass(Math.min(1000, until - scene.now))) {
              // A newcomer's leaf is moved when the newcomer is ripe, some seconds after its place was changed.
              expect(scene.now - (moved.get(move.node) ?? -Infinity)).toBeGreaterThan(60_000 - 10_000);
              moved.set(move.node, scene.now);
            }
          } while (scene.now < until);
          expect(scene.plan.moved.lifted).toBeLessThanOrEqual(departures);
          for (const seat of scene.plan.tree.members()) {
            let steps = 0;
            for (let above = seat.above; above !== undefined; above = above.above) {
              expect(++steps).toBeLessThan(25);
              expect(scene.plan.tree.get(above.node)).toBe(above);
            }
            for (const child of seat.below) expect(child.above).toBe(seat);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
