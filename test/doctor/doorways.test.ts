import { describe, expect, it } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { Doorways } from '../../agent/doctor/doorways.ts';
import type { DoorwayEffect } from '../../agent/doctor/doorway.ts';

const FOUR = { own: '192.168.1.2', gateway: '192.168.1.1' };
const SIX = { own: '2001:db8::2', gateway: 'fe80::1%eth0' };
const OBSERVERS = ['198.51.100.1', '198.51.100.2', '2001:db8:9::1', '2001:db8:9::2'].map((ip) => ({ ip, port: 7000 }));
/** RFC 6887, 7.1: version, opcode MAP. */
const isMap = (bytes: Uint8Array): boolean => bytes[0] === 2 && bytes[1] === 1;

/** A house whose sockets open as they are asked to, and whose gateways say nothing. */
class House {
  readonly doors: Doorways;
  readonly sent: Extract<DoorwayEffect, { kind: 'send' }>[] = [];
  readonly tried: Extract<DoorwayEffect, { kind: 'try-door' }>[] = [];
  readonly open = new Map<number, string>();
  stopped = 0;

  constructor(four: typeof FOUR | undefined, six: typeof SIX | undefined) {
    let socket = 0;
    this.doors = new Doorways({ random: seeded(1), newSocket: () => ++socket, four, six });
  }

  give(input: Parameters<Doorways['step']>[0], now = 0): void {
    for (const effect of this.doors.step(input, at(now))) {
      if (effect.kind === 'send') this.sent.push(effect);
      if (effect.kind === 'try-door') this.tried.push(effect);
      if (effect.kind === 'stopped') this.stopped++;
      if (effect.kind === 'open') {
        this.open.set(effect.socket, effect.ip);
        const local = { ip: effect.ip, port: 40_000 + effect.socket };
        this.give({ kind: 'opened', socket: effect.socket, local }, now);
      }
    }
  }
}

describe('the ways into a house', () => {
  it('are asked for two minutes, so that a doctor who was killed leaves nothing for long', () => {
    const house = new House(FOUR, SIX);
    house.give({ kind: 'bound', port: 5000 });
    const maps = house.sent.filter(({ bytes }) => isMap(bytes));
    const lifetimes = maps.map(({ bytes }) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(4));
    expect(lifetimes).toEqual([120, 120]);
    expect(maps.map(({ to }) => to.ip).toSorted()).toEqual([FOUR.gateway, SIX.gateway].toSorted());
  });

  it('are tried over IPv4 as they are, and over IPv6 only by what a gateway opens', () => {
    const house = new House(FOUR, SIX);
    house.give({ kind: 'bound', port: 5000 });
    house.give({
      kind: 'seen',
      at: { ip: '203.0.113.7', port: 5000 },
      observers: OBSERVERS,
      written: ['198.51.100.1'],
    });
    house.give({ kind: 'seen', at: { ip: SIX.own, port: 6000 }, observers: OBSERVERS, written: [] });
    expect(house.tried.map(({ at: place, observer }) => [place.ip, observer])).toEqual([['203.0.113.7', 1]]);
  });

  it('of IPv6 has a socket of its own at the address that stays, and none where nobody is to be asked', () => {
    const house = new House(FOUR, SIX);
    house.give({ kind: 'bound', port: 5000 });
    expect([...house.open.values()]).toContain(SIX.own);
    expect(house.doors.sight.pinhole).toEqual({
      gateways: [expect.objectContaining({ address: SIX.gateway })],
      mapping: undefined,
    });
    const without = new House(FOUR, { ...SIX, own: 'fd00::2' });
    without.give({ kind: 'bound', port: 5000 });
    expect(without.doors.sight.pinhole).toBeUndefined();
  });

  it.each([
    [FOUR, SIX],
    [FOUR, undefined],
    [undefined, undefined],
  ] as const)('are taken back all, and that is said once', (four, six) => {
    const house = new House(four, six);
    house.give({ kind: 'bound', port: 5000 });
    house.give({ kind: 'stop' }, 10);
    for (let now = 20; now < 5000 && house.stopped === 0; now += 10) house.give({ kind: 'tick' }, now);
    house.give({ kind: 'tick' }, 6000);
    expect(house.stopped).toBe(1);
  });

  it('are tried no longer than the rendezvous hears of it', () => {
    const house = new House(undefined, undefined);
    house.give({ kind: 'bound', port: 5000 });
    house.give({
      kind: 'seen',
      at: { ip: '203.0.113.7', port: 5000 },
      observers: OBSERVERS,
      written: ['198.51.100.1'],
    });
    expect(house.doors.over).toBe(false);
    for (let now = 10; now < 2000; now += 10) house.give({ kind: 'tick' }, now);
    expect([house.doors.over, house.doors.sight.isOpen]).toEqual([true, undefined]);
  });
});
