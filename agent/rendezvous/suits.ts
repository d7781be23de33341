import type { NatKind, NatProfile } from '../base/nat-profile.ts';

const EASE: Record<NatKind, number> = {
  open: 0,
  preserve: 1,
  offset: 1,
  'endpoint-independent': 1,
  unknown: 2,
  'address-dependent': 3,
  'preserve-first': 3,
  sequential: 3,
  'per-core': 3,
  'block-sequential': 3,
  'block-random': 4,
  'range-random': 4,
  random: 4,
};

/** Who has an open door is found by everybody, whatever its NAT does to the rest. */
function easeOf({ kind, door }: NatProfile): number {
  return door === 'none' ? EASE[kind] : 0;
}

/** How well a parent suits a child, 0 best: open parents first, and two hard NATs only when nothing else is free. */
export function suits(parent: NatProfile, child: NatProfile): number {
  const [above, below] = [easeOf(parent), easeOf(child)];
  return above >= 3 && below >= 3 ? 10 + above : above;
}
