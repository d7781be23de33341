import type { Child } from './child.ts';
import type { Lab, Space } from './lab.ts';

/** Ports of the observer on each address of its server. */
const PORTS = Array.from({ length: 8 }, (_, i) => 7100 + i);

/** Tells everybody where they came from; no line of ours but these. */
const OBSERVER = `
const { createSocket } = require('node:dgram');
const [, ips, ports] = process.argv;
let waiting = 0;
for (const ip of ips.split(',')) for (const port of ports.split(',')) {
  waiting++;
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4e6 });
  socket.on('message', (bytes, from) => socket.send(from.address + ':' + from.port, from.port, from.address));
  socket.bind(Number(port), ip, () => --waiting || console.log('ready'));
}`;

/** For each number on stdin: opens that many sockets, sends from each to all observers in one go, says what came back. */
const PROBER = `
const { createSocket } = require('node:dgram');
const lookup = (name, options, found) => found(null, name, 4);
const targets = process.argv[1].split(',');
const open = () => new Promise((resolve) => {
  const socket = createSocket({ type: 'udp4', lookup, recvBufferSize: 4e6 });
  const seen = new Array(targets.length).fill(null);
  socket.on('message', (bytes, from) => { seen[targets.indexOf(from.address + ':' + from.port)] = String(bytes); });
  socket.bind(0, () => resolve({ socket, local: socket.address().port, seen }));
});
process.stdin.on('data', async (text) => {
  const all = await Promise.all(Array.from({ length: Number(text) }, open));
  for (const { socket } of all) for (const target of targets) {
    const [ip, port] = target.split(':');
    socket.send('?', Number(port), ip);
  }
  for (let waits = 0; waits < 60 && all.some(({ seen }) => seen.includes(null)); waits++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  console.log('seen ' + JSON.stringify(all.map(({ local, seen }) => ({ local, seen }))));
});
console.log('ready');`;

/** One socket: its own port, and the outside address that each observer saw, in the order of sending. */
export interface Probed {
  readonly local: number;
  readonly seen: readonly ({ readonly ip: string; readonly port: number } | undefined)[];
}

/** Starts an observer on eight ports of each address; all of them, alternating between the addresses. */
export async function startObservers(lab: Lab, server: Space): Promise<readonly string[]> {
  const words = [server.addresses.join(','), PORTS.join(',')];
  await lab.run(server, [process.execPath, '-e', OBSERVER, ...words]).line(/ready/);
  return PORTS.flatMap((port) => server.addresses.map((ip) => `${ip}:${port}`));
}

/** Plain sockets in a namespace, which measure what a NAT makes of them. */
export class Prober {
  readonly #child: Child;

  static async start(lab: Lab, space: Space, observers: readonly string[]): Promise<Prober> {
    const prober = new Prober(lab.run(space, [process.execPath, '-e', PROBER, observers.join(',')]));
    await prober.#child.line(/ready/);
    return prober;
  }

  private constructor(child: Child) {
    this.#child = child;
  }

  /** From this many new sockets to every observer, in one burst; the sockets stay open. */
  async burst(sockets: number): Promise<readonly Probed[]> {
    this.#child.lines.length = 0;
    this.#child.write(`${sockets}\n`);
    const [, text = ''] = await this.#child.line(/^seen (.*)$/);
    const all = JSON.parse(text) as { local: number; seen: (string | null)[] }[];
    return all.map(({ local, seen }) => ({
      local,
      seen: seen.map((address) => {
        const [ip = '', port = ''] = address?.split(':') ?? [];
        return address === null ? undefined : { ip, port: Number(port) };
      }),
    }));
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}
