import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { VERSION } from '../../agent/base/version.ts';
import { help, overview } from '../../agent/config/help.ts';
import { type Option, OPTIONS, optionsOf, type RoleName, ROLES } from '../../agent/config/schema.ts';
import { readValue } from '../../agent/config/value.ts';

const options = Object.entries<Option>(OPTIONS);
const roles = Object.keys(ROLES) as RoleName[];

test('the program says the version of its package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(manifest.version);
});

describe.each(options)('option %s', (_field, option) => {
  test('has a preset and an example that it accepts itself', () => {
    expect(readValue(option, option.preset === '' ? [] : [option.preset])).toHaveProperty('value');
    expect(readValue(option, [option.example])).toHaveProperty('value');
  });

  test('is needed only by roles that have it, and then has no preset', () => {
    const needed: readonly RoleName[] = option.needed ?? [];
    expect(needed.filter((role) => !option.roles.includes(role))).toEqual([]);
    expect(needed.length === 0 || option.preset === '').toBe(true);
  });

  test('has a name that UCI and a command line can carry', () => {
    expect(option.name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(['help', 'config']).not.toContain(option.name);
  });
});

describe.each(roles)('role %s', (role) => {
  test('has each option name once', () => {
    const names = optionsOf(role).map(([, option]) => option.name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('tells all its options in lines of at most 80 columns', () => {
    const text = help(role);
    for (const [, option] of optionsOf(role)) expect(text).toContain(`--${option.name.replaceAll('_', '-')}`);
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

test('the overview names every role of the build and no other', () => {
  expect(
    overview(roles)
      .split('\n')
      .filter((line) => line.startsWith('  hearth ')).length,
  ).toBe(roles.length);
  expect(overview(['version'])).not.toContain('rendezvous');
});
