import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rangeOf } from '../agent/config/help.ts';
import { type Option, optionsOf, type RoleName, ROLES } from '../agent/config/schema.ts';
import { quoteUci } from '../agent/config/uci.ts';

/** Columns of the comments. */
const WIDTH = 100;

/** The roles that a file can speak of, and an example is written for. */
const FILED = (Object.keys(ROLES) as RoleName[]).filter((role) => ROLES[role].file);

/** Every file of config/ by its name, generated from the schema: the UCI default and an example per role. */
export function configFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['hearth.config', defaults()],
    ...FILED.map((role): [string, string] => [`${role}.example.config`, example(role)]),
    ['agent.example.json', json('agent')],
  ]);
}

/** What a package installs as /etc/config/hearth: a household that waits to be told its rendezvous. */
function defaults(): string {
  const lines = optionsOf('agent').flatMap(([, option]) => {
    if (option.name === 'enabled') return [...comment(option, 'agent'), line(option, ['0'])];
    if (option.name === 'state') return [...comment(option, 'agent'), line(option, [option.example])];
    const values = option.preset === '' ? examples(option) : [option.preset];
    return [...comment(option, 'agent'), ...values.map((value) => `#${line(option, [value])}`)];
  });
  return file(
    'The household on this router. Presets are commented out; `hearth config check FILE` judges a change.',
    'agent',
    lines,
  );
}

function example(role: RoleName): string {
  const lines = optionsOf(role).flatMap(([, option]) => {
    const text = line(option, examples(option));
    // What must be said stands there; the rest is shown and left at its preset.
    const shown =
      option.needed?.includes(role) === true || option.name === 'enabled' ? text : `#${text.replaceAll('\n', '\n#')}`;
    return [...comment(option, role), shown];
  });
  return file(`An example for \`hearth ${role} --config FILE\`.`, role, lines);
}

function json(role: RoleName): string {
  const needed = optionsOf(role).filter(
    ([, option]) => option.needed?.includes(role) === true || option.name === 'channel',
  );
  const values = needed.map(
    ([, option]) => [option.name, several(option) ? examples(option) : option.example] as const,
  );
  return `${JSON.stringify({ [role]: Object.fromEntries(values) }, null, 2)}\n`;
}

function file(about: string, role: RoleName, lines: readonly string[]): string {
  return [
    `# ${about}`,
    '# Written by `make config` from agent/config/schema.ts.',
    '',
    `config ${role} '${role}'`,
    ...lines,
    '',
  ].join('\n');
}

function comment(option: Option, role: RoleName): readonly string[] {
  const range = option.kind === 'choice' ? option.of.join(' ') : (rangeOf(option) ?? '');
  const notes = [
    range,
    option.needed?.includes(role) === true ? 'needed' : `preset ${option.preset === '' ? 'none' : option.preset}`,
  ].filter((note) => note !== '');
  const words = `${option.about} (${notes.join('; ')})`.split(' ');
  const lines = [''];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`.trim();
  }
  return ['', ...lines.map((text) => `\t# ${text}`)];
}

const several = (option: Option): boolean =>
  option.kind === 'addresses' || option.kind === 'servers' || option.kind === 'channels';

const examples = (option: Option): readonly string[] =>
  several(option) ? option.example.split(',') : [option.example];

function line(option: Option, values: readonly string[]): string {
  return values.map((value) => `\t${several(option) ? 'list' : 'option'} ${option.name} ${quoteUci(value)}`).join('\n');
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, '../config');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of configFiles()) writeFileSync(join(folder, name), text);
}
