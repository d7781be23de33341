/** How a path between two households was won: the words of `hearth ping`, the status and the metrics. */
export const METHODS = [
  'lan',
  'ipv6',
  'mapped-pcp',
  'mapped-natpmp',
  'mapped-upnp',
  'pinhole',
  'dial',
  'simultaneous',
  'bracket',
  'walk',
  'block',
  'birthday',
  'relay-household',
  'relay-rendezvous',
] as const;
export type Method = (typeof METHODS)[number];

/** Why there is no direct path, or no path at all: the words of `hearth ping`, the status and the metrics. */
export const REASONS = [
  /** The port moved on between being read and being knocked at. */
  'drift',
  /** The NAT gives out ports nobody can read. */
  'random',
  'block-hop',
  /** The external address is not always the same one. */
  'pool',
  'poison',
  /** The port was right, the other side's filter refused. */
  'filter',
  'quota',
  /** Something came through, but not both ways. */
  'loss',
  /** Both behind the same external address, which does not lead back inside. */
  'hairpin',
  'udp-blocked',
  'peer-unknown',
  'peer-offline',
  'rendezvous-unreachable',
  'refused',
  'timeout',
] as const;
export type Reason = (typeof REASONS)[number];
