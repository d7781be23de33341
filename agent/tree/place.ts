import type { Tree } from './tree.ts';

/** How far placing looks past members that do not suit, so that a long avoid list or a picky rule stays cheap. */
const MOST_LOOKED_AT = 256;

/**
 * The parent for a household: the shallowest member with a free slot that is neither itself, nor below it, nor avoided.
 * Among those of one depth the one `rank` likes best (least number; Infinity = never); undefined when there is none.
 */
export function place(
  tree: Tree,
  joiner: string,
  avoid: ReadonlySet<string>,
  rank: (parent: string) => number = () => 0,
): string | undefined {
  let best: { node: string; depth: number; rank: number } | undefined;
  let looked = 0;
  for (const { node, depth = Infinity } of tree.free()) {
    if (best !== undefined && depth > best.depth) break;
    if (++looked > MOST_LOOKED_AT) break;
    if (avoid.has(node) || tree.isBelow(node, joiner)) continue;
    const value = rank(node);
    if (value < (best?.rank ?? Infinity)) best = { node, depth, rank: value };
    if (best?.rank === 0) break;
  }
  return best?.node;
}
