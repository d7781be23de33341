import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, ms } from '../../agent/base/time.ts';
import { Capacity } from '../../agent/house/capacity/capacity.ts';
import type { Around, CapacityEffect, CapacityOptions, ChannelSight } from '../../agent/house/capacity/orders.ts';
import { changeOf, type Counted } from '../../agent/house/capacity/change.ts';
import type { Sight } from '../../agent/house/capacity/pressure.ts';
import { readUpload, savedUpload } from '../../agent/house/capacity/saved.ts';
import { divide } from '../../agent/house/capacity/sharing.ts';
import { StreamRate } from '../../agent/house/capacity/stream-rate.ts';

/** 3 Mbit/s in bytes per millisecond. */
const STREAM = 375;
/** One child of it, with what is around it. */
const CHILD = STREAM * 1.15;

/** A capacity machine with a house around it: sessions that take what they are given, on a line that may be full. */
class House {
  readonly machine: Capacity;
  readonly effects: CapacityEffect[] = [];
  now = 1000;
  children = 0;
  channels = 1;
  isLate = false;
  /** Milliseconds that wait in the line, as children and as others feel it. */
  queue = { children: 0, others: 0 };
  /** Of what children need: what they get. */
  gets = 1;
  around: Around = { own: 0.1, machine: 0.1, late: ms(0), freeBytes: 2 ** 28, others: undefined, link: undefined };
  #delivered = 0;

  constructor(options: Partial<CapacityOptions> = {}) {
    this.channels = options.channels ?? 1;
    this.machine = new Capacity({ children: 2, uploadKbits: 0, share: 0.8, channels: 1, ...options });
  }

  pass(millis: number): this {
    const end = this.now + millis;
    while (this.now < end) {
      const next = Math.min(end, Math.max(this.now + 1, this.machine.wake()));
      const span = next - this.now;
      this.now = next;
      this.#delivered += span * CHILD * this.gets;
      if (Math.floor(next / 1000) > Math.floor((next - span) / 1000)) this.#step({ kind: 'around', ...this.around });
      if (this.now >= this.machine.wake())
        this.#step({ kind: 'looked', sessions: this.#sessions(), channels: this.#channels() });
    }
    return this;
  }

  slots(channel = 0): number | undefined {
    return this.effects.flatMap((one) => (one.kind === 'slots' && one.channel === channel ? [one.slots] : [])).at(-1);
  }

  most(): number | undefined {
    return this.effects.flatMap((one) => (one.kind === 'slots' ? [one.most] : [])).at(-1);
  }

  told(): readonly (readonly number[])[] {
    return this.effects.flatMap((one) => (one.kind === 'tell' ? [one.claims.map(({ streams }) => streams)] : []));
  }

  #step(input: Parameters<Capacity['step']>[0]): void {
    this.effects.push(...this.machine.step(input, at(this.now)));
  }

  #channels(): readonly ChannelSight[] {
    return Array.from({ length: this.channels }, (_, i) => ({
      rate: STREAM,
      children: i === 0 ? this.children : 0,
      isLate: this.isLate,
    }));
  }

  #sessions(): readonly Sight[] {
    const children = Array.from({ length: this.children }, (_, i) => this.#session(i, true, this.queue.children));
    return [...children, this.#session(100, false, this.queue.others)];
  }

  #session(pairId: number, isChild: boolean, queue: number): Sight {
    const deliveredBytes = isChild ? this.#delivered : 0;
    const rtt = ms(40 + queue);
    return { pairId, isChild, deliveredBytes, sentPackets: 0, lostPackets: 0, rtt, waitingBytes: 0, deliveryRate: 0 };
  }
}

