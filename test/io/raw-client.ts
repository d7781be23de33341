import { type Socket, connect } from 'node:net';
import { once } from 'node:events';

const END = '\r\n\r\n';

/** A player at its barest: one socket, one request, and the test decides when it reads. */
export class RawClient {
  readonly socket: Socket;
  #parts: Buffer[] = [];
  #length = 0;
  #changed = Promise.withResolvers<void>();
  closed = false;

  constructor(port: number, request: string, read = true) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.#change();
    });
    this.socket.write(request);
    if (read) this.read();
  }

  read(): void {
    this.socket.on('data', (part: Buffer) => {
      this.#parts.push(part);
      this.#length += part.length;
      this.#change();
    });
  }

  get text(): string {
    return this.#bytes().toString('latin1');
  }

  get head(): string {
    return this.text.split('\r\n\r\n', 1)[0] ?? '';
  }

  /** What came after the header. */
  get body(): Uint8Array {
    const at = this.#bytes().indexOf(END);
    return at < 0 ? new Uint8Array() : new Uint8Array(this.#bytes().subarray(at + END.length));
  }

  /** The length of `body` without looking at all of it: the header is in the first part. */
  get bodyLength(): number {
    const at = this.#parts[0]?.indexOf(END) ?? -1;
    return at < 0 ? 0 : this.#length - at - END.length;
  }

  async until(good: () => boolean): Promise<void> {
    while (!good()) await this.#changed.promise;
  }

  async end(): Promise<this> {
    await this.until(() => this.closed);
    return this;
  }

  async drop(): Promise<void> {
    if (this.closed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }

  #bytes(): Buffer {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] ?? Buffer.alloc(0);
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

/** The whole answer to one request. */
export async function ask(port: number, lines: readonly string[], body = ''): Promise<RawClient> {
  return new RawClient(port, `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`).end();
}
