import { fold } from '../base/fold.ts';
import type { Answer, CheckName, Finding } from './finding.ts';
import type { PortPicture } from './picture.ts';
import type { Verdict, VerdictWord } from './verdict.ts';

/** One check with its answer. */
export interface Checked extends Finding {
  readonly name: CheckName;
  readonly question: string;
}

export interface Report {
  readonly version: string;
  readonly verdict: Verdict;
  readonly checked: readonly Checked[];
  readonly picture: PortPicture | undefined;
  /** Seconds. */
  readonly took: number;
  readonly isMasked: boolean;
}

export interface Look {
  readonly columns: number;
  readonly colour: boolean;
}

const INDENT = 2;
const ANSWERS = 5;
const QUESTIONS = 27;

/** The whole report for a person, line by line. */
export function reportLines(report: Report, look: Look): readonly string[] {
  const { version, verdict, checked, picture, took, isMasked } = report;
  const paint = look.colour ? colour : plain;
  const room = look.columns - INDENT;
  const indented = (text: string, by = INDENT): readonly string[] =>
    fold(text, look.columns - by).map((line) => ' '.repeat(by) + line);
  const seen = checked.filter(({ answer }) => answer !== 'not checked');
  const unseen = checked.filter(({ answer }) => answer === 'not checked');
  return [
    paint('bold', `hearth doctor ${version}`),
    '',
    ...indented(verdict.sentence).map((line) => paint(MOODS[verdict.word], line)),
    paint('faint', `  (${verdict.word})`),
    '',
    ...seen.flatMap((one) => row(one, look.columns, paint)),
    ...(picture === undefined
      ? []
      : [
          '',
          paint('bold', 'Outside ports, from the first probe to the last'),
          ...picture.lines.map((line) => `  ${line}`),
          ...indented(picture.words, INDENT + 7).map((line) => paint('faint', line)),
        ]),
    ...(unseen.length === 0
      ? []
      : ['', paint('bold', 'Not checked'), ...unseen.flatMap((one) => row(one, look.columns, paint))]),
    '',
    paint('bold', 'What you can do'),
    ...verdict.advice.flatMap((text, i) =>
      fold(text, room - 3).map((line, j) => `  ${j === 0 ? `${i + 1}. ` : '   '}${line}`),
    ),
    '',
    ...fold(
      `${took.toFixed(1)} s. ${isMasked ? 'IP addresses are cut; --addresses shows them whole. ' : ''}--json prints this for support.`,
      look.columns,
    ).map((line) => paint('faint', line)),
  ];
}

function row({ answer, question, seen }: Checked, columns: number, paint: Paint): readonly string[] {
  const beside = INDENT + ANSWERS + QUESTIONS;
  const lines = fold(seen, columns - beside);
  return lines.map((line, i) => {
    if (i > 0) return ' '.repeat(beside) + line;
    return `  ${paint(ANSWER_TONES[answer], ANSWER_WORDS[answer].padEnd(ANSWERS))}${question.padEnd(QUESTIONS)}${line}`;
  });
}

const ANSWER_WORDS: Readonly<Record<Answer, string>> = { yes: 'yes', no: 'no', 'not checked': '-' };

type Tone = 'bold' | 'faint' | 'good' | 'bad' | 'none';
type Paint = (tone: Tone, text: string) => string;

const ANSWER_TONES: Readonly<Record<Answer, Tone>> = { yes: 'good', no: 'bad', 'not checked': 'faint' };
const MOODS: Readonly<Record<VerdictWord, Tone>> = {
  open: 'good',
  mapped: 'good',
  punchable: 'good',
  firewall: 'none',
  'double-nat': 'none',
  'carrier-nat': 'none',
  'hard-nat': 'none',
  unclear: 'none',
  interference: 'bad',
  'udp-blocked': 'bad',
  'no-rendezvous': 'bad',
  'no-network': 'bad',
};

/** The terminal's own colours, so that they suit its background. */
const CODES: Readonly<Record<Tone, string>> = { bold: '1', faint: '2', good: '32', bad: '31', none: '0' };

function colour(tone: Tone, text: string): string {
  return tone === 'none' ? text : `\u001b[${CODES[tone]}m${text}\u001b[0m`;
}

function plain(_: Tone, text: string): string {
  return text;
}
