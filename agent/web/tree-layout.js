// Where each home of the forest stands.

export const ORIGIN = 0;

/**
 * Rows by distance from the origin; in a row each as wide as its branch has ends. Answers with all homes, parents first,
 * and how large they can be.
 */
export function layOut(nodes, { width, height }) {
  for (const node of nodes.values()) node.below = [];
  const loose = [];
  for (const node of nodes.values()) {
    if (node.id === ORIGIN) continue;
    const above = nodes.get(node.anchor);
    if (above === undefined || above === node) loose.push(node);
    else above.below.push(node);
  }
  const origin = nodes.get(ORIGIN);
  const order = reach(origin);
  for (const node of order.toReversed())
    node.leaves = Math.max(
      1,
      node.below.reduce((sum, child) => sum + (child.leaves ?? 1), 0),
    );
  const [left, top, foot] = [14, 26, 14];
  const isLoose = loose.length > 0;
  const deepest = order.reduce((most, { depth }) => Math.max(most, depth), 1) + (isLoose ? 1 : 0);
  const [perLeaf, perRow] = [(width - 2 * left) / origin.leaves, (height - top - foot) / deepest];
  origin.from = left;
  let nth = 0;
  for (const node of order) {
    node.toX = node.from + (node.leaves * perLeaf) / 2;
    node.toY = top + node.depth * perRow;
    // Ends that stand close are set off against each other.
    if (node.below.length === 0 && perLeaf < 5) node.toY += ((nth++ % 3) - 1) * Math.min(5, perRow * 0.16);
    let { from } = node;
    for (const child of node.below) {
      child.from = from;
      from += child.leaves * perLeaf;
    }
  }
  const all = [...order];
  // A crowd at the door, with those that hang on them.
  const waiting = loose.flatMap((node) => reach(node));
  for (const [i, node] of waiting.entries()) {
    node.toX = left + ((i + 0.5) * (width - 2 * left)) / waiting.length;
    node.toY = height - foot;
    all.push(node);
  }
  for (const node of all) {
    node.x ??= node.toX;
    node.y ??= node.toY;
    node.ghost = node.goneAt !== undefined;
  }
  return { order: all, radius: Math.max(1.7, Math.min(9, perLeaf * 0.42, perRow * 0.3)) };
}

/** A home and all below it, parents first, with their depths counted from it. */
function reach(top) {
  const order = [top];
  const seen = new Set(order);
  top.depth = top.id === ORIGIN ? 0 : 1;
  for (const node of order)
    for (const child of node.below) {
      if (seen.has(child)) continue;
      seen.add(child);
      child.depth = node.depth + 1;
      order.push(child);
    }
  return order;
}
