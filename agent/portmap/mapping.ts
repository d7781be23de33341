import { type Address, sameAddress, scope } from '../base/address.ts';
import { between, type Random } from '../base/random.ts';
import { after, type Instant, type Millis, minutes, ms, seconds } from '../base/time.ts';
import type { Grant, Protocol } from './client.ts';
import { isBehindAnother, judgeOutside, type Outside } from './outside.ts';

/** A mapping as its gateway tells it, and what became of the claim. */
export interface Mapping {
  readonly protocol: Protocol;
  /** What others should write to; undefined while nobody knows the address. */
  readonly external: Address | undefined;
  /** `closed`: nobody outside could come in by it, because another NAT stands in front. */
  readonly state: 'claimed' | 'verified' | 'closed';
  readonly outside: Outside;
  readonly permanent: boolean;
  readonly expires: Instant;
  /** How many NATs were asked and granted it, one behind the other. */
  readonly layers: number;
  /** In the words of the gateway; of the outermost where there are several. */
  readonly grant: Grant;
}

/** Is that where others should write to? */
export function isExternal(mapping: Mapping | undefined, address: Address | undefined): boolean {
  const external = mapping?.external;
  return external !== undefined && address !== undefined && sameAddress(external, address);
}

/** A gateway that gives less than twice this is asked later in its time, not more often. */
const LEAST_RENEWAL = seconds(15);
/** Longer leases end with the day: gateways forget sooner than they say. */
const LONGEST_LEASE = minutes(24 * 60);

/** What a grant amounts to, seen from outside; a claim that was judged before keeps its judgement. */
export function claim(grant: Grant, observed: string | undefined, before: Mapping | undefined, now: Instant): Mapping {
  const { protocol, permanent, ip, external: port } = grant;
  // The gateway's own address where that is one of the internet, else the one that was seen: a second NAT may let it through.
  const named = ip !== undefined && scope(ip) === 'public' ? ip : observed;
  const external = named === undefined ? undefined : { ip: named, port };
  const state = before !== undefined && isExternal(before, external) ? before.state : 'claimed';
  const [outside, expires] = [judgeOutside(ip, observed), after(now, lifetimeOf(grant))];
  return { protocol, external, state, outside, permanent, expires, layers: 1, grant };
}

/** The same grant, seen from outside at another address. */
export function seenAt(mapping: Mapping, observed: string, now: Instant): Mapping {
  return { ...claim(mapping.grant, observed, mapping, now), expires: mapping.expires };
}

/**
 * What it is worth after somebody outside has tried to come in by `external`; `disproved` where nobody can and the gateway alone is to
 * blame, undefined where it says nothing new.
 */
export function judged(mapping: Mapping, open: boolean, external: Address): Mapping | 'disproved' | undefined {
  if (!isExternal(mapping, external)) return undefined;
  if (!open && !isBehindAnother(mapping.outside)) return 'disproved';
  const state = open ? 'verified' : 'closed';
  return state === mapping.state ? undefined : { ...mapping, state };
}

/** When it is to be renewed. RFC 6887, 11.2.1: between a half and five eighths of the lifetime. */
export function renewal({ grant }: Mapping, random: Random, now: Instant): Instant {
  const lifetime = lifetimeOf(grant);
  const half = lifetime * between(random, 0.5, 0.625);
  return after(now, ms(Math.max(half, Math.min(LEAST_RENEWAL, lifetime * 0.8))));
}

function lifetimeOf({ lifetime }: Grant): Millis {
  return ms(Math.min(lifetime, LONGEST_LEASE));
}
