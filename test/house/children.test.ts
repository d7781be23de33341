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
});
