import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Address } from '../../agent/base/address.ts';
import { type OpenSource, openSource } from '../../agent/io/source.ts';
import { Intake } from '../../agent/media/intake.ts';
import { parseSource } from '../../agent/media/source.ts';
import { scratch, withoutFfmpeg } from '../media/ffmpeg.ts';
import { continuityFaults, join, show } from '../media/stream.ts';

const stream = show({ seconds: 1, pictures: 25, gop: 25 });
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A source that runs; what it tells is written down and can be waited for. */
class Watched {
  readonly log: string[] = [];
  readonly #parts: Uint8Array[] = [];
  place: Address | undefined;
  readonly #source: OpenSource;
  #changed: () => void = () => undefined;

  constructor(text: string, loop = false) {
    const source = parseSource(text, loop);
    if (!('kind' in source)) throw new Error(source.problem);
    const note = (line: string): void => {
      this.log.push(line);
      this.#changed();
    };
    // No jitter, and the shortest backoff.
    this.#source = openSource(source, new Intake(source, () => 0), {
      packets: (bytes) => {
        this.#parts.push(bytes);
        this.#changed();
      },
      up: () => note('up'),
      down: (reason, again) => note(`down, ${again}: ${reason}`),
      listening: (place) => {
        this.place = place;
        note('listening');
      },
      refused: () => note('refused'),
    });
    closers.push(() => this.#source.stop());
  }

  get packets(): Uint8Array {
    return join(this.#parts);
  }

  async until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  async line(text: string | RegExp, times = 1): Promise<void> {
    await this.until(() => this.log.filter((line) => line.search(text) >= 0).length >= times);
  }

  async bytes(length: number): Promise<void> {
    await this.until(() => this.packets.length >= length);
  }
}

async function webServer(
  answer: (response: ServerResponse, times: number) => void,
): Promise<{ server: Server; url: string }> {
  let times = 0;
  const server = createServer((_, response) => answer(response, times++));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live.ts` };
}

/** An encoder that pushes; `send` and `end` its stream, `answer` is what the server says. */
function pusher(place: Address | undefined, path: string, more: { method?: string; auth?: string } = {}) {
  const { method = 'PUT', auth } = more;
  const push = request({ host: place?.ip, port: place?.port, path, method, ...(auth === undefined ? {} : { auth }) });
  const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
    push.on('response', (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => (text += bytes.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    push.on('error', reject);
  });
  answer.catch(() => undefined);
  closers.push(() => push.destroy());
  return { send: (bytes: Uint8Array) => push.write(bytes), end: () => push.end(), abort: () => push.destroy(), answer };
}

test('a file is played and looped without a fault', async () => {
  const folder = scratch();
  closers.push(folder.remove);
  writeFileSync(folder.at('clip.ts'), show({ seconds: 1, pictures: 5, gop: 5, size: 3 }).subarray(0, 188 * 12));
  const source = new Watched(folder.at('clip.ts'), true);
  await source.bytes(188 * 20);
  expect(source.log).toEqual(['up']);
  expect(continuityFaults(source.packets)).toBe(0);
});

test('a file that is not there is waited for, and played when it appears', async () => {
  const folder = scratch();
  closers.push(folder.remove);
  const source = new Watched(folder.at('later.ts'));
  await source.line(/down, tried: .*later.ts: there is no such file/);
  writeFileSync(folder.at('later.ts'), stream.subarray(0, 188 * 30));
  await source.line('down, over: the file is over');
  expect(source.packets).toEqual(stream.subarray(0, 188 * 30));
});

test('datagrams are received', async () => {
  const source = new Watched(`udp://127.0.0.1:${await freePort()}`);
  await source.line('listening');
  const socket = createSocket('udp4');
  closers.push(() => socket.close());
  for (let at = 0; at < 10; at++)
    socket.send(stream.subarray(at * 1316, (at + 1) * 1316), source.place?.port, '127.0.0.1');
  await source.bytes(13_160);
  expect(source.packets).toEqual(stream.subarray(0, 13_160));
});

