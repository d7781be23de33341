import { describe, expect, it } from 'vitest';
import { at, type Instant, ms } from '../../agent/base/time.ts';
import type { CarryLimits } from '../../agent/house/carriages.ts';
import type { KindName } from '../../agent/sim/kinds.ts';
import type { AccessShape } from '../../agent/sim/link.ts';
import { type Home, Neighbourhood } from './neighbourhood.ts';

const PER_TICK = 188 * 40;

interface Street {
  readonly town: Neighbourhood;
  readonly a: Home;
  readonly b: Home;
  readonly c: Home;
}

interface Wish {
  readonly seed: number;
  readonly kinds?: readonly [KindName, KindName];
  readonly helper?: KindName;
  readonly carries?: CarryLimits;
  readonly access?: AccessShape;
}

/** A is fed by the origin and feeds B, who moves in after 5 s; C takes nothing and would carry for others. */
function street({
  seed,
  kinds: [first, second] = ['random', 'random'],
  helper = 'open',
  carries,
  access,
}: Wish): Street {
  const town = new Neighbourhood({ seed, originChildren: 1, access: access ?? { delay: ms(20), loss: 0.005 } });
  town.play(at(0), 60_000, PER_TICK);
  town.world.run(at(1000));
  const a = town.home('A', first);
  const c = carries === undefined ? town.helper('C', helper) : town.helper('C', helper, carries);
  town.world.run(at(5000));
  const b = town.home('B', second);
  return { town, a, b, c };
}

function parentOf({ town }: Street, { household }: Home) {
  const [watch] = household.watches;
  return watch === undefined ? undefined : household.neighbours(watch, town.world.now).parent;
}

const named = ({ events }: Home, name: string) => events.filter((event) => event.name === name);

/** How the way to parent or child went, as the log tells it. */
function ways({ events }: Home): readonly string[] {
  const told = events.filter(({ fields }) => fields['method'] !== undefined && fields['purpose'] !== 'spare');
  return told.map(({ fields }) => String(fields['method']));
}

function expectWhole(street: Street, ...homes: Home[]): void {
  expectEveryBlock(street, ...homes);
  for (const { events } of homes) expect(events.filter(({ name }) => name === 'parent-lost')).toEqual([]);
}

function expectEveryBlock({ town }: Street, ...homes: Home[]): void {
  for (const { household, blocks } of homes) {
    expect(household.watches[0]?.ring.skipped).toBe(0);
    expect(household.watches[0]?.feed.stats.lost).toBe(0);
    for (const block of blocks) expect(block.bytes).toEqual(town.written[block.number]?.bytes);
    expect(blocks.at(-1)?.number).toBeGreaterThan(town.written.length - 25);
  }
}

const relayed = ({ town }: Street): number => town.rendezvous.counters().relayedBytes;

function run({ town }: Street, until: number): Instant {
  town.world.run(at(until));
  return at(until);
}

