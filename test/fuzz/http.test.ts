import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { bytesOf } from '../../agent/base/bytes.ts';
import { randomBytes, seeded } from '../../agent/base/random.ts';
import { demoRoutes } from '../../agent/io/demo-routes.ts';
import { type Lan, startLan } from '../../agent/io/lan.ts';
import { TestRing, block } from '../io/test-ring.ts';
import { RUNS, SEED, damaged } from './hammer.ts';

const ID = 'a'.repeat(52);
const GOOD = [
  `GET /live/${ID}.ts HTTP/1.1\r\nHost: 192.168.1.1:8480\r\nRange: bytes=0-\r\nUser-Agent: VLC/3.0.20\r\n\r\n`,
  'HEAD /playlist.m3u?x=%2e%2e/ HTTP/1.0\r\nHost: router.lan\r\n\r\n',
  'GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost: [::1]\r\n\r\n',
  'POST /api/v1/demo/cut HTTP/1.1\r\nHost: r.lan\r\nOrigin: http://r.lan\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"id":"abc"}',
  'POST /api/v1/demo/add HTTP/1.1\r\nHost: r.lan\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"nat":"abc"}\r\n0\r\n\r\n',
  'OPTIONS /live/x.ts HTTP/1.1\r\nHost: 10.0.0.1\r\nOrigin: http://evil.example\r\n\r\n',
  'GET /web/style.css HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
].map(bytesOf);

test('whatever is sent to the LAN port, the house goes on serving and keeps nothing of it', async () => {
  const orders: string[] = [];
  const note = (order: string): string => {
    orders.splice(0, orders.length, order);
    return 'No.';
  };
  const demo = demoRoutes({
    state: () => {
      throw new Error('not asked for');
    },
    cut: note,
    restore: note,
    punch: note,
    add: note,
  });
  const ring = new TestRing();
  ring.add(block(0, true), true);
  const lan = await startLan({
    address: '127.0.0.1',
    port: 0,
    channels: () => [{ id: ID, name: 'Test picture', ring }],
    status: () => ({}),
    playlist: () => '#EXTM3U\n',
    // The state's own routes have a test of their own.
    routes: demo.routes.filter(({ method }) => method === 'POST'),
    viewers: 500,
  });
  const random = seeded(SEED);
  let left = RUNS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await send(lan, left % 2 === 0 ? randomBytes(random, random(1 + random(2048))) : damaged(GOOD, random));
    }
  };
  const crew = async (): Promise<void> => void (await Promise.all(Array.from({ length: 32 }, worker)));
  const warm = Math.min(5000, RUNS / 10);
  [left] = [warm];
  await crew();
  const before = memory();
  left = RUNS - warm;
  await crew();
  expect(memory() - before, `SEED=${SEED}: bytes kept`).toBeLessThan(8 * 2 ** 20);
  while (lan.viewers().length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await (await fetch(`${lan.url}healthz`)).text()).toBe('ok\n');
  await lan.stop();
  demo.stop();
});

/** One connection: the bytes, then the end; resolves when the server has closed its side too. */
function send(lan: Lan, bytes: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect({ host: '127.0.0.1', port: lan.address.port });
  socket.on('error', () => undefined);
  socket.on('close', () => resolve());
  socket.on('end', () => socket.resetAndDestroy());
  socket.resume();
  socket.end(bytes);
  return promise;
}

function memory(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
