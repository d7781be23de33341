import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child } from './child.ts';
import type { Lab, Space } from './lab.ts';

/** The program of this checkout, or another that is named: the bundle starts in a fifth of the time. */
export const MAIN = process.env['HEARTH'] ?? fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const PORT = 7000;
const LAN_PORT = 8480;
/** A program that has started, on a machine with many others. */
const START_MS = 20_000;

/** `hearth ROLE ...` in a namespace, as a user starts it. */
export function hearth(lab: Lab, space: Space, words: readonly string[], program = MAIN): Child {
  return lab.run(space, [process.execPath, program, ...words]);
}

/** The last that each program said, for whoever has to find out why. */
export function logsOf(programs: Readonly<Record<string, Child>>, most = 10_000): string {
  return Object.entries(programs)
    .map(([name, { errors }]) => `-- ${name}\n${errors.slice(-most)}`)
    .join('\n');
}

/** Folders for `--state`, gone at the end. */
export class States {
  readonly #folder = mkdtempSync(join(tmpdir(), 'hearth-states-'));
  #number = 0;

  next(): string {
    return join(this.#folder, String(this.#number++));
  }

  /** The one that was given out last. */
  get last(): string {
    return join(this.#folder, String(this.#number - 1));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Running {
  readonly child: Child;
  readonly space: Space;
}

export interface Rendezvous extends Running {
  /** What clients are given: ADDR:PORT#KEY. */
  readonly place: string;
  readonly listen: readonly { readonly ip: string; readonly port: number }[];
  /** Starts it once more at the same place, after its end. */
  again(): Promise<Child>;
}

/** A rendezvous on so many ports of each address of a server: the first one is for clients, the others observe. */
export async function startRendezvous(
  lab: Lab,
  space: Space,
  states: States,
  more: readonly string[] = [],
  ports = 2,
): Promise<Rendezvous> {
  const listen = Array.from({ length: ports }, (_, i) => space.addresses.map((ip) => ({ ip, port: PORT + i }))).flat();
  const text = listen.map(({ ip, port }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)).join(',');
  const words = ['rendezvous', '--listen', text, '--state', states.next(), ...more];
  const start = async () => {
    const child = hearth(lab, space, words);
    return { child, said: await child.line(/^rendezvous ready (\S+) key ([a-z2-7]{52})$/, START_MS) };
  };
  const { child, said } = await start();
  const [, place, key] = said;
  return { child, space, place: `${place}#${key}`, listen, again: async () => (await start()).child };
}

/** An agent that is ready. `node` is its NODE-ID. */
export async function startAgent(
  lab: Lab,
  space: Space,
  rendezvous: string,
  states: States,
  more: readonly string[] = [],
  program = MAIN,
): Promise<Running & { readonly node: string }> {
  const words = ['agent', '--rendezvous', rendezvous, '--state', states.next(), ...more];
  const child = hearth(lab, space, words, program);
  const [, node = ''] = await child.line(/^agent ready ([a-z2-7]{52})$/, START_MS);
  return { child, space, node };
}

/** An agent with a LAN side that takes a channel. */
export async function startHousehold(
  lab: Lab,
  space: Space,
  rendezvous: string,
  channel: string,
  states: States,
  more: readonly string[] = [],
  program = MAIN,
): Promise<Running & { readonly node: string; readonly url: string }> {
  // A household with a public address has its pages for itself only.
  const [own = ''] = space.addresses;
  const lan = `${own.startsWith('192.168.') ? own : '127.0.0.1'}:${LAN_PORT}`;
  const words = ['--channel', channel, '--lan', lan, '--log-level', 'debug', ...more];
  const agent = await startAgent(lab, space, rendezvous, states, words, program);
  const [, url = ''] = await agent.child.line(/^lan ready (http:\S+)$/, START_MS);
  return { ...agent, url };
}

export interface ChannelStatus {
  readonly name: string;
  readonly block: number | null;
  readonly depth: number;
  readonly lag_ms: number;
  readonly parent: { readonly node: string; readonly method: string | null; readonly rtt_ms: number | null } | null;
  readonly spares: readonly { readonly node: string; readonly method: string | null }[];
  readonly children: readonly { readonly node: string }[];
  readonly received_bytes: number;
  readonly blocks: number;
  readonly lost_blocks: number;
  readonly skipped_blocks: number;
  readonly refused_blocks: number;
}

export interface Status {
  readonly node: string;
  readonly nat: { readonly kind: string; readonly filtering: string };
  readonly mappings: readonly {
    readonly protocol: string;
    readonly external: string | null;
    readonly verified: boolean;
  }[];
  readonly channels: readonly ChannelStatus[];
  readonly strangers: number;
}

/** A page of a household's LAN side, asked for by a host of its LAN. */
export async function fetchText(lab: Lab, from: Space, url: string): Promise<string> {
  let text = '';
  const child = lab.run(from, ['curl', '-sSf', '--max-time', '5', url], { onBytes: (bytes) => (text += bytes) });
  const code = await child.ended;
  if (code !== 0) throw new Error(`${url}: curl ended with ${code}: ${child.errors}`);
  return text;
}

export async function statusOf(lab: Lab, from: Space, url: string): Promise<Status> {
  return JSON.parse(await fetchText(lab, from, `${url}api/v1/status`)) as Status;
}

/** The one channel of a household that takes one. */
export async function channelOf(lab: Lab, from: Space, url: string): Promise<ChannelStatus> {
  const [channel] = (await statusOf(lab, from, url)).channels;
  if (channel === undefined) throw new Error(`${url} has no channel`);
  return channel;
}

/** Asks until the answer is good, ten times a second. */
export async function until<Answer>(
  ask: () => Promise<Answer>,
  good: (answer: Answer) => boolean,
  patience = 15_000,
): Promise<Answer> {
  const last = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (Date.now() > last) throw new Error(`not in ${patience} ms; the last answer: ${JSON.stringify(answer)}`);
    await pause(100);
  }
}

export async function pause(millis: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, millis));
}