describe('two homes without a knowable port, and a third one that is open', () => {
  it('have their first picture by the rendezvous and the rest of it by the household', () => {
    const place = street({ seed: 11 });
    run(place, 8000);
    const { a, b, c } = place;
    expect(ways(b)).toEqual(['relay-rendezvous', 'relay-household']);
    expect(ways(a).slice(-2)).toEqual(['relay-rendezvous', 'relay-household']);
    const [first] = named(b, 'peer-open');
    const [second] = named(b, 'peer-relayed');
    // Order, answer, offer and two greetings: nine trips of 20 ms and more, and a lost one now and then.
    expect((second?.at ?? Infinity) - (first?.at ?? 0)).toBeLessThan(1000);
    const before = relayed(place);
    run(place, 20_000);
    expect(relayed(place)).toBe(before);
    expect(parentOf(place, b)?.method).toBe('relay-household');
    expectWhole(place, a, b);
    const { pairs, datagrams, bytes } = c.household.endpoint.carried;
    expect(pairs).toBe(1);
    expect(datagrams).toBeGreaterThan(1000);
    expect(bytes).toBeGreaterThan(b.household.watches[0]?.receivedBytes ?? Infinity);
    expect(place.town.rendezvous.counters().bridging).toMatchObject({ offered: 1, carried: 1, begun: 1, failed: 0 });
    // B has its place in the tree, although nothing direct was to be had.
    const tree = place.town.rendezvous.tree(b.household.watches[0]?.channel ?? new Uint8Array(0));
    expect(tree.map(({ depth, method }) => [depth, method])).toEqual([
      [0, undefined],
      [1, 'dial'],
      [2, 'relay-household'],
    ]);
  });

  it('keep their picture for minutes that the rendezvous has nothing to do with', () => {
    const place = street({ seed: 12, access: { delay: ms(20) } });
    run(place, 8000);
    const before = relayed(place);
    run(place, 58_000);
    expect(relayed(place)).toBe(before);
    // The encoder has stopped by then, which looks like a bridge that is gone for a moment.
    run(place, 200_000);
    expect(relayed(place) - before).toBeLessThan(20_000);
    expect(parentOf(place, place.b)?.method).toBe('relay-household');
    expect(named(place.b, 'parent-lost')).toEqual([]);
  });

  it('lose nothing when that household loses its power, and are carried by the next one', () => {
    const place = street({ seed: 13 });
    run(place, 10_000);
    place.c.drive.stop();
    run(place, 12_000);
    const d = place.town.helper('D', 'full-cone');
    run(place, 14_000);
    expect(parentOf(place, place.b)?.method).toBe('relay-rendezvous');
    run(place, 40_000);
    expect(parentOf(place, place.b)?.method).toBe('relay-household');
    expect(d.household.endpoint.carried.pairs).toBe(1);
    expectWhole(place, place.a, place.b);
    expect(ways(place.b).slice(1)).toEqual(['relay-household', 'relay-rendezvous', 'relay-household']);
  });

  it('are told when it stops in order, and are back at the rendezvous within a tenth of a second', () => {
    const place = street({ seed: 14 });
    const stopped = run(place, 10_000);
    place.c.drive.give({ kind: 'leave' });
    place.c.drive.stop();
    run(place, 12_000);
    for (const home of [place.a, place.b]) {
      const back = named(home, 'peer-relayed').at(-1);
      expect(back?.fields['method']).toBe('relay-rendezvous');
      expect((back?.at ?? Infinity) - stopped).toBeLessThan(100);
    }
    expectWhole(place, place.a, place.b);
    expect(named(place.c, 'relay-ended')[0]?.fields).toMatchObject({ why: 'stopped' });
  });

  it('leave it when the stream is more than its owner gives, and lose nothing by that', () => {
    const place = street({ seed: 15, carries: { kbits: 800, pairs: 4 } });
    run(place, 8000);
    expect(named(place.c, 'relay-ended')[0]?.fields).toMatchObject({ why: 'stopped' });
    expect(parentOf(place, place.b)?.method).toBe('relay-rendezvous');
    run(place, 20_000);
    expectWhole(place, place.a, place.b);
    expect(parentOf(place, place.b)?.method).toBe('relay-rendezvous');
    // The one that was too small is not asked again for these two.
    expect(place.c.household.endpoint.carried.begun).toBe(1);
  });

  it('leave it when its line is too narrow for them', () => {
    const place = street({ seed: 20 });
    run(place, 10_000);
    const { uplink } = place.c.access;
    // The stream has 1.5 Mbit/s.
    uplink.shape = { ...uplink.shape, rate: 1_000_000 };
    run(place, 20_000);
    expect(parentOf(place, place.b)?.method).toBe('relay-rendezvous');
    expectWhole(place, place.a);
    // Two seconds with two thirds of what they need.
    expect(place.b.household.watches[0]?.ring.skipped).toBeLessThan(8);
    expect(named(place.b, 'parent-lost')).toEqual([]);
  });

  it('are relayed by the rendezvous where its owner does not want to', () => {
    const place = street({ seed: 16, carries: { kbits: 0, pairs: 4 } });
    run(place, 12_000);
    expect(parentOf(place, place.b)?.method).toBe('relay-rendezvous');
    expect(place.town.rendezvous.counters().bridging).toMatchObject({ offered: 0, begun: 0 });
  });

  it('are given back to the rendezvous when its owner does not want to any more', () => {
    const place = street({ seed: 17 });
    run(place, 10_000);
    place.c.drive.give({ kind: 'carries', kbits: 0, pairs: 4 });
    run(place, 20_000);
    expect(parentOf(place, place.b)?.method).toBe('relay-rendezvous');
    expectWhole(place, place.a, place.b);
    expect(place.c.household.endpoint.carried).toMatchObject({ pairs: 0, begun: 1 });
  });

  it('keep their picture on lines that lose a twentieth', () => {
    const place = street({ seed: 18, access: { delay: ms(25), jitter: ms(5), loss: 0.05 } });
    run(place, 20_000);
    expect(parentOf(place, place.b)?.method).toBe('relay-household');
    // Of 250 blocks over four such lines; the rendezvous alone does not do better.
    expect(place.b.household.watches[0]?.ring.skipped).toBeLessThan(3);
    expect(named(place.b, 'parent-lost')).toEqual([]);
  });

  it('keep it when either NAT rebinds in mid-stream: the new address is proven to the household', () => {
    const place = street({ seed: 19 });
    for (const [when, { boxes }] of [
      [10_000, place.b],
      [14_000, place.a],
    ] as const) {
      run(place, when);
      for (const box of boxes) if ('rebind' in box) box.rebind();
    }
    run(place, 20_000);
    expectWhole(place, place.a, place.b);
    expect(parentOf(place, place.b)?.method).toBe('relay-household');
  });
});

