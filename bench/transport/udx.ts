import { createRequire } from 'node:module';
import type { End, Pipe } from './stack.ts';

interface UdxStream {
  connect(socket: UdxSocket, id: number, port: number, host: string): void;
}
interface UdxSocket {
  bind(port: number, host: string): void;
  setRecvBufferSize(size: number): void;
  setSendBufferSize(size: number): void;
}
interface Secret {
  opened: Promise<boolean>;
  write(bytes: Uint8Array): boolean;
  on(event: 'data', take: (bytes: Uint8Array) => void): void;
  on(event: 'drain', take: () => void): void;
  on(event: 'error', take: (error: Error) => void): void;
}

const require = createRequire(import.meta.url);
const UDX = require('udx-native') as new () => {
  createSocket(): UdxSocket;
  createStream(id: number): UdxStream;
};
const SecretStream = require('@hyperswarm/secret-stream') as new (initiator: boolean, raw: UdxStream) => Secret;

const BUFFER = 4 * 1024 * 1024;

/** udx-native under @hyperswarm/secret-stream, handshake and all; a message is one write, which it keeps whole. */
export async function open(end: End): Promise<Pipe> {
  const udx = new UDX();
  const socket = udx.createSocket();
  socket.bind(end.port, end.local);
  socket.setRecvBufferSize(BUFFER);
  socket.setSendBufferSize(BUFFER);
  const raw = udx.createStream(end.initiator ? 1 : 2);
  raw.connect(socket, end.initiator ? 2 : 1, end.port, end.remote);
  const secret = new SecretStream(end.initiator, raw);
  let full = false;
  secret.on('data', (bytes) => end.onMessage(bytes));
  secret.on('drain', () => {
    full = false;
    end.onRoom();
  });
  secret.on('error', (error) => console.error(`udx: ${error.message}`));
  await secret.opened;
  return {
    // A stream only says whether it is full, and when it is not any more.
    queued: () => (full ? Infinity : 0),
    send: (bytes) => {
      full = !secret.write(bytes);
    },
  };
}
