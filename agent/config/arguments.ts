import { type Option, optionsOf, type RoleName, ROLES, type RoleText, type Word } from './schema.ts';
import { nearest } from './nearest.ts';
import { FLAG_WORDS, list, readId } from './value.ts';

/** The command line of one role, taken apart; values are not judged yet. */
export interface Arguments {
  /** Schema name of each option given, with all its values. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
  /** The value of --config. */
  readonly file: string | undefined;
  readonly help: boolean;
  readonly problems: readonly string[];
}

/** Takes `--name value`, `--name=value`, `--flag`, `--no-flag`; hyphens and underscores in names are the same. */
export function readArguments(role: RoleName, argv: readonly string[]): Arguments {
  const known = new Map<string, Option>(optionsOf(role).map(([, option]) => [option.name, option]));
  const options = new Map<string, string[]>();
  const words: string[] = [];
  const problems: string[] = [];
  let file: string | undefined;
  let help = false;
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--help' || word === '-h') {
      help = true;
    } else if (!word.startsWith('--')) {
      words.push(word);
    } else {
      const { name, value: joined } = parted(word);
      const negated = name.startsWith('no_') && known.get(name.slice(3))?.kind === 'flag';
      const option = known.get(negated ? name.slice(3) : name);
      if (option?.kind === 'flag') {
        const value = joined ?? (!negated && FLAG_WORDS.includes(rest[0] ?? '') ? rest.shift() : undefined) ?? 'on';
        add(options, option.name, negated ? 'off' : value);
        continue;
      }
      const value = joined ?? (rest[0]?.startsWith('--') === false ? rest.shift() : undefined);
      const takesFile = name === 'config' && ROLES[role].file;
      if (option === undefined && !takesFile) problems.push(stranger(role, name, [...known.keys()]));
      else if (value === undefined)
        problems.push(`--${spoken(name)}: needs a value; write for example ${sample(option)}`);
      else if (option === undefined) file = value;
      else add(options, option.name, value);
    }
  }
  return { options, words, file, help, problems: [...problems, ...judgeWords(role, words)] };
}

/** A schema name as it stands on the command line, without the two hyphens. */
export const spoken = (name: string): string => name.replaceAll('_', '-');

function parted(word: string): { name: string; value: string | undefined } {
  const at = word.indexOf('=');
  const name = word.slice(2, at < 0 ? undefined : at).replaceAll('-', '_');
  return { name, value: at < 0 ? undefined : word.slice(at + 1) };
}

function add(options: Map<string, string[]>, name: string, value: string): void {
  const values = options.get(name);
  if (values === undefined) options.set(name, [value]);
  else values.push(value);
}

/** An option on a command line that shows how it is written. */
export function sample(option: Option | undefined): string {
  if (option === undefined) return '--config /etc/config/hearth';
  const quoted = /^[\w.:,#/-]*$/.test(option.example) ? option.example : `'${option.example}'`;
  return option.kind === 'flag' ? `--${spoken(option.name)}` : `--${spoken(option.name)} ${quoted}`;
}

function stranger(role: RoleName, name: string, known: readonly string[]): string {
  const others = (Object.keys(ROLES) as RoleName[]).filter((other) =>
    optionsOf(other).some(([, option]) => option.name === name),
  );
  if (others.length > 0) {
    return `--${spoken(name)}: not an option of hearth ${role} but of ${list(others)}; leave it out`;
  }
  const meant = nearest(name, known);
  const fix = meant === undefined ? `hearth ${role} --help lists them` : `did you mean --${spoken(meant)}?`;
  return `--${spoken(name)}: hearth ${role} has no such option; ${fix}`;
}

function judgeWords(role: RoleName, words: readonly string[]): readonly string[] {
  const text: RoleText = ROLES[role];
  const problems = text.words.flatMap((wanted, i) => {
    const given = words[i];
    if (given === undefined) return [`${wanted.name} is missing; write hearth ${role} ${usageWords(role)}`];
    const fault = wordFault(wanted, given);
    return fault === undefined ? [] : [`${given}: ${fault}`];
  });
  const extra = words
    .slice(text.words.length)
    .map((word) => `${glimpse(word)}: one word too many; leave it out, or quote a value that has spaces`);
  return [...problems, ...extra];
}

/** Enough of a word to find it again; what is as long as a token may be one. */
function glimpse(word: string): string {
  return word.length < 52 ? word : `${word.slice(0, 6)}…`;
}

function wordFault(wanted: Word, given: string): string | undefined {
  switch (wanted.kind) {
    case 'text':
      return undefined;
    case 'choice':
      return wanted.of.includes(given) ? undefined : `not ${list(wanted.of)}`;
    case 'id':
      return readId(given) === undefined
        ? `not a ${wanted.name} of 52 letters and digits, as \`agent ready\` prints it`
        : undefined;
  }
}

/** The words of a role as its usage line has them. */
export function usageWords(role: RoleName): string {
  return ROLES[role].words.map((word) => word.name).join(' ');
}
