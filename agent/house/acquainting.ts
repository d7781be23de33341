import { type Allowance, full, type Rate, spend } from '../base/allowance.ts';
import { sameBytes } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { at, type Instant, ms } from '../base/time.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { ChannelFacts, Introduction, Purpose } from '../wire/messages.ts';
import { encodePeer } from '../wire/peer.ts';
import type { ChildrenEffect } from './children.ts';
import type { KinEffect } from './kinship.ts';
import type { Peer } from './peer.ts';

/** Introductions by households that are given and that are followed: the fall of one makes a handful. */
const RATE: Rate = { burst: 8, perSecond: 0.2 };

type Order = Extract<KinEffect, { kind: 'acquaint' }>;

export interface AcquaintingOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  /** Our own NODE-ID. */
  readonly node: Uint8Array;
  readonly peer: (pairId: number) => Peer | undefined;
}

/** Households bring each other together: so a tree heals that has lost its rendezvous. */
export class Acquainting {
  readonly #options: AcquaintingOptions;
  readonly #given: Allowance = full(RATE, at(0));
  readonly #followed: Allowance = full(RATE, at(0));

  constructor(options: AcquaintingOptions) {
    this.#options = options;
  }

  /** What is to be said to both; nothing unless both are reached directly. */
  give({ pairId, other, purpose }: Order, channel: ChannelFacts, now: Instant): readonly ChildrenEffect[] {
    const { peer, random, cipher } = this.#options;
    const [first, second] = [peer(pairId), peer(other)];
    if (first?.address === undefined || second?.address === undefined) return [];
    if (spend(this.#given, RATE, 1, now) !== 'spent') return [];
    const [mine = 0, theirs = 0] = [first, second].map((one) => (one.stats(now)?.rttMs ?? 0) / 2);
    const last = Math.max(mine, theirs);
    const shared = { kind: 'introduction', request: 0, pairId: random(2 ** 32), secret: cipher.random(32) } as const;
    const plain = { channel, relayAllowed: false, conducted: false, instead: undefined } as const;
    const forFirst = { ...about(second), mine: first.profile, startIn: ms(Math.round(last - mine)) };
    const forSecond = { ...about(first), mine: second.profile, startIn: ms(Math.round(last - theirs)) };
    return [
      tell(pairId, { ...shared, ...plain, ...forFirst, initiator: true, purpose }),
      tell(other, { ...shared, ...plain, ...forSecond, initiator: false, purpose: 'child' }),
    ];
  }

  /** Whether what another household says is to be followed: it may make us knock at one address, and not often. */
  mayFollow(introduction: Introduction, isParent: boolean, channel: Uint8Array, now: Instant): boolean {
    const { relayAllowed, conducted, candidates, request, instead } = introduction;
    if (relayAllowed || conducted || candidates.length !== 1 || request !== 0 || instead !== undefined) return false;
    if (!mayBring(introduction.purpose, isParent)) return false;
    if (introduction.channel === undefined || !sameBytes(introduction.channel.id, channel)) return false;
    return !sameBytes(introduction.peer, this.#options.node) && spend(this.#followed, RATE, 1, now) === 'spent';
  }
}

/** Where we hang is our parent's word, and the rendezvous's: a neighbour could lead us under whom it likes. */
function mayBring(purpose: Purpose, isParent: boolean): boolean {
  switch (purpose) {
    case 'ping':
    case 'audit':
      return false;
    case 'parent':
    case 'move':
      return isParent;
    case 'child':
    case 'spare':
      return true;
  }
}

/** Only where datagrams of it come from: nothing that was merely claimed, as a rendezvous does it. */
function about({ node, headerKey, profile, address }: Peer) {
  const candidates = address === undefined ? [] : [{ ...address, opening: 'none' as const }];
  return { peer: node, peerHeaderKey: headerKey, profile, candidates };
}

function tell(pairId: number, introduction: Introduction): ChildrenEffect {
  return { kind: 'tell', pairId, bytes: encodePeer({ kind: 'introduction', introduction }), urgent: true };
}
