import { describe, expect, test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { Appearance, type AppearanceEffect, type AppearanceInput } from '../../agent/house/appearance.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';

const OBSERVERS = [
  { ip: '198.51.100.1', port: 7000 },
  { ip: '198.51.100.2', port: 7000 },
  { ip: '2001:2::1', port: 7000 },
  { ip: '2001:2::2', port: 7000 },
];
const OBSERVED = { ip: '203.0.113.7', port: 55_123 };
const OURS = { ip: '2001:2:0:7::10', port: 41_641 };
const UPLINKS = [{ own: '192.168.1.2', gateway: '192.168.1.1' }];
const NETWORKS = [
  { ip: '192.168.1.2', prefix: 24 },
  { ip: OURS.ip, prefix: 64 },
];

/** A household before a rendezvous with three observers, by hand. */
class Looks {
  readonly #appearance: Appearance;
  #six = -1;

  constructor(doors: boolean) {
    let sockets = 0;
    const cipher = nodeCipher();
    const [server = OBSERVED] = OBSERVERS;
    const options = {
      cipher,
      random: seeded(1),
      identity: cipher.pair(new Uint8Array(32)),
      servers: [{ address: server, key: new Uint8Array(32) }],
      networkSecret: new Uint8Array(0),
      role: 'agent',
      children: 2,
      suites: ['chacha20-poly1305'],
      firstByte: 'any',
      local: { ip: '0.0.0.0', port: 0 },
      networks: NETWORKS,
      punch: 'full',
      doors,
      carries: undefined,
    } as const;
    this.#appearance = new Appearance(options, 0, () => ++sockets);
    this.give({ kind: 'bound', local: { ip: '0.0.0.0', port: 41_641 } });
  }

  give(input: AppearanceInput, now = 0): readonly AppearanceEffect[] {
    const effects = this.#appearance.step(input, at(now));
    for (const effect of effects) if (effect.kind === 'open' && effect.ip === '::') this.#six = effect.socket;
    return effects;
  }

  /** A session with a rendezvous begins. */
  registered(now = 0): readonly AppearanceEffect[] {
    const facts = { observed: OBSERVED, observers: OBSERVERS, relays: true, carrier: undefined };
    const effects = this.give({ kind: 'registered', isNew: true, ...facts }, now);
    return [...effects, ...this.give({ kind: 'opened', socket: this.#six, local: { ...OURS, ip: '::' } }, now)];
  }

  /** An observer of IPv6 answers with this proof. */
  observed(token: Uint8Array, now = 0): readonly AppearanceEffect[] {
    return this.give({ kind: 'observed', socket: this.#six, index: 0, observer: 2, external: OURS, token }, now);
  }

  /** Until then by the clock alone. */
  run(from: number, to: number): readonly AppearanceEffect[] {
    const effects: AppearanceEffect[] = [];
    for (;;) {
      const wake = this.#appearance.wake();
      if (wake === undefined || wake > to) return effects;
      effects.push(...this.give({ kind: 'tick' }, Math.max(from, wake)));
    }
  }
}

const kinds = (effects: readonly AppearanceEffect[]): ReadonlySet<string> => new Set(effects.map(({ kind }) => kind));

describe('how a household looks', () => {
  test('over IPv6 is proven anew to every session of a rendezvous, though nothing has changed', () => {
    const looks = new Looks(true);
    looks.registered();
    for (const [i, now] of [0, 60_000].entries()) {
      if (now > 0) looks.registered(now);
      const token = new Uint8Array(8).fill(i + 1);
      const said = looks.observed(token, now + 40);
      const registers = said.filter(({ kind }) => kind === 'register');
      expect(registers).toMatchObject([{ proven: [{ address: OURS, token }] }]);
      // And so is its door.
      expect(said.filter(({ kind }) => kind === 'try-door')).toMatchObject([{ observer: 3, at: OURS }]);
      looks.run(now + 40, now + 3000);
    }
  });

  test('is not registered any more after it has left, though its NAT was still being read', () => {
    const looks = new Looks(true);
    looks.give({ kind: 'uplinks', uplinks: UPLINKS, networks: NETWORKS, saved: [] });
    looks.registered();
    looks.give({ kind: 'stop' }, 10);
    const said = [...looks.observed(new Uint8Array(8), 20), ...looks.run(20, 60_000)];
    expect(kinds(said)).not.toContain('register');
  });

  test('is told when its lines change, where gateways are asked and where they are not', () => {
    const said = [true, false].map((doors) => {
      const looks = new Looks(doors);
      return kinds(looks.give({ kind: 'uplinks', uplinks: UPLINKS, networks: NETWORKS, saved: [] }));
    });
    expect(said.map((effects) => [effects.has('register'), effects.has('open')])).toEqual([
      [true, true],
      [true, false],
    ]);
  });
});
