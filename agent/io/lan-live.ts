import type { Socket } from 'node:net';
import type { Millis } from '../base/time.ts';
import type { LanReader, LanSource } from './lan-source.ts';
import { type Ask, openToPages, sendText } from './http.ts';

export interface LiveOptions {
  readonly channels: () => readonly LanSource[];
  /** Viewers at once, over all channels. */
  readonly most: number;
  /** How long a viewer may take nothing before it is cut. */
  readonly stall: Millis;
}

/** One viewer as the status shows it. */
export interface ViewerStatus {
  readonly address: string;
  /** What the player calls itself, at most 80 characters. */
  readonly player: string;
  readonly channel: string;
  readonly watching_s: number;
  readonly sent_bytes: number;
  /** Waiting in this process because the player does not take it; at most one burst. */
  readonly queued_bytes: number;
  readonly jumps: number;
}

export interface LiveCounts {
  viewers: number;
  joined: number;
  /** Taken by the sockets of viewers who have left; `sentBytes()` adds those who watch. */
  sentBytes: number;
  jumps: number;
  stalled: number;
  full: number;
}

/**
 * The fan-out: every viewer reads the one ring with a cursor of its own, so memory does not grow with viewers.
 * Rules measured on this kind of server (200 x 8 Mbit/s on a tenth of a core): write to the raw socket, one write per
 * block and never one per datagram, a reader that has to catch up gets at most 8 blocks in one writev, and a socket
 * that wants to drain is left alone until it has.
 */
