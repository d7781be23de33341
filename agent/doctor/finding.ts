import type { Facts } from './facts.ts';
import type { Sight } from './sight.ts';

export const CHECK_NAMES = [
  'udp',
  'wan-address',
  'nat-layers',
  'allocator',
  'filtering',
  'mapping',
  'hairpin',
  'ipv6',
  'ipv6-door',
  'resets',
  'inspection',
  'packet-size',
  'line',
  'peers',
  'room',
  'clock',
  'names',
  'lan-port',
  'table',
  'machine',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

/** `yes` is the good answer to every question that is asked here. */
export type Answer = 'yes' | 'no' | 'not checked';

export interface Finding {
  readonly answer: Answer;
  /** What was seen, or why nothing was: a few words for a person. IP addresses stand in it whole. */
  readonly seen: string;
}

/** One question about a network or a machine, answered from what was seen of it. */
export interface Check {
  readonly name: CheckName;
  /** As a heading. */
  readonly question: string;
  readonly run: (facts: Facts) => Finding;
}

export const yes = (seen: string): Finding => ({ answer: 'yes', seen });
export const no = (seen: string): Finding => ({ answer: 'no', seen });
export const unchecked = (why: string): Finding => ({ answer: 'not checked', seen: why });

/** Why nothing is known of what only somebody outside can see. */
export function unseen({ met }: Sight): string {
  if (met === undefined) return 'no rendezvous was named';
  return met ? 'no observer answered' : 'the rendezvous was not met';
}
