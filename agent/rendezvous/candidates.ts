import { type Address, sameAddress, scope } from '../base/address.ts';
import type { Candidate } from '../base/opening.ts';

/** What a household told of its addresses, as far as the rendezvous believes it. */
export interface Whereabouts {
  /** Where its session comes from: it returned a cookie or a challenge from there. */
  readonly observed: Address;
  /** Public addresses it proved by returning a token sent there. */
  readonly proven: readonly Candidate[];
  /** What its own interfaces and mappings say. */
  readonly internal: readonly Address[];
}

/** Ports below belong to services that might react to a stranger's datagram. */
export const LEAST_PORT = 1024;
/** What `introduction` carries. */
const MOST = 12;

/**
 * Where `viewer` may knock to reach `target`, best first. Nobody is sent knocking at a third party:
 * public addresses are observed, proven, or another port of an IP observed (a mapped port); private ones are given only
 * to a household that shows the same public IP, so they can only be in its own network.
 */
export function candidates(target: Whereabouts, viewer: Whereabouts): readonly Candidate[] {
  const doors = target.proven.filter(({ opening }) => opening !== 'none');
  const public_ = [target.observed, ...target.proven];
  const shared = [viewer.observed, ...viewer.proven].some((own) => public_.some(({ ip }) => ip === own.ip));
  const mapped = target.internal.filter(({ ip }) => public_.some((seen) => seen.ip === ip));
  const inside = shared ? target.internal.filter(isInside) : [];
  const others = [...public_, ...mapped, ...inside].map(({ ip, port }): Candidate => ({ ip, port, opening: 'none' }));
  const all = [...doors, ...others].filter(({ port }) => port >= LEAST_PORT);
  return all.filter((one, i) => all.findIndex((other) => sameAddress(one, other)) === i).slice(0, MOST);
}

/** 100.64/10 is inside too: two households behind one carrier's NAT meet there. */
function isInside({ ip }: Address): boolean {
  const where = scope(ip);
  return where === 'private' || where === 'shared';
}
