import { describe, expect, it, test } from 'vitest';
import type { Machine } from '../../../agent/base/machine.ts';
import type { NatProfile } from '../../../agent/base/nat-profile.ts';
import type { NetEffect, NetInput } from '../../../agent/base/net.ts';
import { after, at, type Instant, ms } from '../../../agent/base/time.ts';
import { Household, type HouseholdEffect, type HouseholdInput } from '../../../agent/house/household.ts';
import { Ping, type PingEffect, type PingInput } from '../../../agent/house/ping.ts';
import { Knowledge } from '../../../agent/rendezvous/knowledge/knowledge.ts';
import { Rendezvous } from '../../../agent/rendezvous/server.ts';
import { type KindName, NAT_KINDS } from '../../../agent/sim/kinds.ts';
import { World } from '../../../agent/sim/world.ts';
import { toyCipher } from '../../sim/toy-cipher.ts';

const IPS = ['203.0.113.1', '203.0.113.2'];
const LISTEN = Array.from({ length: 16 }, (_, i) => ({ ip: IPS[i % 2] ?? '', port: 3478 + (i >> 1) }));

/** A household whose sockets are counted. */
class Counted<Input, Effect> implements Machine<Input | NetInput, Effect> {
  opened = 0;
  readonly #machine: Machine<Input | NetInput, Effect>;

  constructor(machine: Machine<Input | NetInput, Effect>) {
    this.#machine = machine;
  }

  step(input: Input | NetInput, now: Instant): readonly Effect[] {
    const effects = this.#machine.step(input, now);
    this.opened += effects.filter((effect) => (effect as unknown as NetEffect).kind === 'open').length;
    return effects;
  }

  wake(): Instant | undefined {
    return this.#machine.wake();
  }
}

interface Settled {
  readonly profile: NatProfile | undefined;
  readonly sockets: number;
  readonly took: number;
  readonly node: Uint8Array;
}

/** Real households on a simulated internet whose rendezvous learns. All are in 198.18.0.0/24, one line each. */
class Carrier {
  readonly world = new World({ seed: 5 });
  readonly knowledge = new Knowledge({ random: this.world.random() });
  readonly #cipher = toyCipher(this.world.random());
  readonly #identity = this.#cipher.pair();

