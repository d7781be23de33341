import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { seeded } from '../../../agent/base/random.ts';
import { at, ms } from '../../../agent/base/time.ts';
import { Plan } from '../../../agent/tree/plan.ts';
import { capacity } from '../../../agent/forest/churn.ts';
import { Net } from '../../../agent/forest/net.ts';

const MEASURED = 5000;

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** What is still needed, in bytes. */
function used(): number {
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed;
}

/** What the rendezvous spends on one question in a channel of that size, in microseconds, and what it keeps of each member, in bytes. */
export function planCost(
  seed: number,
  households: number,
): { readonly join: number; readonly leave: number; readonly spares: number; readonly bytes: number } {
  const random = seeded(seed);
  const net = new Net(random);
  const suits = { rank: () => 0, rtt: (a: string, b: string) => net.guess(Number(a), Number(b)), isNear: () => false };
  const empty = used();
  const plan = new Plan({ random, suits, most: 2 });
  plan.plant('0', 2);
  let now = at(0);
  const all: string[] = [];
  const join = (node: string): void => {
    for (;;) {
      const answer = plan.join(node, { capacity: capacity(random), prefix: `p${random(500)}` }, new Set(), now);
      if (answer.kind === 'placed') break;
      now = at(now + 1100);
      plan.due(now);
    }
    const parent = plan.tree.get(node)?.parent;
    if (parent === undefined) return;
    plan.stand(node, { parent, children: plan.tree.get(node)?.children ?? [] }, now);
    plan.stand(parent, { parent: plan.tree.get(parent)?.parent, children: plan.tree.get(parent)?.children ?? [] }, now);
    all.push(node);
  };
  for (let i = 1; i <= households; i++) join(String(i));
  const bytes = (used() - empty) / households;
  const timed = (what: (i: number) => void): number => {
    const began = performance.now();
    for (let i = 0; i < MEASURED; i++) what(i);
    return ((performance.now() - began) * 1000) / MEASURED;
  };
  now = at(now + 5000);
  plan.due(now);
  const spares = timed(() => void plan.spares(all[random(all.length)] ?? '', new Set()));
  const leave = timed(() => {
    const index = random(all.length);
    const [node, last] = [all[index], all.pop()];
    if (last !== undefined && index < all.length) all[index] = last;
    plan.leave(node ?? '', now);
    now = at(now + ms(20));
    plan.due(now);
  });
  let next = households;
  const joins = timed(() => join(String(++next)));
  return { join: joins, leave, spares, bytes };
}
