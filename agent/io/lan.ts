import type { Address } from '../base/address.ts';
import { type Millis, seconds } from '../base/time.ts';
import { asset } from './assets.ts';
import { type Ask, type Refusal, type Route, openToPages, sendBytes, sendJson, sendText, startWeb } from './http.ts';
import { Events } from './lan-events.ts';
import { baseUrl } from './lan-guard.ts';
import { Live, type LiveCounts, type ViewerStatus } from './lan-live.ts';
import type { LanSource } from './lan-source.ts';
import { type Metric, metricsText } from './metrics.ts';

export interface LanOptions {
  /** The LAN address to listen on. */
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Names people gave the router, besides `*.lan`, `*.local` and addresses. */
  readonly names?: readonly string[];
  readonly channels: () => readonly LanSource[];
  /** The object of `/api/v1/status`, also sent each second to open pages. */
  readonly status: () => object;
  /** The text of `/playlist.m3u`; `base` is `http://ADDR:PORT` as the asking device reaches us. */
  readonly playlist: (base: string) => string;
  /** What `/metrics` tells besides the LAN side's own figures. */
  readonly metrics?: () => readonly Metric[];
  /** Viewers at once; 32 unless said otherwise: more is no household. */
  readonly viewers?: number;
  /** A viewer that takes nothing for so long is cut; 15 s unless said otherwise. */
  readonly stall?: Millis;
  /** Routes of another role beside these (the demo's). They win over the same path here. */
  readonly routes?: readonly Route[];
}

/** The LAN side of one household: pages, live streams, status. */
export interface Lan {
  readonly address: Address;
  /** `http://ADDR:PORT/` */
  readonly url: string;
  /** To be called when the ring of that channel has released something: it goes to every viewer at once. */
  released(channel: string): void;
  viewers(): readonly ViewerStatus[];
  counts(): Readonly<LiveCounts>;
  readonly refused: Readonly<Record<Refusal, number>>;
  stop(): Promise<void>;
}

/** Starts serving the house. Rejects when the address cannot be had. */
export async function startLan(options: LanOptions): Promise<Lan> {
  const most = options.viewers ?? 32;
  const live = new Live({ channels: options.channels, most, stall: options.stall ?? seconds(15) });
  const events = new Events(seconds(1), options.status);
  const metrics = (): readonly Metric[] => [...lanMetrics(live.counts(), web.refused), ...(options.metrics?.() ?? [])];
  const web = await startWeb({
    address: options.address,
    port: options.port,
    names: (options.names ?? []).map((name) => name.toLowerCase()),
    // Room for pages, status and the one that is told that all places are taken.
    connections: most + 96,
    routes: [
      ...(options.routes ?? []),
      ...pageRoutes('index.html'),
      get('/live/', (ask) => live.answer(ask)),
      get('/playlist.m3u', (ask) => sendPlaylist(ask, options, web.address.port)),
      get('/api/v1/status', (ask) => sendJson(ask, options.status())),
      get('/api/v1/events', (ask) => events.answer(ask)),
      get('/metrics', (ask) => sendText(ask, 200, metricsText(metrics()), 'text/plain; version=0.0.4; charset=utf-8')),
      get('/healthz', (ask) => sendText(ask, 200, 'ok\n')),
      ...LATER.map((path) => get(path, (ask) => sendText(ask, 404, `${path} comes with a later version.\n`))),
    ],
  });
  const { ip, port } = web.address;
  return {
    address: web.address,
    url: `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}/`,
    released: (channel) => live.released(channel),
    viewers: () => live.viewers(performance.now()),
    counts: () => live.counts(),
    refused: web.refused,
    stop: async () => {
      live.stop();
      events.stop();
      await web.stop();
    },
  };
}

/** Promised in the contract and not built yet: said plainly instead of a bare 404. */
const LATER = ['/epg.xml', '/discover.json', '/lineup.json', '/lineup_status.json', '/device.xml', '/dlna/'] as const;

function get(path: string, answer: (ask: Ask) => void): Route {
  return { method: 'GET', path, answer };
}

/** A page at its path. */
export function pageRoute(path: string, page: 'index.html' | 'demo.html' | 'punch.html' | 'tree.html'): Route {
  return get(path, (ask) => sendBytes(ask, asset(page), 'text/html; charset=utf-8'));
}

/** `/` shows `page`; what it needs is under `/web/`. */
export function pageRoutes(page: 'index.html' | 'demo.html'): readonly Route[] {
  return [
    pageRoute('/', page),
    ...WEB.map(([name, type]) => get(`/web/${name}`, (ask) => sendBytes(ask, asset(name), type))),
  ];
}

const SCRIPT = 'text/javascript; charset=utf-8';
const WEB = [
  ['style.css', 'text/css; charset=utf-8'],
  ['player.js', SCRIPT],
  ['index.js', SCRIPT],
  ['demo.js', SCRIPT],
  ['punch.js', SCRIPT],
  ['tree.js', SCRIPT],
  ['tree-canvas.js', SCRIPT],
  ['tree-layout.js', SCRIPT],
  ['tree-strip.js', SCRIPT],
  ['tree-words.js', SCRIPT],
  ['ink.js', SCRIPT],
  ['orders.js', SCRIPT],
  ['tree.css', 'text/css; charset=utf-8'],
  ['picture.js', SCRIPT],
  ['words.js', SCRIPT],
  ['mpegts.js', SCRIPT],
  ['icon.svg', 'image/svg+xml'],
] as const;

function sendPlaylist(ask: Ask, options: LanOptions, port: number): void {
  const base = baseUrl(ask.host, ask.request.socket.localAddress ?? options.address, port);
  openToPages(ask);
  sendText(ask, 200, options.playlist(base), 'audio/x-mpegurl; charset=utf-8');
}

function lanMetrics(counts: Readonly<LiveCounts>, refused: Readonly<Record<Refusal, number>>): readonly Metric[] {
  const one = (name: string, kind: 'counter' | 'gauge', help: string, value: number): Metric => ({
    name,
    kind,
    help,
    values: [{ value }],
  });
  return [
    one('hearth_lan_viewers', 'gauge', 'Players that watch now.', counts.viewers),
    one('hearth_lan_joined_total', 'counter', 'Players that ever began to watch.', counts.joined),
    one('hearth_lan_sent_bytes_total', 'counter', 'Stream bytes given to players.', counts.sentBytes),
    one('hearth_lan_jumps_total', 'counter', 'Slow players that went on at the newest keyframe.', counts.jumps),
    one('hearth_lan_stalled_total', 'counter', 'Players cut because they took nothing.', counts.stalled),
    one('hearth_lan_full_total', 'counter', 'Players turned away because all places were taken.', counts.full),
    {
      name: 'hearth_lan_refused_total',
      kind: 'counter',
      help: 'Requests turned away at the door.',
      values: Object.entries(refused).map(([reason, value]) => ({ labels: { reason }, value })),
    },
  ];
}
