import type { MemberEffect, MemberInput, Peer } from '../tree/talk.ts';
import { type PeerMessage, ROLL_MOST } from '../wire/peer.ts';

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

/** The machine's orders as words, and to whom. */
export function spoken(
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
