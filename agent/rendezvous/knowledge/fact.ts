import type { NatProfile } from '../../base/nat-profile.ts';
import type { Millis } from '../../base/time.ts';
import type { Way } from './ways.ts';

/** One thing that a household found out, and from where. `by` tells households apart and is not kept as it is. */
export type Fact =
  | {
      readonly kind: 'profile';
      readonly by: string;
      /** The external address the rendezvous itself saw. */
      readonly ip: string;
      readonly profile: NatProfile;
      /** It was told beforehand what to expect here: it has checked the kind, the rest may be an echo. */
      readonly primed: boolean;
      /** The model of the gateway, where the household tells one. */
      readonly gateway?: string | undefined;
    }
  | {
      readonly kind: 'outcome';
      readonly by: string;
      /** The reporter's own: nobody speaks for another's network. */
      readonly ip: string;
      readonly pairClass: string;
      readonly method: Way;
      readonly success: boolean;
      /** From the introduction to the end of it. */
      readonly after: Millis;
    }
  /** A mapping lived this long without traffic, and was gone after it. */
  | { readonly kind: 'timeout'; readonly by: string; readonly ip: string; readonly lived: Millis }
  /** It gave this many new mappings and refused the next one. */
  | { readonly kind: 'quota'; readonly by: string; readonly ip: string; readonly mappings: number };

/** Names what a method has to cope with: the two kinds, whichever of them asked. */
export function pairClassOf(one: NatProfile, other: NatProfile): string {
  return [one.kind, other.kind].sort().join('+');
}
