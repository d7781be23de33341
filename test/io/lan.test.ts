import { afterEach, expect, test } from 'vitest';
import { ms } from '../../agent/base/time.ts';
import { type Lan, type LanOptions, startLan } from '../../agent/io/lan.ts';
import { playlist } from '../../agent/media/playlist.ts';
import { RawClient, ask } from './raw-client.ts';
import { PID, TestRing, block, packets } from './test-ring.ts';

const ID = 'a'.repeat(52);
const HOST = 'Host: 127.0.0.1:8480';
const LIVE = [`GET /live/${ID}.ts HTTP/1.1`, HOST] as const;
const open: { lan?: Lan; clients: RawClient[] } = { clients: [] };

afterEach(async () => {
  await Promise.all(open.clients.splice(0).map((client) => client.drop()));
  await open.lan?.stop();
  delete open.lan;
});

async function household(ring: TestRing, options: Partial<LanOptions> = {}): Promise<Lan> {
  const channels = [{ id: ID, name: 'Test picture', ring }];
  const lan = await startLan({
    address: '127.0.0.1',
    port: 0,
    channels: () => channels,
    status: () => ({ version: 'test', channels: channels.map(({ id }) => id) }),
    playlist: (base) => playlist(channels.map(({ id, name }) => ({ id, name, url: `${base}/live/${id}.ts` }))),
    ...options,
  });
  open.lan = lan;
  return lan;
}

function watch(lan: Lan, lines: readonly string[] = LIVE, read = true): RawClient {
  const client = new RawClient(lan.address.port, `${lines.join('\r\n')}\r\n\r\n`, read);
  open.clients.push(client);
  return client;
}

function filled(blocks: number): TestRing {
  const ring = new TestRing();
  for (let number = 0; number < blocks; number++) ring.add(block(number, number % 10 === 0), number % 10 === 0);
  return ring;
}

test('a new viewer gets the tables first, then the newest keyframe, then everything after it', async () => {
  const ring = filled(25);
  const lan = await household(ring);
  const viewer = watch(lan);
  await viewer.until(() => viewer.bodyLength >= 188 * (2 + 5 * 16));
  ring.add(block(25, false), false);
  lan.released(ID);
  await viewer.until(() => viewer.bodyLength >= 188 * (2 + 6 * 16));
  const { seen, broken } = packets(viewer.body);
  expect(broken).toBe(0);
  expect(seen.slice(0, 3)).toMatchObject([
    { pid: PID.pat },
    { pid: PID.pmt },
    { pid: PID.video, key: true, number: 320 },
  ]);
  expect(seen.slice(2).map(({ number }) => number)).toEqual(Array.from({ length: 96 }, (_, i) => 320 + i));
});