describe('what a line is said to carry', () => {
  it.each([
    // kbit/s, share, streams of 3 Mbit/s: share x 0.85 / 1.15
    [10_000, 0.8, 1.97],
    [10_000, 1, 2.46],
    [4000, 0.8, 0.788],
    [1000, 0.8, 0.197],
    [100_000, 0.8, 8],
  ])('%i kbit/s of which %f may be used are %f streams', (uploadKbits, share, streams) => {
    const house = new House({ uploadKbits, share, children: 8 }).pass(10_000);
    expect(house.machine.streams[0]).toBeCloseTo(streams, 1);
    expect(house.slots() ?? 2).toBe(Math.floor(streams));
  });

  it('counts only as far as the owner lets children be fed', () => {
    expect(new House({ uploadKbits: 100_000, children: 3 }).pass(10_000).machine.streams).toEqual([3]);
    expect(new House({ uploadKbits: 100_000, children: 0 }).pass(10_000).machine.streams).toEqual([0]);
  });

  it('is less when other devices send, once they have done so for a while, and what they take is not ours', () => {
    const house = new House({ uploadKbits: 20_000, children: 8 }).pass(10_000);
    expect(house.slots()).toBe(3);
    house.around = { ...house.around, others: 1000 };
    house.pass(2000);
    expect(house.slots()).toBe(3);
    house.pass(4000);
    expect(house.slots()).toBe(1);
  });

  it('is no more than the interface to it can carry', () => {
    const house = new House({ uploadKbits: 100_000, children: 8 });
    house.around = { ...house.around, link: 1250 };
    expect(house.pass(10_000).machine.streams[0]).toBeCloseTo(1.97, 1);
  });
});

it('a household helps out with as much as its line carries, unless its owner wants nobody to be fed', () => {
  expect(new House({ uploadKbits: 30_000 }).pass(10_000).most()).toBe(5);
  expect(new House({ uploadKbits: 30_000, children: 0 }).pass(10_000).most() ?? 0).toBe(0);
});

describe('a line that nobody has described', () => {
  it('is said to feed two, and no more than its owner allows', () => {
    expect(new House({ children: 8 }).pass(10_000).machine.streams).toEqual([2]);
    expect(new House({ children: 1 }).pass(10_000).machine.streams).toEqual([1]);
  });

  it('may try one more after a minute in which all it may feed were fed and nothing waited', () => {
    const house = new House({ children: 4 });
    house.children = 2;
    house.pass(50_000);
    expect(house.slots()).toBeUndefined();
    house.pass(20_000);
    expect(house.slots()).toBe(3);
    // The third has not come: nothing more was shown.
    house.pass(120_000);
    expect(house.slots()).toBe(3);
  });

  it('is found full within a second when all wait and too little gets through', () => {
    const house = new House();
    house.children = 2;
    house.pass(20_000);
    [house.queue, house.gets] = [{ children: 150, others: 150 }, 0.6];
    const began = house.now;
    while (house.slots() === undefined && house.now < began + 5000) house.pass(10);
    expect(house.now - began).toBeLessThanOrEqual(1000);
    expect(house.slots()).toBe(0);
    expect(house.machine.view.source).toBe('measured');
  });

  it('is not blamed for what only children say: their own lines may be slow, or they lie', () => {
    const house = new House();
    house.children = 2;
    house.pass(20_000);
    [house.queue, house.gets] = [{ children: 500, others: 0 }, 0.1];
    house.pass(60_000);
    expect(house.slots()).toBeUndefined();
  });

  it('is not blamed for a queue that nobody suffers from', () => {
    const house = new House();
    house.children = 2;
    house.pass(20_000);
    house.queue = { children: 300, others: 300 };
    house.pass(60_000);
    expect(house.slots()).toBeUndefined();
  });

  it('sheds its children as soon as the own picture comes late while the line waits', () => {
    const house = new House();
    house.children = 2;
    house.pass(20_000);
    [house.queue, house.isLate] = [{ children: 60, others: 60 }, true];
    house.pass(1000);
    expect(house.slots()).toBe(1);
  });

  it.each([undefined, 20_000])(
    'that was cut off for a moment is not taken for dead for ever (declared: %s)',
    (declared) => {
      const house = new House({ uploadKbits: declared ?? 0 });
      house.children = 2;
      house.pass(20_000);
      [house.queue, house.gets, house.isLate] = [{ children: 300, others: 300 }, 0, true];
      house.pass(8000);
      expect(house.slots()).toBe(0);
      [house.queue, house.gets, house.children, house.isLate] = [{ children: 0, others: 0 }, 1, 0, false];
      house.pass(600_000);
      expect(house.slots()).toBe(2);
    },
  );

  it('is believed to carry more only after a calm time, twice as long when it was too early', () => {
    const recovers = (house: House): number => {
      [house.queue, house.gets, house.children] = [{ children: 150, others: 150 }, 0.6, 2];
      // Newly come children may fill the line for some seconds.
      house.pass(6000);
      expect(house.slots()).toBe(0);
      [house.queue, house.gets, house.children] = [{ children: 0, others: 0 }, 1, 0];
      const began = house.now;
      while (house.slots() === 0 && house.now < began + 900_000) house.pass(250);
      return house.now - began;
    };
    const house = new House();
    house.children = 2;
    house.pass(20_000);
    const first = recovers(house);
    house.pass(60_000);
    const second = recovers(house);
    expect(first).toBeGreaterThanOrEqual(30_000);
    expect(second).toBeGreaterThan(first + 25_000);
  });
});

