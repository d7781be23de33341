const MOST = 40;

/** What a stranger's device calls itself, fit for a terminal and for a sentence: one line, no quotes, no controls, not long. */
export function plain(name: string): string {
  const cleaned = name.replaceAll(/[\p{C}\p{Z}"]+/gu, ' ').trim();
  // Nor half a character at the end.
  return cleaned
    .slice(0, MOST)
    .replace(/\p{Cs}$/u, '')
    .trim();
}