test('the stream is plain bytes after the header: no chunks, no length, no keep-alive', async () => {
  const viewer = watch(await household(filled(1)));
  await viewer.until(() => viewer.bodyLength > 0);
  expect(viewer.head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(viewer.head).toMatch(/Content-Type: video\/mp2t\r\n/);
  expect(viewer.head).toMatch(/Connection: close/);
  expect(viewer.head).not.toMatch(/chunked|Content-Length|keep-alive/i);
  expect(viewer.body[0]).toBe(0x47);
});

test('a viewer that comes before the picture waits and then starts at the first keyframe', async () => {
  const ring = new TestRing();
  const lan = await household(ring);
  const viewer = watch(lan);
  await viewer.until(() => viewer.head.endsWith('Connection: close'));
  ring.add(block(7, true), true);
  lan.released(ID);
  await viewer.until(() => viewer.bodyLength >= 188 * 18);
  expect(packets(viewer.body).seen[2]).toMatchObject({ key: true, number: 112 });
});

test('a viewer slower than the stream goes on at a keyframe, in whole packets, and costs the others nothing', async () => {
  // 2 MB blocks: a few fill the sockets, so that nobody has to wait for a slow reader.
  const ring = new TestRing(13 * 2 ** 20);
  const push = (number: number): void => ring.add(block(number, number % 3 === 0, 11_000), number % 3 === 0);
  const lan = await household(ring);
  push(0);
  const slow = watch(lan, LIVE, false);
  const quick = watch(lan);
  await quick.until(() => quick.bodyLength >= 188 * 11_002);
  for (let number = 1; number <= 20; number++) {
    push(number);
    lan.released(ID);
    await quick.until(() => quick.bodyLength >= 188 * (2 + (number + 1) * 11_000));
  }
  expect(lan.viewers().length).toBe(2);
  slow.read();
  // Everybody ends up at the last packet.
  const last = 21 * 11_000 - 1;
  const newest = (client: RawClient): number => packets(client.body.subarray(-188)).seen[0]?.number ?? -1;
  await slow.until(() => slow.bodyLength > 188 && slow.bodyLength % 188 === 0 && newest(slow) === last);
  const { seen, broken } = packets(slow.body);
  expect(broken).toBe(0);
  const breaks = seen.filter(
    (one, i) => i > 2 && one.pid === PID.video && one.number !== (seen[i - 1]?.number ?? 0) + 1,
  );
  expect(breaks.length).toBeGreaterThan(0);
  for (const one of breaks) {
    const at = seen.indexOf(one);
    expect(seen.slice(at - 2, at + 1)).toMatchObject([{ pid: PID.pat }, { pid: PID.pmt }, { key: true }]);
  }
  expect(lan.counts().jumps).toBe(breaks.length);
  expect(
    packets(quick.body)
      .seen.slice(2)
      .every(({ number }, i) => number === i),
  ).toBe(true);
});

test('five viewers that take nothing hold a bounded amount and are cut; the one that reads stays', async () => {
  const ring = new TestRing(3 * 2 ** 20);
  const lan = await household(ring, { stall: ms(1200) });
  ring.add(block(0, true, 11_000), true);
  const stalled = Array.from({ length: 5 }, () => watch(lan, LIVE, false));
  const good = watch(lan);
  await good.until(() => good.bodyLength > 0);
  let number = 1;
  const most = { queued: 0 };
  while (lan.counts().stalled < 5) {
    ring.add(block(number++, true, 1_000), true);
    lan.released(ID);
    const bytes = lan.viewers().map(({ queued_bytes }) => queued_bytes);
    most.queued = Math.max(most.queued, ...bytes);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // One burst of 8 blocks, the largest being the first.
  expect(most.queued).toBeLessThanOrEqual(188 * (2 + 11_000 + 6 * 1_000));
  // Cut is decided; a socket is closed a moment later.
  await expect.poll(() => lan.viewers()).toHaveLength(1);
  await Promise.all(stalled.map((client) => client.drop()));
  expect(good.closed).toBe(false);
  expect(packets(good.body).broken).toBe(0);
});

test('one viewer too many is told so in words', async () => {
  const lan = await household(filled(1), { viewers: 2 });
  const two = [watch(lan), watch(lan)];
  await Promise.all(two.map((viewer) => viewer.until(() => viewer.bodyLength > 0)));
  const third = await ask(lan.address.port, LIVE);
  expect(third.head).toMatch(/^HTTP\/1\.1 503 /);
  expect(third.head).toMatch(/Retry-After: 10/);
  expect(third.text).toMatch(/All 2 places of this household are taken/);
  await two[0]?.drop();
  while (lan.viewers().length > 1) await new Promise((resolve) => setTimeout(resolve, 2));
  const again = watch(lan);
  await again.until(() => again.bodyLength > 0);
  expect(again.head).toMatch(/^HTTP\/1\.1 200 /);
});

test('televisions that probe with HEAD and Range are answered with 200', async () => {
  const lan = await household(filled(1));
  const head = await ask(lan.address.port, [`HEAD /live/${ID}.ts HTTP/1.1`, HOST]);
  expect(head.head).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(head.head).toMatch(/Content-Type: video\/mp2t/);
  expect(head.head).not.toMatch(/chunked|Content-Length/i);
  expect(head.body).toHaveLength(0);
  const range = watch(lan, [...LIVE, 'Range: bytes=0-']);
  await range.until(() => range.bodyLength > 0);
  expect(range.head).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(range.head).not.toMatch(/Content-Range/i);
});

test('a second request on a socket that carries a stream ends it', async () => {
  const lan = await household(filled(1));
  const viewer = watch(lan, [...LIVE, '', LIVE[0], HOST]);
  await viewer.end();
  expect(viewer.text.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test('the playlist points back to where the asking device reached us', async () => {
  const lan = await household(filled(1));
  const by = async (host: string): Promise<RawClient> => ask(lan.address.port, ['GET /playlist.m3u HTTP/1.1', host]);
  expect((await by('Host: router.lan:8480')).text).toContain(`\nhttp://router.lan:8480/live/${ID}.ts\n`);
  const old = await ask(lan.address.port, ['GET /playlist.m3u HTTP/1.0']);
  expect(old.text).toContain(`\nhttp://127.0.0.1:${lan.address.port}/live/${ID}.ts\n`);
  expect(old.head).toMatch(/Content-Type: audio\/x-mpegurl/);
});

test('a channel that cannot be read here says why in one sentence, and lets go of those who watched', async () => {
  let locked: string | undefined;
  const ring = filled(20);
  const channel = {
    id: ID,
    name: 'Members',
    ring,
    get locked() {
      return locked;
    },
  };
  const lan = await household(ring, { channels: () => [channel] });
  const viewer = watch(lan);
  await viewer.until(() => viewer.bodyLength > 0);
  locked = 'This channel is private.';
  lan.released(ID);
  await viewer.end();
  for (const path of [`/live/${ID}.ts`, `/live/${ID}/index.m3u8`]) {
    const { head, body } = await ask(lan.address.port, [`GET ${path} HTTP/1.1`, HOST]);
    expect(head).toMatch(/^HTTP\/1\.1 403 /);
    expect(Buffer.from(body).toString()).toBe('This channel is private.\n');
  }
});

test('the page that is promised for later says so', async () => {
  const lan = await household(filled(1));
  for (const path of ['/epg.xml', '/discover.json', '/dlna/cds', `/live/${ID}/index.m3u8`]) {
    const answer = await ask(lan.address.port, [`GET ${path} HTTP/1.1`, HOST]);
    expect(answer.head, path).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer.text, path).toMatch(/later version/);
  }
});

test('status, health and metrics are there for programs', async () => {
  const lan = await household(filled(1), {
    metrics: () => [
      {
        name: 'hearth_relay_bytes_total',
        help: 'Relayed.',
        kind: 'counter',
        values: [{ labels: { to: 'a"b' }, value: 7 }],
      },
    ],
  });
  const viewer = watch(lan);
  await viewer.until(() => viewer.bodyLength > 0);
  const get = async (path: string): Promise<string> =>
    (await ask(lan.address.port, [`GET ${path} HTTP/1.1`, HOST])).text;
  expect(await get('/api/v1/status')).toMatch(/\r\n\r\n\{"version":"test","channels":\["a{52}"\]\}$/);
  expect(await get('/healthz')).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok\n$/);
  const metrics = await get('/metrics');
  expect(metrics).toContain('# TYPE hearth_lan_viewers gauge\nhearth_lan_viewers 1\n');
  expect(metrics).toContain('hearth_relay_bytes_total{to="a\\"b"} 7\n');
  expect(metrics).toMatch(/\nhearth_lan_refused_total\{reason="host"\} 0\n/);
});

test('an open page is sent the status again and again', async () => {
  let turn = 0;
  const lan = await household(filled(1), { status: () => ({ turn: turn++ }) });
  const page = watch(lan, ['GET /api/v1/events HTTP/1.1', HOST]);
  await page.until(() => page.text.includes('data: {"turn":1}'));
  expect(page.head).toMatch(/Content-Type: text\/event-stream/);
  expect(page.text).toContain('data: {"turn":0}\n\n');
});

test('media may be shown by any page, everything else only by our own', async () => {
  const lan = await household(filled(1));
  const allowed = async (line: string): Promise<boolean> =>
    /access-control-allow-origin: \*/i.test((await ask(lan.address.port, [line, HOST, 'Origin: http://tv.lan'])).head);
  expect(await allowed(`HEAD /live/${ID}.ts HTTP/1.1`)).toBe(true);
  expect(await allowed('GET /playlist.m3u HTTP/1.1')).toBe(true);
  expect(await allowed(`OPTIONS /live/${ID}.ts HTTP/1.1`)).toBe(true);
  for (const path of ['/api/v1/status', '/metrics', '/healthz']) {
    expect(await allowed(`GET ${path} HTTP/1.1`), path).toBe(false);
    expect(await allowed(`OPTIONS ${path} HTTP/1.1`), path).toBe(false);
  }
});

test('nothing is changed by GET, and unknown ways of asking are declined', async () => {
  const lan = await household(filled(1));
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const answer = await ask(lan.address.port, [`${method} /api/v1/status HTTP/1.1`, HOST, 'Content-Length: 0']);
    expect(answer.head, method).toMatch(/^HTTP\/1\.1 405 /);
    expect(answer.head, method).toMatch(/Allow: GET/);
  }
});
