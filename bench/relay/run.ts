import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StackName } from '../transport/stack.ts';
import { built, cpuMs, Foreign, forgetPeak, line, memory, player, program, stop, wait, word } from './process.ts';
import type { Answer, LinkEnd, Order, Part } from './words.ts';

const MAIN = await built('hearth');
const NODE = await built('node');
const HOUSE = await built('house');

export interface Contender {
  readonly name: string;
  /** `hearth` is a whole household; the others hand messages on over a bare transport. */
  readonly stack: 'hearth' | StackName;
  /** V8 flags of the relay; load processes have the same. */
  readonly flags: readonly string[];
  /** Another bundle of hearth than that of this checkout. */
  readonly main?: string;
}

export interface Times {
  readonly mbit: number;
  readonly warmUpS: number;
  readonly windows: number;
  readonly windowS: number;
}

export interface Window {
  /** Shares of a core, in percent; the first is the relay's whole. */
  readonly cpu: number;
  readonly system: number;
  /** What others took of the core of the relay, and of that of the load. */
  readonly foreign: readonly [number, number];
}

export interface Result {
  readonly windows: readonly Window[];
  readonly peakMb: number;
  readonly rssMb: number;
  /** From the source's handing a message over to its coming out, verified, at a sink, ms. */
  readonly p50: number;
  readonly p99: number;
  readonly messages: number;
}

/** The processes of one run, set up and carrying the stream. */
interface Running {
  readonly relay: ChildProcess | undefined;
  readonly source: ChildProcess;
  readonly sinks: readonly ChildProcess[];
}

/** One run: source, relay and two sinks; or, to know what the relay adds, source and one sink. */
export async function run(contender: Contender, relayed: boolean, times: Times): Promise<Result> {
  const state = mkdtempSync(join(tmpdir(), 'hearth-bench-'));
  const all: ChildProcess[] = [];
  try {
    const running =
      contender.stack === 'hearth'
        ? await startHearth(contender, relayed, times.mbit, state, all)
        : await startStack(contender, contender.stack, relayed, times.mbit, all);
    return await measure(running, times);
  } finally {
    await Promise.all(all.map(stop));
    rmSync(state, { recursive: true, force: true });
  }
}

async function measure({ relay, source, sinks }: Running, times: Times): Promise<Result> {
  await wait(times.warmUpS);
  for (const child of [source, ...sinks]) tell(child, { kind: 'mark' });
  const pid = relay?.pid;
  const load = [source, ...sinks].map((child) => child.pid ?? 0);
  if (pid !== undefined) forgetPeak(pid);
  const windows: Window[] = [];
  for (let i = 0; i < times.windows; i++) {
    const foreign = [new Foreign(0, pid === undefined ? [] : [pid]), new Foreign(1, load)] as const;
    const before = pid === undefined ? undefined : cpuMs(pid);
    const start = performance.now();
    await wait(times.windowS);
    if (pid === undefined || before === undefined) continue;
    const after = cpuMs(pid);
    const share = 100 / (performance.now() - start);
    const system = (after.system - before.system) * share;
    windows.push({
      cpu: (after.user - before.user) * share + system,
      system,
      foreign: [foreign[0].percent(), foreign[1].percent()],
    });
  }
  const used = pid === undefined ? undefined : memory(pid);
  const [sent, ...heard] = await Promise.all([source, ...sinks].map(report));
  const leftAt = new Map<number, number>();
  for (let i = 0; sent !== undefined && i < sent.length; i += 2) leftAt.set(sent[i] ?? 0, sent[i + 1] ?? 0);
  const took: number[] = [];
  for (const pairs of heard) {
    for (let i = 0; i < pairs.length; i += 2) {
      const left = leftAt.get(pairs[i] ?? -1);
      if (left !== undefined) took.push((pairs[i + 1] ?? 0) - left);
    }
  }
  if (heard.some((pairs) => pairs.length === 0)) throw new Error('a sink was not fed as it was to be');
  const sorted = Float64Array.from(took).sort();
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return {
    windows,
    peakMb: used?.peakMb ?? Number.NaN,
    rssMb: used?.rssMb ?? Number.NaN,
    p50: at(0.5),
    p99: at(0.99),
    messages: sorted.length,
  };
}

