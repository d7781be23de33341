import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Machine } from '../../agent/base/machine.ts';
import type { NetEffect, NetInput } from '../../agent/base/net.ts';
import { after, at, type Instant, ms } from '../../agent/base/time.ts';
import { Heap } from '../../agent/base/heap.ts';
import { KIND_NAMES } from '../../agent/sim/kinds.ts';
import { World } from '../../agent/sim/world.ts';
import { SEED } from './seed.ts';
import { attempt } from './two-sided.ts';

/** FNV-1a over everything that happened to every datagram. */
function trace(seed: number): number {
  let hash = 0x811c9dc5;
  const access = { delay: ms(20), jitter: ms(5), loss: 0.05, reorder: 0.1, reorderBy: ms(7), duplicate: 0.05 };
  for (const [number, kind] of KIND_NAMES.entries()) {
    const world = new World({
      seed: seed + number,
      journal: (note) => {
        const line = `${note.at} ${note.what} ${note.where} ${note.from} ${note.to} ${note.length}`;
        for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
      },
    });
    attempt(world, world.household(kind, { access }).host, world.household('stride', { access }).host);
  }
  return hash >>> 0;
}

/** Says hello every second on its own clock, and tells what happened to it and when it thought it was. */
class Greeter implements Machine<NetInput, NetEffect | { readonly kind: 'told'; readonly what: string }> {
  #next: Instant;

  constructor(first: Instant) {
    this.#next = first;
  }

  step(
    input: NetInput,
    now: Instant,
  ): ReturnType<Machine<NetInput, NetEffect | { kind: 'told'; what: string }>['step']> {
    const told = { kind: 'told', what: `${input.kind} ${now.toFixed(3)}` } as const;
    if (input.kind !== 'tick' || now < this.#next) return [told];
    this.#next = after(this.#next, ms(1000));
    return [told];
  }

  wake(): Instant {
    return this.#next;
  }
}

describe('The simulated world', () => {
  test('The same seed gives the same run, datagram for datagram; another seed another', () => {
    expect(trace(SEED)).toBe(trace(SEED));
    expect(trace(SEED)).not.toBe(trace(SEED + 1000));
  });

  test('What is asked for at one instant happens in the order of asking, else in the order of time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (instants) => {
        const heap = new Heap<number>();
        for (const [order, when] of instants.entries()) heap.push(when, order);
        const popped = instants.map(() => heap.pop() ?? -1);
        expect(heap.pop()).toBeUndefined();
        const expected = instants
          .map((when, order) => ({ when, order }))
          .toSorted((a, b) => a.when - b.when || a.order - b.order);
        expect(popped).toEqual(expected.map(({ order }) => order));
      }),
    );
  });

  test('A machine is woken when it asked to be, on its own clock', () => {
    const world = new World({ seed: 1 });
    const told: string[] = [];
    const clock = { ahead: 5000, ppm: 100 };
    world
      .host({ clock })
      .run(new Greeter(at(5500)), (effect) => told.push(`${effect.what} at ${world.now.toFixed(2)}`));
    world.run(at(2000));
    expect(told).toEqual(['tick 5500.000 at 499.95', 'tick 6500.000 at 1499.85']);
  });

  test('Sockets are opened, refused and closed as the system would, and datagrams come from where they were sent', () => {
    const world = new World({ seed: 1 });
    const told: string[] = [];
    const here = world.host();
    const drive = here.run<NetInput, { kind: 'told'; what: string }>(
      {
        step: (input) => {
          if (input.kind === 'opened') return [{ kind: 'told', what: `${input.socket} has ${input.local.port}` }];
          if (input.kind === 'failed') return [{ kind: 'told', what: `${input.socket} ${input.reason}` }];
          if (input.kind === 'datagram') return [{ kind: 'told', what: `${input.socket} from ${input.from.port}` }];
          return [
            { kind: 'open', socket: 1, ip: '0.0.0.0', port: 500 },
            { kind: 'open', socket: 2, ip: '0.0.0.0', port: 500 },
            { kind: 'open', socket: 3, ip: '10.9.9.9', port: 0 },
            { kind: 'send', socket: 1, to: { ip: here.ip, port: 500 }, bytes: Uint8Array.of(1) },
          ];
        },
        wake: () => undefined,
      },
      (effect) => told.push(effect.what),
    );
    drive.give({ kind: 'tick' });
    expect(told).toEqual(['1 has 500', '2 EADDRINUSE', '3 EADDRNOTAVAIL', '1 from 500']);
    drive.stop();
    expect(typeof here.bind('0.0.0.0', 500, () => {})).toBe('object');
  });

  test('A machine that asks for ticks without end is found out', () => {
    const world = new World({ seed: 1 });
    world.host().run<NetInput, never>({ step: () => [], wake: () => at(10) });
    expect(() => world.run(at(20))).toThrow('time stands still at 10 ms');
  });

  test('Datagrams over 1,472 bytes are lost: nothing here fragments', () => {
    const world = new World({ seed: 1 });
    const server = world.host();
    server.socket(() => {}, 9);
    const socket = world.host().socket();
    for (const length of [1472, 1473]) socket.send({ ip: server.ip, port: 9 }, new Uint8Array(length));
    expect([world.counters.delivered, world.counters.lost.get('too-big')]).toEqual([1, 1]);
  });

  test('A household can have IPv4 behind a NAT and IPv6 behind a firewall, and sends by the family of the destination', () => {
    const world = new World({ seed: 1 });
    const seen: string[] = [];
    const server = world.host({ ips: ['198.19.0.1', '2001:db8::1'] });
    server.socket((from) => seen.push(from.ip), 9);
    server.socket((from) => seen.push(from.ip), 9, '::');
    const { host, boxes } = world.household('port-restricted');
    world.join(host, { behind: world.firewall({}), ips: ['2001:db8:5::2'] });
    for (const ip of server.ips)
      host.socket(() => {}, 0, ip.includes(':') ? '::' : '0.0.0.0').send({ ip, port: 9 }, Uint8Array.of(1));
    world.run(at(1));
    expect(seen).toEqual([boxes[0] !== undefined && 'ips' in boxes[0] ? boxes[0].ips[0] : '', '2001:db8:5::2']);
  });

  test('A household can be cut off and come back', () => {
    const world = new World({ seed: 1 });
    const server = world.host();
    let heard = 0;
    server.socket(() => heard++, 9);
    const { host, access } = world.household('port-restricted');
    const socket = host.socket();
    for (const loss of [0, 1, 0]) {
      access.uplink.shape = { loss };
      socket.send({ ip: server.ip, port: 9 }, Uint8Array.of(1));
    }
    expect(heard).toBe(2);
  });

  test('It keeps step with a clock outside: everything up to now and nothing more', () => {
    const world = new World({ seed: 1 });
    const done: number[] = [];
    for (const when of [5, 10, 10.5]) world.at(at(when), () => done.push(when));
    expect(world.wake()).toBe(5);
    world.run(at(10));
    expect([done, world.now, world.wake()]).toEqual([[5, 10], 10, 10.5]);
  });
});
