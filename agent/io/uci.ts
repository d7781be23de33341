import { open } from 'node:fs/promises';

/** A hundred times what anybody writes by hand; more is a mistake (a stream, a device). */
const MOST_BYTES = 256 * 1024;

/** The text of a configuration file, or why there is none, in words for its owner. */
export type ConfigText = { readonly text: string } | { readonly problem: string };

/** Reads a file of at most 256 kB. What is in it, UCI or JSON, is for agent/config/ to say. */
export function readConfigText(path: string): Promise<ConfigText> {
  return readText(path, MOST_BYTES, 'configuration');
}

/** Reads a file of at most so many bytes; `what` it should be is for the message when it is larger. */
export async function readText(path: string, most: number, what: string): Promise<ConfigText> {
  try {
    const file = await open(path, 'r');
    try {
      const facts = await file.stat();
      if (!facts.isFile()) return { problem: `${path}: is not a file; name the file itself` };
      const room = Math.min(most, Math.max(facts.size, MOST_BYTES)) + 1;
      const { bytesRead, buffer } = await file.read(Buffer.alloc(room), 0, room, 0);
      return bytesRead > most
        ? { problem: `${path}: is larger than ${most / 1024} kB; that is no ${what}` }
        : { text: buffer.toString('utf8', 0, bytesRead) };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { problem: `${path}: cannot be read (${error instanceof Error ? error.message : String(error)})` };
  }
}
