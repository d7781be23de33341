import { afterEach, expect, test } from 'vitest';
import type { Fields } from '../../agent/base/json.ts';
import type { Facts } from '../../agent/forest/shot.ts';
import { demoForestRoutes, type ForestActions } from '../../agent/io/demo-forest-routes.ts';
import { startWeb, type Web } from '../../agent/io/http.ts';
import { ask, RawClient } from './raw-client.ts';

const SHOT: ReturnType<ForestActions['shot']> = {
  atMs: 1,
  cushionMs: 700,
  speed: 1,
  most: 2,
  wanted: 1,
  stayS: null,
  rendezvous: true,
  ids: [1],
  parents: [0],
  states: 'p',
  blows: [],
  strip: [],
};
const FACTS: Facts = {
  id: 1,
  carrier: 'p1',
  state: 'playing',
  slots: 2,
  depth: 1,
  parent: 0,
  children: [],
  spares: [],
  below: 0,
  rttMs: 40,
  playsForMs: 1,
  worstMs: 0,
};
const ORDER = '/api/v1/demo/tree/order';
const JSON_TYPE = 'Content-Type: application/json';
const stage: { web?: Web; forest?: ReturnType<typeof demoForestRoutes>; orders: Fields[] } = { orders: [] };

async function page(): Promise<number> {
  stage.orders = [];
  stage.forest = demoForestRoutes({
    shot: () => SHOT,
    facts: (id) => (id === 1 ? FACTS : undefined),
    order: (fields) => {
      stage.orders.push(fields);
      return fields['what'] === 'kill' ? undefined : 'That cannot be.';
    },
  });
  const { routes } = stage.forest;
  stage.web = await startWeb({ address: '127.0.0.1', port: 0, names: [], connections: 20, routes });
  return stage.web.address.port;
}

afterEach(async () => {
  stage.forest?.stop();
  await stage.web?.stop();
});

const get = (port: number, path: string): Promise<RawClient> => ask(port, [`GET ${path} HTTP/1.1`, 'Host: localhost']);

async function post(port: number, body: string, ...more: string[]): Promise<string> {
  const lines = [`POST ${ORDER} HTTP/1.1`, 'Host: localhost:1', `Content-Length: ${body.length}`, ...more];
  return (await ask(port, lines, body)).text;
}

test('the forest is there once and as a stream', async () => {
  const port = await page();
  expect((await get(port, '/api/v1/demo/tree')).text.split('\r\n\r\n')[1]).toBe(JSON.stringify(SHOT));
  const stream = new RawClient(port, 'GET /api/v1/demo/tree/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await stream.until(() => (stream.text.match(/^data: \{"atMs":1,/gm) ?? []).length >= 3);
  await stream.drop();
});

test('one household is told by its number, and nothing else is', async () => {
  const port = await page();
  const one = '/api/v1/demo/tree/household';
  expect((await get(port, `${one}?id=1`)).text.split('\r\n\r\n')[1]).toBe(JSON.stringify(FACTS));
  expect((await get(port, `${one}?id=2`)).text.split('\r\n\r\n')[1]).toBe('null');
  for (const query of ['', '?id=', '?id=1.0', '?id=-1', '?id=1e0', '?id=00000000001'])
    expect((await get(port, one + query)).head, query).toMatch(/^HTTP\/1\.1 400 /);
});

test('an order is carried out, or answered with the reason why not', async () => {
  const port = await page();
  expect(await post(port, '{"what":"kill","house":1}', JSON_TYPE)).toMatch(/^HTTP\/1\.1 200 .*\{"done":true\}$/s);
  expect(await post(port, '{"what":"burn"}', JSON_TYPE)).toMatch(/^HTTP\/1\.1 409 [\s\S]*That cannot be\.\n$/);
  expect(stage.orders).toEqual([{ what: 'kill', house: 1 }, { what: 'burn' }]);
});

test('no order is taken from a foreign page, a plain form, a wrong body or a GET', async () => {
  const port = await page();
  const kill = '{"what":"kill","house":1}';
  expect(await post(port, kill, JSON_TYPE, 'Origin: http://evil.example')).toMatch(/^HTTP\/1\.1 403 /);
  expect(await post(port, kill, 'Content-Type: text/plain')).toMatch(/^HTTP\/1\.1 400 /);
  for (const body of ['', '{', '[]', 'null'])
    expect(await post(port, body, JSON_TYPE), body).toMatch(/^HTTP\/1\.1 400 /);
  expect(await post(port, ' '.repeat(100_000), JSON_TYPE)).not.toMatch(/^HTTP\/1\.1 200 /);
  expect((await get(port, ORDER)).head).toMatch(/^HTTP\/1\.1 405 /);
  expect(stage.orders).toEqual([]);
});
