import { describe, expect, it } from 'vitest';
import { hex } from '../../agent/base/bytes.ts';
import type { Home } from './neighbourhood.ts';
import { tamper, watchOf, Wood } from './wood.ts';

const HOMES = 15;
const FEW = 7;

/** One that feeds two, and is not the last: what it does concerns others. */
function innerOne(wood: Wood): Home {
  const [inner] = wood.inner().toSorted((a, b) => wood.childrenOf(b).length - wood.childrenOf(a).length);
  if (inner === undefined) throw new Error('nobody feeds anybody');
  return inner;
}

describe(`${HOMES} households behind mixed NATs`, () => {
  it('stand in a shallow tree without a loop, each with somebody to turn to', () => {
    const wood = new Wood(1, HOMES, 20_000);
    const depths = [...wood.living].map((home) => wood.depthOf(home) ?? Infinity);
    expect(Math.max(...depths)).toBeLessThanOrEqual(Math.ceil(Math.log2(HOMES)) + 2);
    for (const home of wood.living) {
      expect(watchOf(home).kin.spares.length).toBeGreaterThan(0);
      expect(watchOf(home).depth).toBe(wood.depthOf(home));
    }
    expect(wood.town.origin.kin.children.facts.length).toBeLessThanOrEqual(2);
    expect(wood.skipped()).toBe(0);
  });

  it.each([1, 2])('go on when those that feed others lose their power, one after the other (%i)', (seed) => {
    const wood = new Wood(seed, HOMES, 40_000);
    const droughts: number[] = [];
    for (let i = 0; i < 4; i++) {
      droughts.push(...wood.kill(innerOne(wood)));
      wood.pass(4000);
    }
    const sorted = droughts.toSorted((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(300);
    expect(Math.max(...droughts)).toBeLessThanOrEqual(500);
    expect(wood.skipped()).toBe(0);
    for (const home of wood.living) expect(wood.depthOf(home)).toBeDefined();
  });

  it.each([
    [4, FEW],
    [5, FEW],
    [6, HOMES],
    [7, HOMES],
    [8, HOMES],
  ])('lose nothing when one stops in order, and the origin feeds no third (seed %i, %i homes)', (seed, homes) => {
    const wood = new Wood(seed, homes, 40_000);
    for (let i = 0; i < 3; i++) {
      const home = innerOne(wood);
      const children = wood.childrenOf(home);
      home.drive.give({ kind: 'leave' });
      let fed = 0;
      for (let passed = 0; passed < 2500; passed += 5) {
        wood.pass(5);
        fed = Math.max(fed, wood.town.origin.kin.children.facts.length);
      }
      expect(fed).toBeLessThanOrEqual(2);
      home.drive.stop();
      wood.living.delete(home);
      for (const child of children) {
        expect(wood.parentNameOf(child)).not.toBe(home.name);
        expect(child.events.filter(({ name }) => name === 'parent-lost')).toEqual([]);
      }
      wood.pass(1000);
    }
    expect(wood.skipped()).toBe(0);
    for (const home of wood.living) expect(watchOf(home).feed.stats.lost).toBe(0);
  });

  it('leave a parent that beats and gives nothing', () => {
    const wood = new Wood(5, FEW, 30_000);
    const liar = innerOne(wood);
    const children = wood.childrenOf(liar);
    tamper(liar, () => undefined);
    expect(Math.max(...wood.droughts(children))).toBeLessThanOrEqual(500);
    wood.pass(3000);
    for (const child of children) expect(wood.parentNameOf(child)).not.toBe(liar.name);
    expect(wood.skipped()).toBe(0);
  });

  it.each([1, 4, 9])('have another parent soon after theirs fell silent and went on beating (%i)', (seed) => {
    const wood = new Wood(seed, HOMES, 30_000);
    const inner = wood.inner();
    const liar = inner[seed % inner.length];
    if (liar === undefined) throw new Error('nobody feeds anybody');
    const children = wood.childrenOf(liar);
    tamper(liar, () => undefined);
    // After a quarter of a second round trips of 80 ms: a spare that is full, the rendezvous, two to punch, and the question.
    wood.pass(700);
    for (const child of children) expect([undefined, liar.name]).not.toContain(wood.parentNameOf(child));
    wood.pass(2000);
    expect(wood.skipped()).toBe(0);
  });

  it('leave a parent that is slower than the stream, without a gap', () => {
    const wood = new Wood(9, FEW, 30_000);
    const slow = innerOne(wood);
    const children = wood.childrenOf(slow);
    const waiting: Uint8Array[] = [];
    let count = 0;
    // Three pieces of four leave in their time.
    tamper(slow, (bytes) => {
      waiting.push(bytes);
      return count++ % 4 === 3 ? undefined : waiting.shift();
    });
    wood.pass(8000);
    for (const child of children) expect(wood.parentNameOf(child)).not.toBe(slow.name);
    expect(wood.skipped()).toBe(0);
  });

  it('blame the slow one only: who is fed by those that it fed keeps its parent', () => {
    const wood = new Wood(9, HOMES, 30_000);
    const [slow] = wood
      .inner()
      .filter((home) => wood.childrenOf(home).some((child) => wood.childrenOf(child).length > 0));
    if (slow === undefined) throw new Error('nobody has grandchildren');
    const pairs = wood.childrenOf(slow).flatMap((child) => wood.childrenOf(child).map((below) => ({ child, below })));
    const { uplink } = slow.access;
    // Its children want two streams of 1.5 Mbit/s.
    uplink.shape = { ...uplink.shape, rate: 1_000_000 };
    wood.pass(2500);
    for (const { child, below } of pairs) {
      expect(wood.parentNameOf(child)).not.toBe(slow.name);
      expect(wood.parentNameOf(below)).toBe(child.name);
    }
    expect(wood.skipped()).toBe(0);
  });

  it.each([9, 10])('do not go back to a parent that brings what others have brought by then (%i)', (seed) => {
    const wood = new Wood(seed, HOMES, 30_000);
    const slow = innerOne(wood);
    const children = wood.childrenOf(slow);
    const { uplink } = slow.access;
    // A third of one stream of 1.5 Mbit/s.
    uplink.shape = { ...uplink.shape, rate: 500_000 };
    const began = wood.town.world.now;
    wood.pass(6000);
    for (const child of children) {
      const lost = child.events.filter(({ name, at }) => name === 'parent-lost' && at > began);
      expect(lost.length).toBeLessThanOrEqual(1);
      expect(wood.parentNameOf(child)).not.toBe(slow.name);
    }
    expect(wood.skipped()).toBe(0);
  });

  it('cut a parent that changes a bit, and show nothing of what it sent', () => {
    const wood = new Wood(6, FEW, 30_000);
    const liar = innerOne(wood);
    const children = wood.childrenOf(liar);
    tamper(liar, (bytes) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)));
    expect(Math.max(...wood.droughts(children))).toBeLessThanOrEqual(500);
    for (const child of children) {
      expect(child.events.some(({ name }) => name === 'bad-block')).toBe(true);
      expect(wood.parentNameOf(child)).not.toBe(liar.name);
    }
    wood.pass(2000);
    expect(wood.forged()).toBe(0);
    expect(wood.skipped()).toBe(0);
  });

  it('mend the tree by themselves while the rendezvous is away', () => {
    const wood = new Wood(7, HOMES, 60_000);
    wood.town.rendezvousDrive.stop();
    wood.pass(10_000);
    const droughts: number[] = [];
    for (let i = 0; i < 3; i++) {
      droughts.push(...wood.kill(innerOne(wood)));
      wood.pass(5000);
    }
    expect(Math.max(...droughts)).toBeLessThanOrEqual(500);
    expect(wood.skipped()).toBe(0);
    for (const home of wood.living) expect(wood.depthOf(home)).toBeDefined();
  });

  it('are introduced to the parent of their parent by that one', () => {
    const wood = new Wood(8, FEW, 20_000);
    const grandchildren = [...wood.living].filter((home) => wood.depthOf(home) === 2);
    expect(grandchildren.length).toBeGreaterThan(0);
    const origin = hex(wood.town.origin.endpoint.node);
    for (const home of grandchildren) {
      expect(watchOf(home).kin.spares.map(({ node }) => hex(node))).toContain(origin);
    }
  });
});
