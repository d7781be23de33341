import { createReadStream, type ReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Flow, type Hands, type HandsEvents, reasonOf } from './source-hands.ts';

/** A file, a named pipe or a capture device; read from its beginning at each `open`. */
export class FileHands implements Hands {
  readonly #path: string;
  readonly #events: HandsEvents;
  readonly #flow: Flow;
  #opening: ReadStream | undefined;

  constructor(path: string, events: HandsEvents) {
    this.#path = path;
    this.#events = events;
    this.#flow = new Flow(events.tell);
  }

  open(): void {
    this.close();
    const stream = createReadStream(this.#path);
    this.#opening = stream;
    stream.once('open', () => {
      if (this.#opening !== stream) return;
      this.#opening = undefined;
      this.#flow.take(stream, 'the file is over');
    });
    stream.on('error', (error) => {
      if (this.#opening !== stream) return;
      this.#opening = undefined;
      this.#events.tell({ kind: 'failed', reason: `${this.#path}: ${reasonOf(error)}` });
    });
  }

  close(): void {
    this.#opening?.destroy();
    this.#opening = undefined;
    this.#flow.drop();
  }

  pause(): void {
    this.#flow.pause();
  }

  resume(): void {
    this.#flow.resume();
  }

  stop(): void {
    this.close();
  }
}

/** Anything that can be read from its beginning to its end: standard input, or bytes that are part of the program. */
export class ReadableHands implements Hands {
  readonly #make: () => Readable;
  readonly #end: string;
  readonly #flow: Flow;

  /** `make` is called at each `open`; `end` is the reason given when all has been read. */
  constructor(make: () => Readable, end: string, events: HandsEvents) {
    this.#make = make;
    this.#end = end;
    this.#flow = new Flow(events.tell);
  }

  open(): void {
    this.#flow.take(this.#make(), this.#end);
  }

  close(): void {
    this.#flow.drop();
  }

  pause(): void {
    this.#flow.pause();
  }

  resume(): void {
    this.#flow.resume();
  }

  stop(): void {
    this.close();
  }
}

/** Standard input: there is only one, and its end is the end. */
export const stdinHands = (events: HandsEvents): Hands =>
  new ReadableHands(() => process.stdin, 'standard input was closed', events);

/** Bytes that are part of the program, read like a file. */
export const memoryHands = (bytes: Uint8Array, events: HandsEvents): Hands =>
  new ReadableHands(() => Readable.from(pieces(bytes), { objectMode: false }), 'the file is over', events);

const PIECE = 64 * 1024;

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}
