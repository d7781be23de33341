import type { Child } from '../child.ts';

export interface Said {
  /** `Date.now()` of the program. */
  readonly at: number;
  readonly event: string;
  readonly facts: string;
}

/** What a program said between these moments (`Date.now()`). */
export function saidBy({ errors }: Child, from: number, to = Infinity): readonly Said[] {
  const lines = errors.split('\n').flatMap((line): Said[] => {
    const [, time, event = '', facts = ''] = /^(\S+Z) \w+ +(.*?)((?: [\w-]+=\S+)*)$/.exec(line) ?? [];
    return time === undefined ? [] : [{ at: Date.parse(time), event, facts }];
  });
  return lines.filter(({ at }) => at >= from && at < to);
}

/** When it first said that after a moment, in ms; undefined when it did not. */
export function sayingAfter(child: Child, moment: number, event: string, facts = /(?:)/): number | undefined {
  const said = saidBy(child, moment).find((one) => one.event === event && facts.test(one.facts));
  return said === undefined ? undefined : said.at - moment;
}

/** For a person: what it said around a moment, with times from there. */
export function story(child: Child, moment: number, from = -100, to = 1500): string {
  return saidBy(child, moment + from, moment + to)
    .map(({ at, event, facts }) => `    ${String(at - moment).padStart(6)} ms  ${event}${facts}`)
    .join('\n');
}
