import { createServer, type Socket } from 'node:net';
import type { Address } from '../base/address.ts';
import type { LineVisit } from '../rendezvous/linetest.ts';

/** A connection that says nothing more is over. */
const SILENCE_MS = 5000;
/** Of a connection that is not wanted, or has said enough: until its other end hangs up. */
const FAREWELL_MS = 1000;
/** Those that nobody asked for are closed at once, so that many more than the visits never stand. */
const AT_ONCE = 512;

/** The TCP side of a rendezvous: echoes what `visit` says may be echoed. */
export interface LineServer {
  readonly port: number;
  stop(): void;
}

/** Listens; rejects with the system's error where that port is taken. `visit` answers with nothing for strangers. */
export async function startLineServer(
  { ip, port }: Address,
  visit: (ip: string) => LineVisit | undefined,
): Promise<LineServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    receive(socket, visit(plainIp(socket.remoteAddress ?? '')));
  });
  server.maxConnections = AT_ONCE;
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
function receive(socket: Socket, visit: LineVisit | undefined): void {
  socket.on('error', () => visit?.ended('reset'));
  if (visit === undefined) {
    hangUp(socket);
    return;
  }
  socket.setTimeout(SILENCE_MS, () => {
    visit.ended('silence');
    socket.destroy();
  });
  socket.on('data', (bytes: Buffer) => {
    if (!visit.isOpen) return;
    const echo = visit.heard(bytes);
    if (echo !== undefined) {
      socket.write(echo);
      return;
    }
    visit.ended('closed');
    hangUp(socket);
  });
  socket.on('end', () => {
    visit.ended('closed');
    socket.end();
  });
}

function hangUp(socket: Socket): void {
  socket.resume();
  socket.end();
  socket.setTimeout(FAREWELL_MS, () => socket.destroy());
}

/** An IPv4 client of a socket for both families. */
function plainIp(ip: string): string {
  return ip.startsWith('::ffff:') ? ip.slice(7) : ip;
}
