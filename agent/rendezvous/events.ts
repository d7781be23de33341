import type { NetEffect } from '../base/net.ts';
import { base32 } from '../base/text32.ts';
import type { Outcome } from '../wire/messages.ts';
import type { Client } from './directory.ts';

/** Something worth a line in the log. Nodes are named by the first 8 characters of their NODE-ID; no addresses. */
export interface RendezvousEvent {
  readonly kind: 'event';
  readonly name:
    | 'ready'
    | 'failed'
    | 'registered'
    | 'introduced'
    | 'refused'
    | 'unheard'
    | 'reported'
    | 'published'
    | 'moved'
    | 'left'
    | 'expired'
    | 'demoted'
    | 'audited'
    | 'forked';
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export type RendezvousEffect = NetEffect | RendezvousEvent;

export function event(name: RendezvousEvent['name'], fields: RendezvousEvent['fields']): RendezvousEvent {
  return { kind: 'event', name, fields };
}

/** How a household is called in the log. */
export function short({ node }: Pick<Client, 'node'>): string {
  return base32(node).slice(0, 8);
}

export function outcomeFields(outcome: Outcome): Record<string, string> {
  return { outcome: outcome.kind, how: outcome.kind === 'connected' ? outcome.method : outcome.reason };
}
