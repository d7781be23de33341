import { describe, expect, it } from 'vitest';
import { diagnose } from '../../agent/doctor/diagnosis.ts';
import type { VerdictWord } from '../../agent/doctor/verdict.ts';
import { KIND_NAMES, type KindName } from '../../agent/sim/kinds.ts';
import { examine } from './clinic.ts';

/** What is right to say of each kind; of everything else: a usual NAT. A second NAT does not show where no gateway speaks. */
const WORDS: Readonly<Partial<Record<KindName, VerdictWord>>> = {
  open: 'open',
  firewall: 'firewall',
  'full-cone': 'open',
  'random-block': 'hard-nat',
  'random-range': 'hard-nat',
  random: 'hard-nat',
  pool: 'hard-nat',
  blocked: 'udp-blocked',
};
const SEEDS = 20;
const greetings = [{ to: { ip: '198.51.100.1', port: 7000 }, greeting: 'closed' }] as const;

describe('an examination', () => {
  it.each([0, 0.02, 0.1])('with %d of all datagrams lost comes to the right verdict in 99 of 100 houses', (loss) => {
    const wrong: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      for (const kind of KIND_NAMES) {
        const { facts } = examine({ seed, kind, loss, delayMs: 5 + ((seed * 7) % 60) });
        const { word } = diagnose({ ...facts, greetings });
        if (word !== (WORDS[kind] ?? 'punchable')) wrong.push(`${kind}, seed ${seed}: ${word}`);
      }
    }
    expect(wrong.length, wrong.join('; ')).toBeLessThanOrEqual(0.01 * SEEDS * KIND_NAMES.length);
  });

  it('takes two seconds where everything answers, and never eight', () => {
    for (const kind of KIND_NAMES) {
      const { took } = examine({ seed: 5, kind, delayMs: 20 });
      expect(took).toBeLessThan(kind === 'blocked' ? 8000 : 2000);
    }
  });

  it('measures loss and latency of the line to the rendezvous', () => {
    const { trips } = examine({ seed: 2, kind: 'port-restricted', loss: 0.2, delayMs: 40 }).facts.sight;
    expect(trips?.asked).toBe(50);
    // Both ways: 64 of 100 come back.
    expect(trips?.trips.length).toBeGreaterThan(20);
    expect(trips?.trips.length).toBeLessThan(45);
    expect(Math.min(...(trips?.trips ?? []))).toBeGreaterThanOrEqual(80);
  });

  it('finds the way back inside where a NAT has one, and no way where it has none', () => {
    expect(examine({ seed: 1, kind: 'port-restricted' }).facts.sight.hairpin).toBe(false);
    const edge = { kind: 'nat', nats: [{ hairpin: 'external-source' }] } as const;
    expect(examine({ seed: 1, kind: edge }).facts.sight.hairpin).toBe(true);
  });

  it('takes a line for blocked only where not a word came back in eight greetings', () => {
    const words = Array.from({ length: 200 }, (_, i) => {
      const { facts } = examine({ seed: 1000 + i, kind: 'pool', loss: 0.1, delayMs: 40 });
      return diagnose({ ...facts, greetings }).word;
    });
    expect(words.filter((word) => word === 'udp-blocked')).toEqual([]);
  });

  it('does not wait for a rendezvous that is away where another one of the list answers', () => {
    const { facts, took } = examine({ seed: 4, kind: 'port-restricted', servers: 'second' });
    expect(facts.sight.met).toBe(true);
    expect(took).toBeLessThan(2500);
    expect(diagnose(facts).word).toBe('punchable');
  });

  it('without a rendezvous looks at the house and is over at once', () => {
    const { facts, took } = examine({ seed: 1, kind: 'port-restricted', servers: 'none' });
    expect(facts.sight).toMatchObject({ met: undefined, nat: undefined, trips: undefined });
    expect(took).toBeLessThan(100);
  });
});
