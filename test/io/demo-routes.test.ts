import { afterEach, expect, test } from 'vitest';
import { demoRoutes } from '../../agent/io/demo-routes.ts';
import type { DemoState } from '../../agent/io/demo-state.ts';
import { type Web, startWeb } from '../../agent/io/http.ts';
import { RawClient, ask } from './raw-client.ts';

const STATE: DemoState = {
  uptimeMs: 1,
  channel: { id: 'c', name: 'Test picture' },
  origin: { id: 'origin', name: 'Origin', sentBytes: 0, rateKbps: 1200 },
  rendezvous: { address: '198.51.100.1:7000', households: 0, introductions: 0, relayedBytes: 0 },
  households: [],
  links: [],
  events: [],
  choices: [],
  most: 8,
};
const TREE = [
  'tree.css',
  ...['orders', 'ink', 'tree', 'tree-canvas', 'tree-layout', 'tree-strip', 'tree-words'].map((name) => `${name}.js`),
].map((name) => `/web/${name}`);
const JSON_TYPE = 'Content-Type: application/json';
const stage: { web?: Web; demo?: ReturnType<typeof demoRoutes>; orders: string[] } = { orders: [] };

async function page(): Promise<number> {
  stage.orders = [];
  const order =
    (name: string) =>
    (value: string): string | undefined => {
      stage.orders.push(`${name} ${value}`);
      return value === 'nobody' ? 'There is no such household.' : undefined;
    };
  const punch = (asks: string, listens: string, seed: number): string => `${asks} ${listens} ${seed}`;
  const [cut, restore, add] = [order('cut'), order('restore'), order('add')];
  stage.demo = demoRoutes({ state: () => STATE, cut, restore, add, punch });
  stage.web = await startWeb({ address: '127.0.0.1', port: 0, names: [], connections: 20, routes: stage.demo.routes });
  return stage.web.address.port;
}

afterEach(async () => {
  stage.demo?.stop();
  await stage.web?.stop();
});

async function post(port: number, path: string, body: string, ...more: string[]): Promise<string> {
  const lines = [`POST ${path} HTTP/1.1`, 'Host: localhost:1', `Content-Length: ${body.length}`, ...more];
  return (await ask(port, lines, body)).text;
}

test('the state is there once and as a stream', async () => {
  const port = await page();
  const once = await ask(port, ['GET /api/v1/demo HTTP/1.1', 'Host: localhost']);
  expect(once.text.split('\r\n\r\n')[1]).toBe(JSON.stringify(STATE));
  const stream = new RawClient(port, 'GET /api/v1/demo/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await stream.until(() => (stream.text.match(/^data: \{"uptimeMs":1,/gm) ?? []).length >= 2);
  await stream.drop();
});

test('a visitor can cut a household off, switch it on and add one', async () => {
  const port = await page();
  expect(await post(port, '/api/v1/demo/cut', '{"id":"b"}', JSON_TYPE)).toMatch(/^HTTP\/1\.1 200 .*\{"done":true\}$/s);
  await post(port, '/api/v1/demo/restore', '{"id":"b"}', JSON_TYPE);
  await post(port, '/api/v1/demo/add', '{"nat":"random"}', JSON_TYPE, 'Origin: http://localhost:1');
  expect(stage.orders).toEqual(['cut b', 'restore b', 'add random']);
});

test('an order that cannot be carried out is answered with the reason', async () => {
  const text = await post(await page(), '/api/v1/demo/cut', '{"id":"nobody"}', JSON_TYPE);
  expect(text).toMatch(/^HTTP\/1\.1 409 [\s\S]*There is no such household\.\n$/);
});

test('nothing is done for a foreign page, a plain form, a wrong body or a GET', async () => {
  const port = await page();
  const cut = '/api/v1/demo/cut';
  expect(await post(port, cut, '{"id":"b"}', JSON_TYPE, 'Origin: http://evil.example')).toMatch(/^HTTP\/1\.1 403 /);
  expect(await post(port, cut, '{"id":"b"}', 'Content-Type: text/plain')).toMatch(/^HTTP\/1\.1 400 /);
  for (const body of ['', '{', '[]', 'null', '{"id":7}', `{"id":"${'x'.repeat(300)}"}`]) {
    expect(await post(port, cut, body, JSON_TYPE), body).toMatch(/^HTTP\/1\.1 400 /);
  }
  expect(await post(port, cut, ' '.repeat(100_000), JSON_TYPE)).not.toMatch(/^HTTP\/1\.1 200 /);
  expect((await ask(port, [`GET ${cut} HTTP/1.1`, 'Host: localhost'])).head).toMatch(/^HTTP\/1\.1 405 /);
  expect(stage.orders).toEqual([]);
});

test('the page and all it needs come from this server, and are small', async () => {
  const port = await page();
  const get = async (path: string): Promise<RawClient> => ask(port, [`GET ${path} HTTP/1.1`, 'Host: localhost']);
  const html = await get('/');
  expect(html.text).toMatch(/<title>hearth/);
  const named = [...html.text.matchAll(/(?:src|href)="(\/web\/[^"]+)"/g)].map((match) => match[1] ?? '');
  expect(named).toContain('/web/mpegts.js');
  const own = [...new Set(named), '/web/player.js', '/web/picture.js', '/web/words.js', ...TREE].filter(
    (name) => name !== '/web/mpegts.js',
  );
  let bytes = html.bodyLength;
  for (const name of own) {
    const file = await get(name);
    expect(file.head, name).toMatch(/^HTTP\/1\.1 200 /);
    expect(Buffer.from(file.body).toString(), `${name} names nothing outside`).not.toMatch(
      /https?:\/\/(?!www\.w3\.org\/2000\/svg)/,
    );
    bytes += file.bodyLength;
  }
  expect(bytes).toBeLessThan(150_000);
});
