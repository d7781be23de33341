/**
 * One process of a bench, in one namespace. Told over the message channel what it is; links first, then its part:
 * `bulk` pours, `live` paces, `relay` hands on at once what comes, `sink` counts and measures.
 */
import { type LatencyReport, Latency } from './latency.ts';
import { BULK_PIECE, type Pipe, stack, type StackName } from './stack.ts';

export interface LinkEnd {
  readonly link: number;
  readonly initiator: boolean;
  readonly local: string;
  readonly remote: string;
  readonly port: number;
}

export type Part =
  | { readonly kind: 'bulk' }
  | { readonly kind: 'live'; readonly mbit: number }
  /** From the first link to all others. */
  | { readonly kind: 'relay' }
  | { readonly kind: 'sink' };

export type Order =
  | { readonly kind: 'begin'; readonly stack: StackName; readonly ends: readonly LinkEnd[]; readonly part: Part }
  | { readonly kind: 'signal'; readonly link: number; readonly word: unknown }
  | { readonly kind: 'go' }
  /** Forget what was counted so far. */
  | { readonly kind: 'mark' }
  | { readonly kind: 'report' };

export interface Report {
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** The kernel's share of it. */
  readonly systemSeconds: number;
  readonly rssMb: number;
  readonly latency: LatencyReport;
}

export type Answer =
  | { readonly kind: 'signal'; readonly link: number; readonly word: unknown }
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'report' } & Report);

/** A live message: number, time of sending, filling; the size of a chunk of six TS packets. */
const LIVE_SIZE = 1140;
/** Kept waiting in front of the transport in bulk. */
const AHEAD = 512 * 1024;

const say = (answer: Answer): void => void process.send?.(answer);
const signals = new Map<number, (word: unknown) => void>();
const early = new Map<number, unknown[]>();
const latency = new Latency();
const pipes: Pipe[] = [];
let part: Part = { kind: 'sink' };
let name: StackName = 'own';
let pouring = false;
let bytes = 0;
let markedAt = performance.now();
let markedCpu = process.cpuUsage();

function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function begin(order: Extract<Order, { kind: 'begin' }>): Promise<void> {
  part = order.part;
  name = order.stack;
  const open = await stack(order.stack);
  const opened = order.ends.map((end, i) =>
    open({
      ...end,
      signal: (word) => say({ kind: 'signal', link: end.link, word }),
      onSignal: (take) => {
        signals.set(end.link, take);
        for (const word of early.get(end.link) ?? []) take(word);
      },
      onMessage: (message) => arrived(i, message),
      onRoom: () => pouring && fill(),
    }),
  );
  pipes.push(...(await Promise.all(opened)));
  say({ kind: 'ready' });
}

function arrived(from: number, message: Uint8Array): void {
  bytes += message.length;
  if (part.kind === 'relay') {
    for (let i = 0; i < pipes.length; i++) if (i !== from) pipes[i]?.send(message);
  } else if (part.kind === 'sink' && message.length === LIVE_SIZE) {
    const view = new DataView(message.buffer, message.byteOffset, 16);
    latency.take(view.getUint32(0), view.getFloat64(8), clock());
  }
}

function go(): void {
  if (part.kind === 'bulk') pour();
  if (part.kind === 'live') pace(part.mbit);
}

function pour(): void {
  pouring = true;
  setInterval(fill, 2);
}

function fill(): void {
  const piece = new Uint8Array(BULK_PIECE[name]).fill(0x55);
  for (const pipe of pipes) while (pipe.queued() < AHEAD) pipe.send(piece);
}

function pace(mbit: number): void {
  const gap = (LIVE_SIZE * 8) / (mbit * 1000);
  const start = clock();
  let number = 0;
  setInterval(() => {
    for (; start + number * gap <= clock(); number++) {
      const message = new Uint8Array(LIVE_SIZE).fill(number & 255);
      const view = new DataView(message.buffer);
      view.setUint32(0, number);
      view.setFloat64(8, clock());
      for (const pipe of pipes) pipe.send(message);
    }
  }, 1);
}

process.on('message', (order: Order) => {
  switch (order.kind) {
    case 'begin':
      void begin(order);
      break;
    case 'signal':
      if (signals.has(order.link)) signals.get(order.link)?.(order.word);
      else early.set(order.link, [...(early.get(order.link) ?? []), order.word]);
      break;
    case 'go':
      go();
      break;
    case 'mark':
      bytes = 0;
      markedAt = performance.now();
      markedCpu = process.cpuUsage();
      latency.mark();
      break;
    case 'report': {
      const cpu = process.cpuUsage(markedCpu);
      say({
        kind: 'report',
        bytes,
        seconds: (performance.now() - markedAt) / 1000,
        cpuSeconds: (cpu.user + cpu.system) / 1e6,
        systemSeconds: cpu.system / 1e6,
        rssMb: process.memoryUsage.rss() / 2 ** 20,
        latency: latency.report(),
      });
      break;
    }
  }
});
