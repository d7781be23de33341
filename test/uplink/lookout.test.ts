import { expect, test } from 'vitest';
import { at, type Instant } from '../../agent/base/time.ts';
import { Lookout, type LookoutInput } from '../../agent/uplink/lookout.ts';
import type { Ground, Terrain } from '../../agent/uplink/terrain.ts';
import { type Dumped, dump, LAN, mapData } from './dump.ts';
import { addresses, ground, ipv6Route, route } from './proc.ts';

/** A machine whose networks the test moves, with a lookout on it. */
class House {
  ground: Ground;
  /** What netifd would say; undefined where it is not installed. */
  netifd: string | undefined;
  isNetifdSlow = false;
  readonly told: Terrain[] = [];
  looks = 0;
  asked = 0;
  readonly #lookout = new Lookout();
  #now = 0;

  constructor(of: Ground, netifd?: string) {
    this.ground = of;
    this.netifd = netifd;
    this.#give({ kind: 'start' });
  }

  /** Seconds. */
  pass(span: number): void {
    const until = this.#now + span * 1000;
    for (let due = this.#lookout.wake(); due !== undefined && due <= until; due = this.#lookout.wake()) {
      this.#now = Math.max(this.#now, due);
      this.#give({ kind: 'tick' });
    }
    this.#now = until;
  }

  /** netifd's answer to what was asked. */
  answer(): void {
    this.#give({ kind: 'netifd', text: this.netifd });
  }

  #give(input: LookoutInput): void {
    const now: Instant = at(this.#now);
    for (const effect of this.#lookout.step(input, now)) {
      switch (effect.kind) {
        case 'look':
          this.looks += 1;
          this.#give({ kind: 'looked', ground: this.ground });
          break;
        case 'ask-netifd':
          this.asked += 1;
          if (!this.isNetifdSlow) this.answer();
          break;
        case 'terrain':
          this.told.push(effect.terrain);
      }
    }
  }
}

const online = (gateway: string, uses = 0): Ground =>
  ground({
    route: route([{ dev: 'eth1', via: gateway }]),
    ipv6Route: ipv6Route([{ dev: 'lo', to: '::1/128' }], uses),
    addresses: addresses([`${gateway.replace(/\d+$/, '')}7/24`, 'eth1']),
  });

const gateways = ({ told }: House): readonly (string | undefined)[] => told.map(({ uplinks }) => uplinks[0]?.gateway);

test('the terrain is told at the start', () => {
  expect(gateways(new House(online('198.51.100.1')))).toEqual(['198.51.100.1']);
});

test('a machine without any network is told of too, once', () => {
  const house = new House(ground());
  house.pass(60);
  expect(house.told).toEqual([{ uplinks: [], isGateway: false, lan: [] }]);
});

test('another line is noticed within three seconds', () => {
  const house = new House(online('198.51.100.1'));
  house.pass(10);
  house.ground = online('203.0.113.1');
  house.pass(3);
  expect(gateways(house)).toEqual(['198.51.100.1', '203.0.113.1']);
});

test('a line that goes and comes back is told of twice', () => {
  const house = new House(online('198.51.100.1'));
  house.ground = ground();
  house.pass(3);
  house.ground = online('198.51.100.1');
  house.pass(3);
  expect(gateways(house)).toEqual(['198.51.100.1', undefined, '198.51.100.1']);
});

test("the kernel's counters move without anything being told or asked", () => {
  const house = new House(online('198.51.100.1'), dump([LAN]));
  house.pass(10);
  const { asked } = house;
  for (let uses = 1; uses < 50; uses++) {
    house.ground = online('198.51.100.1', uses);
    house.pass(3);
  }
  expect(house.told).toHaveLength(1);
  expect(house.asked).toBe(asked);
});

test('in a day without changes netifd is asked at its beginning only', () => {
  const house = new House(online('198.51.100.1'), dump([LAN]));
  house.pass(86_400);
  expect(house.looks).toBeGreaterThan(28_000);
  expect(house.asked).toBe(2);
});

const MAP: Dumped = { interface: 'wan_map', proto: 'map', l3_device: 'map-wan_map' };

test('a port set that netifd tells of only after the route is there is still learned', () => {
  const house = new House(ground(), dump([LAN]));
  house.pass(60);
  house.ground = ground({
    route: route([{ dev: 'map-wan_map' }]),
    addresses: addresses(['192.0.2.18/32', 'map-wan_map']),
  });
  house.pass(3);
  expect(house.told.at(-1)?.uplinks).toMatchObject([{ own: '192.0.2.18', ports: [] }]);
  house.netifd = dump([LAN, { ...MAP, data: mapData('192.0.2.18', [{ from: 2048, to: 2303 }]) }]);
  house.pass(5);
  expect(house.told.at(-1)?.uplinks).toMatchObject([{ own: '192.0.2.18', ports: [{ from: 2048, to: 2303 }] }]);
});

test('netifd that fails to answer once leaves what it had said before', () => {
  const line = { route: route([{ dev: 'map-wan_map' }]), addresses: addresses(['192.0.2.18/32', 'map-wan_map']) };
  const house = new House(ground(line), dump([{ ...MAP, data: mapData('192.0.2.18', [{ from: 2048, to: 2303 }]) }]));
  house.pass(10);
  house.netifd = undefined;
  house.ground = ground({
    ...line,
    forwarding: '1\n',
    addresses: [...line.addresses, ...addresses(['10.0.0.1/24', 'lan'])],
    ethernet: ['lan'],
  });
  house.pass(10);
  expect(house.told.at(-1)).toMatchObject({ isGateway: true, uplinks: [{ ports: [{ from: 2048, to: 2303 }] }] });
});

test('what changes while netifd takes its time is told with its answer, and netifd is not asked twice at once', () => {
  const house = new House(online('198.51.100.1'), dump([LAN]));
  house.pass(10);
  const { asked } = house;
  house.isNetifdSlow = true;
  house.ground = ground();
  house.pass(3);
  house.ground = online('203.0.113.1');
  house.pass(3);
  expect(house.asked).toBe(asked + 1);
  house.answer();
  expect(gateways(house)).toEqual(['198.51.100.1', '203.0.113.1']);
});
