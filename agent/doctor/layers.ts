import { scope } from '../base/address.ts';
import type { Facts } from './facts.ts';

/** Where addresses are translated between here and the internet. */
export interface Layers {
  /** At least so many times; where `sure`, exactly so often. */
  readonly count: number;
  readonly sure: boolean;
  /** Whose the outermost is, as far as its address tells: a second box of the house, or the carrier's. */
  readonly outer: 'house' | 'carrier' | undefined;
  /** What the nearest gateway has outside, by its own word. */
  readonly outside: string | undefined;
}

/** Counts the NATs on the way from what gateways say of their outside, and from how we are seen (RFC 6598 for 100.64/10). */
export function layersOf({ sight, own, terrain }: Facts): Layers | undefined {
  const seen = sight.observed?.ip;
  if (sight.nat?.profile.kind === 'open' || (seen !== undefined && own.includes(seen))) {
    return { count: 0, sure: true, outer: undefined, outside: seen };
  }
  const line = terrain?.uplinks.find(({ family }) => family === 4)?.own;
  if (line !== undefined && scope(line) === 'shared') return { count: 1, sure: false, outer: 'carrier', outside: line };
  const outermost = sight.gateways.findLast(({ wan }) => wan !== undefined);
  const outside = sight.gateways[0]?.wan;
  if (outermost?.wan === undefined)
    return seen === undefined ? undefined : { count: 1, sure: false, outer: undefined, outside };
  const { wan, layer } = outermost;
  switch (scope(wan)) {
    case 'private':
      return { count: layer + 1, sure: false, outer: 'house', outside };
    case 'shared':
      return { count: layer + 1, sure: false, outer: 'carrier', outside };
    case 'public': {
      if (seen !== undefined && seen !== wan) return { count: layer + 1, sure: false, outer: 'carrier', outside };
      return { count: layer, sure: seen === wan, outer: layer > 1 ? 'house' : undefined, outside };
    }
    case 'loopback':
    case 'link-local':
    case 'multicast':
    case 'reserved':
      return { count: layer, sure: false, outer: undefined, outside };
  }
}
