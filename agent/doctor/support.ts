import { portsOf } from './picture.ts';
import type { Report } from './report.ts';
import type { Sight } from './sight.ts';

/** The report for programs and for support: `--json`. Words of verdicts and answers are those of the report for people. */
export function supportReport({ version, verdict, checked, took }: Report, sight: Sight) {
  const { nat } = sight;
  return {
    version,
    verdict: verdict.word,
    sentence: verdict.sentence,
    advice: verdict.advice,
    checks: checked.map(({ name, answer, seen }) => ({ name, answer, seen })),
    nat: nat && {
      kind: nat.profile.kind,
      filtering: nat.profile.filtering,
      confidence: Math.round(nat.profile.confidence * 100) / 100,
      step: nat.profile.step,
      external: nat.profile.external,
      ports: portsOf(nat.samples).map(({ y }) => y),
    },
    took_s: Math.round(took * 10) / 10,
  };
}
