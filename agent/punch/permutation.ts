const ROUNDS = 4;

/**
 * Every number from 0 to `size` - 1 once, in an order that `seed` decides and nothing stores: whoever knows both
 * numbers knows the nth one. A Feistel network over the next power of four; what falls outside is permuted again.
 * `size` is from 1 to 2^30, `n` from 0 to `size` - 1.
 */
export function permuted(seed: number, size: number): (n: number) => number {
  let half = 1;
  while (4 ** half < size) half++;
  const mask = 2 ** half - 1;
  const once = (n: number): number => {
    let [left, right] = [n >>> half, n & mask];
    for (let round = 1; round <= ROUNDS; round++) {
      [left, right] = [right, left ^ (mixed(right ^ Math.imul(seed, 0x9e3779b1 * round), round) & mask)];
    }
    return ((left << half) | right) >>> 0;
  };
  return (n) => {
    let at = once(n);
    while (at >= size) at = once(at);
    return at;
  };
}

/** Spreads every bit over all others (the finalizer of MurmurHash3, Austin Appleby). */
function mixed(bits: number, round: number): number {
  let h = bits + Math.imul(round, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
