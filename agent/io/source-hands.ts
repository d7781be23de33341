import type { Readable } from 'node:stream';
import type { Address } from '../base/address.ts';
import type { IntakeInput } from '../media/intake.ts';

/** What one kind of source does when media/intake.ts says so. */
export interface Hands {
  /** Open, bind or connect; answers by `opened` or `failed`, later `ended`. Opens anew when it was open. */
  open(): void;
  /** Drops the connection or the pusher without a word; a listener goes on listening. */
  close(): void;
  pause(): void;
  resume(): void;
  /** For good. */
  stop(): void;
}

export interface HandsEvents {
  readonly tell: (input: IntakeInput) => void;
  /** A listener is bound; with port 0 this tells the port. */
  readonly listening: (place: Address) => void;
  /** Somebody was turned away. */
  readonly refused: (who: string, why: string) => void;
}

/** One readable stream handed on until it ends or is let go; after that it is not heard any more. */
export class Flow {
  #readable: Readable | undefined;
  readonly #tell: (input: IntakeInput) => void;

  constructor(tell: (input: IntakeInput) => void) {
    this.#tell = tell;
  }

  get busy(): boolean {
    return this.#readable !== undefined;
  }

  /** Says `opened`, then the bytes, then `ended` with the reason. */
  take(readable: Readable, endReason: string): void {
    this.drop();
    this.#readable = readable;
    let reason = endReason;
    const current = (): boolean => this.#readable === readable;
    readable.on('error', (error) => (reason = reasonOf(error)));
    const over = (): void => {
      if (!current()) return;
      this.#readable = undefined;
      this.#tell({ kind: 'ended', reason });
    };
    readable.on('end', over);
    readable.on('close', over);
    this.#tell({ kind: 'opened' });
    readable.on('data', (bytes: Buffer) => {
      if (current()) this.#tell({ kind: 'bytes', bytes });
    });
  }

  drop(): void {
    const readable = this.#readable;
    this.#readable = undefined;
    // An error on the way out is nobody's business any more, but without a listener it would end the process.
    readable?.on('error', () => undefined);
    readable?.destroy();
  }

  pause(): void {
    this.#readable?.pause();
  }

  resume(): void {
    this.#readable?.resume();
  }
}

/** The system's word for what went wrong, for people. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = REASONS[code];
  if (known !== undefined) return known;
  return error instanceof Error && error.message !== '' ? error.message : code || String(error);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'that is a directory, not a file',
  EACCES: 'not allowed by the system: check the rights of file or port',
  EADDRINUSE: 'another program has that port: choose another or stop it',
  EADDRNOTAVAIL: 'this machine does not have that address: use 0.0.0.0 or one of its own',
  ECONNREFUSED: 'nobody answers at that port',
  ECONNRESET: 'the other side broke the connection off',
  ENOTFOUND: 'that host name is not known',
  EAI_AGAIN: 'names cannot be resolved at the moment',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  ENODEV: 'no network here carries multicast: name one with ?via=OWN-ADDRESS',
};
