import { createServer, type Socket } from 'node:net';
import type { Address } from '../base/address.ts';
import type { LineVisit } from '../rendezvous/linetest.ts';

interface Limits {
  /** A connection that says nothing more is over, ms. */
  readonly silence: number;
  /** And one that says little by little too: a test takes a second or two. */
  readonly longest: number;
  /** Of a connection that is not wanted, or has said enough: until its other end hangs up, ms. */
  readonly farewell: number;
  /** As many as may visit, and some that are taken leave of. */
  readonly atOnce: number;
  /** So many that nobody asked for are taken leave of in order; where more come, that is no test, and they go at once. */
  readonly strangers: number;
}

const LIMITS: Limits = { silence: 5000, longest: 10_000, farewell: 1000, atOnce: 512, strangers: 64 };

/** The TCP side of a rendezvous: echoes what `visit` says may be echoed. */
export interface LineServer {
  readonly port: number;
  stop(): void;
}

/** Listens; rejects with the system's error where that port is taken. `visit` answers with nothing for strangers. */
export async function startLineServer(
  { ip, port }: Address,
  visit: (ip: string) => LineVisit | undefined,
  limits: Limits = LIMITS,
): Promise<LineServer> {
  const sockets = new Set<Socket>();
  const strangers = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const granted = visit(plainIp(socket.remoteAddress ?? ''));
    if (granted !== undefined) {
      receive(socket, granted, limits);
      return;
    }
    socket.on('error', () => {});
    if (strangers.size >= limits.strangers) {
      socket.destroy();
      return;
    }
    strangers.add(socket);
    socket.once('close', () => strangers.delete(socket));
    hangUp(socket, limits);
  });
  server.maxConnections = limits.atOnce;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: ip, port }, () => {
    server.off('error', reject);
    server.on('error', () => {});
    resolve();
  });
  await promise;
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Hangs up in order whatever happens, for a reset would look like somebody else's. */
function receive(socket: Socket, visit: LineVisit, limits: Limits): void {
  const silence = (): void => {
    visit.ended('silence');
    socket.destroy();
  };
  const longest = setTimeout(silence, limits.longest);
  socket.setTimeout(limits.silence, silence);
  socket.on('error', () => visit.ended('reset'));
  socket.once('close', () => {
    clearTimeout(longest);
    visit.ended('closed');
  });
  socket.on('data', (bytes: Buffer) => {
    if (!visit.isOpen) return;
    const echo = visit.heard(bytes);
    if (echo !== undefined) {
      socket.write(echo);
      return;
    }
    visit.ended('closed');
    hangUp(socket, limits);
  });
  socket.on('end', () => {
    visit.ended('closed');
    socket.end();
  });
}

function hangUp(socket: Socket, { farewell: within }: Limits): void {
  socket.resume();
  socket.end();
  // By the clock, and not by its silence: it may go on talking.
  const farewell = setTimeout(() => socket.destroy(), within);
  socket.once('close', () => clearTimeout(farewell));
}

/** An IPv4 client of a socket for both families. */
function plainIp(ip: string): string {
  return ip.startsWith('::ffff:') ? ip.slice(7) : ip;
}
