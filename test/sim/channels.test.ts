import { describe, expect, it } from 'vitest';
import { hex, sameBytes } from '../../agent/base/bytes.ts';
import { at } from '../../agent/base/time.ts';
import type { Block } from '../../agent/blocks/block.ts';
import { CHUNK, MANIFEST } from '../../agent/blocks/format.ts';
import { readManifest, signManifest } from '../../agent/blocks/manifest.ts';
import { statusOf } from '../../agent/house/status.ts';
import type { Watch } from '../../agent/house/watch.ts';
import { type Home, Neighbourhood, TESTCARD } from './neighbourhood.ts';
import type { Studio } from './studio.ts';

const PER_TICK = 188 * 40;
const TOKEN = new Uint8Array(32).fill(9);

function watchOf({ household, name }: Home, { channel }: Studio): Watch {
  const watch = household.watches.find((one) => sameBytes(one.channel, channel.id));
  if (watch === undefined) throw new Error(`${name} does not take that channel`);
  return watch;
}

/** What a television of the house would be given now. */
function shown(watch: Watch): Uint8Array {
  const reader = watch.ring.reader();
  const pieces: Uint8Array[] = [];
  for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) pieces.push(bytes);
  return new Uint8Array(Buffer.concat(pieces));
}

function statusFor(home: Home, studio: Studio, town: Neighbourhood) {
  const { channels } = statusOf(home.household, town.world.now);
  return channels[home.household.watches.indexOf(watchOf(home, studio))];
}

/** Every message of the stream that a household gives others from now on. */
function given(watch: Watch, take: (bytes: Uint8Array) => void): void {
  const { children } = watch.kin;
  const forward = children.forward.bind(children);
  const feed = children.feed.bind(children);
  const want = children.want.bind(children);
  const seen = <T extends readonly { readonly bytes: Uint8Array }[]>(orders: T): T => {
    for (const { bytes } of orders) if (bytes[0] === MANIFEST || bytes[0] === CHUNK) take(bytes);
    return orders;
  };
  children.forward = (...all) => seen(forward(...all));
  children.feed = (...all) => seen(feed(...all));
  children.want = (...all) => seen(want(...all));
}

describe('two channels, one of them private, with one rendezvous', () => {
  const town = new Neighbourhood({ seed: 1, originChildren: 1 });
  const open = town.studio;
  const closed = town.open('second studio', { name: 'Members', children: 1, token: TOKEN });
  for (const studio of [open, closed]) studio.play(TESTCARD, at(0), 20_000, PER_TICK);
  town.world.run(at(1000));
  const relay = town.taking('relay', 'port-restricted', [open.channel, { id: closed.channel.id }]);
  town.world.run(at(5000));
  const member = town.taking('member', 'full-cone', [open.channel, closed.channel]);
  const wrong = town.taking('wrong', 'open', [{ id: closed.channel.id, token: new Uint8Array(32) }]);
  town.world.run(at(20_000));

  it('each has a tree of its own through the same households', () => {
    for (const studio of [open, closed]) {
      expect(hex(watchOf(relay, studio).parent?.node ?? new Uint8Array())).toBe(hex(studio.origin.endpoint.node));
      expect(hex(watchOf(member, studio).parent?.node ?? new Uint8Array())).toBe(hex(relay.household.endpoint.node));
    }
  });

  it('a household shows both whose token fits, byte for byte what the studios sent', () => {
    for (const studio of [open, closed]) {
      const { ring } = watchOf(member, studio);
      const blocks = ring.from((ring.newest?.number ?? 0) - 100);
      expect(blocks.length).toBeGreaterThan(50);
      for (const { number, bytes } of blocks) expect(bytes).toEqual(studio.written[number]?.bytes);
      expect(shown(watchOf(member, studio)).length).toBeGreaterThan(188 * 100);
    }
    expect(statusFor(member, closed, town)).toMatchObject({ private: true, token: 'fits', shown: true });
    expect(statusFor(member, open, town)).toMatchObject({ private: false, token: null, shown: true });
  });

  it('a household without the token passes the private one on, and has nothing of it to show', () => {
    const watch = watchOf(relay, closed);
    expect(shown(watch)).toHaveLength(0);
    expect(statusFor(relay, closed, town)).toMatchObject({ private: true, token: 'missing', shown: false });
    expect(relay.events.filter(({ name }) => name === 'private-channel').map(({ fields }) => fields)).toEqual([
      { token: 'missing' },
    ]);
    const kept = watch.ring.from((watch.ring.newest?.number ?? 0) - 100);
    expect(kept.length).toBeGreaterThan(50);
    for (const { number, bytes } of kept) {
      const clear = closed.written[number]?.bytes ?? new Uint8Array();
      expect(bytes).toHaveLength(clear.length);
      if (clear.length > 0) expect(bytes).not.toEqual(clear);
    }
    expect(watchOf(member, closed).ring.skipped).toBe(0);
  });

  it('a household with a token that does not fit says so, and still repeats', () => {
    expect(shown(watchOf(wrong, closed))).toHaveLength(0);
    expect(statusFor(wrong, closed, town)).toMatchObject({ private: true, token: 'wrong', shown: false });
    expect(wrong.events).toContainEqual(
      expect.objectContaining({ name: 'private-channel', fields: { token: 'wrong' } }),
    );
    expect(watchOf(wrong, closed).feed.stats.bad).toBe(0);
    expect(watchOf(wrong, closed).ring.skipped).toBe(0);
  });

  it('a household repeats what nobody watches at home', () => {
    // No reader of its rings was ever made but those of the tests above, and those got nothing of the private one.
    const before = watchOf(member, closed).feed.stats.blocks;
    closed.play(TESTCARD, town.world.now, 2000, PER_TICK);
    town.world.run(at(22_000));
    expect(watchOf(member, closed).feed.stats.blocks).toBeGreaterThan(before + 20);
  });
});

