import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The table of docs/architecture.md: what a folder may name in its imports, and what only as a type. */
interface Row {
  readonly imports: readonly string[];
  /** Folders or single files that may be named by `import type` too. */
  readonly types?: readonly string[];
  /** Node's own modules and npm packages. */
  readonly world?: true;
}

const LAYER_1 = ['wire', 'portmap', 'uplink', 'nat', 'punch', 'seal', 'transport', 'blocks', 'tree', 'media', 'config'];
const PURE = ['base', ...LAYER_1, 'rendezvous', 'house', 'doctor', 'sim', 'forest'];

const TABLE: Readonly<Record<string, Row>> = {
  base: { imports: [] },
  ...Object.fromEntries(LAYER_1.map((folder) => [folder, { imports: ['base'], types: ['seal/cipher.ts'] }])),
  sim: { imports: ['base'], types: ['seal/cipher.ts'] },
  rendezvous: { imports: ['base', 'wire', 'nat', 'punch', 'tree', 'seal'] },
  house: { imports: ['base', ...LAYER_1, 'rendezvous/client.ts'], types: ['rendezvous'] },
  doctor: {
    imports: ['base', 'nat', 'portmap', 'uplink', 'seal', 'rendezvous/client.ts', 'house/knocking.ts'],
    types: ['wire'],
  },
  forest: { imports: ['base', 'tree', 'sim'] },
  io: { imports: ['base'], types: PURE, world: true },
  roles: { imports: [...PURE, 'io'] },
  'main.ts': { imports: ['base', 'config', 'io', 'roles'] },
};

const AGENT = fileURLToPath(new URL('../agent', import.meta.url));

interface Import {
  readonly file: string;
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Every `import`, `export … from` and `import(…)` of a text; good enough for formatted code. */
function importsOf(file: string, text: string): readonly Import[] {
  const found: Import[] = [];
  const bare = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  for (const match of bare.matchAll(/^(import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)) {
    const words = /\{([^}]*)\}/.exec(match[0])?.[1];
    const eachIsType =
      words !== undefined &&
      /^\s*import\s*\{/.test(match[0]) &&
      words.split(',').every((word) => /^\s*(type\s|$)/.test(word));
    found.push({ file, from: match[3] ?? '', typeOnly: match[2] !== undefined || eachIsType });
  }
  for (const match of bare.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push({ file, from: match[1] ?? '', typeOnly: false });
  }
  return found;
}

const folderOf = (path: string): string => path.split('/')[0] ?? path;

/** What is wrong with one import, or undefined. `file` and the answer are relative to agent/. */
function fault({ file, from, typeOnly }: Import): string | undefined {
  const row = TABLE[folderOf(file)];
  if (row === undefined) return `${file}: folder is not in the table`;
  if (!from.startsWith('.')) {
    return row.world === true ? undefined : `${file}: ${from} (only io/ touches Node and npm)`;
  }
  const target = relative(AGENT, resolve(AGENT, dirname(file), from));
  if (target.startsWith('..')) return `${file}: ${from} lies outside agent/`;
  if (folderOf(target) === folderOf(file)) return undefined;
  const allowed = typeOnly ? [...row.imports, ...(row.types ?? [])] : row.imports;
  return allowed.some((name) => name === target || name === folderOf(target))
    ? undefined
    : `${file} must not import ${target}${typeOnly ? ' (not even as a type)' : ''}`;
}

const files = readdirSync(AGENT, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !file.startsWith('web/'));
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(AGENT, file), 'utf8')));

test('the layer test reads the real code', () => {
  expect(files.length).toBeGreaterThan(10);
  expect(imports.length).toBeGreaterThan(10);
  expect(new Set(files.map(folderOf)).size).toBeGreaterThan(2);
});

test('every folder imports only what the table of docs/architecture.md allows', () => {
  expect(imports.map(fault).filter((found) => found !== undefined)).toEqual([]);
});

test('each npm package enters through exactly one file', () => {
  const doors = new Map<string, Set<string>>();
  for (const { file, from } of imports) {
    if (from.startsWith('.') || from.startsWith('node:')) continue;
    const name = from
      .split('/')
      .slice(0, from.startsWith('@') ? 2 : 1)
      .join('/');
    doors.set(name, (doors.get(name) ?? new Set()).add(file));
  }
  expect([...doors].filter(([, by]) => by.size > 1).map(([name, by]) => `${name}: ${[...by].join(', ')}`)).toEqual([]);
});

test.each([
  ['nat/probe.ts', "import { x } from '../punch/plan.ts';", 'nat/probe.ts must not import punch/plan.ts'],
  [
    'nat/probe.ts',
    "import type { X } from '../punch/plan.ts';",
    'nat/probe.ts must not import punch/plan.ts (not even as a type)',
  ],
  ['blocks/writer.ts', "import type { Cipher } from '../seal/cipher.ts';", undefined],
  ['blocks/writer.ts', "import { type Cipher } from '../seal/cipher.ts';", undefined],
  ['blocks/writer.ts', "import { seal } from '../seal/cipher.ts';", 'blocks/writer.ts must not import seal/cipher.ts'],
  ['base/time.ts', "import { readFileSync } from 'node:fs';", 'base/time.ts: node:fs (only io/ touches Node and npm)'],
  ['roles/agent.ts', "const x = await import('node:net');", 'roles/agent.ts: node:net (only io/ touches Node and npm)'],
  [
    'house/house.ts',
    "export { x } from '../rendezvous/server.ts';",
    'house/house.ts must not import rendezvous/server.ts',
  ],
  ['house/house.ts', "import {\n  x,\n  y,\n} from '../rendezvous/client.ts';", undefined],
  ['io/udp.ts', "import type { Chunk } from '../blocks/chunk.ts';", undefined],
  ['io/udp.ts', "import { chunk, type Chunk } from '../blocks/chunk.ts';", 'io/udp.ts must not import blocks/chunk.ts'],
  ['common/x.ts', "import '../base/time.ts';", 'common/x.ts: folder is not in the table'],
])('the rule for %s judges %s', (file, text, expected) => {
  expect(importsOf(file, text).map(fault)).toEqual([expected]);
});
