import { describe, expect, it } from 'vitest';
import { hex } from '../../agent/base/bytes.ts';
import { at, ms } from '../../agent/base/time.ts';
import type { Link } from '../../agent/sim/link.ts';
import { HEADERS } from '../../agent/sim/packet.ts';
import { type Home, type LineOut, Neighbourhood } from './neighbourhood.ts';
import { watchOf } from './wood.ts';

/** The test card at its own pace: 1.5 Mbit/s. */
const PER_TICK = 188 * 40;
const STREAM_BPS = (PER_TICK * 8 * 1000) / 40;
const SPAN = 80_000;

/** A home with a line of its own, and those who may be fed by it. */
class Street {
  readonly town: Neighbourhood;
  #now = 1000;

  constructor(seed: number) {
    this.town = new Neighbourhood({ seed, originChildren: 1 });
    this.town.play(at(0), SPAN, PER_TICK);
    this.town.world.run(at(this.#now));
  }

  get now(): number {
    return this.#now;
  }

  pass(millis: number): void {
    this.#now += millis;
    this.town.world.run(at(this.#now));
  }

  /** The one that feeds others, by a line that carries so much upwards. */
  feeder(upBps: number, line: LineOut = {}): Home {
    const up = { delay: ms(15), rate: upBps, queue: ms(200) };
    return this.town.home('feeder', 'full-cone', 2, undefined, {
      access: { up, down: { delay: ms(15) } },
      ...line,
    });
  }

  children(home: Home): readonly Home[] {
    return this.town.homes.filter((one) => {
      const parent = watchOf(one).parent?.node;
      return parent !== undefined && hex(parent) === hex(home.household.endpoint.node);
    });
  }

  /** Somebody else in that house sends so much, from now on and for so long. */
  upload(home: Home, bps: number, span: number): void {
    const bytes = new Uint8Array(1400);
    const every = ((bytes.length + HEADERS) * 8000) / bps;
    for (let t = 0; t < span; t += every) {
      this.town.world.at(at(this.#now + t), () =>
        home.access.uplink.carry({
          from: { ip: '192.168.1.9', port: 9 },
          to: { ip: '203.0.113.9', port: 9 },
          ttl: 1,
          bytes,
        }),
      );
    }
  }
}

/** Bits of our own that were given to this link, by second. */
function meter(link: Link, now: () => number): ReadonlyMap<number, number> {
  const bits = new Map<number, number>();
  const carry = link.carry.bind(link);
  link.carry = (packet) => {
    const tenth = Math.floor(now() / 100);
    if (packet.from.port !== 9) bits.set(tenth, (bits.get(tenth) ?? 0) + (packet.bytes.length + HEADERS) * 8);
    carry(packet);
  };
  return bits;
}

/** The most in any whole second of tenths. */
function busiest(tenths: ReadonlyMap<number, number>): number {
  let most = 0;
  for (const first of tenths.keys()) {
    let sum = 0;
    for (let i = 0; i < 10; i++) sum += tenths.get(first + i) ?? 0;
    most = Math.max(most, sum);
  }
  return most;
}

describe('a household whose line out is known', () => {
  it('never sends more than its share of it, not even while children catch up', () => {
    const street = new Street(1);
    const share = 0.5;
    const feeder = street.feeder(9_000_000, { uploadKbits: 9000, uploadShare: share });
    const sent = meter(feeder.access.uplink, () => street.town.world.now);
    street.pass(8000);
    street.town.home('one', 'open', 0);
    street.pass(4000);
    const late = street.town.home('two', 'port-restricted', 0);
    street.pass(8000);
    // For so long it got nothing, and all of that is given to it at once.
    const { downlink } = late.access;
    const line = downlink.shape;
    downlink.shape = { ...line, loss: 1 };
    street.pass(6000);
    downlink.shape = line;
    street.pass(12_000);
    expect(street.children(feeder)).toHaveLength(2);
    expect(busiest(sent)).toBeGreaterThan(2 * STREAM_BPS);
    expect(busiest(sent)).toBeLessThanOrEqual(share * 9_000_000);
    expect(feeder.household.capacity.source).toBe('declared');
  });

  it('feeds nobody where its share is less than one stream', () => {
    const street = new Street(2);
    const feeder = street.feeder(9_000_000, { uploadKbits: 2000, uploadShare: 0.8 });
    street.pass(8000);
    street.town.home('one', 'open', 0);
    street.pass(6000);
    expect(street.children(feeder)).toHaveLength(0);
    expect(feeder.household.capacity.streams[0]).toBeGreaterThan(0.5);
    expect(feeder.household.capacity.streams[0]).toBeLessThan(1);
  });
});

describe('a household that knows nothing of its line', () => {
  it('takes what its children were given at once for the least that it carries', () => {
    const street = new Street(3);
    const feeder = street.feeder(20_000_000, { uploadShare: 0.8 });
    street.pass(8000);
    expect(feeder.household.capacity).toMatchObject({ source: 'assumed', streams: [2] });
    street.town.home('one', 'open', 0);
    street.pass(8000);
    const kbits = Math.round((feeder.household.capacity.upload ?? 0) * 8);
    expect(kbits).toBeGreaterThan((1.5 * STREAM_BPS) / 1000);
    expect(kbits).toBeLessThanOrEqual(20_000);
  });

  it('lets go of what its line does not carry, and nobody sees it', () => {
    const street = new Street(4);
    const feeder = street.feeder(2_700_000);
    street.pass(8000);
    const children = ['one', 'two'].map((name) => {
      const home = street.town.home(name, 'open', 0);
      street.pass(1500);
      return home;
    });
    street.town.originDrive.give({ kind: 'capacity', children: 3 });
    street.pass(30_000);
    expect(street.children(feeder).length).toBeLessThanOrEqual(1);
    for (const child of children) expect(watchOf(child).parent).toBeDefined();
    expect(watchOf(feeder).ring.skipped).toBe(0);
  });
});

describe('a household where somebody uploads', () => {
  it.each([5, 6])('sheds its children before its own viewers see a gap (%i)', (seed) => {
    const street = new Street(seed);
    const feeder = street.feeder(6_000_000);
    street.pass(8000);
    const children = ['one', 'two'].map((name) => {
      const home = street.town.home(name, 'open', 0);
      street.pass(2000);
      return home;
    });
    expect(street.children(feeder)).toHaveLength(2);
    // Elsewhere there is room.
    street.town.originDrive.give({ kind: 'capacity', children: 3 });
    street.pass(12_000);
    const began = street.now;
    const skipped = children.map((child) => watchOf(child).ring.skipped);
    street.upload(feeder, 7_000_000, 30_000);
    street.pass(20_000);
    const shed = feeder.events.filter(({ name, at: when }) => name === 'capacity' && when >= began);
    expect(street.children(feeder)).toHaveLength(0);
    expect(watchOf(feeder).ring.skipped).toBe(0);
    expect(children.map((child, i) => watchOf(child).ring.skipped - (skipped[i] ?? 0))).toEqual([0, 0]);
    for (const child of children) expect(watchOf(child).parent).toBeDefined();
    expect(shed.map(({ fields }) => fields['way'])).toEqual(['less']);
    expect((shed[0]?.at ?? Infinity) - began).toBeLessThan(1500);
    // It is believed to have room again only when it was calm for a while.
    expect(feeder.household.capacity.streams[0]).toBeLessThan(1);
  });
});
