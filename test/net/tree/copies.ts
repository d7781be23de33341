import type { Grove } from '../grove.ts';
import type { Bar } from '../matrix-bars.ts';
import { atMost } from './figures.ts';
import { saidBy, story } from './trace.ts';

/** Around the first moment at which it sent too many: who came and who went, in ms. */
const [BEFORE_MS, AFTER_MS] = [-3000, 2000];

/** The streams that the origin sent, at any moment since it began, by its own log; told in full where they were too many. */
export function copies({ origin, options }: Grove, what: string, say: (line: string) => void): Bar {
  const { children = 2 } = options;
  const fed = new Set<string>();
  let [most, overMs, before] = [0, 0, 0];
  let overAt: number | undefined;
  for (const { at, event, facts } of saidBy(origin, 0)) {
    if (fed.size > children) overMs += at - before;
    before = at;
    const [, pair = ''] = /pair=(\d+)/.exec(facts) ?? [];
    if (event === 'child') fed.add(pair);
    if (event === 'child-left') fed.delete(pair);
    most = Math.max(most, fed.size);
    if (fed.size > children) overAt ??= at;
  }
  if (overAt !== undefined) {
    say(`${what}: the origin sent ${most} streams, more than ${children} for ${overMs} ms`);
    say(story(origin, overAt, BEFORE_MS, AFTER_MS));
  }
  return atMost(`${what}: streams that the origin sent at any moment`, most, children);
}