async function report(child: ChildProcess): Promise<Float64Array> {
  const answer = word<Answer, 'report'>(child, 'report');
  tell(child, { kind: 'report' });
  return (await answer).times;
}

async function startHearth(
  { flags, main = MAIN }: Contender,
  relayed: boolean,
  mbit: number,
  state: string,
  all: ChildProcess[],
): Promise<Running> {
  const source = player(1, HOUSE, flags);
  all.push(source);
  const published = word<Answer, 'published'>(source, 'published');
  tell(source, { kind: 'origin', mbit, children: 1 });
  const { rendezvous, channel } = await published;
  let relay: ChildProcess | undefined;
  if (relayed) {
    const fed = word<Answer, 'child'>(source, 'child');
    const words = ['--rendezvous', rendezvous, '--channel', channel, '--state', state, '--lan', 'off'];
    relay = program(0, [process.execPath, ...flags, ...profiling(), main, 'agent', ...words, '--children', '2']);
    all.push(relay);
    await line(relay, /^agent ready /);
    await fed;
  }
  const sinks: ChildProcess[] = [];
  for (let i = 0; i < (relayed ? 2 : 1); i++) {
    const sink = player(1, HOUSE, flags);
    all.push(sink);
    sinks.push(sink);
    const ready = word<Answer, 'ready'>(sink, 'ready');
    tell(sink, { kind: 'household', rendezvous, channel, depth: relayed ? 2 : 1 });
    await ready;
  }
  return { relay, source, sinks };
}

/** RELAY_FLAGS="--cpu-prof --cpu-prof-dir=FOLDER" or others like it go to each relay. */
function profiling(): readonly string[] {
  return (process.env['RELAY_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
}

interface Link {
  readonly a: number;
  readonly b: number;
}

async function startStack(
  { flags }: Contender,
  stack: StackName,
  relayed: boolean,
  mbit: number,
  all: ChildProcess[],
): Promise<Running> {
  const source: Part = { kind: 'source', mbit };
  const parts: readonly Part[] = relayed
    ? [source, { kind: 'relay' }, { kind: 'sink' }, { kind: 'sink' }]
    : [source, { kind: 'sink' }];
  const links: readonly Link[] = relayed
    ? [
        { a: 0, b: 1 },
        { a: 1, b: 2 },
        { a: 1, b: 3 },
      ]
    : [{ a: 0, b: 1 }];
  const players = parts.map((part) =>
    player(part.kind === 'relay' ? 0 : 1, NODE, part.kind === 'relay' ? [...flags, ...profiling()] : flags),
  );
  all.push(...players);
  for (const [i, child] of players.entries()) {
    child.on('message', (answer: Answer) => {
      if (answer.kind !== 'signal') return;
      const link = links[answer.link];
      const other = players[link?.a === i ? link.b : (link?.a ?? 0)];
      if (other !== undefined) tell(other, { kind: 'signal', link: answer.link, word: answer.word });
    });
  }
  const ready = players.map((child) => word<Answer, 'ready'>(child, 'ready'));
  for (const [i, child] of players.entries()) {
    tell(child, { kind: 'begin', stack, ends: endsOf(links, i), part: parts[i] ?? { kind: 'sink' } });
  }
  await Promise.all(ready);
  for (const child of players) tell(child, { kind: 'go' });
  const [first, ...others] = players;
  if (first === undefined) throw new Error('no players');
  return { source: first, relay: relayed ? others[0] : undefined, sinks: relayed ? others.slice(1) : others };
}

function endsOf(links: readonly Link[], who: number): LinkEnd[] {
  return links.flatMap(({ a, b }, link) => {
    if (a !== who && b !== who) return [];
    const [mine, other] = a === who ? [1, 2] : [2, 1];
    const [local, remote] = [`127.89.${link}.${mine}`, `127.89.${link}.${other}`];
    return [{ link, initiator: a === who, local, remote, port: 30_000 + link }];
  });
}

function tell(child: ChildProcess, order: Order): void {
  child.send(order);
}