/** Seven households under an origin that feeds two. */
function grown(seed: number, token?: Uint8Array): { readonly town: Neighbourhood; readonly homes: readonly Home[] } {
  const town = new Neighbourhood({ seed, originChildren: 2, token });
  town.play(at(0), 60_000, PER_TICK);
  town.world.run(at(1000));
  const homes = (
    ['port-restricted', 'full-cone', 'open', 'offset', 'open', 'full-cone', 'port-restricted'] as const
  ).map((kind, i) => {
    const home = town.taking(`home ${i}`, kind, [town.studio.channel]);
    town.world.run(at(town.world.now + 400));
    return home;
  });
  town.world.run(at(town.world.now + 8000));
  return { town, homes };
}

/** When each household has its first block of that epoch, counted from `since`. */
function firstBlocks(town: Neighbourhood, homes: readonly Home[], epoch: number, patience: number): readonly number[] {
  const began = town.world.now;
  const found = new Map<Home, number>();
  while (found.size < homes.length && town.world.now < began + patience) {
    town.world.run(at(town.world.now + 5));
    for (const home of homes) {
      const has = home.blocks.at(-1)?.epoch === epoch;
      if (has && !found.has(home)) found.set(home, town.world.now - began);
    }
  }
  return homes.map((home) => found.get(home) ?? Infinity);
}

describe('an origin that is started again', () => {
  it.each([
    [1, 200, 1000],
    [2, 3000, 1000],
    [3, 10_000, 4000],
  ])('is followed by all, and nobody passes anything of before on (%i: away for %i ms)', (seed, away, bar) => {
    const { town, homes } = grown(seed);
    town.studio.kill();
    town.world.run(at(town.world.now + away));
    const old: string[] = [];
    for (const { name, household } of homes) {
      const [watch] = household.watches;
      if (watch === undefined) continue;
      given(watch, (bytes) => {
        const epoch = readManifest(bytes)?.epoch;
        if (watch.feed.epoch === 2 && epoch !== undefined && epoch < 2) old.push(name);
      });
    }
    town.studio.start(2);
    const after = firstBlocks(town, homes, 2, 20_000);
    console.log(`away for ${away} ms: the first block of the new epoch after ${after.join(', ')} ms`);
    expect(Math.max(...after)).toBeLessThanOrEqual(bar);
    town.world.run(at(town.world.now + 5000));
    expect(old).toEqual([]);
    for (const home of homes) {
      const blocks = home.blocks.filter(({ epoch }) => epoch === 2);
      expect(blocks.length).toBeGreaterThan(50);
      expect(blocks.map(({ number }) => number)).toEqual(blocks.map((_, i) => (blocks[0]?.number ?? 0) + i));
      expect(home.household.watches[0]?.feed.stats.bad).toBe(0);
    }
  });

  it('without its count of starts is told so, and nobody takes what it sends', () => {
    const { town, homes } = grown(4);
    town.studio.kill();
    town.studio.start(5);
    town.world.run(at(town.world.now + 6000));
    town.studio.kill();
    town.studio.start(1);
    town.world.run(at(town.world.now + 6000));
    expect(town.studio.events.at(-1)).toMatchObject({ name: 'publish-refused', fields: { reason: 'old-epoch' } });
    for (const { household } of homes) expect(household.watches[0]?.feed.epoch).toBe(5);
  });

  it('with another token is closed to those that have the old one', () => {
    const { town, homes } = grown(5, TOKEN);
    town.studio.kill();
    town.studio.start(2, new Uint8Array(32).fill(77));
    town.world.run(at(town.world.now + 6000));
    for (const home of homes) {
      expect(home.blocks.at(-1)).toMatchObject({ epoch: 2, isClear: false });
      expect(home.events.filter(({ name }) => name === 'private-channel').map(({ fields }) => fields['token'])).toEqual(
        ['open', 'wrong'],
      );
    }
  });
});

