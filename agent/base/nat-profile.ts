import type { Opening } from './opening.ts';

/** What is known of the NAT in front of a household, in the words of RFC 4787. */
export interface NatProfile {
  readonly kind: NatKind;
  /** External minus internal port, where `kind` is offset; else 0. */
  readonly offset: number;
  readonly filtering: Filtering;
  /** 0 to 1: the share of belief in `kind`. */
  readonly confidence: number;
  /** External addresses seen, without ports; more than one means pooling. */
  readonly external: readonly string[];
  /** Ports from one new mapping to the next, signed; 0 where there is no such step. */
  readonly step: number;
  /** Counters that take turns, each for its own flows: the cores of a carrier's box. 1 for everything else. */
  readonly counters: number;
  /** Where new ports come from, as far as it is narrower than 1024-65535. */
  readonly ports: PortRange | undefined;
  /** New mappings of others behind the same address, per second, and the variance over the mean of their counts. */
  readonly drift: number;
  readonly burstiness: number;
  /** With several external addresses: does one inside socket keep to one of them? */
  readonly pooling: Pooling;
  /** Does a datagram that comes from a peer before ours to it cost the port we had? */
  readonly poison: Trait;
  /** New mappings it gave before it refused one; 0 when it never did. */
  readonly quota: number;
  /** How an IPv4 port through it stands open to everybody; `none` where it does not. */
  readonly door: Opening;
}

/** Both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export const NAT_KINDS = [
  'unknown',
  /** No translation: what the observer sees is what we bound. */
  'open',
  /** Endpoint-independent mapping that keeps the port number. */
  'preserve',
  /** Endpoint-independent mapping at a constant distance from the internal port. */
  'offset',
  /** Endpoint-independent mapping to some other stable port. */
  'endpoint-independent',
  /** A port per destination address; `step` says whether the next one can be told. */
  'address-dependent',
  /** The first destination of a socket gets its own port, all others any. */
  'preserve-first',
  /** A new port per destination, one `step` after another. */
  'sequential',
  /** The same with several `counters`. */
  'per-core',
  /** One step after another inside `ports`, the household's own block. */
  'block-sequential',
  /** A new random port per destination out of `ports`, the household's own block of at most 4096. */
  'block-random',
  /** A new random port per destination out of `ports`, wider than a block. */
  'range-random',
  /** A new port per destination, nothing to read from it. */
  'random',
] as const;
export type NatKind = (typeof NAT_KINDS)[number];

export const FILTERINGS = [
  'unknown',
  'endpoint-independent',
  'address-dependent',
  'address-and-port-dependent',
] as const;
export type Filtering = (typeof FILTERINGS)[number];

export const POOLINGS = ['one', 'paired', 'arbitrary'] as const;
export type Pooling = (typeof POOLINGS)[number];

export const TRAITS = ['unknown', 'no', 'yes'] as const;
export type Trait = (typeof TRAITS)[number];

/** Nothing is known; also what a profile has where nothing else is said. */
export const UNKNOWN: NatProfile = {
  kind: 'unknown',
  offset: 0,
  filtering: 'unknown',
  confidence: 0,
  external: [],
  step: 0,
  counters: 1,
  ports: undefined,
  drift: 0,
  burstiness: 1.5,
  pooling: 'one',
  poison: 'unknown',
  quota: 0,
  door: 'none',
};
