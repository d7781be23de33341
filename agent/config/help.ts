import { fold } from '../base/fold.ts';
import { spoken, usageWords } from './arguments.ts';
import { type Option, optionsOf, type RoleName, ROLES } from './schema.ts';
import { list } from './value.ts';

/** Columns of the oldest terminals; routers are reached through those. */
const WIDTH = 80;

/** What `hearth --help` prints, for the roles that this build has. */
export function overview(roles: readonly RoleName[]): string {
  const rows = roles.map((role) => row(`hearth ${role} ${usageWords(role)}`.trimEnd(), ROLES[role].about, 30));
  return [
    'hearth: a whole household as one repeater of a live stream',
    '',
    ...rows,
    '',
    'hearth ROLE --help tells the options of a role.',
  ].join('\n');
}

/** What `hearth ROLE --help` prints: every option from the schema. */
export function help(role: RoleName): string {
  const { about, file } = ROLES[role];
  const options = optionsOf(role).map(([, option]) => optionText(role, option));
  const fromFile = file
    ? [
        '',
        row(
          '--config FILE',
          `read the section \`config ${role}\` of a UCI file, or "${role}" of a JSON file; an option on the command line counts more`,
          4,
        ),
      ]
    : [];
  return [
    `hearth ${role} ${usageWords(role)}`.trimEnd(),
    `  ${about}`,
    ...options.flatMap((text) => ['', text]),
    ...fromFile,
  ].join('\n');
}

function optionText(role: RoleName, option: Option): string {
  const notes = [
    option.needed?.includes(role) === true ? 'needed' : `preset ${option.preset === '' ? 'none' : option.preset}`,
    rangeOf(option),
    severalOf(option) ? 'several: give it again, or commas' : undefined,
    option.live === true ? 'a reread (SIGHUP) is enough' : undefined,
  ].filter((note) => note !== undefined);
  return row(`--${spoken(option.name)}${valueName(option)}`, `${option.about} (${notes.join('; ')})`, 4);
}

const severalOf = (option: Option): boolean =>
  option.kind === 'addresses' || option.kind === 'servers' || option.kind === 'channels';

/** What a number may be, with its unit; undefined for what is no number. */
export function rangeOf(option: Option): string | undefined {
  if (option.kind !== 'whole' && option.kind !== 'duration') return undefined;
  return `${option.least} to ${option.most}${option.unit === undefined ? '' : ` ${option.unit}`}`;
}

function valueName(option: Option): string {
  switch (option.kind) {
    case 'text':
      return ' TEXT';
    case 'source':
      return ' SOURCE';
    case 'whole':
      return ' N';
    case 'duration':
      return option.unit === 's' ? ' SECONDS' : ' MILLISECONDS';
    case 'choice':
      return ` ${list(option.of).replaceAll(/, | or /g, '|')}`;
    case 'flag':
      return '';
    case 'place':
      return ' ADDR:PORT|off';
    case 'addresses':
      return ' ADDR:PORT';
    case 'servers':
      return ' ADDR:PORT#KEY';
    case 'channels':
      return ' ID|ID:TOKEN';
  }
}

/** `head`, then `text` folded under it, or beside it where `column` leaves room. */
function row(head: string, text: string, column: number): string {
  const beside = head.length + 4 <= column;
  const lines = fold(text, WIDTH - column).map((line) => ' '.repeat(column) + line);
  const first = `  ${head}`;
  return beside
    ? [first.padEnd(column) + (lines[0] ?? '').slice(column), ...lines.slice(1)].join('\n')
    : [first, ...lines].join('\n');
}