export class Live {
  readonly #options: LiveOptions;
  readonly #viewers = new Set<Viewer>();
  readonly #taken = new WeakSet<Socket>();
  readonly #shared = new Shared();
  readonly #counts: LiveCounts = { viewers: 0, joined: 0, sentBytes: 0, jumps: 0, stalled: 0, full: 0 };
  readonly #clock: NodeJS.Timeout;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#clock = setInterval(() => this.#cutStalled(), Math.max(10, options.stall / 8));
    this.#clock.unref();
  }

  /** `GET /live/ID.ts`; also the place where the paths of later issues are declined. */
  answer(ask: Ask): void {
    const { request, path } = ask;
    // A second request on a socket that carries a stream: nobody's player does that.
    if (this.#taken.has(request.socket)) {
      request.socket.destroy();
      return;
    }
    openToPages(ask);
    const [, id, form] = /^\/live\/([a-z2-7]{1,64})(\.ts|\/[\w.-]{1,64})$/.exec(path) ?? [];
    const channel = this.#options.channels().find((one) => one.id === id);
    const source = form === '.ts' ? channel : undefined;
    if (channel?.locked !== undefined) sendText(ask, 403, `${channel.locked}\n`);
    else if (path.endsWith('.m3u8'))
      sendText(ask, 404, 'HLS comes with a later version. This one serves /live/ID.ts .\n');
    else if (source === undefined) sendText(ask, 404, 'No such channel here. /playlist.m3u lists those there are.\n');
    else if (request.method === 'HEAD') sendHead(ask);
    else if (this.#viewers.size >= this.#options.most) this.#turnAway(ask);
    else this.#join(ask, source);
  }

  /** To be called when the channel's ring has something new. */
  released(id: string): void {
    for (const viewer of this.#viewers) {
      if (viewer.source.id !== id) continue;
      // Its player asks again and is told why.
      if (viewer.source.locked !== undefined) viewer.socket.destroy();
      else viewer.pump();
    }
  }

  viewers(now: number): readonly ViewerStatus[] {
    return Array.from(this.#viewers, (viewer) => viewer.status(now));
  }

  counts(): Readonly<LiveCounts> {
    let { sentBytes, jumps } = this.#counts;
    for (const viewer of this.#viewers) {
      sentBytes += viewer.socket.bytesWritten;
      jumps += viewer.reader.jumps;
    }
    return { ...this.#counts, viewers: this.#viewers.size, sentBytes, jumps };
  }

  stop(): void {
    clearInterval(this.#clock);
    for (const viewer of this.#viewers) viewer.socket.destroy();
  }

  #join(ask: Ask, source: LanSource): void {
    const { socket } = ask.request;
    this.#taken.add(socket);
    const player = ask.request.headers['user-agent'] ?? '';
    const viewer = new Viewer(source, socket, player.slice(0, 80), this.#shared);
    this.#viewers.add(viewer);
    this.#counts.joined++;
    socket.on('drain', () => viewer.drained());
    socket.on('close', () => {
      this.#viewers.delete(viewer);
      this.#counts.sentBytes += socket.bytesWritten;
      this.#counts.jumps += viewer.reader.jumps;
    });
    socket.setTimeout(0);
    socket.setKeepAlive(true, 30_000);
    socket.write(HEAD);
    viewer.pump();
  }

  #turnAway(ask: Ask): void {
    this.#counts.full++;
    ask.response.setHeader('Retry-After', '10');
    const { most } = this.#options;
    sendText(ask, 503, `All ${most} places of this household are taken. Close another player, or raise the limit.\n`);
  }

  #cutStalled(): void {
    const now = performance.now();
    for (const viewer of this.#viewers) {
      if (viewer.blockedSince === undefined || now - viewer.blockedSince < this.#options.stall) continue;
      this.#counts.stalled++;
      viewer.socket.destroy();
    }
  }
}

/** Blocks in one writev for a viewer that catches up: 168 KB, so that one viewer never holds the others up for long. */
const AT_ONCE = 8;

/** Range is answered with 200: a live stream has no byte 0. Neither length nor chunks: the end is the end of the socket. */
const HEADERS = {
  'Content-Type': 'video/mp2t',
  'Cache-Control': 'no-store',
  'Accept-Ranges': 'none',
  'Access-Control-Allow-Origin': '*',
  'X-Content-Type-Options': 'nosniff',
} as const;
const HEAD = Buffer.from(
  `HTTP/1.1 200 OK\r\n${Object.entries(HEADERS)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}Connection: close\r\n\r\n`,
);

function sendHead(ask: Ask): void {
  const { response } = ask;
  response.useChunkedEncodingByDefault = false;
  response.shouldKeepAlive = false;
  response.writeHead(200, HEADERS);
  response.end();
}

class Viewer {
  readonly source: LanSource;
  readonly socket: Socket;
  readonly reader: LanReader;
  readonly #player: string;
  readonly #address: string;
  readonly #shared: Shared;
  readonly #since = performance.now();
  /** Set while the socket wants to drain; the ring moves on meanwhile and nothing is queued here. */
  blockedSince: number | undefined;

  constructor(source: LanSource, socket: Socket, player: string, shared: Shared) {
    this.source = source;
    this.socket = socket;
    this.reader = source.ring.reader();
    this.#player = player;
    this.#shared = shared;
    this.#address = socket.remoteAddress ?? '';
  }

  drained(): void {
    this.blockedSince = undefined;
    this.pump();
  }

  pump(): void {
    if (this.blockedSince !== undefined) return;
    let block = this.reader.next();
    while (block !== undefined) {
      const next = this.reader.next();
      if (next === undefined) this.socket.write(this.#shared.of(block));
      else this.#burst(block, next);
      if (this.socket.writableNeedDrain) {
        this.blockedSince = performance.now();
        return;
      }
      if (next === undefined) return;
      block = this.reader.next();
    }
  }

  #burst(first: Uint8Array, second: Uint8Array): void {
    this.socket.cork();
    this.socket.write(this.#shared.of(first));
    this.socket.write(this.#shared.of(second));
    for (let written = 2; written < AT_ONCE; written++) {
      const block = this.reader.next();
      if (block === undefined) break;
      this.socket.write(this.#shared.of(block));
    }
    this.socket.uncork();
  }

  status(now: number): ViewerStatus {
    return {
      address: this.#address,
      player: this.#player,
      channel: this.source.id,
      watching_s: Math.round((now - this.#since) / 1000),
      sent_bytes: this.socket.bytesWritten,
      queued_bytes: this.socket.writableLength,
      jumps: this.reader.jumps,
    };
  }
}

/** The Buffer of a block is made once for all viewers: the newest block is the one almost everybody asks for. */
class Shared {
  #block: Uint8Array | undefined;
  #buffer: Buffer = Buffer.alloc(0);

  of(block: Uint8Array): Buffer {
    if (block !== this.#block) {
      this.#block = block;
      this.#buffer = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    }
    return this.#buffer;
  }
}