describe('a stream that is not what it was', () => {
  const innerOne = (homes: readonly Home[]): { readonly inner: Home; readonly children: readonly Home[] } => {
    const childrenOf = (home: Home): readonly Home[] =>
      homes.filter(({ household }) => {
        const node = household.watches[0]?.parent?.node;
        return node !== undefined && sameBytes(node, home.household.endpoint.node);
      });
    const [inner] = homes.toSorted((a, b) => childrenOf(b).length - childrenOf(a).length);
    if (inner === undefined || childrenOf(inner).length === 0) throw new Error('nobody feeds anybody');
    return { inner, children: childrenOf(inner) };
  };

  it('is taken from nobody who plays blocks of an earlier start: that one is cut, and reported', () => {
    const { town, homes } = grown(6);
    const recorded: Uint8Array[] = [];
    const { inner } = innerOne(homes);
    const [watch] = inner.household.watches;
    if (watch === undefined) throw new Error('no channel');
    given(watch, (bytes) => {
      if (recorded.length < 400) recorded.push(bytes);
    });
    town.world.run(at(town.world.now + 1000));
    town.studio.kill();
    town.studio.start(2);
    town.world.run(at(town.world.now + 12_000));
    const children = homes.filter(
      ({ household }) =>
        household.watches[0]?.parent !== undefined &&
        sameBytes(household.watches[0].parent.node, inner.household.endpoint.node),
    );
    if (children.length === 0) return expect.unreachable('it feeds nobody any more');
    const { children: fed } = watch.kin;
    const forward = fed.forward.bind(fed);
    let i = 0;
    fed.forward = () => forward(recorded[i++ % recorded.length] ?? new Uint8Array());
    town.world.run(at(town.world.now + 3000));
    for (const child of children) {
      expect(child.events).toContainEqual(
        expect.objectContaining({
          name: 'bad-block',
          fields: expect.objectContaining({ reason: 'rollback' }) as object,
        }),
      );
      const parent = child.household.watches[0]?.parent?.node ?? new Uint8Array();
      expect(sameBytes(parent, inner.household.endpoint.node)).toBe(false);
      const epochs = child.blocks.map(({ epoch }) => epoch);
      expect(epochs.lastIndexOf(1)).toBeLessThan(epochs.indexOf(2));
      expect(child.household.watches[0]?.ring.skipped).toBe(0);
    }
  });

  it('is called a fork of the channel when its own key signs two of it: the first is played, no household is blamed', () => {
    const { town, homes } = grown(7);
    const { inner, children } = innerOne(homes);
    const fed = inner.household.watches[0]?.kin.children;
    if (fed === undefined) throw new Error('no channel');
    const forward = fed.forward.bind(fed);
    const { pair } = town.studio;
    fed.forward = (bytes) => {
      const manifest = readManifest(bytes);
      const other = manifest && signManifest({ ...manifest, time: manifest.time + 1 }, town.cipher, pair);
      return other === undefined ? forward(bytes) : [...forward(bytes), ...forward(other)];
    };
    town.world.run(at(town.world.now + 3000));
    for (const child of children) {
      expect(statusFor(child, town.studio, town)?.forked).toBe(true);
      expect(child.events.filter(({ name }) => name === 'channel-forked')).toHaveLength(1);
      expect(child.events.filter(({ name }) => name === 'bad-block')).toEqual([]);
      expect(child.household.watches[0]?.parent?.node).toEqual(inner.household.endpoint.node);
      const blocks: readonly Block[] = child.blocks;
      for (const { number, bytes } of blocks) expect(bytes).toEqual(town.written[number]?.bytes);
      expect(child.household.watches[0]?.ring.skipped).toBe(0);
    }
  });
});
