import type { Method } from '../base/outcome.ts';
import type { Random } from '../base/random.ts';
import { at, type Instant } from '../base/time.ts';
import { type Answer, type Claimant, Plan, type PlanOptions } from '../tree/plan.ts';
import type { ChannelFacts, ChannelId, Fault } from '../wire/messages.ts';
import { Alarms } from './alarms.ts';
import type { Client } from './directory.ts';

/** Children of one household at most, whatever it says that it can carry. */
const CHILDREN_MOST = 8;

/** One channel: who leads it and who feeds whom. */
export interface Channel {
  readonly facts: ChannelFacts;
  readonly origin: Uint8Array;
  readonly plan: Plan;
  /** How a member said it is fed. A member without an entry was given its parent, and has not reported yet. */
  readonly fed: Map<string, { readonly parent: string; readonly method: Method }>;
  /** Its key was shown to sign two streams. */
  isForked: boolean;
}

/** One line of the picture of a channel. Nodes as 32-byte keys in one-byte characters (directory.ts). */
export interface Edge {
  readonly node: string;
  readonly parent: string | undefined;
  readonly method: Method | undefined;
  readonly depth: number | undefined;
  readonly slots: number;
}

/** Two that a plan wants brought together: one goes under the other, or tries it out. */
export interface PlanOrder {
  readonly purpose: 'move' | 'audit';
  readonly asker: string;
  readonly target: string;
  readonly channel: string;
  /** A child of the target that makes room for a move. */
  readonly instead?: string | undefined;
}

export interface ChannelsOptions {
  readonly random: Random;
  readonly suits: PlanOptions['suits'];
}

