import { after, type Instant, ms } from '../base/time.ts';
import type { MemberEffect, MemberInput, Peer } from '../tree/talk.ts';
import { encodePeer, type PeerMessage, ROLL_MOST } from '../wire/peer.ts';
import type { Orders } from './kinship.ts';

/** A beat that is this late says nothing any more. */
const BEAT_LASTS = ms(100);

type Said = Extract<
  PeerMessage,
  { kind: 'unsubscribe' | 'leaving' | 'refuse' | 'beat' | 'hold' | 'path' | 'standing' | 'roll' }
>;
type Saying = Extract<
  MemberEffect,
  { kind: 'unsubscribe' | 'leaving' | 'refuse' | 'beat' | 'hold' | 'path' | 'standing' | 'roll' }
>;

/** What a household's words are to the member machine, where they are nothing but that. */
export function heard(peer: Peer, said: Said): MemberInput {
  switch (said.kind) {
    case 'unsubscribe':
    case 'leaving':
      return { kind: said.kind, peer };
    case 'refuse':
      return { kind: 'refuse', peer, reason: said.reason };
    case 'beat':
      return { kind: 'heard', peer, what: said.idle ? 'idle' : 'beat' };
    case 'hold':
    case 'path':
    case 'standing':
    case 'roll':
      return { ...said, peer };
  }
}

/** Says something to each of these; encoded once. */
export function tell(peers: readonly Peer[], message: PeerMessage, out: Orders, deadline?: Instant): void {
  const bytes = encodePeer(message);
  for (const pairId of peers) {
    out.push({ kind: 'tell', pairId, bytes, urgent: true, ...(deadline !== undefined && { deadline }) });
  }
}

/** Says what the machine orders. */
export function say(order: Saying, channel: Uint8Array, now: Instant, out: Orders): void {
  const { peers, message } = spoken(order, channel);
  const isBeat = order.kind === 'beat' || order.kind === 'hold';
  tell(peers, message, out, isBeat ? after(now, BEAT_LASTS) : undefined);
}

/** The machine's orders as words, and to whom. */
function spoken(
  order: Saying,
  channel: Uint8Array,
): { readonly peers: readonly Peer[]; readonly message: PeerMessage } {
  switch (order.kind) {
    case 'unsubscribe':
      return { peers: [order.peer], message: { kind: 'unsubscribe', channel } };
    case 'leaving':
      return { peers: order.peers, message: { kind: 'leaving' } };
    case 'refuse':
      return { peers: [order.peer], message: { kind: 'refuse', channel, reason: order.reason } };
    case 'beat':
      return { peers: order.peers, message: { kind: 'beat', idle: order.idle } };
    case 'hold':
      return { peers: order.peers, message: { kind: 'hold', since: order.since, hops: order.hops } };
    case 'path':
      return { peers: [order.peer], message: { kind: 'path', heir: order.heir, path: order.path } };
    case 'standing':
      return {
        peers: order.peers,
        message: { kind: 'standing', free: order.free, depth: order.depth, height: order.height },
      };
    case 'roll':
      return { peers: [order.peer], message: { kind: 'roll', entries: order.entries.slice(0, ROLL_MOST) } };
  }
}
