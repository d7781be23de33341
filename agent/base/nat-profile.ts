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
  'address-dependent',
  /** A new port per destination, one step after another. */
  'sequential',
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
