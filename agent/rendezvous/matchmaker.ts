import { key } from '../base/address.ts';
import { Reader } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { after, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import type { Cipher } from '../seal/cipher.ts';
import type {
  Forked,
  Introduce,
  Introduction,
  Join,
  Outcome,
  Position,
  Publish,
  RefusedReason,
} from '../wire/messages.ts';
import { spend } from '../base/allowance.ts';
import { RELUCTANT } from '../tree/suits.ts';
import { Channels } from './channels.ts';
import { AUDITED, AUDITING, type Client, type Directory, keyOf } from './directory.ts';
import { isFork } from './forks.ts';
import type { Limits } from './limits.ts';
import { publishText } from './proofs.ts';
import { isConducted } from './parties.ts';
import { suits } from './suits.ts';
import { halfTrip, introductionOf } from './telling.ts';
import { type Pair, type PairEvent, Pairs, questionOf } from './pairs.ts';

export type Verdict =
  | {
      readonly kind: 'introduced';
      readonly pair: Pair;
      readonly again: boolean;
      /** Others that the asker is brought together with by that. */
      readonly beside: readonly Pair[];
    }
  | No;

export type No =
  | { readonly kind: 'refused'; readonly reason: RefusedReason; readonly retryIn: Millis }
  /** Not now: one side has yet to prove its address. The question will be asked again in a moment. */
  | { readonly kind: 'unproven' };

/** A channel without its origin, or an origin without a free slot, may look different in a moment. */
const SOON: Millis = seconds(3);
/** Of what a join costs that comes back where nobody could be named: no address was told, and a branch without a parent asks often. */
const GIVEN_BACK = 0.8;
/** A punch is mostly over after a second. */
const BUSY: Millis = seconds(1);

/** Who is to be brought together, and what for. */
interface Wish extends Pick<Pair, 'request' | 'purpose' | 'channel'> {
  readonly asker: Client;
  readonly target: Client;
  readonly instead?: number | undefined;
}

/** Round trip of a household that has not measured one yet. */
const TRIP = 100;

/** Decides who is brought together with whom, and what each side is told. */
export class Matchmaker {
  readonly pairs: Pairs;
  readonly channels: Channels;
  readonly #directory: Directory;
  readonly #limits: Limits;
  readonly #cipher: Cipher;
  readonly #random: Random;
  /** The last search passed somebody over for that reason only. */
  #busy = false;

  constructor(directory: Directory, limits: Limits, cipher: Cipher, random: Random) {
    this.pairs = new Pairs(limits.pairLife, (pair) => this.#isFed(pair));
    this.#directory = directory;
    this.#limits = limits;
    this.#cipher = cipher;
    this.#random = random;
    this.channels = new Channels({
      random,
      suits: {
        rank: (parent, child) => this.#rank(parent, child),
        rtt: (a, b) => tripOf(directory.byNode(a)) + tripOf(directory.byNode(b)),
        isNear: (a, b) => areaOf(directory.byNode(a)) === areaOf(directory.byNode(b)),
      },
    });
  }

  /** One household asks for another by its NODE-ID. */
  introduce(asker: Client, { request, node }: Introduce, now: Instant): Verdict {
    const before = this.pairs.asked(questionOf(asker, request));
    if (before !== undefined) return { kind: 'introduced', pair: before, again: true, beside: [] };
    const nodeKey = keyOf(node);
    if (nodeKey === asker.nodeKey) return refused('refused');
    if (asker.facts === undefined || asker.path.kind === 'moved') return { kind: 'unproven' };
    const wait = spend(asker.asking, this.#directory.asking, 1, now);
    if (wait !== 'spent') return refused('quota', wait);
    const target = this.#directory.byNode(nodeKey);
    if (target?.facts === undefined) {
      const known = target !== undefined || this.#directory.wasHere(nodeKey);
      return refused(known ? 'peer-offline' : 'peer-unknown');
    }
    if (target.path.kind === 'moved' || this.pairs.aimedAt(target) >= this.#limits.atOncePerTarget) {
      asker.asking.level += 1;
      return target.path.kind === 'moved' ? { kind: 'unproven' } : refused('quota', BUSY);
    }
    return {
      kind: 'introduced',
      pair: this.#begin({ asker, target, request, purpose: 'ping', channel: undefined }, now),
      again: false,
      beside: [],
    };
  }

  /** A household asks for a parent in a channel, because it has none or lost it. */
  join(asker: Client, message: Join, now: Instant): Verdict {
    const before = this.pairs.asked(questionOf(asker, message.request));
    if (before !== undefined) return { kind: 'introduced', pair: before, again: true, beside: [] };
    const name = keyOf(message.channel);
    const channel = this.channels.get(name);
    if (channel === undefined) return refused('channel-unknown', SOON);
    if (channel.plan.tree.root === undefined) return refused('peer-offline', SOON);
    if (channel.plan.tree.root === asker.nodeKey) return refused('refused');
    if (asker.facts === undefined || asker.path.kind === 'moved') return { kind: 'unproven' };
    const wait = spend(asker.asking, this.#directory.asking, this.#limits.joinCost, now);
    if (wait !== 'spent') return refused('quota', wait);
    if (!this.enterChannel(asker, name)) return refused('quota');
    return message.want === 'parent'
      ? this.#place(asker, message, name, now)
      : this.#findSpares(asker, message, name, now);
  }

  /** A household claims to lead a channel, with a signature over the nonce of its session. */
  publish(origin: Client, message: Publish, nonce: Uint8Array, now: Instant): { readonly kind: 'done' } | No {
    const { channel, epoch, name, signature } = message;
    if (origin.facts === undefined || origin.path.kind === 'moved') return { kind: 'unproven' };
    const wait = spend(origin.asking, this.#directory.asking, this.#limits.joinCost, now);
    if (wait !== 'spent') return refused('quota', wait);
    const text = publishText(origin.node, nonce, channel, epoch, name);
    if (!this.#cipher.verify(channel, text, signature)) return refused('refused');
    const id = keyOf(channel);
    const before = this.channels.get(id);
    // Members would take nothing of it: better said to the origin than found out by its viewers.
    if (before !== undefined && epoch < before.facts.epoch) return refused('old-epoch');
    const room = before !== undefined || this.channels.size < this.#limits.channels;
    if (!room || !this.enterChannel(origin, id)) return refused('quota');
    this.channels.publish(id, { id: channel, epoch, name }, origin);
    this.channels.gather(id, (node) => this.#directory.byNode(node), now);
    return { kind: 'done' };
  }

  /** Whether a member of a channel has brought proof that its key is used for two streams; said once. */
  forked(member: Client, { channel: id, manifests }: Forked, now: Instant): boolean {
    const name = keyOf(id);
    const channel = this.channels.get(name);
    if (channel === undefined || channel.isForked || !member.channels.has(name)) return false;
    if (spend(member.asking, this.#directory.asking, 1, now) !== 'spent') return false;
    channel.isForked = isFork(manifests, id, this.#cipher);
    return channel.isForked;
  }

  /** A household says where it stands. */
  position(member: Client, { channel, parent, children }: Position, now: Instant): { readonly kind: 'done' } | No {
    const name = keyOf(channel);
    if (this.channels.get(name) === undefined) return refused('channel-unknown', SOON);
    if (!this.enterChannel(member, name)) return refused('quota', SOON);
    const fedBy = parent === undefined ? undefined : { node: keyOf(parent.node), method: parent.method };
    this.channels.position(name, member, fedBy, children.map(keyOf), now);
    return { kind: 'done' };
  }

  /** False when the household is in too many channels already. */
  enterChannel(client: Client, channel: string): boolean {
    if (client.channels.has(channel)) return true;
    if (client.channels.size >= this.#limits.channelsPerClient) return false;
    client.channels.add(channel);
    return true;
  }

  /** What one side of a pair is told; undefined when the other is no longer here. */
  introduction(pair: Pair, to: Client, now: Instant): Introduction | undefined {
    const peer = this.#directory.byNode(to.nodeKey === pair.asker ? pair.target : pair.asker);
    const channel = pair.channel === undefined ? undefined : this.channels.get(pair.channel)?.facts;
    return peer === undefined ? undefined : introductionOf(pair, to, peer, channel, now);
  }

  /** Takes a report of one of the two; false when the reporter has no part in that pair. */
  report(reporter: Client, pairId: number, outcome: Outcome): boolean {
    const pair = this.pairs.get(pairId);
    if (pair === undefined || (pair.asker !== reporter.nodeKey && pair.target !== reporter.nodeKey)) return false;
    this.pairs.report(pair, outcome.kind === 'connected' ? outcome.method : 'failed');
    const channel = pair.channel === undefined ? undefined : this.channels.get(pair.channel);
    if (channel === undefined) return true;
    if (outcome.kind === 'connected') this.channels.connected(channel, pair.asker, pair.target, outcome.method);
    // Who is fed by a relay has said so by now, and keeps its place.
    else if (pair.outcome === 'failed' && !this.channels.isConfirmed(channel, pair.asker, pair.target)) {
      this.#failed(pair);
    }
    return true;
  }

  /** Frees the slots of pairs that came to nothing; answers with what the rendezvous has to say to somebody. */
  due(now: Instant): PairEvent[] {
    const events = this.pairs.due(now);
    for (const { kind, pair } of events) {
      const channel = pair.channel === undefined ? undefined : this.channels.get(pair.channel);
      if (channel === undefined || kind === 'again') continue;
      if (!this.channels.isConfirmed(channel, pair.asker, pair.target)) {
        this.#failed(pair);
      }
    }
    return events;
  }

  /** The household is gone, or was started anew and knows nothing of its places. */
  leaveAll(client: Client, now: Instant): void {
    for (const channel of client.channels) this.channels.leave(channel, client.nodeKey, now);
    client.channels.clear();
  }

  /** Pairs for the households that the plans want elsewhere now, or tried out. */
  moves(now: Instant): readonly Pair[] {
    return this.channels.due(now).flatMap((order) => {
      const { channel, purpose } = order;
      const [asker, target] = [this.#directory.byNode(order.asker), this.#directory.byNode(order.target)];
      if (asker?.facts === undefined || target?.facts === undefined || !this.#mayKnock(target)) {
        if (purpose === 'move') this.channels.failed(channel, order.asker, order.target);
        return [];
      }
      if (purpose === 'audit' && !mayAudit(asker, target, now)) return [];
      return [this.#begin({ asker, target, request: 0, purpose, channel, instead: this.#short(order.instead) }, now)];
    });
  }

  /** A household as others know it in a path. */
  #short(nodeKey: string | undefined): number | undefined {
    const client = nodeKey === undefined ? undefined : this.#directory.byNode(nodeKey);
    return client === undefined ? undefined : new Reader(client.node).u32();
  }

  #place(asker: Client, { request, avoid: avoided }: Join, channel: string, now: Instant): Verdict {
    const avoid = new Set(avoided.map(keyOf));
    this.#busy = false;
    const answer = this.channels.join(channel, asker, avoid, now);
    if (answer?.kind !== 'placed') {
      const soon = answer === undefined || answer.retryIn === 0 ? SOON : answer.retryIn;
      asker.asking.level += this.#limits.joinCost * GIVEN_BACK;
      return this.#busy ? refused('quota', BUSY) : refused('no-parent', soon);
    }
    const target = this.#directory.byNode(answer.parent);
    if (target === undefined) return refused('no-parent', SOON);
    const instead = this.#short(answer.displaced);
    const pair = this.#begin({ asker, target, request, purpose: 'parent', channel, instead }, now);
    return { kind: 'introduced', pair, again: false, beside: this.#spares(asker, answer.spares, channel, 0, now) };
  }

  #findSpares(asker: Client, { request, avoid }: Join, channel: string, now: Instant): Verdict {
    const named = this.channels.spares(channel, asker.nodeKey, new Set(avoid.map(keyOf)));
    const [pair, ...beside] = this.#spares(asker, named, channel, request, now);
    return pair === undefined ? refused('no-parent', SOON) : { kind: 'introduced', pair, again: false, beside };
  }

  /** What is kept at hand must cost nothing to speak of: only whom it reaches easily. The first answers the request. */
  #spares(asker: Client, named: readonly string[], channel: string, request: number, now: Instant): readonly Pair[] {
    return named
      .flatMap((node) => this.#directory.byNode(node) ?? [])
      .filter((target) => this.#rank(target.nodeKey, asker.nodeKey) < RELUCTANT && !isConducted(asker, target))
      .map((target, i) => {
        const which = { asker, target, request: i === 0 ? request : 0, purpose: 'spare', channel } as const;
        return this.#begin(which, now);
      });
  }

  #rank(parent: string, child: string): number {
    const [above, below] = [this.#directory.byNode(parent), this.#directory.byNode(child)];
    if (above?.facts === undefined || below?.facts === undefined || above.path.kind === 'moved') return Infinity;
    if (this.#mayKnock(above)) return suits(above.facts.profile, below.facts.profile);
    this.#busy = true;
    return Infinity;
  }

  /** Not too many households may be made to knock at one address at once. */
  #mayKnock(target: Client): boolean {
    return this.pairs.aimedAt(target) < this.#limits.atOncePerTarget;
  }

  #failed({ channel, asker, target, purpose }: Pair): void {
    if (channel !== undefined && (purpose === 'parent' || purpose === 'move'))
      this.channels.failed(channel, asker, target);
  }

  #begin({ asker, target, channel, ...which }: Wish, now: Instant): Pair {
    for (const client of [asker, target]) client.pairingUntil = after(now, this.#limits.pairingFor);
    let id = this.#random(2 ** 32);
    while (this.pairs.get(id) !== undefined) id = this.#random(2 ** 32);
    const question = questionOf(asker, which.request);
    const facts = { id, asker: asker.nodeKey, question, target: target.nodeKey, channel, instead: undefined, ...which };
    const startAt = after(now, ms(Math.max(halfTrip(asker), halfTrip(target))));
    const secret = this.#cipher.random(32);
    // A relay is no help on the day when a spare is needed.
    const relayAllowed = this.#limits.relayKbits > 0 && which.purpose !== 'spare' && which.purpose !== 'audit';
    return this.pairs.enter(
      { ...facts, secret, startAt, relayAllowed, conducted: isConducted(asker, target), at: key(target.address) },
      now,
    );
  }

  #isFed({ channel: name, asker, target }: Pair): boolean {
    const channel = name === undefined ? undefined : this.channels.get(name);
    if (channel === undefined || !this.channels.isConfirmed(channel, asker, target)) return false;
    return this.#directory.byNode(asker) !== undefined && this.#directory.byNode(target) !== undefined;
  }
}

function refused(reason: RefusedReason, retryIn: Millis = ms(0)): No {
  return { kind: 'refused', reason, retryIn };
}

/** Between two households and the middle of the net there are two halves of what they measure to us. */
function tripOf(client: Client | undefined): number {
  return (client?.rtt ?? TRIP) / 2;
}

/** What belongs to one carrier or region, mostly. */
function areaOf(client: Client | undefined): string {
  return (client?.address.ip ?? '').split(/[.:]/).slice(0, 2).join('.');
}

/** Nobody's line is spent on trying out others, or on being tried out. */
function mayAudit(asker: Client, target: Client, now: Instant): boolean {
  const wait = spend(asker.auditing, AUDITING, 1, now);
  return wait === 'spent' && spend(target.audited, AUDITED, 1, now) === 'spent';
}
