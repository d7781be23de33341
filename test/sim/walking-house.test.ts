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
    expect(town.origin.kin.children.facts).toHaveLength(1);
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

describe('when something breaks', () => {
  const parentOf = (town: Neighbourhood, home: ReturnType<Neighbourhood['home']>) =>
    home.household.neighbours(home.household.watches[0]!, town.world.now).parent;

  it('a household whose parent loses its power is fed again within seconds, and the origin by then feeds another', () => {
    const town = new Neighbourhood({ seed: 3, originChildren: 1 });
    town.play(at(0), 30_000, PER_TICK);
    town.world.run(at(1000));
    const a = town.home('A', 'port-restricted');
    town.world.run(at(4000));
    const b = town.home('B', 'offset');
    const c = town.home('C', 'full-cone');
    town.world.run(at(10_000));
    a.drive.stop();
    town.world.run(at(15_000));
    expect([parentOf(town, b), parentOf(town, c)].every((parent) => parent?.method !== undefined)).toBe(true);
    const before = [b, c].map((home) => home.blocks.length);
    town.world.run(at(20_000));
    for (const [i, home] of [b, c].entries()) expect(home.blocks.length).toBeGreaterThan(before[i]! + 70);
  });

  it('a household whose only possible parent hangs for a second has it back at once, and loses nothing', () => {
    const town = new Neighbourhood({ seed: 3, originChildren: 1 });
    town.play(at(0), 20_000, PER_TICK);
    town.world.run(at(1000));
    const a = town.home('A', 'port-restricted');
    town.world.run(at(4000));
    const b = town.home('B', 'offset');
    town.world.run(at(10_000));
    const { children } = a.household.watches[0]!.kin;
    const forward = children.forward.bind(children);
    const held: Uint8Array[] = [];
    children.forward = (bytes) => {
      held.push(bytes);
      return [];
    };
    town.world.run(at(10_900));
    children.forward = (bytes) => [...held.splice(0).flatMap(forward), ...forward(bytes)];
    town.world.run(at(11_200));
    expect(parentOf(town, b)?.method).toBeDefined();
    town.world.run(at(15_000));
    expect(b.household.watches[0]?.ring.skipped).toBe(0);
    expect(b.blocks.at(-1)?.number).toBeGreaterThan(town.written.length - 10);
  });

  it('two homes without a knowable port are relayed, and so have the picture', () => {
    const town = new Neighbourhood({ seed: 4, originChildren: 1 });
    town.play(at(0), 12_000, PER_TICK);
    town.world.run(at(1000));
    const a = town.home('A', 'random');
    town.world.run(at(4000));
    const b = town.home('B', 'random');
    town.world.run(at(12_000));
    expect(parentOf(town, b)?.method).toBe('relay-rendezvous');
    expect(a.household.endpoint.profile.kind).toBe('random');
    expect(b.blocks.length).toBeGreaterThan(100);
  });

  it('with the relay switched off the reason is said and nothing is carried', () => {
    const town = new Neighbourhood({ seed: 4, originChildren: 1, relay: false });
    town.play(at(0), 12_000, PER_TICK);
    town.world.run(at(1000));
    town.home('A', 'random');
    town.world.run(at(4000));
    const b = town.home('B', 'random');
    town.world.run(at(12_000));
    expect(b.blocks).toHaveLength(0);
    expect(b.household.endpoint.counters.failures.random).toBeGreaterThan(0);
    expect(town.rendezvous.counters().relayedBytes).toBe(0);
  });

  it('a NAT that rebinds twice in mid-stream costs no block', () => {
    const town = new Neighbourhood({ seed: 5, originChildren: 1, access: { delay: ms(25), loss: 0.02 } });
    town.play(at(0), 20_000, PER_TICK);
    town.world.run(at(1000));
    const a = town.home('A', 'port-restricted');
    town.world.run(at(6000));
    const b = town.home('B', 'port-restricted');
    for (const when of [10_000, 14_000]) {
      town.world.run(at(when));
      for (const box of b.boxes) if ('rebind' in box) box.rebind();
    }
    town.world.run(at(20_000));
    expect(b.household.watches[0]?.ring.skipped).toBe(0);
    expect(b.household.watches[0]?.feed.stats.lost).toBe(0);
    expect(b.events.filter(({ name }) => name === 'parent-lost')).toHaveLength(0);
    expect(b.blocks.at(-1)?.number).toBeGreaterThan((a.blocks.at(-1)?.number ?? Infinity) - 20);
  });

  it('a parent whose NAT rebinds keeps its child, which is behind a NAT that lets in only whom it sent to', () => {
    const town = new Neighbourhood({ seed: 9, originChildren: 1, access: { delay: ms(25), loss: 0.02 } });
    town.play(at(0), 20_000, PER_TICK);
    town.world.run(at(1000));
    const a = town.home('A', 'port-restricted');
    town.world.run(at(6000));
    const b = town.home('B', 'port-restricted');
    for (const when of [10_000, 14_000]) {
      town.world.run(at(when));
      for (const box of a.boxes) if ('rebind' in box) box.rebind();
    }
    town.world.run(at(20_000));
    for (const { household, events } of [a, b]) {
      expect(household.watches[0]?.ring.skipped).toBe(0);
      expect(events.filter(({ name }) => name === 'parent-lost')).toHaveLength(0);
    }
    expect(b.blocks.at(-1)?.number).toBeGreaterThan((a.blocks.at(-1)?.number ?? Infinity) - 20);
  });

  it('a source that goes away is announced, the tree stays, and the picture comes back by itself', () => {
    const town = new Neighbourhood({ seed: 6, originChildren: 1 });
    town.play(at(0), 6000, PER_TICK);
    town.play(at(16_000), 6000, PER_TICK);
    town.world.run(at(1000));
    const a = town.home('A', 'port-restricted');
    town.world.run(at(15_000));
    expect(a.blocks.at(-1)?.bytes).toHaveLength(0);
    expect(a.events.filter(({ name }) => name === 'parent-lost')).toHaveLength(0);
    town.world.run(at(22_000));
    expect(a.blocks.at(-1)?.bytes.length).toBeGreaterThan(0);
  });

  it('a rendezvous that is silent takes no picture away', () => {
    const town = new Neighbourhood({ seed: 7, originChildren: 1 });
    town.play(at(0), 30_000, PER_TICK);
    town.world.run(at(1000));
    const a = town.home('A', 'port-restricted');
    town.world.run(at(5000));
    town.rendezvousDrive.stop();
    town.world.run(at(30_000));
    expect(a.household.watches[0]?.ring.skipped).toBe(0);
    expect(a.blocks.at(-1)?.number).toBeGreaterThan(town.written.length - 5);
  });
});
