import type { Sight } from './sight.ts';

/** What repair makes good without a viewer noticing. */
export const MOST_LOSS = 0.05;

/** Whether the line to the rendezvous loses so much that silence proves nothing. */
export function isLossy({ trips }: Pick<Sight, 'trips'>): boolean {
  return trips !== undefined && lossOf(trips) > MOST_LOSS;
}

/** Share of probes that nothing came back of. */
export function lossOf({ asked, trips }: NonNullable<Sight['trips']>): number {
  return asked === 0 ? 0 : 1 - trips.length / asked;
}
