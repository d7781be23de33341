import { type Edge, type KindName, NAT_KINDS } from '../../agent/sim/kinds.ts';
import type { Dependence } from '../../agent/sim/nat.ts';

/** What decides whether a plain simultaneous send to the address an observer saw can work. */
interface Front {
  /** The port the observer saw is the one the peer will see too. */
  readonly fixed: boolean;
  readonly filtering: Dependence;
  /** Everything leaves from the one address the observer saw. */
  readonly oneAddress: boolean;
  readonly blocked: boolean;
}

/**
 * Must these two hear each other when both send to the address the rendezvous observed, at about the same time, and
 * each answers to wherever it is heard from? Reasoned from RFC 4787's words, not by running the simulator: it is what
 * the simulator and the punch are held against. No claim is made for ports that collide by luck.
 */
export function mustConnect(a: KindName | Edge, b: KindName | Edge): boolean {
  const [x, y] = [front(a), front(b)];
  if (x.blocked || y.blocked) return false;
  const [first, second] = [hears(x, y), hears(y, x)];
  return (first && (second || hearsAnswer(y, x))) || (second && hearsAnswer(x, y));
}

/** Does what `from` sends to the observed address of `to` get in? */
function hears(to: Front, from: Front): boolean {
  switch (to.filtering) {
    case 'endpoint-independent':
      return true;
    case 'address-dependent':
      // The mapping must be the one that also wrote to the peer, and the peer must come from where it was written to.
      return to.fixed && from.oneAddress;
    case 'address-and-port-dependent':
      return to.fixed && from.fixed && from.oneAddress;
  }
}

/** `from` has heard `to` and answers to where that came from: does the answer get in? */
function hearsAnswer(to: Front, from: Front): boolean {
  // The answer comes from the address that `to` wrote to, or else from another port or address of the same box.
  if (from.fixed && from.oneAddress) return true;
  switch (to.filtering) {
    case 'endpoint-independent':
      return true;
    case 'address-dependent':
      return from.oneAddress;
    case 'address-and-port-dependent':
      return false;
  }
}

function front(kind: KindName | Edge): Front {
  const edge: Edge = typeof kind === 'string' ? NAT_KINDS[kind].edge : kind;
  switch (edge.kind) {
    case 'none':
      return { fixed: true, filtering: 'endpoint-independent', oneAddress: true, blocked: false };
    case 'firewall': {
      const { filtering = 'address-and-port-dependent', blocked = false } = edge.firewall;
      return {
        fixed: true,
        filtering: filtering === 'none' ? 'endpoint-independent' : filtering,
        oneAddress: true,
        blocked,
      };
    }
    case 'nat': {
      const { nats, addresses = 1 } = edge;
      const strictness = Math.max(...nats.map((nat) => ORDER.indexOf(nat.filtering ?? ORDER[2])));
      return {
        fixed: nats.every((nat) => (nat.mapping ?? ORDER[0]) === ORDER[0]),
        filtering: ORDER[strictness] ?? ORDER[2],
        oneAddress: addresses === 1 || nats.at(-1)?.pooling === 'paired',
        blocked: false,
      };
    }
  }
}

/** From generous to strict: of several boxes in a row the strictest decides. */
const ORDER = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'] as const;
