import { type ChildProcess, spawn } from 'node:child_process';

/** Time from the polite signal to the other one, ms. */
const GRACE = 3000;

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Called for each piece of stdout, which is then not kept: for programs that write megabytes. */
  readonly onBytes?: (bytes: Buffer) => void;
}

/** A program in a namespace: its lines as they come, and its end. */
export class Child {
  /** Whole lines of stdout so far. */
  readonly lines: string[] = [];
  /** All of stderr so far. */
  errors = '';
  /** The exit code, or 128 + the signal's number where the shell would say so; -1 when it never ran. */
  readonly ended: Promise<number>;
  readonly #process: ChildProcess;
  readonly #argv: readonly string[];
  readonly #waiting = new Set<() => void>();
  #partial = '';
  #code: number | undefined;

  constructor(argv: readonly string[], options: RunOptions = {}) {
    const [program = '', ...words] = argv;
    this.#argv = argv;
    this.#process = spawn(program, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
    });
    this.#process.stdout?.on('data', options.onBytes ?? ((bytes: Buffer) => this.#take(bytes.toString())));
    this.#process.stderr?.on('data', (bytes: Buffer) => {
      this.errors += bytes.toString();
      this.#look();
    });
    this.#process.stdin?.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.#process.on('error', () => this.#end(-1, resolve));
      this.#process.on('close', (code, signal) => this.#end(code ?? (signal === 'SIGKILL' ? 137 : 143), resolve));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#code === undefined;
  }

  /** The first line of stdout that fits, past or to come; rejects with what was said instead. */
  async line(pattern: RegExp, patience = 10_000): Promise<RegExpExecArray> {
    return this.#until(() => firstMatch(this.lines, pattern), `a line like ${pattern}`, patience);
  }

  /** As `line`, on stderr. */
  async error(pattern: RegExp, patience = 10_000): Promise<RegExpExecArray> {
    return this.#until(() => pattern.exec(this.errors), `${pattern} on stderr`, patience);
  }

  write(text: string | Uint8Array): void {
    this.#process.stdin?.write(text);
  }

  closeInput(): void {
    this.#process.stdin?.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Asks it to end, makes it end, and answers with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (this.running) this.#process.kill(signal);
    const last = setTimeout(() => this.#process.kill('SIGKILL'), GRACE);
    const code = await this.ended;
    clearTimeout(last);
    return code;
  }

  #take(text: string): void {
    const parts = (this.#partial + text).split('\n');
    this.#partial = parts.pop() ?? '';
    this.lines.push(...parts);
    this.#look();
  }

  #end(code: number, resolve: (code: number) => void): void {
    this.#code = code;
    resolve(code);
    this.#look();
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }

  async #until<Found>(find: () => Found | null, what: string, patience: number): Promise<Found> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const fail = (why: string): void => {
        done();
        const said = `${this.lines.slice(-20).join('\n')}\n${this.errors.slice(-2000)}`;
        reject(new Error(`${this.#argv.join(' ')}: waited for ${what}, ${why}; it said:\n${said}`));
      };
      const look = (): void => {
        const found = find();
        if (found !== null) {
          done();
          resolve(found);
        } else if (!this.running) fail(`it ended with ${this.#code}`);
      };
      const timer = setTimeout(() => fail(`${patience} ms are over`), patience);
      this.#waiting.add(look);
      look();
    });
  }
}

function firstMatch(lines: readonly string[], pattern: RegExp): RegExpExecArray | null {
  for (const line of lines) {
    const match = pattern.exec(line);
    if (match !== null) return match;
  }
  return null;
}
