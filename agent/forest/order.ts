import type { Fields } from '../base/json.ts';

/** What a visitor of the demo can do to the forest. */
export type TreeOrder =
  /** As a power cut does. */
  | { readonly what: 'kill'; readonly house: number }
  /** In an orderly way. */
  | { readonly what: 'leave'; readonly house: number }
  /** Three in ten of all that feed others, at once. */
  | { readonly what: 'kill-feeders' }
  /** All households of one carrier, at once. */
  | { readonly what: 'carrier-out' }
  | { readonly what: 'rendezvous'; readonly on: boolean }
  /** Households come and go, with this mean stay; null: nobody goes by himself. */
  | { readonly what: 'stay'; readonly seconds: number | null }
  | { readonly what: 'size'; readonly households: number }
  /** Children of one household at most; the forest grows anew. */
  | { readonly what: 'children'; readonly most: number }
  /** Seconds of the simulation per second; 0 is a pause. */
  | { readonly what: 'speed'; readonly factor: number };

export const HOUSEHOLDS_MOST = 1000;
const CHILDREN_LEAST = 2;
const CHILDREN_MOST = 8;
const STAY_LEAST = 10;
const STAY_MOST = 7 * 86_400;
const FACTORS: readonly unknown[] = [0, 0.1, 1, 10];

/** An order out of the JSON of a page, or a sentence that says what is wrong with it. */
export function readOrder(fields: Fields): TreeOrder | string {
  const { what } = fields;
  switch (what) {
    case 'kill':
    case 'leave': {
      const { house } = fields;
      return isWhole(house, 0, 2 ** 32) ? { what, house } : `"house" must be the number of a household.`;
    }
    case 'kill-feeders':
    case 'carrier-out':
      return { what };
    case 'rendezvous': {
      const { on } = fields;
      return typeof on === 'boolean' ? { what, on } : `"on" must be true or false.`;
    }
    case 'stay': {
      const { seconds } = fields;
      if (seconds === null || isWhole(seconds, STAY_LEAST, STAY_MOST)) return { what, seconds };
      return `"seconds" must be null, or a whole number from ${STAY_LEAST} to ${STAY_MOST}.`;
    }
    case 'size': {
      const { households } = fields;
      if (isWhole(households, 1, HOUSEHOLDS_MOST)) return { what, households };
      return `"households" must be a whole number from 1 to ${HOUSEHOLDS_MOST}.`;
    }
    case 'children': {
      const { most } = fields;
      if (isWhole(most, CHILDREN_LEAST, CHILDREN_MOST)) return { what, most };
      return `"most" must be a whole number from ${CHILDREN_LEAST} to ${CHILDREN_MOST}.`;
    }
    case 'speed': {
      const { factor } = fields;
      if (typeof factor === 'number' && FACTORS.includes(factor)) return { what, factor };
      return `"factor" must be one of ${FACTORS.join(', ')}.`;
    }
    // A stranger's word.
    default:
      return `"what" must be kill, leave, kill-feeders, carrier-out, rendezvous, stay, size, children or speed.`;
  }
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}
