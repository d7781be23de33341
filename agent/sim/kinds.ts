import type { NatProfile } from '../base/nat-profile.ts';
import { seconds } from '../base/time.ts';
import type { FirewallShape } from './firewall.ts';
import type { NatShape } from './nat.ts';

/** What stands between a household and the internet. */
export type Edge =
  | { readonly kind: 'none' }
  | { readonly kind: 'firewall'; readonly firewall: FirewallShape }
  /** NATs from the household outwards: more than one is a NAT behind a NAT. */
  | { readonly kind: 'nat'; readonly nats: readonly NatShape[]; readonly addresses?: number };

/** What a careful observer must say of it; `offset` only where it is constant. */
export type Truth = Pick<NatProfile, 'kind' | 'offset' | 'filtering'>;

export interface NatKind {
  /** One line for a person who looks at the demo. */
  readonly words: string;
  readonly edge: Edge;
  readonly truth: Truth;
}

const APDF = 'address-and-port-dependent';
const APDM = 'address-and-port-dependent';

function nat(words: string, shape: NatShape, kind: Truth['kind'], offset = 0): NatKind {
  return {
    words,
    edge: { kind: 'nat', nats: [shape] },
    truth: { kind, offset, filtering: shape.filtering ?? APDF },
  };
}

/** A symmetric NAT: a new port for each destination. */
function symmetric(words: string, shape: NatShape, kind: Truth['kind']): NatKind {
  return nat(words, { mapping: APDM, ...shape }, kind);
}

/** The boxes of a real internet, by the names the demo and the tests use. The order is from easy to hard. */
export const NAT_KINDS = {
  open: {
    words: 'a public address, nothing in front',
    edge: { kind: 'none' },
    truth: { kind: 'open', offset: 0, filtering: 'endpoint-independent' },
  },
  firewall: {
    words: 'a public address behind a stateful firewall',
    edge: { kind: 'firewall', firewall: {} },
    truth: { kind: 'open', offset: 0, filtering: APDF },
  },
  'full-cone': nat('one port for all, anybody may answer', { filtering: 'endpoint-independent' }, 'preserve'),
  'address-restricted': nat(
    'one port for all, answers from addresses written to',
    { filtering: 'address-dependent' },
    'preserve',
  ),
  'port-restricted': nat('the usual home router', {}, 'preserve'),
  poison: nat(
    'a home router that lets itself be written to, and then gives its port away',
    { poison: true },
    'preserve',
  ),
  offset: nat("a carrier's NAT at a constant distance", { allocation: { kind: 'offset', by: 2000 } }, 'offset', 2000),
  block: nat(
    "one port for all out of the household's own block",
    { allocation: { kind: 'block', size: 512, order: 'random' } },
    'endpoint-independent',
  ),
  double: {
    words: 'a home router behind a home router',
    edge: { kind: 'nat', nats: [{}, {}] },
    truth: { kind: 'preserve', offset: 0, filtering: APDF },
  },
  carrier: {
    words: "a home router behind a carrier's NAT",
    edge: { kind: 'nat', nats: [{}, { allocation: { kind: 'block', size: 1024, order: 'random' } }] },
    truth: { kind: 'endpoint-independent', offset: 0, filtering: APDF },
  },
  'short-lived': nat(
    "a mobile carrier's NAT that forgets after 15 s and knows only what goes out",
    { expiry: { unanswered: seconds(15), answered: seconds(15) }, refresh: 'outbound' },
    'preserve',
  ),
  'address-dependent': nat(
    'a new port for each address, in order',
    { mapping: 'address-dependent', filtering: 'address-dependent', allocation: { kind: 'sequential' } },
    'address-dependent',
  ),
  'symmetric-preserve': symmetric('the first destination gets our own port, others any', {}, 'random'),
  sequential: symmetric(
    'a new port for each destination, one up',
    { allocation: { kind: 'sequential' } },
    'sequential',
  ),
  descending: symmetric(
    'a new port for each destination, one down',
    { allocation: { kind: 'sequential', stride: -1 } },
    'sequential',
  ),
  stride: symmetric(
    'a new port for each destination, seven up, and neighbours who do the same',
    { allocation: { kind: 'sequential', stride: 7 }, foreign: { perSecond: 10 } },
    'sequential',
  ),
  'per-core': symmetric(
    'a new port for each destination, from one of four counters',
    { allocation: { kind: 'sequential', counters: 4 } },
    'sequential',
  ),
  'sequential-block': symmetric(
    "a new port for each destination, in order through the household's own block",
    { allocation: { kind: 'block', size: 128, order: 'sequential' } },
    'sequential',
  ),
  'random-block': symmetric(
    "a new random port for each destination from the household's own 512",
    { allocation: { kind: 'block', size: 512, order: 'random', most: 1 } },
    'random',
  ),
  'random-range': symmetric(
    'a new random port for each destination from 50001 up',
    { allocation: { kind: 'random', from: 50001 } },
    'random',
  ),
  random: symmetric('a new random port for each destination', { allocation: { kind: 'random' } }, 'random'),
  pool: {
    words: 'a new random port for each destination, from four addresses in turn',
    edge: {
      kind: 'nat',
      nats: [{ mapping: APDM, allocation: { kind: 'random' }, pooling: 'round-robin' }],
      addresses: 4,
    },
    truth: { kind: 'random', offset: 0, filtering: APDF },
  },
  quota: symmetric(
    'a new port for each destination, but only a hundred, and fifty a second',
    { allocation: { kind: 'sequential' }, quota: { mappings: 100, perSecond: 50 } },
    'sequential',
  ),
  blocked: {
    words: 'no UDP at all',
    edge: { kind: 'firewall', firewall: { blocked: true } },
    truth: { kind: 'unknown', offset: 0, filtering: 'unknown' },
  },
} as const satisfies Record<string, NatKind>;

export type KindName = keyof typeof NAT_KINDS;
export const KIND_NAMES = Object.keys(NAT_KINDS) as KindName[];
