import type { NatProfile } from '../base/nat-profile.ts';
import type { Random } from '../base/random.ts';
import { isSteady, prospect } from '../punch/prospect.ts';
import type { Tree } from '../tree/plan.ts';
import type { Client, Directory } from './directory.ts';
import { isOneFamily } from './parties.ts';

/** Less room than this helps nobody's stream. */
const LEAST_KBITS = 500;
/** How many are looked at for one pair: the best of so many is nearly the best of all, and no town is too large. */
const DRAWN = 24;
/** Of a household that has not measured its round trip. */
const RTT = 150;
/** What one pair that it carries already counts, in milliseconds of round trip: spreads the work. */
const BURDEN = 40;

/** Two households that need a third one between them. */
export interface Ends {
  readonly asker: Client;
  readonly target: Client;
  /** Who feeds whom in the channel that they meet for. */
  readonly tree: Tree | undefined;
}

/** Households that would carry for others, and which of them suits two that cannot meet. */
export class Relays {
  readonly #directory: Directory;
  readonly #random: Random;
  /** kbit/s they have left, by node; the list beside it is for drawing. */
  readonly #room = new Map<string, { kbits: number; place: number }>();
  readonly #list: string[] = [];
  /** Pairs each carries now, as far as we made it. */
  readonly #burden = new Map<string, number>();

  constructor(directory: Directory, random: Random) {
    this.#directory = directory;
    this.#random = random;
  }

  /** Households that offer room. */
  get size(): number {
    return this.#list.length;
  }

  /** It says in its beat how much it would carry. */
  offers(client: Client, kbits: number): void {
    const known = this.#room.get(client.nodeKey);
    if (kbits < LEAST_KBITS || client.facts?.role !== 'agent') {
      this.#forget(client.nodeKey);
    } else if (known === undefined) {
      this.#room.set(client.nodeKey, { kbits, place: this.#list.length });
      this.#list.push(client.nodeKey);
    } else {
      known.kbits = kbits;
    }
  }

  /** It has one pair more (+1) or less (-1). */
  burden(nodeKey: string, by: 1 | -1): void {
    const count = (this.#burden.get(nodeKey) ?? 0) + by;
    if (count > 0) this.#burden.set(nodeKey, count);
    else this.#burden.delete(nodeKey);
  }

  /** The nearest and least burdened of some that both can reach and that have so much room; undefined where there is none. */
  choose(ends: Ends, kbits: number, avoid: ReadonlySet<string>): Client | undefined {
    let best: { readonly client: Client; readonly cost: number } | undefined;
    for (const nodeKey of this.#drawn(ends)) {
      const client = this.#directory.byNode(nodeKey);
      if (client === undefined) {
        this.#forget(nodeKey);
        continue;
      }
      if (avoid.has(nodeKey) || (this.#room.get(nodeKey)?.kbits ?? 0) < kbits || !suits(client, ends)) continue;
      const cost = (client.rtt ?? RTT) + BURDEN * (this.#burden.get(nodeKey) ?? 0);
      if (best === undefined || cost < best.cost) best = { client, cost };
    }
    return best?.client;
  }

  /** Neighbours of the two in their channel, and some of all. */
  #drawn({ asker, target, tree }: Ends): ReadonlySet<string> {
    const drawn = new Set<string>();
    for (const { nodeKey } of [asker, target]) {
      for (const near of neighboursOf(tree, nodeKey)) if (this.#room.has(near)) drawn.add(near);
    }
    const all = this.#list;
    if (all.length <= DRAWN) return new Set([...drawn, ...all]);
    for (let i = 0; i < DRAWN; i++) {
      const one = all[this.#random(all.length)];
      if (one !== undefined) drawn.add(one);
    }
    return drawn;
  }

  #forget(nodeKey: string): void {
    const known = this.#room.get(nodeKey);
    if (known === undefined) return;
    this.#room.delete(nodeKey);
    const last = this.#list.pop();
    if (last === undefined || last === nodeKey) return;
    this.#list[known.place] = last;
    const moved = this.#room.get(last);
    if (moved !== undefined) moved.place = known.place;
  }
}

function suits(relay: Client, { asker, target, tree }: Ends): boolean {
  const profile = relay.facts?.profile;
  if (profile === undefined || relay.path.kind === 'moved') return false;
  if (relay.nodeKey === asker.nodeKey || relay.nodeKey === target.nodeKey) return false;
  // Its picture comes through the asker: what it carries would hang on itself.
  if (tree?.isBelow(relay.nodeKey, asker.nodeKey) === true) return false;
  if (!isSteady(profile)) return false;
  const near = [asker, target].some(({ nodeKey }) => neighboursOf(tree, nodeKey).includes(relay.nodeKey));
  if (profile.filtering !== 'endpoint-independent' && !near) return false;
  return [asker, target].every((end) => reaches(relay, profile, end));
}

/** Without anybody's help: one dials the other, or both send at the same time. */
function reaches(relay: Client, profile: NatProfile, end: Client): boolean {
  const theirs = end.facts?.profile;
  if (theirs === undefined || !isOneFamily(relay, end)) return false;
  const { kind } = prospect(profile, theirs);
  return kind === 'dial' || kind === 'simultaneous';
}

function neighboursOf(tree: Tree | undefined, nodeKey: string): readonly string[] {
  const member = tree?.get(nodeKey);
  if (member === undefined) return [];
  return member.parent === undefined ? [...member.children] : [member.parent, ...member.children];
}
