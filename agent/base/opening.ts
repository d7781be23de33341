import type { Address } from './address.ts';
import type { Method } from './outcome.ts';

/**
 * How a port of a household came to stand open to everybody, in the word of the path that it makes: `dial` needed nothing but the
 * owner's own rule. `none`: observers see the household there, and nobody has come in unasked.
 */
export const OPENINGS = ['none', 'dial', 'mapped-pcp', 'mapped-natpmp', 'mapped-upnp', 'pinhole'] as const;
export type Opening = (typeof OPENINGS)[number] & (Method | 'none');

/** Where a household may be knocked at. */
export interface Candidate extends Address {
  readonly opening: Opening;
}
