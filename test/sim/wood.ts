import { hex } from '../../agent/base/bytes.ts';
import { at } from '../../agent/base/time.ts';
import type { Watch } from '../../agent/house/watch.ts';
import type { KindName } from '../../agent/sim/kinds.ts';
import { type Home, Neighbourhood } from './neighbourhood.ts';

const KINDS: readonly KindName[] = [
  'port-restricted',
  'offset',
  'full-cone',
  'open',
  'port-restricted',
  'sequential',
  'address-restricted',
];
const PER_TICK = 188 * 40;
/** Between two households that come. */
const APART = 400;
/** Datagrams that were on their way when their sender died: the longest lines of a neighbourhood. */
const IN_FLIGHT = 60;
const LOOK_EVERY = 5;

/** Whole households behind mixed NATs, one after the other under an origin that feeds two. */
export class Wood {
  readonly town: Neighbourhood;
  readonly living = new Set<Home>();
  #now: number;

  constructor(seed: number, homes: number, span: number) {
    this.town = new Neighbourhood({ seed, originChildren: 2 });
    this.town.play(at(0), span, PER_TICK);
    this.#now = 1000;
    this.town.world.run(at(this.#now));
    for (let i = 0; i < homes; i++) {
      this.living.add(this.town.home(`home ${i}`, KINDS[i % KINDS.length] ?? 'open'));
      this.pass(APART);
    }
    // Spares are found without haste.
    this.pass(8000);
  }

  pass(millis: number): void {
    this.#now += millis;
    this.town.world.run(at(this.#now));
  }

  parentOf(home: Home): Home | 'origin' | undefined {
    const node = watchOf(home).parent?.node;
    if (node === undefined) return undefined;
    if (hex(node) === hex(this.town.origin.endpoint.node)) return 'origin';
    return this.town.homes.find(({ household }) => hex(household.endpoint.node) === hex(node));
  }

  /** What a test compares: a whole household as text is too much for anybody. */
  parentNameOf(home: Home): string | undefined {
    const parent = this.parentOf(home);
    return parent === 'origin' ? parent : parent?.name;
  }

  childrenOf(home: Home): readonly Home[] {
    return [...this.living].filter((one) => this.parentOf(one) === home);
  }

  /** Those that feed others. */
  inner(): readonly Home[] {
    return [...this.living].filter((home) => this.childrenOf(home).length > 0);
  }

  /** Steps to the origin by what each says of its own parent; undefined where that leads nowhere. */
  depthOf(home: Home): number | undefined {
    let up: Home | 'origin' | undefined = home;
    for (let steps = 0; steps <= this.town.homes.length; steps++) {
      if (up === 'origin') return steps;
      if (up === undefined) return undefined;
      up = this.parentOf(up);
    }
    return undefined;
  }

  /** The power of one is cut. Answers with how long each of its children was without a new block. */
  kill(home: Home): readonly number[] {
    const children = this.childrenOf(home);
    home.drive.stop();
    this.living.delete(home);
    return this.droughts(children);
  }

  /** How long it takes from now until each of these has a block that was not on its way yet. */
  droughts(homes: readonly Home[]): readonly number[] {
    const found = new Map<Home, number>();
    this.pass(IN_FLIGHT);
    const before = homes.map(({ blocks }) => blocks.length);
    for (let passed = IN_FLIGHT; found.size < homes.length && passed < 5000; passed += LOOK_EVERY) {
      this.pass(LOOK_EVERY);
      for (const [i, home] of homes.entries()) {
        if (!found.has(home) && home.blocks.length > (before[i] ?? 0)) found.set(home, passed + LOOK_EVERY);
      }
    }
    return homes.map((home) => found.get(home) ?? Infinity);
  }

  /** Blocks that did not come in time, anywhere. */
  skipped(): number {
    return [...this.living].reduce((sum, home) => sum + watchOf(home).ring.skipped, 0);
  }

  /** What viewers got that the origin did not write. */
  forged(): number {
    const { written } = this.town;
    return [...this.living]
      .flatMap(({ blocks }) => blocks)
      .filter(({ number, bytes }) => {
        const genuine = written[number]?.bytes;
        return genuine === undefined || genuine.length !== bytes.length || hex(genuine) !== hex(bytes);
      }).length;
  }
}

export function watchOf(home: Home): Watch {
  const [watch] = home.household.watches;
  if (watch === undefined) throw new Error(`${home.name} takes no channel`);
  return watch;
}

/** What it gives its children goes through this. */
export function tamper(home: Home, change: (bytes: Uint8Array) => Uint8Array | undefined): void {
  const { children } = watchOf(home).kin;
  const forward = children.forward.bind(children);
  children.forward = (bytes) => {
    const changed = change(bytes);
    return changed === undefined ? [] : forward(changed);
  };
}
