import { connect } from 'node:net';
import { buildDrain, makeStream, pace, type Server, startServer } from './lan/stage.ts';

/**
 * How long a new player waits for the first byte of a video keyframe when it comes at a random moment, beside a server
 * without a ring, in the same run. `node bench/keyframe.ts [JOINS]`
 */
const joins = Number(process.argv[2] ?? 150);
const KBIT = 8000;
const BARS = { p50Ms: 3, p95Ms: 20 };
const VIDEO_PID = videoPid();

interface Join {
  readonly firstByteMs: number;
  readonly keyframeMs: number;
}

async function run(kind: 'hearth' | 'naive', count: number, atOnce: number, file: string): Promise<readonly Join[]> {
  const server = await startServer(kind);
  const pacer = pace(server, file, KBIT, 600);
  await pause(4000);
  const results: Join[] = [];
  while (results.length < count) {
    const group = Array.from({ length: Math.min(atOnce, count - results.length) }, async () => {
      await pause(Math.random() * (atOnce === 1 ? 120 : 2000));
      return join(server);
    });
    results.push(...(await Promise.all(group)));
  }
  pacer.stop();
  server.program.stop();
  return results;
}

/** One player: from the moment it begins to connect. */
function join(server: Server): Promise<Join> {
  const { promise, resolve, reject } = Promise.withResolvers<Join>();
  const start = performance.now();
  const socket = connect({ port: server.tcp, host: '127.0.0.1', noDelay: true });
  socket.write(`GET ${server.path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n`);
  let bytes: Buffer = Buffer.alloc(0);
  let body = -1;
  let firstByteMs = -1;
  socket.on('data', (part: Buffer) => {
    bytes = Buffer.concat([bytes, part]);
    if (body < 0) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      body = end + 4;
    }
    if (bytes.length > body && firstByteMs < 0) firstByteMs = performance.now() - start;
    for (; body + 188 <= bytes.length; body += 188) {
      if (bytes[body] !== 0x47) {
        reject(new Error('out of step'));
        return;
      }
      if (!isKeyframe(bytes, body)) continue;
      resolve({ firstByteMs, keyframeMs: performance.now() - start });
      socket.destroy();
      return;
    }
  });
  socket.on('error', reject);
  return promise;
}

/** A packet of the video PID whose adaptation field says random access. */
function isKeyframe(bytes: Buffer, at: number): boolean {
  const pid = bytes.readUInt16BE(at + 1) & 0x1fff;
  const flags = ((bytes[at + 3] ?? 0) & 0x20) !== 0 && (bytes[at + 4] ?? 0) > 0 ? (bytes[at + 5] ?? 0) : 0;
  return pid === VIDEO_PID && (flags & 0x40) !== 0;
}

/** ffmpeg's first stream. The audio PID carries random access flags too, so the PID has to be known. */
function videoPid(): number {
  return 0x100;
}

function share(values: readonly number[], of: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(of * (values.length - 1))] ?? NaN;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function row(name: string, results: readonly Join[]): void {
  const keys = results.map(({ keyframeMs }) => keyframeMs);
  const first = results.map(({ firstByteMs }) => firstByteMs);
  const cells = [share(first, 0.5), share(keys, 0.5), share(keys, 0.95), share(keys, 1)];
  process.stdout.write(
    `${name.padEnd(40)}${String(results.length).padStart(7)}${cells.map((ms) => ms.toFixed(1).padStart(12)).join('')}\n`,
  );
}

buildDrain();
const file = makeStream(KBIT);
process.stdout.write(
  `Time to the first byte of a video keyframe, ms, joins at random moments, ${KBIT / 1000} Mbit/s\n` +
    `${''.padEnd(40)}${'joins'.padStart(7)}${['first byte', 'key p50', 'key p95', 'key max'].map((h) => h.padStart(12)).join('')}\n`,
);
const hearth = await run('hearth', joins, 1, file);
row('hearth', hearth);
const naive = await run('naive', 40, 20, file);
row('no ring: node:http, live bytes', naive);
process.stdout.write(
  [
    'reference, another machine, GOP 2.33 s, not this run:',
    '  udpxy p50/p95 1204/2184, msd_lite 801/2403, rtp2httpd 1579/2172, Node ring 1.3/5.0',
    '',
  ].join('\n'),
);
const keys = hearth.map(({ keyframeMs }) => keyframeMs);
const [p50, p95] = [share(keys, 0.5), share(keys, 0.95)];
const others = share(
  naive.map(({ keyframeMs }) => keyframeMs),
  0.5,
);
process.stdout.write(
  `ratio of p50 to the server without a ring: ${(p50 / others).toFixed(4)}\n` +
    `bars: p50 <= ${BARS.p50Ms} ms: ${p50 <= BARS.p50Ms ? 'held' : 'NOT HELD'}; p95 <= ${BARS.p95Ms} ms: ${p95 <= BARS.p95Ms ? 'held' : 'NOT HELD'}\n`,
);
