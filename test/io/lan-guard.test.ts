import { afterEach, expect, test } from 'vitest';
import { baseUrl, isHostAllowed, isLanPeer, isOriginOwn } from '../../agent/io/lan-guard.ts';
import { type Web, startWeb } from '../../agent/io/http.ts';
import { ask } from './raw-client.ts';

let web: Web | undefined;
afterEach(async () => {
  await web?.stop();
  web = undefined;
});

test.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['192.168.1.7', true],
  ['10.200.0.3', true],
  ['172.16.4.1', true],
  ['172.32.4.1', false],
  ['169.254.3.3', true],
  ['::ffff:192.168.1.7', true],
  ['::ffff:8.8.8.8', false],
  ['fe80::1%br-lan', true],
  ['fd00::7', true],
  ['100.64.0.1', false],
  ['8.8.8.8', false],
  ['2001:db8::1', false],
  [undefined, false],
  ['', false],
])('a device at %s is in the house: %s', (ip, home) => {
  expect(isLanPeer(ip)).toBe(home);
});

test.each([
  ['192.168.1.1', true],
  ['192.168.1.1:8480', true],
  ['[fd00::1]:8480', true],
  ['[fe80::1]', true],
  ['localhost:8480', true],
  ['LOCALHOST', true],
  ['router.lan', true],
  ['router.lan.', true],
  ['hearth.local:8480', true],
  ['hearth.home.arpa', true],
  ['tv-box:8480', true],
  ['203.0.113.9:8480', true],
  [undefined, true],
  ['8.8.8.8', false],
  ['203.0.113.10', false],
  ['0.0.0.0:8480', false],
  ['evil.example', false],
  ['router.lan.evil.example', false],
  ['192.168.1.1.evil.example', false],
  ['192.168.1.1@evil.example', false],
  ['.lan', false],
  ['lan', false],
  ['evil.example#.lan', false],
  ['evil.example/.lan', false],
  ['localhost.evil.example', false],
  ['[::1', false],
  ['router.lan:', false],
  ['router.lan:99999999', false],
  ['', false],
  ['a'.repeat(300), false],
])('a page may be asked for as %s: %s', (host, allowed) => {
  expect(isHostAllowed(host, ['203.0.113.9'], ['tv-box'])).toBe(allowed);
});

test.each([
  [undefined, 'r.lan:8480', true],
  ['http://r.lan:8480', 'r.lan:8480', true],
  ['http://R.lan:8480', 'r.LAN:8480', true],
  ['http://r.lan', 'r.lan:8480', false],
  ['https://r.lan:8480', 'r.lan:8480', false],
  ['http://evil.example', 'r.lan:8480', false],
  ['null', 'r.lan:8480', false],
  ['http://r.lan:8480', undefined, false],
])('an order from a page of %s to %s is taken: %s', (origin, host, own) => {
  expect(isOriginOwn(origin, host)).toBe(own);
});

test('a base URL without a Host header is the address the device reached', () => {
  expect(baseUrl('r.lan', '192.168.1.1', 8480)).toBe('http://r.lan');
  expect(baseUrl(undefined, '::ffff:192.168.1.1', 8480)).toBe('http://192.168.1.1:8480');
  expect(baseUrl(undefined, 'fd00::1', 8480)).toBe('http://[fd00::1]:8480');
});

test('hostile names and origins are refused at the socket, with every safe header and nothing done', async () => {
  let orders = 0;
  web = await startWeb({
    address: '127.0.0.1',
    port: 0,
    names: ['tv-box'],
    connections: 10,
    routes: [{ method: 'POST', path: '/order', answer: ({ response }) => response.end(String(++orders)) }],
  });
  const { port } = web.address;
  const post = async (...lines: string[]): Promise<string> =>
    (await ask(port, ['POST /order HTTP/1.1', ...lines, 'Content-Length: 0'])).head;
  for (const host of ['evil.example', 'router.lan.evil.example', '8.8.8.8']) {
    const head = await post(`Host: ${host}`);
    expect(head, host).toMatch(/^HTTP\/1\.1 403 /);
    expect(head).toMatch(/Content-Security-Policy: default-src 'none'; script-src 'self'/);
    expect(head).toMatch(/X-Content-Type-Options: nosniff/);
  }
  for (const origin of ['http://evil.example', 'null', 'https://tv-box']) {
    expect(await post('Host: tv-box', `Origin: ${origin}`), origin).toMatch(/^HTTP\/1\.1 403 /);
  }
  expect(orders).toBe(0);
  expect(await post('Host: tv-box', 'Origin: http://tv-box')).toMatch(/^HTTP\/1\.1 200 /);
  expect(orders).toBe(1);
  expect(web.refused).toMatchObject({ host: 3, origin: 3 });
});
