import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bytesOf } from '../base/bytes.ts';
import { parsed } from '../base/json.ts';
import { base32, fromBase32 } from '../base/text32.ts';
import type { Log } from './log.ts';

/** Flash wears: what was only learned is written at most this often. Keys are written once in their life, at once. */
const BETWEEN_SAVES_MS = 60_000;

const PRIVATE = 0o600;

/** X25519 private keys and Ed25519 seeds alike. */
const KEY_BYTES = 32;

/**
 * Replaces a file as a whole: a reader, and a power cut, sees the old bytes or the new ones, never a mixture.
 * Written beside it under a temporary name, synced, renamed, and the folder synced. Throws what the system throws.
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', PRIVATE);
  try {
    // A left-over temporary file keeps the mode it was made with.
    await file.chmod(PRIVATE);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * The state directory of one role: keys, and what was learned and is worth knowing after a restart.
 * A damaged file is set aside as NAME.damaged with a message and never stops anything.
 */
export class StateFolder {
  readonly #path: string;
  readonly #log: Log;
  readonly #waiting = new Map<string, unknown>();
  #timer: NodeJS.Timeout | undefined;
  #savedAt = -Infinity;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Makes the folder if need be, readable by its owner only. Throws what the system throws. */
  static async open(path: string, log: Log): Promise<StateFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return new StateFolder(path, log);
  }

  /** The folder of one file, and the name of the file in it. Throws what the system throws. */
  static async around(path: string, log: Log): Promise<{ readonly folder: StateFolder; readonly name: string }> {
    return { folder: await StateFolder.open(dirname(path), log), name: basename(path) };
  }

  /**
   * The 32 bytes kept under `name` as one line of base32, mode 0600; on first use, or when the file is damaged, those
   * that `make` gives. Throws when the file can be neither read nor made: without a key there is nothing to be.
   */
  async key(name: string, make: () => Uint8Array): Promise<Uint8Array> {
    const kept = await this.existingKey(name);
    if (kept !== undefined) return kept;
    const made = make();
    await this.replaceKey(name, made);
    return made;
  }

  /** Keeps these 32 bytes under `name` as `key` does, whatever was there. Throws when they cannot be written. */
  async replaceKey(name: string, bytes: Uint8Array): Promise<void> {
    await writeWhole(this.#file(name), bytesOf(`${base32(bytes)}\n`));
  }

  /** The key kept under `name`; undefined when there is none, or a damaged one, which is set aside. */
  async existingKey(name: string): Promise<Uint8Array | undefined> {
    const text = await this.#text(name);
    if (text === undefined) return undefined;
    const kept = fromBase32(text.trim());
    if (kept?.length === KEY_BYTES) return kept;
    await this.#setAside(name, 'not a key of 32 bytes in base32');
    return undefined;
  }

  /** Whether anything is kept under `name`, damaged or not. */
  async has(name: string): Promise<boolean> {
    return (await this.#text(name)) !== undefined;
  }

  /** The last number that `count` gave out under `name`, 0 before the first. */
  async counted(name: string): Promise<number> {
    const number = Number((await this.#text(name))?.trim() ?? 0);
    return Number.isSafeInteger(number) ? number : 0;
  }

  /**
   * A number one higher than at any call before, kept under `name`. A damaged file is replaced by
   * the seconds since 1970: where the clock is set, that is more than any number of starts.
   * Throws when the file can be neither read nor written.
   */
  async count(name: string): Promise<number> {
    const text = await this.#text(name);
    const before = text === undefined ? 0 : Number(text.trim());
    const sound = Number.isSafeInteger(before) && before >= 0;
    if (!sound) await this.#setAside(name, 'not a number');
    const next = sound ? before + 1 : Math.floor(Date.now() / 1000);
    await writeWhole(this.#file(name), bytesOf(`${next}\n`));
    return next;
  }

  /** What `decode` makes of the JSON kept under `name`; undefined when there is none or it was no good. */
  async learned<T>(name: string, decode: (value: unknown) => T | undefined): Promise<T | undefined> {
    try {
      const text = await this.#text(name);
      if (text === undefined) return undefined;
      const value = decode(parsed(text));
      if (value === undefined) await this.#setAside(name, 'not what was written there');
      return value;
    } catch (error) {
      this.#log.warn('cannot read what was learned', { file: this.#file(name), reason: reasonOf(error) });
      return undefined;
    }
  }

  /** Keeps a value as JSON, soon: at most one round of writing a minute, the newest value of each name wins. */
  learn(name: string, value: unknown): void {
    this.#waiting.set(name, value);
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#savedAt + BETWEEN_SAVES_MS - performance.now());
    this.#timer = setTimeout(() => void this.close(), wait);
    this.#timer.unref();
  }

  /** Keeps a value as JSON at once, for what must survive a power cut in the next second. Answered when it is written. */
  async keep(name: string, value: unknown): Promise<void> {
    this.#waiting.set(name, value);
    await this.close();
  }

  /** Writes what still waits. The folder stays usable. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#save());
    await this.#writing;
  }

  async #save(): Promise<void> {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    if (waiting.length > 0) this.#savedAt = performance.now();
    for (const [name, value] of waiting) {
      try {
        await writeWhole(this.#file(name), bytesOf(`${JSON.stringify(value)}\n`));
      } catch (error) {
        this.#log.warn('cannot keep what was learned', { file: this.#file(name), reason: reasonOf(error) });
      }
    }
  }

  async #text(name: string): Promise<string | undefined> {
    try {
      return await readFile(this.#file(name), 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #setAside(name: string, reason: string): Promise<void> {
    const kept = `${this.#file(name)}.damaged`;
    await rename(this.#file(name), kept);
    this.#log.warn('a damaged file was set aside', { file: this.#file(name), kept, reason });
  }

  #file(name: string): string {
    return join(this.#path, name);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
