import { type Arguments, sample, spoken } from './arguments.ts';
import { parseFile } from './file.ts';
import { nearest } from './nearest.ts';
import { type Config, type Option, OPTIONS, optionsOf, type RoleName, ROLES } from './schema.ts';
import { quoteUci, type Section } from './uci.ts';
import { readValue, withoutTokens } from './value.ts';

export interface ConfigFile {
  /** As the user named it, for messages. */
  readonly name: string;
  readonly text: string;
}

/** All that is wrong, each with where and how to mend it, or the configuration. */
export type Loaded = { readonly config: Config } | { readonly problems: readonly string[] };

const NOTHING: Arguments = { options: new Map(), words: [], file: undefined, help: false, problems: [] };

/** An option as given, before it is judged; `where` begins every message about it, without what is secret. */
interface Given {
  readonly values: readonly string[];
  readonly where: (option: Option) => string;
  readonly write: (option: Option) => string;
}

/** Presets, then the role's section of the file, then the command line: the later one counts. */
export function load(role: RoleName, given: Arguments, file?: ConfigFile): Loaded {
  const problems = [...given.problems];
  const found = file === undefined ? new Map<string, Given>() : fromFile(role, file, problems);
  for (const [name, values] of given.options) {
    const where = (option: Option): string =>
      `--${spoken(name)} ${values.map((value) => shown(option, value)).join(' ')}`;
    found.set(name, { values, where, write: sample });
  }
  const config = settle(role, found, given.words, problems);
  return problems.length > 0 ? { problems } : { config };
}

/** The roles that a file speaks of. */
export function rolesIn(file: ConfigFile): readonly RoleName[] {
  return [
    ...new Set(
      parseFile(file.text)
        .sections.map((section) => section.type)
        .filter(hasSection),
    ),
  ];
}

/** All that is wrong with a file, whatever role reads it. */
export function problemsIn(file: ConfigFile): readonly string[] {
  const roles = rolesIn(file);
  // A file that speaks of no role is judged as a household's: it is the one that people write by hand.
  const found = (roles.length === 0 ? (['agent'] as const) : roles).flatMap((role) => {
    const loaded = load(role, NOTHING, file);
    return 'problems' in loaded ? loaded.problems : [];
  });
  return [...new Set(found)];
}

/** What a file comes to for one role, presets included and secrets hidden: a section that `formatUci` writes. */
export function effective(role: RoleName, file: ConfigFile): Pick<Section, 'type' | 'name' | 'options'> {
  const found = fromFile(role, file, []);
  const options = optionsOf(role).map(([, option]) => {
    const given = found.get(option.name);
    const values = given === undefined || isEmpty(given) ? [option.preset] : given.values;
    return {
      name: option.name,
      values: isEmpty(given) ? values : values.map((value) => shown(option, value)),
      line: 0,
    };
  });
  return { type: role, name: role, options };
}

/** What a reread comes to: the new values where a reread is enough, the old ones where only a restart will do. */
export interface Reread {
  readonly config: Config;
  /** Schema names of the options that changed, by what they need. */
  readonly taken: readonly string[];
  readonly waiting: readonly string[];
}

export function reread(role: RoleName, before: Config, after: Config): Reread {
  const changed = optionsOf(role).filter(([field]) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  const taken = changed.filter(([, option]) => option.live === true);
  const fresh = Object.fromEntries(taken.map(([field]) => [field, after[field]]));
  return {
    config: { ...before, ...fresh },
    taken: taken.map(([, option]) => option.name),
    waiting: changed.filter(([, option]) => option.live !== true).map(([, option]) => option.name),
  };
}

function settle(
  role: RoleName,
  found: ReadonlyMap<string, Given>,
  words: readonly string[],
  problems: string[],
): Config {
  const values: Record<string, unknown> = { words };
  for (const [field, option] of Object.entries<Option>(OPTIONS)) {
    values[field] = valueOf(option, option.roles.includes(role) ? found.get(option.name) : undefined, problems);
  }
  // Every field was just read by its kind, which is what Config is made of.
  const config = values as Config;
  if (!config.enabled) return config;
  for (const [, option] of optionsOf(role)) {
    if (option.needed?.includes(role) === true && isEmpty(found.get(option.name))) {
      problems.push(`--${spoken(option.name)} is missing (${option.about}); write for example ${sample(option)}`);
    }
  }
  return config;
}

const isEmpty = (given: Given | undefined): boolean =>
  given === undefined || given.values.every((value) => value === '');

/** What was given, or the preset; a fault becomes a problem and the preset stands in until the problems are told. */
function valueOf(option: Option, given: Given | undefined, problems: string[]): unknown {
  const preset = readValue(option, option.preset === '' ? [] : [option.preset]);
  const usual = 'value' in preset ? preset.value : undefined;
  if (given === undefined || isEmpty(given)) return usual;
  const reading = readValue(option, given.values);
  if ('value' in reading) return reading.value;
  problems.push(`${given.where(option)}: ${reading.fault}; write for example ${given.write(option)}`);
  return usual;
}

function fromFile(role: RoleName, file: ConfigFile, problems: string[]): Map<string, Given> {
  const read = parseFile(file.text);
  problems.push(...read.problems.map(({ line, text }) => `${place(file, line)}: ${text}`));
  for (const section of read.sections.filter(({ type }) => !hasSection(type))) {
    problems.push(`${place(file, section.line)}: no role is called ${section.type}; write ${sectionNames()}`);
  }
  const mine = read.sections.filter(({ type }) => type === role);
  for (const again of mine.slice(1)) {
    problems.push(`${place(file, again.line)}: a second section for ${role}; keep one`);
  }
  if (mine.length === 0 && read.problems.length === 0) {
    problems.push(`${file.name}: has no section for ${role}; add a line: config ${role} '${role}'`);
  }
  return mine[0] === undefined ? new Map<string, Given>() : entries(role, mine[0], file, problems);
}

function entries(role: RoleName, section: Section, file: ConfigFile, problems: string[]): Map<string, Given> {
  const known = optionsOf(role).map(([, option]) => option.name);
  const found = new Map<string, Given>();
  for (const { name, values, line } of section.options) {
    if (known.includes(name)) {
      const where = (option: Option): string =>
        `${place(file, line)}: ${name} ${values.map((value) => quoteUci(shown(option, value))).join(' ')}`;
      found.set(name, { values, where, write: (option) => `option ${option.name} ${quoteUci(option.example)}` });
    } else {
      const meant = nearest(name, known);
      const fix =
        meant === undefined ? `leave it out; hearth ${role} --help lists what there is` : `did you mean ${meant}?`;
      problems.push(`${place(file, line)}: ${role} has no option ${name}; ${fix}`);
    }
  }
  return found;
}

/** A value as others may see it. */
function shown(option: Option, value: string): string {
  if (option.secret === true) return '(hidden)';
  return option.kind === 'channels' ? withoutTokens(value) : value;
}

const place = (file: ConfigFile, line: number): string => (line === 0 ? file.name : `${file.name}:${line}`);

const hasSection = (type: string): type is RoleName => Object.hasOwn(ROLES, type) && ROLES[type as RoleName].file;

function sectionNames(): string {
  return (Object.keys(ROLES) as RoleName[])
    .filter(hasSection)
    .map((role) => `config ${role}`)
    .join(', ');
}
