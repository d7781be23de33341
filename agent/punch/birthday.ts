import type { NatProfile } from '../base/nat-profile.ts';
import { sizeOf } from './block.ts';

/*
 * One side holds n ports open out of N, the other knocks at m of them: one side many sockets and one port, the other one
 * socket and many ports, never both (vnt-dev/vnt#200 filled two routers' tables that way).
 */

/** Most ports knocked at in one attempt: 256 sockets are then met with 99.9 %. */
export const MOST_SHOTS = 1750;
/** Mappings to begin with where the quota is not known, and in all, once it gave those without a refusal. */
export const [FIRST_MAPPINGS, MOST_MAPPINGS] = [128, 256];
/** In a block of at most 4096: it may be all the ports that a household has, so of each 16 no more than one. */
const BLOCK_MAPPINGS = { share: 16, most: 64 } as const;
/** What a carrier leaves to one program of a household: no more than a quarter of it. */
const SHARE = 4;

/** The chance that m of N different ports meet one of n: 1 - C(N-n, m) / C(N, m), exactly. */
export function chance(ports: number, held: number, shots: number): number {
  if (shots >= ports - held + 1) return held > 0 ? 1 : 0;
  let miss = 1;
  for (let shot = 0; shot < shots; shot++) miss *= 1 - held / (ports - shot);
  return 1 - miss;
}

/** The fewest shots with at least this chance. */
export function shotsFor(ports: number, held: number, wanted: number): number {
  let [miss, shots] = [1, 0];
  while (1 - miss < wanted && shots < ports) miss *= Math.max(0, 1 - held / (ports - shots++));
  return shots;
}

/** How many mappings a NAT may be asked for at first. */
export function mappingsFor({ kind, quota, ports }: NatProfile): number {
  const { share, most: few } = BLOCK_MAPPINGS;
  const size = ports === undefined ? share * few : sizeOf(ports);
  const most = kind === 'block-random' ? Math.min(few, Math.ceil(size / share)) : FIRST_MAPPINGS;
  return quota === 0 ? most : Math.max(1, Math.min(most, Math.floor(quota / SHARE)));
}
