import { describe, expect, it } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { Bringers } from '../../agent/house/bringers.ts';
import { Drought } from '../../agent/house/drought.ts';

const BLOCK = 40;
/** Parents are judged from here on. */
const SETTLED = 3000;

/** Blocks one after the other until then, each n-th brought by somebody else than the parent. */
function fed(bringers: Bringers, from: number, to: number, everyNth: number): void {
  let i = 0;
  for (let now = from; now < to; now += BLOCK) bringers.block(++i % everyNth !== 0, at(now));
}

describe('a parent', () => {
  it.each<[string, number, boolean]>([
    ['that brings everything', Infinity, false],
    ['of whose blocks one in ten is brought by others', 10, false],
    ['of whose blocks every second is brought by others', 2, true],
    ['that brings nothing', 1, true],
  ])('%s: too slow is said of it %#', (_what, everyNth, isSlow) => {
    const bringers = new Bringers();
    bringers.begin(at(0));
    fed(bringers, SETTLED, SETTLED + 1000, everyNth);
    expect(bringers.isSlow(at(SETTLED + 1000))).toBe(isSlow);
  });

  it('is not judged by what the one before it left unfinished', () => {
    const bringers = new Bringers();
    bringers.begin(at(SETTLED));
    fed(bringers, SETTLED, SETTLED + 1900, 1);
    expect(bringers.isSlow(at(SETTLED + 1900))).toBe(false);
  });

  it('is not judged while it says that it is being helped itself', () => {
    const bringers = new Bringers();
    bringers.begin(at(0));
    for (let now = SETTLED; now < SETTLED + 3000; now += 100) {
      fed(bringers, now, now + 100, 2);
      bringers.begin(at(now + 100));
      expect(bringers.isSlow(at(now + 100))).toBe(false);
    }
  });

  it('that was too slow a while ago and is not any more is a good one', () => {
    const bringers = new Bringers();
    bringers.begin(at(0));
    fed(bringers, SETTLED, SETTLED + 1000, 2);
    fed(bringers, SETTLED + 1000, SETTLED + 2000, Infinity);
    expect(bringers.isSlow(at(SETTLED + 2000))).toBe(false);
  });
});

describe('a drought', () => {
  it('lasts from the last block to the next, and knows when others were asked', () => {
    const drought = new Drought();
    expect(drought.block(at(1000))).toBeUndefined();
    drought.asked(at(1120));
    drought.asked(at(1150));
    expect(drought.block(at(1180))).toEqual({ dry: 180, asked: 120 });
    expect(drought.tally).toEqual({ count: 1, longest: 180 });
  });

  it('is none where the parent went on by itself, or where a single block was asked for beside the stream', () => {
    const drought = new Drought();
    drought.block(at(1000));
    expect(drought.block(at(1400))).toBeUndefined();
    drought.asked(at(1410));
    expect(drought.block(at(1440))).toBeUndefined();
    expect(drought.tally.count).toBe(0);
  });
});
