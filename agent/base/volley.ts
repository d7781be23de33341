import type { Method } from './outcome.ts';
import type { Millis } from './time.ts';

/**
 * What one side of a pair fires in one go. The rendezvous plans it for both sides; a household carries it out as far as
 * its own limits allow.
 */
export interface VolleyPlan {
  /** Counts up from 1 for each side of a pair; whatever is not newer has been seen. */
  readonly round: number;
  /** How a path is called that this volley wins. */
  readonly method: Method;
  /** Wait so long before the first shot. 0 to 65535. */
  readonly startIn: Millis;
  readonly from: Muzzle;
  /** Datagrams a second, all sockets together; 0: all in one tick. */
  readonly pace: number;
  /** Time to live of the knocks; 0: the usual one. It opens our own NAT and dies before the other. */
  readonly ttl: number;
  /** The knocks of fresh sockets are repeated so often, to keep their mappings alive; 0: never. */
  readonly refresh: Millis;
  /** Fresh sockets wait so long after the last shot before they are closed. */
  readonly keep: Millis;
  /** Addresses of the peer that the shots name by their place here, up to 4. Each must be one the introduction named. */
  readonly ips: readonly string[];
  /** In this order; with several sockets the first socket fires all of its shots, then the second one its own. */
  readonly shots: readonly Shot[];
}

/** Where a volley is fired from. */
export type Muzzle =
  | { readonly kind: 'main' }
  /** So many new sockets, 1 to 256. */
  | { readonly kind: 'fresh'; readonly sockets: number }
  /** Those that an earlier round opened, if they are still there. */
  | { readonly kind: 'round'; readonly round: number };

/** `by`: which socket fires, from 1; 0: every one. */
export type Shot =
  /** To an observer, by its place in the list that `registered` brought. */
  | { readonly kind: 'probe'; readonly by: number; readonly observer: number }
  /** At these ports of the peer, one datagram each. */
  | { readonly kind: 'knock'; readonly by: number; readonly ip: number; readonly ports: readonly number[] }
  /** At `count` ports of a range, both ends included, in the order that `seed` gives, from the `skip`th on. */
  | {
      readonly kind: 'spray';
      readonly by: number;
      readonly ip: number;
      readonly from: number;
      readonly to: number;
      readonly seed: number;
      readonly skip: number;
      readonly count: number;
    };

/** Why a volley was not fired, or not to its end. */
export const MISFIRES = [
  'none',
  /** Punching is switched off here, or kept polite. */
  'off',
  'polite',
  /** A limit of this household: new mappings, datagrams, targets, or its router's table. */
  'mappings',
  'datagrams',
  'targets',
  'table',
  /** Not an address of the peer, or nobody to be knocked at. */
  'no-target',
  /** The system gave no socket, or those of that round are gone. */
  'sockets',
] as const;
export type Misfire = (typeof MISFIRES)[number];
