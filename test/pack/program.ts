import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A packed program at work in a folder, with no environment at all. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  #out = '';
  #err = '';

  constructor(binary: string, folder: string, args: readonly string[]) {
    this.#child = spawn(binary, args, { cwd: folder, env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(this.#child, 'close');
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#out += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#err += text));
  }

  /** What its standard output says at `form`: the first group. Rejects when it ends without. */
  async said(form: RegExp): Promise<string> {
    for (;;) {
      const found = form.exec(this.#out)?.[1];
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`ended first: ${this.#err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Its exit code, once it ends by itself. */
  async code(): Promise<unknown> {
    return (await this.#ended)[0];
  }

  /** Its exit code after SIGTERM. */
  stop(): Promise<unknown> {
    this.#child.kill('SIGTERM');
    return this.code();
  }
}
