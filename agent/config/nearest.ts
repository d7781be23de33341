/** The known word that differs least from a mistyped one; undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // A long stranger is no slip of the finger, and would cost time.
  if (word.length > 32) return undefined;
  const most = Math.max(1, Math.floor(word.length / 3));
  return known
    .map((candidate) => ({ candidate, slips: slips(word, candidate) }))
    .filter((found) => found.slips <= most)
    .reduce<{ candidate: string; slips: number } | undefined>(
      (best, found) => (best === undefined || found.slips < best.slips ? found : best),
      undefined,
    )?.candidate;
}

/** How many letters must be added, left out or changed (Levenshtein's distance). */
function slips(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