describe('a direct path that was conducted and is lost', () => {
  it('is sought anew while the relay carries, and nothing is lost', () => {
    const place = street({ seed: 31, kinds: ['port-restricted', 'sequential'], carries: { kbits: 0, pairs: 4 } });
    run(place, 10_000);
    expect(ways(place.b).at(-1)).toBe('bracket');
    const before = place.town.rendezvous.counters().conducting.won;
    // Its ports are others now, and no neighbour can foresee which.
    for (const box of place.b.boxes) if ('rebind' in box) box.rebind();
    run(place, 13_000);
    expect(parentOf(place, place.b)?.method).toBe('relay-rendezvous');
    run(place, 20_000);
    expect(parentOf(place, place.b)?.method).toBe('bracket');
    expectEveryBlock(place, place.a, place.b);
    expect(place.town.rendezvous.counters().conducting.won.bracket).toBe((before.bracket ?? 0) + 1);
  });
});

describe('who carries', () => {
  it('a household behind a NAT that lets everybody in does', () => {
    const place = street({ seed: 21, helper: 'full-cone' });
    run(place, 9000);
    expect(parentOf(place, place.b)?.method).toBe('relay-household');
  });

  it.each(['port-restricted', 'random'] as const)('a stranger behind a NAT of kind %s is not asked', (helper) => {
    const place = street({ seed: 22, helper });
    run(place, 9000);
    expect(parentOf(place, place.b)?.method).toBe('relay-rendezvous');
    expect(place.c.household.endpoint.carried.begun).toBe(0);
  });

  it('a household that lets in only whom it has written to carries for its own neighbours', () => {
    const town = new Neighbourhood({ seed: 24, originChildren: 1, access: { delay: ms(20), loss: 0.005 } });
    town.play(at(0), 60_000, PER_TICK);
    town.world.run(at(1000));
    const c = town.home('C', 'address-restricted', 1, { kbits: 20_000, pairs: 4 });
    town.world.run(at(4000));
    const a = town.home('A', 'random', 1);
    town.world.run(at(8000));
    const b = town.home('B', 'random', 0);
    const place = { town, a, b, c };
    run(place, 16_000);
    expect(parentOf(place, a)?.method).toBe('simultaneous');
    expect(parentOf(place, b)?.method).toBe('relay-household');
    expect(c.household.endpoint.carried.pairs).toBe(1);
    expectWhole(place, a, b);
  });

  it('a direct path that is found later takes over from the household, without a gap', () => {
    const place = street({ seed: 23, kinds: ['port-restricted', 'random'] });
    run(place, 40_000);
    const last = ways(place.b).at(-1);
    expect(last).toBe('birthday');
    expectWhole(place, place.a, place.b);
    // What it has nothing to do for is forgotten.
    expect(place.c.household.endpoint.carried.pairs).toBe(0);
  });
});
