import { type Edge, KIND_NAMES, type KindName, NAT_KINDS } from '../../agent/sim/kinds.ts';
import type { NatShape } from '../../agent/sim/nat.ts';
import { KERNEL_NATS, type KernelNat } from './rules.ts';

/**
 * What can stand between a household and the internet: a NAT of the kernel, a kind of agent/sim/kinds.ts, or any shape
 * that the simulator knows. Where kernel and simulator have a name in common, the kernel does it.
 */
export type Nat = KernelNat | KindName | NatShape;

/** The kinds that every strategy is measured on, each against each. */
export const MATRIX = [
  'open',
  'firewall',
  'full-cone',
  'address-restricted',
  'masquerade',
  'offset',
  'block',
  'symmetric-preserve',
  'sequential',
  'stride',
  'random-block',
  'random',
] as const satisfies readonly Nat[];

/**
 * The same kind where the agent runs on the gateway. What is a carrier's NAT has to be a box then: a router that the
 * kernel's own rules stand on has the public address itself, as no customer of a carrier has.
 */
export function atGateway(nat: (typeof MATRIX)[number]): Nat {
  return nat === 'offset' || nat === 'block' || nat === 'random-block' ? shapeOf(nat) : nat;
}

/** How a kind is made of real parts. */
export type Making =
  | { readonly by: 'nothing' }
  | { readonly by: 'filter'; readonly blocked: boolean }
  | { readonly by: 'kernel'; readonly nat: KernelNat }
  /** NATs of nat.c from the household outwards, the outermost with this many addresses. */
  | { readonly by: 'box'; readonly nats: readonly NatShape[]; readonly addresses: number };

export function makingOf(nat: Nat): Making {
  if (typeof nat === 'object') return { by: 'box', nats: [nat], addresses: 1 };
  if (isKernel(nat)) return { by: 'kernel', nat };
  const edge = edgeOf(nat);
  switch (edge.kind) {
    case 'none':
      return { by: 'nothing' };
    case 'firewall':
      return { by: 'filter', blocked: edge.firewall.blocked === true };
    case 'nat':
      return { by: 'box', nats: edge.nats, addresses: edge.addresses ?? 1 };
  }
}

/** The innermost NAT of a kind, to be varied: `{ ...shapeOf('block'), hairpin: 'external-source' }`. */
export function shapeOf(kind: KindName): NatShape {
  const edge = edgeOf(kind);
  const [shape] = edge.kind === 'nat' ? edge.nats : [];
  if (shape === undefined) throw new Error(`${kind} has no NAT`);
  return shape;
}

/** A shape as nat.c takes it. */
export function natWords(shape: NatShape, addresses: readonly string[]): string {
  const { mapping, filtering, expiry, refresh, hairpin, pooling, quota, poison, foreign } = shape;
  const { kind, ...allocation } = shape.allocation ?? { kind: 'preserve' };
  const words: Record<string, string | number | undefined> = {
    nat: addresses.join('+'),
    mapping,
    filtering,
    allocation: kind,
    ...allocation,
    foreign: foreign?.perSecond,
    variance: foreign?.varianceOverMean,
    unanswered: expiry === undefined ? undefined : expiry.unanswered / 1000,
    answered: expiry === undefined ? undefined : expiry.answered / 1000,
    refresh,
    hairpin,
    pooling,
    quota: quota?.mappings,
    pace: quota?.perSecond,
    table: quota?.table,
    poison: poison === true ? 1 : undefined,
  };
  return Object.entries(words)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

function edgeOf(kind: KindName): Edge {
  return NAT_KINDS[kind].edge;
}

function isKernel(name: string): name is KernelNat {
  return name in KERNEL_NATS;
}

/** Every kind that has a name, of the kernel and of the simulator. */
export const NATS: readonly (KernelNat | KindName)[] = [
  ...new Set([...(Object.keys(KERNEL_NATS) as KernelNat[]), ...KIND_NAMES]),
];