  constructor() {
    const server = this.world.host({ ips: IPS });
    const { knowledge } = this;
    const suites = ['aes-128-gcm'] as const;
    const base = { cipher: this.#cipher, random: this.world.random(), identity: this.#identity, suites, knowledge };
    server.run(new Rendezvous({ ...base, networkSecret: new Uint8Array(0), listen: LISTEN, now: server.now() }));
  }

  /** One more household; what it has read of its NAT after two seconds. */
  settle(kind: KindName, known?: NatProfile): Settled {
    const { host } = this.world.household(kind, { access: { delay: ms(20) } });
    const options = this.#options(host.ip);
    const household = new Household({ ...options, known, channels: [], ringSpan: ms(1), ringBytes: 1, hold: ms(1) });
    const counted = new Counted<HouseholdInput, HouseholdEffect>(household);
    let read: { profile: NatProfile; took: number } | undefined;
    const start = this.world.now;
    const drive = host.run<HouseholdInput, HouseholdEffect>(counted, (effect) => {
      if (effect.kind === 'ready') read ??= { profile: effect.profile, took: this.world.now - start };
    });
    drive.give({ kind: 'start' });
    this.world.run(after(start, ms(2000)));
    return {
      profile: read?.profile,
      took: read?.took ?? Infinity,
      sockets: counted.opened,
      node: options.identity.publicKey,
    };
  }

  ping(kind: KindName, node: Uint8Array): string {
    const { host } = this.world.household(kind, { access: { delay: ms(20) } });
    let line = '';
    const ping = new Ping({ ...this.#options(host.ip), children: 0, role: 'ping', node, patience: ms(20_000) });
    const drive = host.run<PingInput, PingEffect>(ping, (effect) => {
      if (effect.kind === 'result') line = JSON.stringify(effect);
    });
    drive.give({ kind: 'start' });
    this.world.runUntil(() => line !== '', after(this.world.now, ms(25_000)));
    this.world.run(after(this.world.now, ms(2000)));
    return line;
  }

  #options(ip: string) {
    return {
      cipher: this.#cipher,
      random: this.world.random(),
      identity: this.#cipher.pair(),
      servers: [{ address: LISTEN[0] ?? { ip: '', port: 0 }, key: this.#identity.publicKey }],
      networkSecret: new Uint8Array(0),
      suites: ['aes-128-gcm'] as const,
      firstByte: 'any' as const,
      local: { ip: '0.0.0.0', port: 0 },
      networks: [{ ip, prefix: 24 }],
      punch: 'full' as const,
      role: 'agent' as const,
      children: 2,
    };
  }
}

/** None is of the same kind as another one below with the same step. */
const OTHERS = ['random', 'offset', 'descending', 'block'] as const;

describe.each(['full-cone', 'port-restricted', 'offset', 'sequential', 'stride', 'random-range'] as const)(
  'behind a carrier of kind %s',
  (kind) => {
    test('the 31st household reads its NAT with one burst less, and as rightly, and no later', () => {
      const carrier = new Carrier();
      const first = carrier.settle(kind);
      for (let i = 0; i < 29; i++) carrier.settle(kind);
      const last = carrier.settle(kind);
      expect(first.profile?.kind).toBe(NAT_KINDS[kind].truth.kind);
      expect(last.profile).toMatchObject({ kind: first.profile?.kind, step: first.profile?.step });
      expect(last.profile?.filtering).toBe(first.profile?.filtering);
      expect(last.sockets).toBe(first.sockets - 1);
      expect(last.took).toBeLessThanOrEqual(first.took);
    });

    test('a household whose NAT is another one reads that rightly, though it was told something else', () => {
      const carrier = new Carrier();
      for (let i = 0; i < 30; i++) carrier.settle(kind);
      for (const other of OTHERS.filter((name) => name !== kind)) {
        const { profile, sockets } = carrier.settle(other);
        expect(profile?.kind).toBe(NAT_KINDS[other].truth.kind);
        expect(profile?.step).toBe(NAT_KINDS[other].truth.step);
        expect(sockets).toBeGreaterThan(3);
      }
    });
  },
);

describe('a household that remembers its NAT', () => {
  it('is ready sooner after a restart, by one burst', () => {
    const carrier = new Carrier();
    const { profile, sockets } = carrier.settle('sequential');
    const again = carrier.settle('sequential', profile);
    expect(again.profile?.kind).toBe('sequential');
    expect(again.sockets).toBe(sockets - 1);
  });

  it('reads it anew when it has moved to another one', () => {
    const carrier = new Carrier();
    const { profile } = carrier.settle('sequential');
    expect(carrier.settle('random-range', profile).profile?.kind).toBe('range-random');
  });
});

test('how a ping ended is known to the fleet: the method, its success and its time', () => {
  const carrier = new Carrier();
  const { node } = carrier.settle('port-restricted');
  expect(carrier.ping('port-restricted', node)).toContain('connected direct simultaneous');
  const { keys } = carrier.knowledge.export(at(carrier.world.now));
  const fleet = keys.find(({ step }) => step === 'fleet');
  const [won = 0, lost, seconds = 0] = fleet?.trials?.['preserve+preserve simultaneous'] ?? [];
  expect(won).toBe(2);
  expect(lost).toBe(0);
  expect(seconds / won).toBeGreaterThan(0.05);
  expect(seconds / won).toBeLessThan(1);
});

test('a birthday that has to wait for its turn counts against no way', () => {
  const carrier = new Carrier();
  const { node } = carrier.settle('random');
  const lines = [1, 2].map(() => carrier.ping('port-restricted', node));
  expect(lines[0]).toContain('connected direct birthday');
  const { keys } = carrier.knowledge.export(at(carrier.world.now));
  const trials = Object.entries(keys.find(({ step }) => step === 'fleet')?.trials ?? {});
  expect(trials.filter(([name]) => name.includes('birthday')).map(([name, row]) => [name, row[1]])).toEqual([
    ['preserve+random birthday', 0],
  ]);
});

describe('a carrier that gives blocks of random ports', () => {
  const PAIR = 'block-random+preserve';
  /** What the fleet has seen of it, each by another household. */
  const taught = (way: 'block' | 'block-inverse', success: boolean, to: Knowledge): void => {
    for (let n = 0; n < 60; n++) {
      const from = { by: `${way} ${n}`, ip: `203.0.${n}.9` };
      to.learn({ kind: 'outcome', ...from, pairClass: PAIR, method: way, success, after: ms(300) }, at(0));
    }
  };
  const won = (carrier: Carrier, way: string): number => {
    const { keys } = carrier.knowledge.export(at(carrier.world.now));
    return keys.find(({ step }) => step === 'fleet')?.trials?.[`${PAIR} ${way}`]?.[0] ?? 0;
  };

  it.each([
    ['block', 'block-inverse'],
    ['block-inverse', 'block'],
  ] as const)('is met the way that works there: %s, where %s does not', (good, bad) => {
    const carrier = new Carrier();
    taught(good, true, carrier.knowledge);
    taught(bad, false, carrier.knowledge);
    const before = [won(carrier, good), won(carrier, bad)];
    const { node } = carrier.settle('port-restricted');
    expect(carrier.ping('random-block', node)).toContain('connected direct block');
    expect(won(carrier, good) - (before[0] ?? 0)).toBeGreaterThan(0.5);
    expect(won(carrier, bad) - (before[1] ?? 0)).toBeLessThanOrEqual(0);
  });

  it('is asked for no more mappings than its customers got', () => {
    const mappings = (quota: number | undefined): number => {
      const carrier = new Carrier();
      for (let n = 0; n < 30 && quota !== undefined; n++)
        carrier.knowledge.learn({ kind: 'quota', by: `home ${n}`, ip: `198.18.0.${100 + n}`, mappings: quota }, at(0));
      const { node } = carrier.settle('port-restricted');
      let [introduced, count] = [false, 0];
      carrier.world.journal = ({ what, to }) => {
        if (what !== 'mapped') return;
        introduced ||= to.startsWith('198.18.');
        if (introduced) count++;
      };
      carrier.ping('random', node);
      return count;
    };
    const [usual, few] = [mappings(undefined), mappings(64)];
    expect(few).toBeLessThan(usual / 2);
  });
});
