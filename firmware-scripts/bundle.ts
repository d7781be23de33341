import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { BORROWED } from '../agent/io/assets.ts';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'out/hearth.cjs');

/** The assets by name, and where they lie: what is in agent/web/, and what is borrowed from packages. */
export function assets(): ReadonlyMap<string, string> {
  const web = readdirSync(join(ROOT, 'agent/web'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry): [string, string] => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(join(ROOT, 'agent/web/').length), path];
    });
  return new Map([
    ...web,
    ...Object.entries(BORROWED).map(([name, path]): [string, string] => [name, join(ROOT, path)]),
  ]);
}

/**
 * Where a bundle has its assets: as text in its own code, or beside it in the executable, which costs no memory before
 * one is asked for.
 */
type Place = 'inside' | 'beside';

/** What stands in the place of agent/io/embedded.ts. */
const EMBEDDED: Readonly<Record<Place, () => string>> = {
  inside: () => {
    const pairs = [...assets()].map(([name, path]) => [name, readFileSync(path, 'base64')]);
    return `const texts = new Map(${JSON.stringify(pairs)});
      export const embedded = (name) => texts.has(name) ? Buffer.from(texts.get(name), 'base64') : undefined;`;
  },
  beside: () => `import { getAsset } from 'node:sea';
    const names = new Set(${JSON.stringify([...assets().keys()])});
    export const embedded = (name) => names.has(name) ? new Uint8Array(getAsset(name)) : undefined;`,
};

const embed = (place: Place): Plugin => ({
  name: 'embed',
  setup(builder) {
    builder.onLoad({ filter: /[/\\]io[/\\]embedded\.ts$/ }, () => ({ contents: EMBEDDED[place](), loader: 'js' }));
  },
});

/** Bundles `entry` and all it imports into one CommonJS file (a single executable wants that); answers with its inputs. */
export async function bundle(entry: string, outfile: string, place: Place = 'inside'): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'inline',
    // The bundle is the program itself; its own folder is only asked for in a checkout.
    define: { 'import.meta.main': 'true', 'import.meta.dirname': '""' },
    plugins: [embed(place)],
    metafile: true,
  });
  return Object.keys(metafile.inputs);
}

if (import.meta.main) {
  const inputs = await bundle(join(ROOT, 'agent/main.ts'), OUT);
  console.log(`out/hearth.cjs  ${statSync(OUT).size} bytes of ${inputs.length} files`);
}
