import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Source } from '../media/source.ts';
import { Flow, type Hands, type HandsEvents, reasonOf } from './source-hands.ts';

/** A pusher that was refused may go on sending this long, so that it gets to read the answer. */
const LINGER_MS = 1000;

/** A small web server that encoders push their stream to with PUT or POST, one at a time. */
export class PushHands implements Hands {
  readonly #source: Source & { readonly kind: 'http-listen' };
  readonly #events: HandsEvents;
  readonly #flow: Flow;
  #server: Server | undefined;

  constructor(source: Source & { readonly kind: 'http-listen' }, events: HandsEvents) {
    this.#source = source;
    this.#events = events;
    this.#flow = new Flow(events.tell);
  }

  open(): void {
    this.stop();
    const server = createServer((request, response) => this.#asked(request, response));
    this.#server = server;
    // A push lasts for days; node's default would end it after five minutes.
    server.requestTimeout = 0;
    server.on('error', (error) => {
      if (this.#server !== server) return;
      this.stop();
      this.#events.tell({ kind: 'failed', reason: reasonOf(error) });
    });
    server.listen(this.#source.port, this.#source.ip, () => {
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
    this.close();
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = undefined;
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    request.on('error', () => undefined);
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    if (path !== this.#source.path) {
      refuse(request, response, 404, `Streams are pushed to ${this.#source.path} here.\n`);
    } else if (request.method !== 'PUT' && request.method !== 'POST') {
      response.setHeader('Allow', 'PUT, POST');
      refuse(
        request,
        response,
        405,
        'Push MPEG-TS here with PUT or POST, for example by ffmpeg -f mpegts -method PUT.\n',
      );
    } else if (!this.#mayPush(request)) {
      response.setHeader('WWW-Authenticate', 'Basic realm="hearth"');
      refuse(request, response, 401, 'User and password of this channel are needed.\n');
    } else if (this.#flow.busy) {
      this.#events.refused(request.socket.remoteAddress ?? '', 'another encoder is pushing');
      refuse(request, response, 409, 'Another encoder is pushing already. Stop it first.\n');
    } else {
      request.on('end', () => response.writeHead(200, { 'Content-Length': 0 }).end());
      this.#flow.take(request, 'the encoder ended its push');
    }
  }

  #mayPush(request: IncomingMessage): boolean {
    const { login } = this.#source;
    if (login === undefined) return true;
    return request.headers.authorization === `Basic ${Buffer.from(decodeURIComponent(login)).toString('base64')}`;
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(text);
  request.resume();
  setTimeout(() => request.destroy(), LINGER_MS).unref();
}
