import type { Allocation, Foreign } from '../../../agent/sim/allocation.ts';
import type { Edge, KindName } from '../../../agent/sim/kinds.ts';
import type { NatShape } from '../../../agent/sim/nat.ts';

/** What stands in front of a household. */
export type Front = KindName | Edge;

const APDM = 'address-and-port-dependent';

const nat = (...nats: readonly NatShape[]): Edge => ({ kind: 'nat', nats });
/** A new port for each destination. */
const symmetric = (allocation: Allocation, more: NatShape = {}): Edge => nat({ mapping: APDM, allocation, ...more });

export const counting = (foreign: Foreign, stride = 1, counters = 1): Edge =>
  symmetric({ kind: 'sequential', stride, counters }, { foreign });

/** Random out of the household's own block; a full block refuses. */
export const block = (size: number): Edge => symmetric({ kind: 'block', size, order: 'random', most: 1 });

export const range = (from: number, to = 65_535): Edge => symmetric({ kind: 'random', from, to });

export const addressDependent = (allocation: Allocation, foreign: Foreign): Edge =>
  nat({ mapping: 'address-dependent', allocation, foreign });

/** Those whose port is the same for everybody, and that let in only whom they wrote to. */
export const E2 = [
  'port-restricted',
  'firewall',
  'offset',
  'carrier',
  'block',
  'double',
] as const satisfies readonly KindName[];

/** Each of the longer list with one of the shorter. */
export function against(others: readonly Front[], easy: readonly Front[] = E2): (readonly [Front, Front])[] {
  return Array.from({ length: Math.max(others.length, easy.length) }, (_, i) => [pick(easy, i), pick(others, i)]);
}

/** By turns. */
export function pick<Item>(items: readonly Item[], i: number): Item {
  return items[i % items.length] as Item;
}
