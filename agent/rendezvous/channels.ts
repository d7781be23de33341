import type { NatKind, NatProfile } from '../base/nat-profile.ts';
import type { Method } from '../base/outcome.ts';
import { place, Tree } from '../tree/plan.ts';
import type { ChannelFacts, ChannelId } from '../wire/messages.ts';
import type { Client } from './directory.ts';

/** One channel: who leads it and who feeds whom. */
export interface Channel {
  readonly facts: ChannelFacts;
  readonly origin: Uint8Array;
  readonly tree: Tree;
  /** How a member said it is fed. A member without an entry was given its parent, and has not reported yet. */
  readonly fed: Map<string, { readonly parent: string; readonly method: Method }>;
  /** Whom a member said it feeds: an edge that this rendezvous did not make itself is believed when both ends say so. */
  readonly feeds: Map<string, ReadonlySet<string>>;
}

/** One line of the picture of a channel. Nodes as 32-byte keys in one-byte characters (directory.ts). */
export interface Edge {
  readonly node: string;
  readonly parent: string | undefined;
  readonly method: Method | undefined;
  readonly depth: number | undefined;
  readonly slots: number;
}

/** All channels of one rendezvous. Keys are keyOf() of channel and node. */
export class Channels {
  readonly #all = new Map<string, Channel>();

  get size(): number {
    return this.#all.size;
  }

  get(channel: string): Channel | undefined {
    return this.#all.get(channel);
  }

  keys(): IterableIterator<string> {
    return this.#all.keys();
  }

  /** The holder of the channel's key leads it from now on; members keep their places. */
  publish(channel: string, facts: { id: ChannelId; epoch: number; name: string }, origin: Client): Channel {
    const before = this.#all.get(channel);
    const entry: Channel = {
      facts: { id: facts.id.slice(), epoch: facts.epoch, name: facts.name },
      origin: origin.node,
      tree: before?.tree ?? new Tree(),
      fed: before?.fed ?? new Map<string, { parent: string; method: Method }>(),
      feeds: before?.feeds ?? new Map<string, ReadonlySet<string>>(),
    };
    this.#all.set(channel, entry);
    entry.tree.plant(origin.nodeKey, origin.facts?.children ?? 0);
    return entry;
  }

  /** Chooses a parent for a household that has none (any more) and gives it the place. */
  join(
    channel: Channel,
    joiner: Client,
    avoid: ReadonlySet<string>,
    rank: (parent: string) => number,
  ): string | undefined {
    const { tree } = channel;
    this.#release(channel, joiner.nodeKey);
    tree.enter(joiner.nodeKey, joiner.facts?.children ?? 0);
    const parent = place(tree, joiner.nodeKey, avoid, rank);
    if (parent !== undefined) tree.attach(joiner.nodeKey, parent);
    return parent;
  }

  /** The punch to that parent failed: the slot is free again. Nothing happens when the child hangs elsewhere by now. */
  failed(channel: Channel, child: string, parent: string): void {
    if (channel.tree.get(child)?.parent === parent) this.#release(channel, child);
  }

  connected(channel: Channel, child: string, parent: string, method: Method): void {
    if (channel.tree.get(child)?.parent === parent) channel.fed.set(child, { parent, method });
  }

  /** Whether the child reported the place it was given. */
  isConfirmed(channel: Channel, child: string, parent: string): boolean {
    return channel.fed.get(child)?.parent === parent;
  }

  /** What a member says of its place. An edge unknown here, after a restart, is made once both ends have said it. */
  position(
    channel: Channel,
    member: Client,
    parent: { readonly node: string; readonly method: Method } | undefined,
    children: readonly string[],
  ): void {
    const { tree } = channel;
    const node = member.nodeKey;
    tree.enter(node, member.facts?.children ?? 0);
    channel.feeds.set(node, new Set(children));
    for (const child of children) {
      const claim = channel.fed.get(child);
      if (claim?.parent === node && tree.get(child)?.parent !== node) tree.attach(child, node);
    }
    // A parent knows first that a child is gone: its slot must not wait until the child's own session here runs out.
    const gone = [...(tree.get(node)?.children ?? [])].filter((child) => !children.includes(child));
    for (const child of gone) if (this.isConfirmed(channel, child, node)) this.#release(channel, child);
    if (parent === undefined) {
      if (channel.fed.has(node)) this.#release(channel, node);
      return;
    }
    channel.fed.set(node, { parent: parent.node, method: parent.method });
    const known = tree.get(node)?.parent;
    if (known === parent.node) return;
    if (channel.feeds.get(parent.node)?.has(node) === true) tree.attach(node, parent.node);
  }

  /** Its slots and its place change hands; its children keep their own and ask for a new parent themselves. */
  leave(channel: string, node: string): void {
    const entry = this.#all.get(channel);
    if (entry === undefined) return;
    entry.tree.remove(node);
    entry.fed.delete(node);
    entry.feeds.delete(node);
    if (entry.tree.size === 0) this.#all.delete(channel);
  }

  resize(channel: string, node: string, slots: number): void {
    this.#all.get(channel)?.tree.resize(node, slots);
  }

  edges(channel: string): Edge[] {
    const entry = this.#all.get(channel);
    if (entry === undefined) return [];
    return [...entry.tree.members()].map(({ node, parent, depth, slots }) => ({
      node,
      parent,
      method: this.isConfirmed(entry, node, parent ?? '') ? entry.fed.get(node)?.method : undefined,
      depth,
      slots,
    }));
  }

  #release(channel: Channel, child: string): void {
    channel.tree.detach(child);
    channel.fed.delete(child);
  }
}

const EASE: Record<NatKind, number> = {
  open: 0,
  preserve: 1,
  offset: 1,
  'endpoint-independent': 1,
  unknown: 2,
  'address-dependent': 3,
  'preserve-first': 3,
  sequential: 3,
  'per-core': 3,
  'block-sequential': 3,
  'block-random': 4,
  'range-random': 4,
  random: 4,
};

/** Who has an open door is found by everybody, whatever its NAT does to the rest. */
function easeOf({ kind, door }: NatProfile): number {
  return door === 'none' ? EASE[kind] : 0;
}

/** How well a parent suits a child, 0 best: open parents first, and two hard NATs only when nothing else is free. */
export function suits(parent: NatProfile, child: NatProfile): number {
  const [above, below] = [easeOf(parent), easeOf(child)];
  return above >= 3 && below >= 3 ? 10 + above : above;
}
