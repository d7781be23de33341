import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { embedded } from './embedded.ts';

/** Assets that are not files of agent/web/: their place in a checkout. This is the one file that names mpegts.js. */
export const BORROWED: Readonly<Record<string, string>> = {
  'mpegts.js': 'node_modules/mpegts.js/dist/mpegts.js',
};

const kept = new Map<string, Uint8Array>();

/**
 * The bytes of a file of agent/web/ by its name there (`page.html`), or of the player (`mpegts.js`).
 * Read once and shared, so the caller must not write into it. Throws for a name that does not exist: never give it
 * a stranger's path.
 */
export function asset(name: string): Uint8Array {
  const known = kept.get(name);
  if (known !== undefined) return known;
  const bytes = embedded === undefined ? fromCheckout(name) : fromProgram(embedded(name), name);
  kept.set(name, bytes);
  return bytes;
}

function fromCheckout(name: string): Uint8Array {
  const root = join(import.meta.dirname, '../..');
  return readFileSync(join(root, BORROWED[name] ?? join('agent/web', name)));
}

function fromProgram(bytes: Uint8Array | undefined, name: string): Uint8Array {
  if (bytes === undefined) throw new Error(`no such asset in the program: ${name}`);
  return bytes;
}
