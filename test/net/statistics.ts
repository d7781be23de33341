/** Tests that tell random bytes from others. */

/** Chance that even bytes look at least as uneven as these counts do (Pearson's chi-square). */
export function unevenness(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const expected = total / counts.length;
  const square = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return chiSquareTail(square, counts.length - 1);
}

/** The upper tail of the chi-square distribution: the regularised incomplete gamma function Q(freedom / 2, square / 2). */
export function chiSquareTail(square: number, freedom: number): number {
  const [a, x] = [freedom / 2, square / 2];
  if (x <= 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  // Abramowitz and Stegun 6.5.29 below the middle, the continued fraction 6.5.31 by Lentz's method above it.
  if (x < a + 1) {
    let [term, sum] = [1 / a, 1 / a];
    for (let n = 1; n < 2000 && term > sum * 1e-15; n++) sum += term *= x / (a + n);
    return 1 - scale * sum;
  }
  let [b, c, d] = [x + 1 - a, Infinity, 1 / (x + 1 - a)];
  let value = d;
  for (let n = 1; n < 2000; n++) {
    const step = -n * (n - a);
    b += 2;
    d = 1 / (step * d + b);
    c = b + step / c;
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return scale * value;
}

/** Stirling's series after raising the argument to where it is exact to 12 figures. */
function logGamma(z: number): number {
  let [shift, x] = [0, z];
  for (; x < 12; x++) shift -= Math.log(x);
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return shift + (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}

/** For each of the first `positions` byte positions, the chance of its unevenness among the datagrams that reach so far. */
export function positionChances(datagrams: readonly Uint8Array[], positions: number): readonly number[] {
  return Array.from({ length: positions }, (_, at) => {
    const counts = Array.from({ length: 256 }, () => 0);
    for (const bytes of datagrams) {
      const value = bytes[at];
      if (value !== undefined) counts[value] = (counts[value] ?? 0) + 1;
    }
    return unevenness(counts);
  });
}

/** Blocks of 16 bytes looked at, and how many of them came before: at each multiple of 16 from the front, and from the end (the tag). */
export function repeatedBlocks(datagrams: readonly Uint8Array[]): { readonly seen: number; readonly repeated: number } {
  const blocks = new Set<string>();
  let [seen, repeated] = [0, 0];
  for (const bytes of datagrams) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const starts = new Set<number>();
    for (let at = 0; at + 16 <= text.length; at += 16) starts.add(at).add(text.length - 16 - at);
    for (const at of starts) {
      const block = text.slice(at, at + 16);
      if (blocks.has(block)) repeated++;
      blocks.add(block);
      seen++;
    }
  }
  return { seen, repeated };
}

/** Sizes by how often they come, the most frequent first, as shares of all. */
export function sizeShares(
  datagrams: readonly Uint8Array[],
): readonly { readonly size: number; readonly share: number }[] {
  const counts = new Map<number, number>();
  for (const { length } of datagrams) counts.set(length, (counts.get(length) ?? 0) + 1);
  return [...counts]
    .map(([size, count]) => ({ size, share: count / datagrams.length }))
    .toSorted((one, other) => other.share - one.share);
}
