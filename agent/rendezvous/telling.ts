import { type Instant, ms, since } from '../base/time.ts';
import type { ChannelFacts, Introduction, Purpose } from '../wire/messages.ts';
import { candidates } from './candidates.ts';
import type { Client, Facts } from './directory.ts';
import type { Pair } from './pairs.ts';

/** What one of a pair is told of the other; undefined when either has not said what it is. */
export function introductionOf(
  pair: Pair,
  to: Client,
  peer: Client,
  channel: ChannelFacts | undefined,
  now: Instant,
): Introduction | undefined {
  const isAsker = to.nodeKey === pair.asker;
  if (!isAsker && to.nodeKey !== pair.target) return undefined;
  if (peer.facts === undefined || to.facts === undefined) return undefined;
  const wait = since(now, pair.startAt) - halfTrip(to);
  return {
    kind: 'introduction',
    request: isAsker ? pair.request : 0,
    pairId: pair.id,
    initiator: isAsker,
    purpose: isAsker ? pair.purpose : opposite(pair.purpose),
    relayAllowed: pair.relayAllowed,
    conducted: pair.conducted,
    channel,
    peer: peer.node,
    peerHeaderKey: peer.headerKey,
    secret: pair.secret,
    candidates: candidates(whereabouts(peer, peer.facts), whereabouts(to, to.facts)),
    profile: peer.facts.profile,
    mine: to.facts.profile,
    startIn: ms(Math.max(0, Math.min(65535, Math.round(wait)))),
    instead: isAsker ? undefined : pair.instead,
  };
}

function opposite(purpose: Pair['purpose']): Purpose {
  return purpose === 'ping' ? 'ping' : 'child';
}

/** Milliseconds from a household to us; 0 while it has not measured. */
export function halfTrip(client: Client): number {
  return (client.rtt ?? 0) / 2;
}

/** What is believed of where it is. */
export function whereabouts(client: Client, facts: Facts) {
  return { observed: client.address, proven: facts.proven, internal: facts.internal };
}