describe('a machine at its limit', () => {
  it.each([
    ['its own core', { own: 0.97 }],
    ['the processor, and we wait for it', { machine: 0.99, late: ms(150) }],
    ['memory', { freeBytes: 8 * 2 ** 20 }],
  ])('gives up a child when %s has nothing left, and takes it again after a minute of ease', (_what, strained) => {
    const house = new House();
    house.children = 2;
    house.pass(10_000);
    const calm = house.around;
    house.around = { ...calm, ...strained };
    house.pass(2500);
    expect(house.slots()).toBeUndefined();
    house.pass(3000);
    expect(house.slots()).toBe(1);
    expect(house.machine.view.source).toBe('machine');
    [house.around, house.children] = [calm, 1];
    house.pass(50_000);
    expect(house.slots()).toBe(1);
    house.pass(25_000);
    expect(house.slots()).toBe(2);
  });
});

it('a machine that is busy with something else, and does not keep us waiting, is no reason to feed fewer', () => {
  const house = new House();
  house.children = 2;
  house.around = { ...house.around, machine: 1, late: ms(20) };
  house.pass(20_000);
  expect(house.slots()).toBeUndefined();
});

describe('what the rendezvous is told', () => {
  it('is told at once when whole streams come or go, and else once a minute at most', () => {
    const house = new House({ uploadKbits: 9000, children: 8 });
    house.pass(10_000);
    const before = house.told().length;
    for (let i = 0; i < 120; i++) {
      house.around = { ...house.around, others: i % 2 === 0 ? 0 : 60 };
      house.pass(1000);
    }
    expect(house.told().length - before).toBeLessThanOrEqual(3);
  });

  it('follows the owner without a delay', () => {
    const house = new House({ uploadKbits: 100_000 });
    house.pass(10_000);
    house.machine.step({ kind: 'allowed', children: 1, uploadKbits: 100_000, share: 0.8 }, at(house.now));
    house.pass(300);
    expect(house.told().at(-1)).toEqual([1]);
  });
});

describe('several channels on one line', () => {
  it.each([
    ['nobody is fed: they take turns', [0, 0], 3, [2, 1]],
    ['whom one feeds it goes on feeding', [0, 2], 3, [1, 2]],
    ['the one whose slots are taken gets the next', [1, 1, 0], 3, [1, 1, 1]],
    ['too little for all: the one with most children keeps its own', [1, 2], 2, [0, 2]],
    ['nothing at all', [1, 1], 0, [0, 0]],
  ])('%s', (_what, children, room, slots) => {
    const shares = divide(
      children.map((fed) => ({ need: 1, children: fed })),
      room,
      8,
    );
    expect(shares.map((share) => share.slots)).toEqual(slots);
  });

  it('never promise more together than the line has, and nothing that would fit is left', () => {
    const demand = fc.record({ need: fc.double({ min: 0.1, max: 5, noNaN: true }), children: fc.nat({ max: 8 }) });
    fc.assert(
      fc.property(fc.array(demand, { maxLength: 8 }), fc.double({ min: 0, max: 60, noNaN: true }), (demands, room) => {
        const shares = divide(demands, room, 8);
        const used = demands.reduce((sum, { need }, i) => sum + need * (shares[i]?.slots ?? 0), 0);
        expect(used).toBeLessThanOrEqual(room + 1e-9);
        for (const [i, { need }] of demands.entries()) {
          const { slots = 0, streams = 0 } = shares[i] ?? {};
          expect(slots >= 8 || need > room - used - 1e-9).toBe(true);
          expect(Math.floor(streams)).toBe(slots);
        }
      }),
    );
  });

  it('share what is not known yet', () => {
    const house = new House({ channels: 2 });
    expect(house.machine.streams).toEqual([1, 1]);
  });
});

