import type { NatProfile } from '../../../agent/base/nat-profile.ts';
import { UNKNOWN } from '../../../agent/base/nat-profile.ts';
import { type Random, seeded } from '../../../agent/base/random.ts';
import { at, type Instant } from '../../../agent/base/time.ts';
import { Knowledge, type KnowledgeOptions } from '../../../agent/rendezvous/knowledge/knowledge.ts';
import { type KindName, NAT_KINDS } from '../../../agent/sim/kinds.ts';

/** A moment of that day. */
export const day = (number: number): Instant => at(number * 86_400_000);

export function knowledge(options: Partial<KnowledgeOptions> = {}): Knowledge {
  return new Knowledge({ random: seeded(1), ...options });
}

/** What a household behind that kind of NAT finds out, with a block of its own where there are blocks. */
export function reading(name: KindName, ip: string, random: Random = seeded(1)): NatProfile {
  const { truth } = NAT_KINDS[name];
  const profile: NatProfile = { ...UNKNOWN, ...truth, confidence: 0.99, external: [ip] };
  if (truth.kind !== 'block-random' && truth.kind !== 'block-sequential') return profile;
  const from = 1024 + 512 * random(120);
  return { ...profile, ports: { from, to: from + 511 } };
}

/** Household `by` at `ip` tells what its NAT is. */
export function tell(
  to: Knowledge,
  by: string,
  ip: string,
  profile: NatProfile,
  now: Instant,
  also: { readonly primed?: boolean; readonly gateway?: string } = {},
): void {
  to.learn({ kind: 'profile', by, ip, profile, primed: false, ...also }, now);
}

/** Homes number 0 to count − 1 behind so many addresses of 203.0.113.0/24, all with that NAT. */
export function settle(to: Knowledge, kind: KindName, count: number, now: Instant, addresses = count): void {
  const random = seeded(count);
  for (let i = 0; i < count; i++) {
    const ip = `203.0.113.${i % addresses}`;
    tell(to, `home ${i}`, ip, reading(kind, ip, random), now);
  }
}
