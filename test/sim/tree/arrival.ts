import { between, seeded } from '../../../agent/base/random.ts';
import { Heap } from '../../../agent/base/heap.ts';
import { capacity } from '../../../agent/forest/churn.ts';
import { Net } from '../../../agent/forest/net.ts';
import { quantile, Tally } from '../../../agent/forest/tally.ts';

interface Node {
  readonly id: number;
  readonly slots: number;
  parent: Node | undefined;
  readonly below: Set<Node>;
  isAlive: boolean;
  /** Since when the stream does not come. */
  dryAt: number | undefined;
}

export interface Arrival {
  readonly tally: Tally;
  readonly start: { readonly p50: number; readonly most: number };
  readonly end: { readonly p50: number; readonly most: number };
}

/**
 * What hearth is measured against: the plain binary tree. Each household gets the oldest free slot, and whoever loses its parent
 * asks the server again, like a newcomer. Where no slot is left somebody takes one more than it could. No machine of ours runs here; failures are noticed and paths are made in the same times.
 */
export function arrivalOrder(seed: number, households: number, stay: number, warm: number, until: number): Arrival {
  const random = seeded(seed);
  const net = new Net(random);
  const tally = new Tally();
  const events = new Heap<() => void>();
  const free: Node[] = [];
  let firstFree = 0;
  let now = 0;
  let last = 0;
  const origin: Node = { id: 0, slots: 2, parent: undefined, below: new Set(), isAlive: true, dryAt: undefined };
  const all = new Set<Node>();
  const offer = (node: Node): void => void free.push(node);
  offer(origin);

  const under = (top: Node): Node[] => {
    const found = [top];
    for (let i = 0; i < found.length; i++) found.push(...(found[i]?.below ?? []));
    return found;
  };
  const take = (node: Node): Node | undefined => {
    for (let i = firstFree; i < free.length; i++) {
      const parent = free[i];
      if (i === firstFree && (parent === undefined || !parent.isAlive || parent.below.size >= parent.slots)) {
        firstFree++;
        continue;
      }
      if (parent === undefined || !parent.isAlive || parent.below.size >= parent.slots) continue;
      let at: Node | undefined = parent;
      while (at !== undefined && at !== node) at = at.parent;
      if (at !== node && hangs(parent)) return parent;
    }
    // Loose branches hold the free slots, and nobody on the tree has one: somebody feeds one more than it can.
    for (let tries = 0; tries < 64; tries++) {
      const parent = free[random(free.length)];
      if (parent?.isAlive === true && parent !== node && hangs(parent)) return parent;
    }
    return undefined;
  };
  const hangs = (node: Node): boolean => {
    let at = node;
    while (at.parent !== undefined) at = at.parent;
    return at === origin;
  };
  const place = (node: Node): void => {
    if (!node.isAlive) return;
    const parent = take(node);
    if (parent === undefined) return events.push(now + 300, () => place(node));
    node.parent = parent;
    parent.below.add(node);
    events.push(now + 30 + net.punch(node.id, parent.id) + net.rtt(node.id, parent.id), () => fed(node, parent));
  };
  const fed = (node: Node, parent: Node): void => {
    if (!node.isAlive || node.parent !== parent || !parent.isAlive || parent.dryAt !== undefined) return;
    for (const one of under(node)) {
      if (one.dryAt !== undefined && one.dryAt >= 0) tally.late(now - one.dryAt);
      one.dryAt = undefined;
    }
  };
  const come = (): void => {
    const node: Node = {
      id: ++last,
      slots: Math.min(2, capacity(random)),
      parent: undefined,
      below: new Set(),
      isAlive: true,
      dryAt: -1,
    };
    all.add(node);
    if (node.slots > 0) offer(node);
    place(node);
    if (stay < Infinity) events.push(now - stay * Math.log((random(2 ** 32) + 1) / 2 ** 32), () => go(node));
  };
  const go = (node: Node): void => {
    node.isAlive = false;
    all.delete(node);
    if (node.parent !== undefined) {
      node.parent.below.delete(node);
      offer(node.parent);
    }
    for (const child of node.below) {
      child.parent = undefined;
      for (const one of under(child)) {
        if (one.dryAt === undefined && tally.isCounting) tally.losses++;
        one.dryAt ??= now;
      }
      events.push(now + between(random, 150, 300), () => place(child));
    }
    tally.departures++;
    come();
  };
  const depths = (): { p50: number; most: number } => {
    const found: number[] = [];
    for (const node of all) {
      if (!hangs(node)) continue;
      let steps = 0;
      for (let at: Node | undefined = node; at?.parent !== undefined; at = at.parent) steps++;
      found.push(steps);
    }
    return { p50: quantile(found, 0.5), most: quantile(found, 1) };
  };
  const run = (end: number): void => {
    for (let next = events.next(); next !== undefined && next <= end; next = events.next()) {
      now = next;
      events.pop()?.();
    }
    now = end;
  };

  for (let i = 0; i < households; i++) events.push(between(random, 0, warm / 2), come);
  run(warm);
  const start = depths();
  tally.isCounting = true;
  tally.viewerMs = households * (until - warm);
  run(until);
  return { tally, start, end: depths() };
}
