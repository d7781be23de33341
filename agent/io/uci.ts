import { open } from 'node:fs/promises';

/** A hundred times what anybody writes by hand; more is a mistake (a stream, a device). */
const MOST_BYTES = 256 * 1024;

/** The text of a configuration file, or why there is none, in words for its owner. */
export type ConfigText = { readonly text: string } | { readonly problem: string };

/** Reads a file of at most 256 kB. What is in it, UCI or JSON, is for agent/config/ to say. */
export async function readConfigText(path: string): Promise<ConfigText> {
  try {
    const file = await open(path, 'r');
    try {
      if (!(await file.stat()).isFile()) return { problem: `${path}: is not a file; name the file itself` };
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_BYTES + 1), 0, MOST_BYTES + 1, 0);
      return bytesRead > MOST_BYTES
        ? { problem: `${path}: is larger than 256 kB; that is no configuration` }
        : { text: buffer.toString('utf8', 0, bytesRead) };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { problem: `${path}: cannot be read (${error instanceof Error ? error.message : String(error)})` };
  }
}