/** All channels of one rendezvous. Keys are keyOf() of channel and node. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #all = new Map<string, Channel>();
  /** When the plans of channels have something to say; only of those that will. */
  readonly #alarms = new Alarms();
  /** Households that are sent to an origin which has come back. */
  #homecoming: PlanOrder[] = [];

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  get(channel: string): Channel | undefined {
    return this.#all.get(channel);
  }

  keys(): IterableIterator<string> {
    return this.#all.keys();
  }

  wake(): Instant | undefined {
    return this.#homecoming.length > 0 ? at(0) : this.#alarms.next();
  }

  /** Households that are to have another parent now, or to try out another. */
  due(now: Instant): readonly PlanOrder[] {
    const orders = this.#homecoming;
    this.#homecoming = [];
    for (const channel of this.#alarms.due(now)) {
      const plan = this.#all.get(channel)?.plan;
      for (const { node, to, instead } of plan?.due(now) ?? [])
        orders.push({ purpose: 'move', asker: node, target: to, channel, instead });
      for (const { by, of } of plan?.audits(now) ?? [])
        orders.push({ purpose: 'audit', asker: by, target: of, channel });
      this.#settle(channel);
    }
    return orders;
  }

  /** The holder of the channel's key leads it from now on; members keep their places. */
  publish(channel: string, facts: { id: ChannelId; epoch: number; name: string }, origin: Client): Channel {
    const before = this.#all.get(channel);
    const entry: Channel = {
      facts: { id: facts.id.slice(), epoch: facts.epoch, name: facts.name },
      origin: origin.node,
      plan: before?.plan ?? new Plan({ ...this.#options, most: CHILDREN_MOST }),
      fed: before?.fed ?? new Map<string, { parent: string; method: Method }>(),
      isForked: before?.isForked ?? false,
    };
    this.#all.set(channel, entry);
    entry.plan.plant(origin.nodeKey, origin.facts?.streams ?? 0, prefixOf(origin));
    return entry;
  }

  /**
   * The origin is here (again): those on whom most others hang and who have no parent are to be fed by it at once. They were its
   * children, and would ask for anybody else before they thought of it, each in its own time.
   */
  gather(name: string, clientOf: (node: string) => Client | undefined, now: Instant): void {
    const channel = this.#all.get(name);
    if (channel === undefined) return;
    const { fed } = channel;
    const { tree } = channel.plan;
    // After a restart of ours many have no parent yet in the table, and say that they are fed.
    const isLost = (node: string): boolean => node !== tree.root && !fed.has(node);
    const lost = [...tree.members()].filter(({ parent, node }) => parent === undefined && isLost(node));
    const heights = lost.map(({ node }) => ({ node, height: tree.get(node)?.height ?? 0 }));
    for (const { node } of heights.toSorted((a, b) => b.height - a.height).slice(0, CHILDREN_MOST)) {
      const client = clientOf(node);
      const answer = client === undefined ? undefined : this.join(name, client, new Set(), now);
      if (answer?.kind !== 'placed') continue;
      const { parent: target, displaced: instead } = answer;
      this.#homecoming.push({ purpose: 'move', asker: node, target, instead, channel: name });
    }
  }

  /** Chooses a parent for a household that has none (any more) and gives it the place. */
  join(name: string, joiner: Client, avoid: ReadonlySet<string>, now: Instant): Answer | undefined {
    const channel = this.#all.get(name);
    if (channel === undefined) return undefined;
    channel.fed.delete(joiner.nodeKey);
    const answer = channel.plan.join(joiner.nodeKey, claimOf(joiner, name), avoid, now);
    this.#settle(name);
    return answer;
  }

  /** Households to be kept at hand beside its parent, best first. */
  spares(name: string, node: string, avoid: ReadonlySet<string>): readonly string[] {
    return this.#all.get(name)?.plan.spares(node, avoid) ?? [];
  }

  /** The punch to that parent failed: the slot is free again. Nothing happens when the child hangs elsewhere by now. */
  failed(name: string, child: string, parent: string): void {
    const channel = this.#all.get(name);
    channel?.plan.failed(child, parent);
    if (channel?.fed.get(child)?.parent === parent) channel.fed.delete(child);
    this.#settle(name);
  }

  connected(channel: Channel, child: string, parent: string, method: Method): void {
    if (channel.plan.tree.get(child)?.parent === parent) channel.fed.set(child, { parent, method });
  }

  /** Whether the child reported the place it was given. */
  isConfirmed(channel: Channel, child: string, parent: string): boolean {
    return channel.fed.get(child)?.parent === parent;
  }

  /** What a member says of its place. An edge that was not ordered from here is made once both ends have said it. */
  position(
    name: string,
    member: Client,
    parent: { readonly node: string; readonly method: Method } | undefined,
    children: readonly string[],
    now: Instant,
  ): void {
    const channel = this.#all.get(name);
    if (channel === undefined) return;
    const { plan, fed } = channel;
    const node = member.nodeKey;
    plan.enter(node, claimOf(member, name), now);
    if (parent === undefined) fed.delete(node);
    else fed.set(node, { parent: parent.node, method: parent.method });
    plan.stand(node, { parent: parent?.node, children }, now);
    this.#settle(name);
  }

  complain(name: string, by: string, against: string, fault: Fault, now: Instant): boolean {
    const decided = this.#all.get(name)?.plan.complain(by, against, fault, false, now) ?? false;
    this.#settle(name);
    return decided;
  }

  /** How a trial ended. True when the household is taken for one that feeds nobody from now on. */
  audited(name: string, by: string, of: string, passed: boolean, now: Instant): boolean {
    const decided = this.#all.get(name)?.plan.audited(by, of, passed, now) ?? false;
    this.#settle(name);
    return decided;
  }

  /** Its slots and its place change hands; its children keep their own and ask for a new parent themselves. */
  leave(channel: string, node: string, now: Instant): void {
    const entry = this.#all.get(channel);
    if (entry === undefined) return;
    entry.plan.leave(node, now);
    entry.fed.delete(node);
    if (entry.plan.tree.size === 0) this.#all.delete(channel);
    this.#settle(channel);
  }

  resize(channel: string, client: Client, now: Instant): void {
    const plan = this.#all.get(channel)?.plan;
    if (plan?.tree.get(client.nodeKey) === undefined) return;
    plan.enter(client.nodeKey, claimOf(client, channel), now);
    this.#settle(channel);
  }

  edges(channel: string): Edge[] {
    const entry = this.#all.get(channel);
    if (entry === undefined) return [];
    return [...entry.plan.tree.members()].map(({ node, parent, depth, slots }) => ({
      node,
      parent,
      method: this.isConfirmed(entry, node, parent ?? '') ? entry.fed.get(node)?.method : undefined,
      depth,
      slots,
    }));
  }

  #settle(channel: string): void {
    this.#alarms.set(channel, this.#all.get(channel)?.plan.wake());
  }
}

function claimOf(client: Client, channel: string): Claimant {
  const { streams = 0, most = 0 } = client.shares.get(channel) ?? client.facts ?? {};
  return { capacity: streams, most, prefix: prefixOf(client) };
}

/** A street or a small carrier's block: /24, or /48 of IPv6. */
function prefixOf({ address: { ip } }: Client): string {
  return ip.includes(':') ? ip.split(':').slice(0, 3).join(':') : ip.split('.').slice(0, 3).join('.');
}
