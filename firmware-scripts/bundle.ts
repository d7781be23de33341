import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { BORROWED } from '../agent/io/assets.ts';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'out/hearth.cjs');

/** The assets by name: what lies in agent/web/, and what is borrowed from packages. */
function assets(): ReadonlyMap<string, Uint8Array> {
  const web = readdirSync(join(ROOT, 'agent/web'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(ROOT, 'agent/web/').length));
  return new Map([
    ...web.map((name): [string, Uint8Array] => [name, readFileSync(join(ROOT, 'agent/web', name))]),
    ...Object.entries(BORROWED).map(([name, path]): [string, Uint8Array] => [name, readFileSync(join(ROOT, path))]),
  ]);
}

/** Puts a file that holds the assets in the place of agent/io/embedded.ts. */
const embed: Plugin = {
  name: 'embed',
  setup(builder) {
    builder.onLoad({ filter: /[/\\]io[/\\]embedded\.ts$/ }, () => {
      const pairs = [...assets()].map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]);
      return { contents: `export const embedded = new Map(${JSON.stringify(pairs)});`, loader: 'js' };
    });
  },
};

/** Bundles `entry` and all it imports into one CommonJS file (a single executable wants that); answers with its inputs. */
export async function bundle(entry: string, outfile: string): Promise<readonly string[]> {
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
    plugins: [embed],
    metafile: true,
  });
  return Object.keys(metafile.inputs);
}

if (import.meta.main) {
  const inputs = await bundle(join(ROOT, 'agent/main.ts'), OUT);
  console.log(`out/hearth.cjs  ${statSync(OUT).size} bytes of ${inputs.length} files`);
}
