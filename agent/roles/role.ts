import type { Config } from '../config/schema.ts';
import type { Log } from '../io/log.ts';

/** Standard output: results and ready lines, printed when the thing is true. */
export interface Out {
  line(text: string): void;
}

/** A role that has started. */
export interface Running {
  /** Orderly end: children moved, leases deleted, state written. Called at most once. */
  stop(): Promise<void>;
  /** The exit code of a role that ends by itself, once it has tidied up; without it a role runs until it is stopped. */
  readonly done?: Promise<number>;
  /** A new configuration (SIGHUP); only options marked `live` in the schema may differ in effect. */
  reread?(config: Config): void;
}

/**
 * Wires machines to io for one role. Settles once everything is in place; a ready line may come later.
 * Rejects with a sentence for the owner when it cannot start (port taken, folder not writable).
 */
export type Role = (config: Config, out: Out, log: Log) => Promise<Running>;

/** A role that has nothing left to do. */
export function finished(code: number): Running {
  return { stop: () => Promise.resolve(), done: Promise.resolve(code) };
}
