import { connect, type Socket } from 'node:net';
import type { Address } from '../base/address.ts';
import { type Bait, baitBytes } from '../base/bait.ts';
import { sameBytes } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { Greeting, LineTried } from '../doctor/facts.ts';

/** Connects and says nothing: does anybody take TCP there, and does it hang up as a rendezvous does? Never rejects. */
export async function greet({ ip, port }: Address, withinMs: number): Promise<Greeting> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port });
    let isConnected = false;
    const end = (greeting: Greeting): void => {
      clearTimeout(timer);
      resolve(greeting);
      socket.destroy();
    };
    const timer = setTimeout(() => end(isConnected ? 'other' : 'silent'), withinMs);
    socket.once('connect', () => (isConnected = true));
    socket.once('data', () => end('other'));
    socket.once('end', () => end('closed'));
    socket.on('error', (error) => end(isConnected ? 'other' : greetingOf(codeOf(error))));
  });
}

function greetingOf(code: unknown): Greeting {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused';
    // The reset of a connection that stood may be heard before the connection itself.
    case 'ECONNRESET':
      return 'other';
    case 'ETIMEDOUT':
      return 'silent';
    default:
      return 'unreachable';
  }
}

/** One connection whose other end echoes; what became of it, as seen from here. Never rejects, never resets. */
export async function tryLine({ ip, port }: Address, bait: Bait, random: Random, withinMs: number): Promise<LineTried> {
  const sent = baitBytes(bait, random);
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port });
    const came: Uint8Array[] = [];
    let isConnected = false;
    const end = (how: LineTried['end']): void => {
      clearTimeout(timer);
      resolve({ bait, end: how });
      hangUp(socket);
    };
    const timer = setTimeout(() => end(isConnected ? 'silence' : 'refused'), withinMs);
    socket.once('connect', () => {
      isConnected = true;
      socket.write(sent);
    });
    socket.on('data', (bytes) => {
      came.push(bytes);
      const echo = new Uint8Array(Buffer.concat(came));
      if (echo.length >= sent.length) end(sameBytes(echo, sent) ? 'echoed' : 'altered');
    });
    socket.on('end', () => end('closed'));
    // The reset of a connection that stood may be heard before the connection itself; that of a SYN has another name.
    socket.on('error', (error) => end(RESETS.has(codeOf(error)) ? 'reset' : 'refused'));
  });
}

const RESETS = new Set<unknown>(['ECONNRESET', 'EPIPE']);

/** In order: a reset of our own would be a lie about the line. */
function hangUp(socket: Socket): void {
  socket.resume();
  socket.end();
  socket.setTimeout(1000, () => socket.destroy());
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}
