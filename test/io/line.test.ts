import { connect, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BAITS } from '../../agent/base/bait.ts';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { type LineServer, startLineServer } from '../../agent/io/line-server.ts';
import { greet, tryLine } from '../../agent/io/line-test.ts';
import type { Client } from '../../agent/rendezvous/directory.ts';
import { LineTests } from '../../agent/rendezvous/linetest.ts';

const LOCAL = '127.0.0.1';
const CLIENT = { address: { ip: LOCAL, port: 1 } } as Client;

let server: LineServer | undefined;
let other: Server | undefined;

afterEach(() => {
  server?.stop();
  other?.close();
  [server, other] = [undefined, undefined];
});

async function start(
  granted: boolean,
  limits?: Parameters<typeof startLineServer>[2],
): Promise<{ readonly lines: LineTests; readonly port: number }> {
  const lines = new LineTests(() => ({ port: 1, clock: 0 }));
  if (granted) lines.test(CLIENT, { kind: 'line-test', request: 1 }, [], at(0));
  server = await startLineServer({ ip: '0.0.0.0', port: 0 }, (ip) => lines.visit(ip, at(1)), limits);
  return { lines, port: server.port };
}

/** A connection that says something every 20 ms and never hangs up; whether it is over. */
function dripping(port: number, localAddress: string): { readonly over: Promise<void>; readonly heard: () => number } {
  const socket = connect({ host: LOCAL, port, localAddress, allowHalfOpen: true });
  let heard = 0;
  socket.on('error', () => {});
  socket.on('data', (bytes) => (heard += bytes.length));
  const timer = setInterval(() => socket.write('x'), 20);
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void over.then(() => clearInterval(timer));
  return { over, heard: () => heard };
}

/** A program that treats connections in its own way. */
async function stranger(treat: Parameters<typeof createServer>[1]): Promise<number> {
  other = createServer(treat);
  await new Promise<void>((resolve) => other?.listen(0, LOCAL, resolve));
  const address = other.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('connections of a line test', () => {
  it('come back as they left, and the other end tells the same story', async () => {
    const { lines, port } = await start(true);
    const tried = await Promise.all(BAITS.map((bait) => tryLine({ ip: LOCAL, port }, bait, seeded(1), 2000)));
    expect(tried).toEqual(BAITS.map((bait) => ({ bait, end: 'echoed' })));
    const seen: unknown[] = [];
    await new Promise((resolve) => setTimeout(resolve, 50));
    lines.ask(CLIENT, { kind: 'line-ask', request: 2 }, seen as never);
    expect(seen).toMatchObject([{ lines: BAITS.map(() => ({ end: 'closed' })) }]);
  });

  it('are closed without a byte, and without a reset, where nobody has asked', async () => {
    const { port, lines } = await start(false);
    expect(await tryLine({ ip: LOCAL, port }, 'tls', seeded(1), 2000)).toEqual({ bait: 'tls', end: 'closed' });
    expect(lines.refused).toBe(1);
  });

  it.each([
    ['reset', (socket: { resetAndDestroy(): unknown }) => void socket.resetAndDestroy(), 'reset'],
    ['swallowed', () => {}, 'silence'],
    ['changed', (socket: { write(text: string): unknown }) => void socket.write('x'.repeat(2000)), 'altered'],
  ] as const)('that are %s on the way are told as such', async (_, treat, end) => {
    const port = await stranger(treat);
    expect(await tryLine({ ip: LOCAL, port }, 'random', seeded(1), 300)).toEqual({ bait: 'random', end });
  });

  it('that are refused are no news of the line', async () => {
    expect(await tryLine({ ip: LOCAL, port: 1 }, 'http', seeded(1), 500)).toEqual({ bait: 'http', end: 'refused' });
  });

  it('bring no more than two kilobytes, whatever they send', async () => {
    const { port } = await start(true);
    const socket = connect({ host: LOCAL, port });
    let came = 0;
    socket.on('data', (bytes) => (came += bytes.length));
    socket.on('error', () => {});
    for (let i = 0; i < 8; i++) socket.write(new Uint8Array(1000));
    await new Promise((resolve) => socket.once('end', resolve));
    expect(came).toBeLessThanOrEqual(2048);
    socket.destroy();
  });
});

describe('a line server', () => {
  const limits = { silence: 5000, longest: 300, farewell: 200, atOnce: 8, strangers: 2 };

  it('ends a connection that speaks little by little for ever', async () => {
    const { port, lines } = await start(true, limits);
    const drip = dripping(port, LOCAL);
    await drip.over;
    expect(drip.heard()).toBeGreaterThan(0);
    const told: unknown[] = [];
    lines.ask(CLIENT, { kind: 'line-ask', request: 2 }, told as never);
    expect(told).toMatchObject([{ lines: [{ end: 'silence' }] }]);
  });

  it('has room for whoever was let in, however many strangers stay and talk, and answers none of them', async () => {
    const { port } = await start(true, limits);
    const strangers = Array.from({ length: 20 }, (_, i) => dripping(port, `127.0.1.${i + 1}`));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await tryLine({ ip: LOCAL, port }, 'tls', seeded(1), 2000)).toEqual({ bait: 'tls', end: 'echoed' });
    await Promise.all(strangers.map(({ over }) => over));
    expect(strangers.map(({ heard }) => heard()).filter((bytes) => bytes > 0)).toEqual([]);
  });
});

describe('a greeting over TCP', () => {
  it('tells whether anybody takes connections there', async () => {
    const { port } = await start(false);
    expect(await greet({ ip: LOCAL, port }, 1000)).toBe('closed');
    expect(await greet({ ip: LOCAL, port: 1 }, 1000)).toBe('refused');
  });

  it.each([
    ['waits', () => {}],
    ['speaks first', (socket: { write(text: string): unknown }) => void socket.write('SSH-2.0')],
    ['resets', (socket: { resetAndDestroy(): unknown }) => void socket.resetAndDestroy()],
  ] as const)('takes a program that %s for no rendezvous', async (_, treat) => {
    const port = await stranger(treat);
    expect(await greet({ ip: LOCAL, port }, 300)).toBe('other');
  });
});