test('a multicast group is joined on the network that is named', async () => {
  const source = new Watched(`rtp://239.255.77.7:${await freePort()}?via=127.0.0.1`);
  await source.until(() => source.log.length > 0);
  const socket = createSocket('udp4');
  closers.push(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.setMulticastInterface('127.0.0.1');
  socket.send(stream.subarray(0, 1316), source.place?.port, '239.255.77.7');
  await source.bytes(1316);
  expect(source.log).toEqual(['listening', 'up']);
});

test('a port that is taken is said so and tried again', async () => {
  const blocker = createSocket('udp4');
  blocker.bind(0, '127.0.0.1');
  await once(blocker, 'listening');
  const source = new Watched(`udp://127.0.0.1:${blocker.address().port}`);
  await source.line(/another program has that port/);
  blocker.close();
  await source.line('listening');
});

test('a stream is pulled from a server, and again after it breaks off', async () => {
  const { url } = await webServer((response, times) => {
    if (times === 0) response.writeHead(404).end();
    else if (times === 1) response.writeHead(302, { Location: '/elsewhere' }).end();
    else response.end(stream.subarray(0, 188 * 20 * (times - 1)));
  });
  const source = new Watched(url);
  await source.line('down, tried: the server ended the stream', 2);
  expect(source.log.slice(0, 4)).toEqual([
    'down, tried: the server answered 404 Not Found',
    'up',
    'down, tried: the server ended the stream',
    'up',
  ]);
  expect(source.packets.length).toBe(188 * 60);
});

test('a server that is not there is asked again', async () => {
  const source = new Watched(`http://127.0.0.1:${await freePort()}/`);
  await source.line('down, tried: nobody answers at that port', 2);
});

test('encoders push one at a time, the second is told so', async () => {
  const source = new Watched('listen:http://127.0.0.1:0/live');
  await source.line('listening');
  const first = pusher(source.place, '/live');
  first.send(stream.subarray(0, 188 * 20));
  await source.bytes(188 * 20);
  const second = pusher(source.place, '/live', { method: 'POST' });
  second.send(stream);
  expect(await second.answer).toEqual({ status: 409, text: 'Another encoder is pushing already. Stop it first.\n' });
  first.send(stream.subarray(188 * 20));
  first.end();
  expect((await first.answer).status).toBe(200);
  await source.line('down, waited-for: the encoder ended its push');
  expect(source.packets).toEqual(stream);
  const third = pusher(source.place, '/live?again');
  third.send(stream.subarray(0, 1880));
  await source.line('up', 2);
  third.abort();
  await source.line(/^down/, 2);
  expect(source.log[2]).toBe('refused');
});

test('what is no push, not the path, or without the password, is told what to do', async () => {
  const source = new Watched('listen:http://me:secret%21@127.0.0.1:0/live');
  await source.line('listening');
  const ask = async (path: string, more: { method?: string; auth?: string }): Promise<number> => {
    const push = pusher(source.place, path, more);
    push.end();
    return (await push.answer).status;
  };
  expect(await ask('/other', {})).toBe(404);
  expect(await ask('/live', { method: 'GET' })).toBe(405);
  expect(await ask('/live', {})).toBe(401);
  expect(await ask('/live', { auth: 'me:wrong' })).toBe(401);
  expect(await ask('/live', { auth: 'me:secret!' })).toBe(200);
});

test('an encoder connects over TCP, and another one after it', async () => {
  const source = new Watched('tcp://127.0.0.1:0?listen');
  await source.line('listening');
  for (let times = 1; times <= 2; times++) {
    const encoder = connect(source.place?.port ?? 0, '127.0.0.1');
    encoder.end(stream);
    await source.line('down, waited-for: the encoder ended the connection', times);
  }
  expect(source.packets).toEqual(join([stream, stream]));
});

test('an encoder that serves over TCP is connected to, again and again', async () => {
  const encoder = createTcpServer((socket) => socket.end(stream));
  encoder.listen(0, '127.0.0.1');
  await once(encoder, 'listening');
  closers.push(() => encoder.close());
  const source = new Watched(`tcp://127.0.0.1:${(encoder.address() as AddressInfo).port}`);
  await source.line('up', 2);
  expect(source.log[1]).toBe('down, tried: the encoder ended the connection');
});

test('bytes that are no stream are not passed on and end nothing', async () => {
  const source = new Watched('tcp://127.0.0.1:0?listen');
  await source.line('listening');
  const liar = connect(source.place?.port ?? 0, '127.0.0.1');
  liar.on('error', () => undefined);
  liar.write(new Uint8Array(1_200_000).fill(0x20));
  await source.line('down, waited-for: what comes is no MPEG-TS');
  const encoder = connect(source.place?.port ?? 0, '127.0.0.1');
  encoder.end(stream);
  await source.bytes(stream.length);
  expect(source.packets).toEqual(stream);
});

test('standard input is read to its end', async () => {
  const script = `
    const { openSource } = await import(${JSON.stringify(new URL('../../agent/io/source.ts', import.meta.url).href)});
    const { Intake } = await import(${JSON.stringify(new URL('../../agent/media/intake.ts', import.meta.url).href)});
    openSource({ kind: 'stdin' }, new Intake({ kind: 'stdin' }, () => 0), {
      packets: (bytes) => process.stdout.write(bytes),
      up: () => undefined,
      down: (reason, again) => console.error(again, reason),
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  closers.push(() => child.kill());
  const out: Buffer[] = [];
  let log = '';
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => (log += bytes.toString()));
  child.stdin.end(stream);
  await once(child, 'close');
  expect(Buffer.compare(Buffer.concat(out), stream)).toBe(0);
  expect(log).toBe('over standard input was closed\n');
});

describe.skipIf(withoutFfmpeg)('fed by ffmpeg', () => {
  const encoder = (out: readonly string[]): ChildProcess => {
    const input = ['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25'];
    const child = spawn('ffmpeg', [...input, '-c:v', 'mpeg2video', '-g', '10', '-f', 'mpegts', ...out], {
      stdio: 'ignore',
    });
    closers.push(() => child.kill('SIGKILL'));
    return child;
  };

  test('a push over HTTP arrives without a fault', async () => {
    const source = new Watched('listen:http://127.0.0.1:0/live');
    await source.line('listening');
    encoder(['-method', 'PUT', `http://127.0.0.1:${source.place?.port}/live`]);
    await source.bytes(20_000);
    expect(continuityFaults(source.packets)).toBe(0);
  });

  test('RTP and bare UDP arrive without a fault', async () => {
    // 1,328 bytes are 7 packets with an RTP header; a bare stream is cut in odd places by it.
    for (const [scheme, format, size] of [
      ['rtp', ['-f', 'rtp_mpegts'], 1328],
      ['udp', [], 1316],
      ['udp', [], 1328],
    ] as const) {
      const port = await freePort();
      const source = new Watched(`${scheme}://127.0.0.1:${port}`);
      await source.line('listening');
      encoder([...format, `${scheme}://127.0.0.1:${port}?pkt_size=${size}`]);
      await source.bytes(20_000);
      expect(continuityFaults(source.packets)).toBe(0);
    }
  });

  test('an encoder that connects over TCP arrives without a fault', async () => {
    const source = new Watched('tcp://127.0.0.1:0?listen');
    await source.line('listening');
    encoder([`tcp://127.0.0.1:${source.place?.port}`]);
    await source.bytes(20_000);
    expect(continuityFaults(source.packets)).toBe(0);
  });
});

/** A UDP port that nobody uses now. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
