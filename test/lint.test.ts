import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Ours without the types of packages, which are not installed there. */
const TSCONFIG = JSON.stringify({
  compilerOptions: {
    strict: true,
    target: 'es2024',
    module: 'nodenext',
    noEmit: true,
    allowImportingTsExtensions: true,
  },
});

/** What oxlint finds, as `file rule`, in a small tree that is linted by our own rules. */
function found(files: Readonly<Record<string, string>>): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-lint-'));
  try {
    copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    writeFileSync(join(folder, 'tsconfig.json'), TSCONFIG);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const reports = run(folder).matchAll(/^(\S+?):\d+:\d+: .*\[\w+\/\w+\(([\w-]+)\)\]$/gm);
    return [...new Set([...reports].map(([, file, rule]) => `${file} ${rule}`))].sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(folder: string): string {
  try {
    return execFileSync(process.execPath, [join(ROOT, 'node_modules/.bin/oxlint'), '-f', 'unix'], {
      cwd: folder,
      encoding: 'utf8',
    });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

test.each([
  ['a timer', 'setTimeout(() => {}, 1);', 'no-restricted-globals'],
  ['the calendar', 'export const now = Date.now();', 'no-restricted-globals'],
  ['a clock', 'export const now = performance.now();', 'no-restricted-globals'],
  ['the process', 'export const name = process.title;', 'no-restricted-globals'],
  ['a Buffer', 'export const bytes = Buffer.alloc(1);', 'no-restricted-globals'],
  ['chance of its own', 'export const chance = Math.random();', 'no-restricted-properties'],
  ['a module of Node', "import 'node:fs';", 'no-restricted-imports'],
  ['a package', "import 'fast-check';", 'no-restricted-imports'],
  ['hands', "import '../io/udp.ts';", 'no-restricted-imports'],
])('pure code with %s is refused', (_what, text, rule) => {
  expect(found({ 'agent/nat/planted.ts': text })).toEqual([`agent/nat/planted.ts ${rule}`]);
});

test('the same is allowed where hands are', () => {
  const text = "import 'node:fs';\nexport const now = Date.now() + Math.random() + Buffer.alloc(1).length;";
  expect(found({ 'agent/io/planted.ts': text })).toEqual([]);
});

test('a circle of files, a forgotten promise and a forgotten case are refused anywhere', () => {
  const circle = "import { b } from './b.ts';\nexport const a = (): number => b();";
  const back = "import { a } from './a.ts';\nexport const b = (): number => a();";
  const promise = 'export const f = async (): Promise<void> => {\n  void 0;\n};\nf();';
  const later = 'export const g = (f: () => Promise<void>): void => {\n  [1].forEach(async () => f());\n};';
  const cases =
    "export const h = (k: 'a' | 'b'): number => {\n  switch (k) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n};";
  const tree = {
    'agent/io/a.ts': circle,
    'agent/io/b.ts': back,
    'agent/io/promise.ts': promise,
    'agent/io/later.ts': later,
    'agent/io/cases.ts': cases,
  };
  expect(found(tree)).toEqual([
    'agent/io/a.ts no-cycle',
    'agent/io/b.ts no-cycle',
    'agent/io/cases.ts switch-exhaustiveness-check',
    'agent/io/later.ts no-misused-promises',
    'agent/io/promise.ts no-floating-promises',
  ]);
});
