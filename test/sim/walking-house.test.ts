import { describe, expect, it } from 'vitest';
import { at, ms } from '../../agent/base/time.ts';
import { Neighbourhood } from './neighbourhood.ts';

const PER_TICK = 188 * 40;

describe('the walking house', () => {
  it('brings a stream from the origin through two NATs, the second home fed by the first', () => {
    const town = new Neighbourhood({ seed: 1, originChildren: 1 });
    town.play(at(0), 12_000, PER_TICK);
    town.world.run(at(1000));
    const a = town.home('A', 'port-restricted');
    town.world.run(at(4000));
    const b = town.home('B', 'offset');
    town.world.run(at(12_000));
    expect(a.household.endpoint.profile.kind).toBe('preserve');
    expect(b.household.endpoint.profile.kind).toBe('offset');
    expect(town.origin.children.facts).toHaveLength(1);
    expect(a.household.neighbours(a.household.watches[0]!, at(12_000)).children).toHaveLength(1);
    for (const home of [a, b]) {
      expect(home.blocks.length).toBeGreaterThan(100);
      for (const block of home.blocks) {
        expect(block.bytes).toEqual(town.written[block.number]?.bytes);
      }
      const numbers = home.blocks.map(({ number }) => number);
      expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
    }
  });

  it('loses no block at 2 % loss and 25 ms on every link', () => {
    const town = new Neighbourhood({ seed: 2, originChildren: 1, access: { delay: ms(25), loss: 0.02 } });
    town.play(at(0), 20_000, PER_TICK);
    town.world.run(at(1000));
    const homes = [town.home('A', 'port-restricted')];
    town.world.run(at(4000));
    homes.push(town.home('B', 'port-restricted'));
    town.world.run(at(20_000));
    for (const home of homes) {
      expect(home.household.watches[0]?.ring.skipped).toBe(0);
      expect(home.blocks.length).toBeGreaterThan(200);
    }
  });
});
