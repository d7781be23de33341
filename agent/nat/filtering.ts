import type { Filtering, NatKind, Pooling, Trait } from '../base/nat-profile.ts';
import type { FilterTrials, Sample } from './sample.ts';

/** Who may write to us (RFC 4787 section 5). */
export function filteringOf({ otherPort, otherAddress }: FilterTrials): Filtering {
  if (otherAddress === 'came') return 'endpoint-independent';
  // From another port but not from another address; where no other address could be asked, the cautious reading.
  if (otherPort === 'came') return 'address-dependent';
  return otherPort === 'silent' ? 'address-and-port-dependent' : 'unknown';
}

/** Does a datagram that comes from a peer before ours cost the port? Only who keeps one port for all has it to lose. */
export function poisonOf(kind: NatKind, trials: FilterTrials): Trait {
  switch (kind) {
    case 'open':
      return 'no';
    case 'preserve':
    case 'offset':
    case 'endpoint-independent':
      if (trials.portAfter !== 'unasked') return trials.portAfter === 'changed' ? 'yes' : 'no';
      return trials.otherAddress === 'came' ? 'no' : 'unknown';
    case 'unknown':
    case 'address-dependent':
    case 'preserve-first':
    case 'sequential':
    case 'per-core':
    case 'block-sequential':
    case 'block-random':
    case 'range-random':
    case 'random':
      return 'unknown';
  }
}

/** With several outside addresses: does a socket keep to one (RFC 4787 section 4.1)? */
export function poolingOf(samples: readonly Sample[]): Pooling {
  const addresses = (some: readonly Sample[]): number => new Set(some.map(({ external }) => external.ip)).size;
  if (addresses(samples) <= 1) return 'one';
  const bySocket = Map.groupBy(samples, ({ socket }) => socket);
  return [...bySocket.values()].every((burst) => addresses(burst) === 1) ? 'paired' : 'arbitrary';
}