describe('what one child may be sent', () => {
  it('adds up to no more than the share of the line, whoever catches up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 500, max: 100_000 }), (children, uploadKbits) => {
        const { machine } = new House({ uploadKbits, children: 8 });
        const each = machine.pace(STREAM, STREAM * children, children) ?? Infinity;
        expect(each * children + (machine.reserve ?? Infinity)).toBeLessThanOrEqual((0.8 * uploadKbits) / 8 / 0.85);
        expect(each * children).toBeLessThanOrEqual((0.8 * uploadKbits) / 8 + 1e-9);
      }),
    );
  });

  it('is a trickle while other devices take all of it, so that what has to be said is said', () => {
    const house = new House({ uploadKbits: 1000 });
    house.around = { ...house.around, others: 500 };
    const { machine } = house.pass(5000);
    for (const limit of [machine.pace(0, 0, 1), machine.pace(STREAM, STREAM, 1), machine.reserve]) {
      expect(limit).toBeGreaterThan(0);
      expect(limit).toBeLessThanOrEqual(8);
    }
  });

  it('is left to the transport while nothing says where the line ends', () => {
    expect(new House().machine.pace(STREAM, STREAM, 1)).toBeUndefined();
  });
});

describe('the rate of a stream', () => {
  it('is that of its own clock, however fast it comes, and a busy second is remembered for a while', () => {
    const stream = new StreamRate();
    const block = (time: number, size: number) => ({
      epoch: 1,
      time,
      bytes: new Uint8Array(size),
      manifest: new Uint8Array(0),
    });
    for (let time = 0; time <= 3000; time += 40) stream.took(block(time, 4000));
    expect(stream.rate).toBeCloseTo(100, 0);
    for (let time = 3040; time <= 4080; time += 40) stream.took(block(time, 8000));
    expect(stream.rate).toBeGreaterThan(170);
    for (let time = 4120; time <= 80_000; time += 40) stream.took(block(time, 4000));
    expect(stream.rate).toBeLessThan(110);
  });
});

describe('what is remembered of a line', () => {
  const known = { carried: 1000, full: 500 };
  it.each([
    ['at once', 0, { carried: 1000, full: 500 }],
    ['a day later half as much, and that it was full is over', 86_401, { carried: 500, full: undefined }],
    ['after a month nothing', 31 * 86_400, undefined],
    ['by a clock that stands in 1970 everything', -1e9, { carried: 1000, full: 500 }],
  ])('%s', (_when, age, expected) => {
    const read = readUpload(savedUpload(known, 1.7e9), 1.7e9 + age)?.known;
    expect(read === undefined ? undefined : { ...read, carried: Math.round(read.carried) }).toEqual(expected);
  });

  it.each([
    [null],
    [{}],
    [{ version: 2 }],
    [{ version: 1, seen_s: 'x', carried_kbits: 1, full_kbits: null }],
    [{ version: 1, seen_s: 1, carried_kbits: -1, full_kbits: null }],
    [{ version: 1, seen_s: 1, carried_kbits: 1 }],
  ])('is refused where it is damaged: %j', (value) => {
    expect(readUpload(value, 1.7e9)).toBeUndefined();
  });
});

describe('what the counters of the machine say', () => {
  const before: Counted = {
    sentBytes: 1000,
    linkMbits: 100,
    ticks: { busy: 10, all: 100 },
    ownMs: 50,
    freeBytes: 1,
    ourBytes: 600,
  };
  it('is who used how much in between', () => {
    const now = { ...before, sentBytes: 4000, ticks: { busy: 60, all: 200 }, ownMs: 550, ourBytes: 1600 };
    expect(changeOf(before, now, at(0), at(1000), ms(7))).toEqual({
      own: 0.5,
      machine: 0.5,
      late: 7,
      freeBytes: 1,
      others: 2,
      link: 12_500,
    });
  });
  it('is nothing of others where a counter was set back, or there is none', () => {
    expect(changeOf(before, { ...before, sentBytes: 10 }, at(0), at(1000), ms(0)).others).toBeUndefined();
    expect(changeOf(before, { ...before, sentBytes: undefined }, at(0), at(1000), ms(0)).others).toBeUndefined();
  });
});
