import type { NatProfile, PortRange } from '../base/nat-profile.ts';
import { seconds } from '../base/time.ts';
import type { FirewallShape } from './firewall.ts';
import type { NatShape } from './nat.ts';

/** What stands between a household and the internet. */
export type Edge =
  | { readonly kind: 'none' }
  | { readonly kind: 'firewall'; readonly firewall: FirewallShape }
  /** NATs from the household outwards: more than one is a NAT behind a NAT. */
  | { readonly kind: 'nat'; readonly nats: readonly NatShape[]; readonly addresses?: number };

/**
 * What a careful observer must say of it: `offset` and `ports` only where they are the same for everybody, `counters`
 * give or take one. Poison is a matter of those who have a port to lose.
 */
export type Truth = Pick<NatProfile, 'kind' | 'offset' | 'filtering' | 'step' | 'counters' | 'pooling' | 'poison'> & {
  readonly ports?: PortRange;
};

export interface NatKind {
  /** One line for a person who looks at the demo. */
  readonly words: string;
  readonly edge: Edge;
  readonly truth: Truth;
}

const APDF = 'address-and-port-dependent';
const APDM = 'address-and-port-dependent';

/** No step, one counter, one address, a port that stays. */
const PLAIN = { offset: 0, step: 0, counters: 1, pooling: 'one', poison: 'no' } as const;

function nat(words: string, shape: NatShape, truth: Partial<Truth> & Pick<Truth, 'kind'>): NatKind {
  return {
    words,
    edge: { kind: 'nat', nats: [shape] },
    truth: { ...PLAIN, filtering: shape.filtering ?? APDF, ...truth },
  };
}

/** A symmetric NAT: a new port for each destination. */
function symmetric(words: string, shape: NatShape, truth: Partial<Truth> & Pick<Truth, 'kind'>): NatKind {
  return nat(words, { mapping: APDM, ...shape }, { poison: 'unknown', ...truth });
}

/** The boxes of a real internet, by the names the demo and the tests use. The order is from easy to hard. */
export const NAT_KINDS = {
  open: {
    words: 'a public address, nothing in front',
    edge: { kind: 'none' },
    truth: { ...PLAIN, kind: 'open', filtering: 'endpoint-independent' },
  },
  firewall: {
    words: 'a public address behind a stateful firewall',
    edge: { kind: 'firewall', firewall: {} },
    truth: { ...PLAIN, kind: 'open', filtering: APDF },
  },
  'full-cone': nat('one port for all, anybody may answer', { filtering: 'endpoint-independent' }, { kind: 'preserve' }),
  'address-restricted': nat(
    'one port for all, answers from addresses written to',
    { filtering: 'address-dependent' },
    { kind: 'preserve' },
  ),
  'port-restricted': nat('the usual home router', {}, { kind: 'preserve' }),
  poison: nat(
    'a home router that lets itself be written to, and then gives its port away',
    { poison: true },
    { kind: 'preserve', poison: 'yes' },
  ),
  offset: nat(
    "a carrier's NAT at a constant distance",
    { allocation: { kind: 'offset', by: 2000 } },
    { kind: 'offset', offset: 2000 },
  ),
  block: nat(
    "one port for all out of the household's own block",
    { allocation: { kind: 'block', size: 512, order: 'random' } },
    { kind: 'endpoint-independent' },
  ),
  double: {
    words: 'a home router behind a home router',
    edge: { kind: 'nat', nats: [{}, {}] },
    truth: { ...PLAIN, kind: 'preserve', filtering: APDF },
  },
  carrier: {
    words: "a home router behind a carrier's NAT",
    edge: { kind: 'nat', nats: [{}, { allocation: { kind: 'block', size: 1024, order: 'random' } }] },
    truth: { ...PLAIN, kind: 'endpoint-independent', filtering: APDF },
  },
  'short-lived': nat(
    "a mobile carrier's NAT that forgets after 15 s and knows only what goes out",
    { expiry: { unanswered: seconds(15), answered: seconds(15) }, refresh: 'outbound' },
    { kind: 'preserve' },
  ),
  'address-dependent': nat(
    'a new port for each address, in order',
    { mapping: 'address-dependent', filtering: 'address-dependent', allocation: { kind: 'sequential' } },
    { kind: 'address-dependent', step: 1, poison: 'unknown' },
  ),
  'symmetric-preserve': symmetric(
    'the first destination gets our own port, others any',
    {},
    { kind: 'preserve-first' },
  ),
  sequential: symmetric(
    'a new port for each destination, one up',
    { allocation: { kind: 'sequential' } },
    { kind: 'sequential', step: 1 },
  ),
  descending: symmetric(
    'a new port for each destination, one down',
    { allocation: { kind: 'sequential', stride: -1 } },
    { kind: 'sequential', step: -1 },
  ),
  stride: symmetric(
    'a new port for each destination, seven up, and neighbours who do the same',
    { allocation: { kind: 'sequential', stride: 7 }, foreign: { perSecond: 10 } },
    { kind: 'sequential', step: 7 },
  ),
  'per-core': symmetric(
    'a new port for each destination, from one of four counters',
    { allocation: { kind: 'sequential', counters: 4 } },
    { kind: 'per-core', step: 1, counters: 4 },
  ),
  'sequential-block': symmetric(
    "a new port for each destination, in order through the household's own block",
    { allocation: { kind: 'block', size: 128, order: 'sequential' } },
    // Nobody can tell a counter of one's own from a quiet one until it comes to the end of the block.
    { kind: 'sequential', step: 1 },
  ),
  'random-block': symmetric(
    "a new random port for each destination from the household's own 512",
    { allocation: { kind: 'block', size: 512, order: 'random', most: 1 } },
    { kind: 'block-random' },
  ),
  'random-range': symmetric(
    'a new random port for each destination from 50001 up',
    { allocation: { kind: 'random', from: 50001 } },
    { kind: 'range-random', ports: { from: 50001, to: 65535 } },
  ),
  random: symmetric('a new random port for each destination', { allocation: { kind: 'random' } }, { kind: 'random' }),
  pool: {
    words: 'a new random port for each destination, from four addresses in turn',
    edge: {
      kind: 'nat',
      nats: [{ mapping: APDM, allocation: { kind: 'random' }, pooling: 'round-robin' }],
      addresses: 4,
    },
    truth: { ...PLAIN, kind: 'random', filtering: APDF, pooling: 'arbitrary', poison: 'unknown' },
  },
  quota: symmetric(
    'a new port for each destination, but only a hundred, and fifty a second',
    { allocation: { kind: 'sequential' }, quota: { mappings: 100, perSecond: 50 } },
    { kind: 'sequential', step: 1 },
  ),
  blocked: {
    words: 'no UDP at all',
    edge: { kind: 'firewall', firewall: { blocked: true } },
    truth: { ...PLAIN, kind: 'unknown', filtering: 'unknown', poison: 'unknown' },
  },
} as const satisfies Record<string, NatKind>;

export type KindName = keyof typeof NAT_KINDS;
export const KIND_NAMES = Object.keys(NAT_KINDS) as KindName[];
