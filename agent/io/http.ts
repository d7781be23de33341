import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Address } from '../base/address.ts';
import { type Fields, isObject, parsed } from '../base/json.ts';
import { hostName, isHostAllowed, isLanPeer, isOriginOwn } from './lan-guard.ts';

/** One request that passed the door: a device of the house, under one of our names. */
export interface Ask {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Decoded neither in percent nor in dots: routes are plain text and everything else is 404. */
  readonly path: string;
  /** The Host header as sent. */
  readonly host: string | undefined;
}

export interface Route {
  /** GET answers HEAD too. */
  readonly method: 'GET' | 'POST';
  /** The whole path, or everything under it when it ends in `/` and is longer than that. */
  readonly path: string;
  readonly answer: (ask: Ask) => void;
}

export interface WebOptions {
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Names people gave this machine, besides `*.lan`, `*.local` and addresses. */
  readonly names: readonly string[];
  readonly routes: readonly Route[];
  /** Sockets open at once; one more is closed before it is read. */
  readonly connections: number;
}

export type Refusal = 'peer' | 'host' | 'origin' | 'request' | 'method' | 'path';

export interface Web {
  readonly address: Address;
  /** How many were turned away at the door, by reason. */
  readonly refused: Readonly<Record<Refusal, number>>;
  stop(): Promise<void>;
}

/** A request line longer than this is nobody of ours. */
const LONGEST_URL = 2048;

/** Starts a small HTTP server for the house only. Rejects when the address cannot be had. */
export async function startWeb(options: WebOptions): Promise<Web> {
  const refused: Record<Refusal, number> = { peer: 0, host: 0, origin: 0, request: 0, method: 0, path: 0 };
  const server = createServer(
    {
      // A request has 5 s for its head and 10 s in all, looked at each second: slow-loris ends here.
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 5_000,
      maxHeaderSize: 8 * 1024,
      highWaterMark: 64 * 1024,
      noDelay: true,
    },
    (request, response) => {
      const reason = answer(options, request, response);
      if (reason !== undefined) refused[reason]++;
    },
  );
  server.maxHeadersCount = 64;
  server.maxConnections = options.connections;
  // A page that is not taken for 30 s; streams switch this off and have their own rule.
  server.timeout = 30_000;
  server.on('connection', (socket) => {
    if (isLanPeer(socket.remoteAddress)) return;
    refused.peer++;
    socket.destroy();
  });
  server.on('clientError', (_error, stream) => {
    const socket = stream as Socket;
    // A player that went away in the middle of its stream is no bad request.
    if (socket.bytesWritten > 0) {
      socket.destroy();
      return;
    }
    refused.request++;
    if (socket.writable) socket.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    socket.destroySoon();
  });
  await listen(server, options.address, options.port);
  const bound = server.address() as AddressInfo;
  return { address: { ip: bound.address, port: bound.port }, refused, stop: () => stop(server) };
}

function answer(options: WebOptions, request: IncomingMessage, response: ServerResponse): Refusal | undefined {
  const url = request.url ?? '';
  const path = url.split('?', 1)[0] ?? '';
  const { host, origin } = request.headers;
  const ask: Ask = { request, response, path, host };
  response.setHeaders(new Map([...SAFE_HEADERS, ['Content-Security-Policy', policy(host)]]));
  if (!isHostAllowed(host, ownAddress(request.socket), options.names)) {
    sendText(
      ask,
      403,
      `This server does not answer to that name. Use its address, or a name that ends in .lan or .local.\n`,
    );
    return 'host';
  }
  if (url.length > LONGEST_URL) {
    sendText(ask, 414, 'That address is too long.\n');
    return 'request';
  }
  if (request.method === 'OPTIONS') {
    sendPreflight(ask);
    return undefined;
  }
  const wanted = request.method === 'HEAD' ? 'GET' : request.method;
  const here = options.routes.filter((route) => fits(route, path));
  const route = here.find(({ method }) => method === wanted);
  if (route === undefined && here.length > 0) {
    response.setHeader('Allow', [...new Set(here.map(({ method }) => method))].join(', '));
    sendText(ask, 405, 'That cannot be done here.\n');
    return 'method';
  }
  if (route === undefined) {
    sendText(ask, 404, 'There is nothing here. The page is at / .\n');
    return 'path';
  }
  if (wanted === 'POST' && !isOriginOwn(origin, host)) {
    sendText(ask, 403, 'Orders are taken from our own pages only.\n');
    return 'origin';
  }
  route.answer(ask);
  return undefined;
}

function fits(route: Route, path: string): boolean {
  return route.path.endsWith('/') && route.path !== '/' ? path.startsWith(route.path) : path === route.path;
}

const SAFE_HEADERS: readonly (readonly [string, string])[] = [
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cache-Control', 'no-cache'],
  ['X-Frame-Options', 'DENY'],
];

/** Our own scripts only; media also from other ports of this machine, where the demo's households live. */
function policy(host: string | undefined): string {
  const name = host === undefined ? undefined : hostName(host);
  const neighbours = name === undefined || name.includes(':') ? '' : ` http://${name}:*`;
  return (
    `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; ` +
    `connect-src 'self'${neighbours}; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  );
}

function ownAddress(socket: Socket): readonly string[] {
  return socket.localAddress === undefined ? [] : [socket.localAddress.replace(/^::ffff:/, '')];
}

/** Answers with text; `text` is for a person. */
export function sendText(ask: Ask, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  const { request, response } = ask;
  const body = Buffer.from(text);
  // What is left of a refused body is not worth reading.
  if (status >= 400) response.setHeader('Connection', 'close');
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

export function sendJson(ask: Ask, value: unknown): void {
  sendText(ask, 200, JSON.stringify(value), 'application/json');
}

export function sendBytes(ask: Ask, bytes: Uint8Array, type: string): void {
  ask.response.writeHead(200, { 'Content-Type': type, 'Content-Length': bytes.length });
  ask.response.end(ask.request.method === 'HEAD' ? undefined : bytes);
}

/** Media may be fetched by any page (`openToPages` says so in the answer itself); nothing else may. */
function sendPreflight(ask: Ask): void {
  if (ask.path.startsWith('/live/') || ask.path === '/playlist.m3u') {
    openToPages(ask);
    ask.response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD');
    ask.response.setHeader('Access-Control-Allow-Headers', 'Range');
  }
  ask.response.writeHead(204);
  ask.response.end();
}

export function openToPages(ask: Ask): void {
  ask.response.setHeader('Access-Control-Allow-Origin', '*');
}

/** An order's small JSON body; `undefined` for anything else. A program's or our own page's, never a plain form's. */
export function readOrder(ask: Ask, then: (order: Readonly<Record<string, unknown>> | undefined) => void): void {
  const { request } = ask;
  const parts: Buffer[] = [];
  let length = 0;
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    then(undefined);
    return;
  }
  request.on('data', (part: Buffer) => {
    length += part.length;
    if (length <= LONGEST_ORDER) parts.push(part);
    else request.destroy();
  });
  request.on('end', () => then(asOrder(Buffer.concat(parts).toString('utf8'))));
}

const LONGEST_ORDER = 4096;

function asOrder(text: string): Fields | undefined {
  const value = parsed(text);
  return isObject(value) ? value : undefined;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  // A whole household that switches on at once: 200 in the same millisecond must not see a refused SYN.
  server.listen({ host, port, backlog: 4096 }, () => {
    server.off('error', reject);
    resolve();
  });
  return promise;
}

function stop(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}
