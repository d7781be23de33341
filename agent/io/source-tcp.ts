import { connect, createServer, type Server, type Socket } from 'node:net';
import { Flow, type Hands, type HandsEvents, reasonOf } from './source-hands.ts';

/** Longer than any handshake over a poor line, shorter than the system's two minutes. */
const CONNECT_MS = 10_000;

/** Connects to an encoder that serves its stream over TCP. */
export class TcpHands implements Hands {
  readonly #host: string;
  readonly #port: number;
  readonly #events: HandsEvents;
  readonly #flow: Flow;
  #connecting: Socket | undefined;

  constructor(host: string, port: number, events: HandsEvents) {
    this.#host = host;
    this.#port = port;
    this.#events = events;
    this.#flow = new Flow(events.tell);
  }

  open(): void {
    this.close();
    const socket = connect({ host: this.#host, port: this.#port, timeout: CONNECT_MS });
    this.#connecting = socket;
    const fail = (reason: string): void => {
      if (this.#connecting !== socket) return;
      this.#connecting = undefined;
      socket.destroy();
      this.#events.tell({ kind: 'failed', reason });
    };
    socket.on('error', (error) => fail(reasonOf(error)));
    socket.on('timeout', () => fail('no answer'));
    socket.once('connect', () => {
      if (this.#connecting !== socket) return;
      this.#connecting = undefined;
      socket.setTimeout(0);
      this.#flow.take(socket, 'the encoder ended the connection');
    });
  }

  close(): void {
    this.#connecting?.destroy();
    this.#connecting = undefined;
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

/** Waits for an encoder to connect; one at a time. */
export class TcpListenHands implements Hands {
  readonly #ip: string;
  readonly #port: number;
  readonly #events: HandsEvents;
  readonly #flow: Flow;
  #server: Server | undefined;

  constructor(ip: string, port: number, events: HandsEvents) {
    this.#ip = ip;
    this.#port = port;
    this.#events = events;
    this.#flow = new Flow(events.tell);
  }

  open(): void {
    this.stop();
    const server = createServer((socket) => this.#arrived(socket));
    this.#server = server;
    server.on('error', (error) => {
      if (this.#server !== server) return;
      this.stop();
      this.#events.tell({ kind: 'failed', reason: reasonOf(error) });
    });
    server.listen(this.#port, this.#ip, () => {
      const place = server.address();
      if (place !== null && typeof place === 'object') this.#events.listening({ ip: place.address, port: place.port });
    });
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
    this.#flow.drop();
    this.#server?.close();
    this.#server = undefined;
  }

  #arrived(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#flow.busy) {
      this.#events.refused(socket.remoteAddress ?? '', 'another encoder is connected');
      socket.destroy();
      return;
    }
    this.#flow.take(socket, 'the encoder ended the connection');
  }
}
