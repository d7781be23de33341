import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { problemsIn, rolesIn } from '../../agent/config/load.ts';
import { configFiles } from '../../firmware-scripts/make-config.ts';

const FOLDER = join(import.meta.dirname, '../../config');

test('config/ holds what the schema makes of itself, and nothing else (`make config` writes it anew)', () => {
  const kept = readdirSync(FOLDER).map((name): [string, string] => [name, readFileSync(join(FOLDER, name), 'utf8')]);
  expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(configFiles()));
});

test.each([...configFiles()])('config/%s is good as it stands', (name, text) => {
  expect(problemsIn({ name, text })).toEqual([]);
  expect(rolesIn({ name, text }).length).toBe(1);
});

test.each([...configFiles()].filter(([name]) => name.endsWith('.config')))(
  'config/%s is still good with every commented line in force',
  (name, text) => {
    expect(problemsIn({ name, text: text.replaceAll(/^#\t/gm, '\t') })).toEqual([]);
  },
);

test('every number in config/hearth.config stands beside its unit', () => {
  const text = configFiles().get('hearth.config') ?? '';
  for (const [name, unit] of [
    ['upload', 'kbit/s'],
    ['upload_share', '%'],
    ['ring_mb', 'MB'],
    ['relay_kbit', 'kbit/s'],
  ] as const) {
    const [above = ''] = text.split(`option ${name} `);
    expect(
      above
        .split('\n\n')
        .at(-1)
        ?.replaceAll(/\s*# ?/g, ' '),
    ).toContain(unit);
  }
});
