import { describe, expect, it } from 'vitest';
import { hex } from '../../agent/base/bytes.ts';
import { at } from '../../agent/base/time.ts';
import { tamper, watchOf } from './wood.ts';
import { type Home, Neighbourhood } from './neighbourhood.ts';

const PER_TICK = 188 * 40;
const SPAN = 120_000;

/** Houses in streets of their own: no two of one prefix. */
class Village {
  readonly town: Neighbourhood;
  #now = 1000;

  constructor(seed: number) {
    this.town = new Neighbourhood({ seed, originChildren: 2 });
    this.town.play(at(0), SPAN, PER_TICK);
    this.town.world.run(at(this.#now));
  }

  pass(millis: number): void {
    this.#now += millis;
    this.town.world.run(at(this.#now));
  }

  get now(): number {
    return this.#now;
  }

  settle(children: number): Home {
    const number = this.town.homes.length;
    return this.town.home(`home ${number}`, 'full-cone', children, undefined, { ip: `198.${50 + number}.7.9` });
  }

  parentOf(home: Home): Home | undefined {
    const node = watchOf(home).parent?.node;
    return this.town.homes.find((one) => node !== undefined && hex(one.household.endpoint.node) === hex(node));
  }

  childrenOf(home: Home): readonly Home[] {
    return this.town.homes.filter((one) => this.parentOf(one) === home);
  }

  /** Streams that the rendezvous believes of it. */
  slots(home: Home): number | undefined {
    const id = hex(home.household.endpoint.node);
    const edges = this.town.rendezvous.tree(watchOf(home).channel);
    return edges.find(({ node }) => hex(Uint8Array.from(node, (char) => char.charCodeAt(0))) === id)?.slots;
  }

  /** How long until that household is a leaf to the rendezvous; Infinity when it is not within a minute. */
  untilLeaf(home: Home): number {
    const began = this.#now;
    for (let passed = 0; passed <= 60_000; passed += 250) {
      if (this.slots(home) === 0) return this.#now - began;
      this.pass(250);
    }
    return Infinity;
  }
}

/** Whoever is to lie has a single child in the end: the others are there to take that in, and to be asked. */
function withLiar(seed: number): { readonly village: Village; readonly liar: Home; readonly child: Home } {
  const village = new Village(seed);
  for (const children of [2, 2, 2, 2, 0, 0, 0]) {
    village.settle(children);
    village.pass(2500);
    const liar = village.town.homes.find((home) => village.childrenOf(home).length === 1);
    const [child] = liar === undefined ? [] : village.childrenOf(liar);
    if (village.town.homes.length > 4 && liar !== undefined && child !== undefined) return { village, liar, child };
  }
  throw new Error(village.town.homes.map((home) => village.parentOf(home)?.name ?? 'origin').join(', '));
}

describe('a household with a single child', () => {
  it.each([1, 2])(
    'that serves nothing is a leaf within a minute, by its child and by somebody sent to it (%i)',
    (seed) => {
      const { village, liar, child } = withLiar(seed);
      tamper(liar, () => undefined);
      const after = village.untilLeaf(liar);
      console.log(`serves nothing: a leaf after ${after} ms`);
      expect(after).toBeLessThanOrEqual(60_000);
      expect(village.parentOf(child)).not.toBe(liar);
      expect(watchOf(child).ring.skipped).toBe(0);
    },
  );

  it.each([3, 4])('that changes a bit is a leaf within a minute, and nothing that it sent is seen (%i)', (seed) => {
    const { village, liar, child } = withLiar(seed);
    tamper(liar, (bytes) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)));
    const after = village.untilLeaf(liar);
    console.log(`corrupts: a leaf after ${after} ms`);
    expect(after).toBeLessThanOrEqual(60_000);
    expect(watchOf(child).ring.skipped).toBe(0);
  });
});

describe('an honest household', () => {
  it('is tried out, passes, and goes on feeding whom it feeds', () => {
    const { village, liar: honest } = withLiar(5);
    village.pass(40_000);
    const verdicts = village.town.homes.flatMap(({ events }) =>
      events.filter(({ name }) => name === 'audit').map(({ fields }) => fields['verdict']),
    );
    expect(verdicts.length).toBeGreaterThan(0);
    expect(new Set(verdicts)).toEqual(new Set(['good']));
    expect(village.slots(honest)).toBe(2);
    expect(village.town.homes.map((home) => watchOf(home).ring.skipped)).toEqual(village.town.homes.map(() => 0));
  });

  it('is not harmed by a child that complains of it again and again', () => {
    const { village, liar: honest, child } = withLiar(6);
    const { node } = honest.household.endpoint;
    const slots: (number | undefined)[] = [];
    for (let i = 0; i < 30; i++) {
      child.household.endpoint.step(
        { kind: 'complain', channel: watchOf(child).channel, node, fault: i % 2 === 0 ? 'silent' : 'corrupt' },
        child.host.now(),
      );
      village.pass(1500);
      slots.push(village.slots(honest));
    }
    expect(new Set(slots)).toEqual(new Set([2]));
    expect(village.childrenOf(honest)).toContain(child);
    expect(village.town.homes.map((home) => watchOf(home).ring.skipped)).toEqual(village.town.homes.map(() => 0));
  });
});
