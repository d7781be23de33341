import { type Address, sameAddress, scope } from '../base/address.ts';
import type { Instant } from '../base/time.ts';
import type { Grant, Protocol } from './client.ts';
import { judgeOutside, type Outside } from './outside.ts';

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
}

/** What a grant amounts to, seen from outside; a claim that was judged before keeps its judgement. */
export function claim(
  grant: Grant,
  observed: string | undefined,
  expires: Instant,
  before: Mapping | undefined,
): Mapping {
  const { protocol, permanent, ip, external: port } = grant;
  // The gateway's own address where that is one of the internet, else the one that was seen: a second NAT may let it through.
  const named = ip !== undefined && scope(ip) === 'public' ? ip : observed;
  const external = named === undefined ? undefined : { ip: named, port };
  const same = before?.external !== undefined && external !== undefined && sameAddress(before.external, external);
  const outside = judgeOutside(ip, observed);
  return { protocol, external, state: same ? before.state : 'claimed', outside, permanent, expires };
}
