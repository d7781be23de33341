export const VERDICTS = [
  /** Anybody may write to us. */
  'open',
  /** A router opened a port, and a stranger came in by it. */
  'mapped',
  /** An address of our own, and a firewall that keeps strangers out. */
  'firewall',
  /** One NAT, whose ports others can know. */
  'punchable',
  /** One NAT, whose ports nobody can know. */
  'hard-nat',
  /** Too little came back to tell. */
  'unclear',
  /** A second NAT in the house. */
  'double-nat',
  /** The provider's NAT. */
  'carrier-nat',
  /** Somebody on the way interferes with connections by what they carry. */
  'interference',
  'udp-blocked',
  /** None was named, or none answers. */
  'no-rendezvous',
  'no-network',
] as const;
export type VerdictWord = (typeof VERDICTS)[number];

export interface Verdict {
  readonly word: VerdictWord;
  /** For a person. */
  readonly sentence: string;
  /** What the owner can do next, the most helpful first. */
  readonly advice: readonly string[];
}
