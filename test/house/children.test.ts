import { describe, expect, it } from 'vitest';
import { at, ms } from '../../agent/base/time.ts';
import type { Block } from '../../agent/blocks/block.ts';
import { Children, type Standing, type Stock } from '../../agent/house/children.ts';

const STANDING: Standing = {
  channel: new Uint8Array(32),
  epoch: 1,
  tag: 7,
  name: 'TV',
  depth: 1,
  lag: ms(40),
  newest: 99,
};

const stock: Stock = { get: blockOf, from: () => [], partial: () => [] };

function blockOf(number: number): Block {
  return {
    epoch: 1,
    number,
    flags: 0,
    time: 0,
    bytes: new Uint8Array(188),
    isClear: true,
    manifest: new Uint8Array(90),
  };
}

describe('the households that are fed', () => {
  it('get the stream as it comes where nothing of it was there when they asked', () => {
    const children = new Children();
    expect(children.feed(1, 'newest', undefined, stock, at(0))).toEqual([]);
    expect(children.forward(new Uint8Array(5)).map(({ pairId }) => pairId)).toEqual([1]);
  });

  it('and others that miss some get it out of a reserve that has an end, and grows again', () => {
    const children = new Children();
    children.feed(1, 'newest', STANDING, stock, at(0));
    const given = (pairId: number, now: number): number =>
      Array.from({ length: 300 }, (_, i) => children.want(pairId, i, 0, 7, stock, at(now))).filter(
        (messages) => messages.length > 0,
      ).length;
    expect(given(2, 0)).toBe(100);
    expect(given(3, 0)).toBe(0);
    // What others take is not taken from a child.
    expect(given(1, 0)).toBe(100);
    expect(given(3, 1000)).toBe(25);
  });

  it('and nobody lives on that reserve, or takes it from who is in need', () => {
    const children = new Children();
    let lived = 0;
    for (let now = 0; now < 60_000; now += 40) if (children.want(2, now / 40, 0, 7, stock, at(now)).length > 0) lived++;
    expect(lived).toBeLessThan(450);
    const needed = Array.from({ length: 75 }, (_, i) => children.want(3, i, 0, 7, stock, at(60_000)));
    expect(needed.filter((messages) => messages.length > 0)).toHaveLength(75);
  });

  it('and whoever asks for more is not looked after: its blocks are not even sought', () => {
    const children = new Children();
    let sought = 0;
    const counted = { ...stock, get: (number: number) => (sought++, blockOf(number)) };
    children.feed(1, 'newest', STANDING, stock, at(0));
    for (let i = 0; i < 3000; i++) for (const pairId of [1, 2]) children.want(pairId, i, 0, 7, counted, at(0));
    expect(sought).toBe(200);
  });

  it('get the last seconds when they come, and not again and again', () => {
    const children = new Children();
    const ring = { ...stock, from: () => Array.from({ length: 200 }, (_, i) => blockOf(i)) };
    let blocks = 0;
    for (let now = 0; now < 60_000; now += 500) {
      const orders = children.feed(1, 'newest', STANDING, ring, at(now));
      blocks += orders.filter(({ deadline }) => deadline !== undefined).length / 2;
      children.remove(1);
    }
    expect(blocks).toBeGreaterThan(200);
    expect(blocks).toBeLessThanOrEqual(600 + 60 * 25);
  });
});
