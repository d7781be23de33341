import { afterAll, beforeAll, expect, test } from 'vitest';
import { Child } from './child.ts';
import { Lab, type Space } from './lab.ts';
import { describeInLab, missing } from './missing.ts';
import { existing, sweep } from './netns.ts';
import type { Captured } from './pcap.ts';

/** Answers every datagram with the address it came from. */
const OBSERVER = `
const { createSocket } = require('node:dgram');
const socket = createSocket('udp4');
socket.on('message', (bytes, from) => socket.send(from.address + ':' + from.port, from.port, from.address));
socket.bind(Number(process.argv[1]), process.argv[2], () => console.log('ready'));
`;
/** Sends from one port (looking up at once, else a TTL misses its datagram) to each address named on stdin and prints what comes back. */
const ASKER = `
const { createSocket } = require('node:dgram');
const lookup = (name, options, found) => found(null, name, 4);
const socket = createSocket({ type: 'udp4', lookup });
socket.on('message', (bytes, from) => console.log(from.address + ':' + from.port + ' says ' + bytes));
socket.bind(Number(process.argv[1]), () => console.log('ready'));
process.stdin.on('data', (lines) => {
  for (const line of lines.toString().split('\\n').filter(Boolean)) {
    const [ip, port, ttl] = line.split(' ');
    socket.setTTL(Number(ttl ?? 64));
    socket.send('?', Number(port), ip);
  }
});
`;

/** Sends one datagram from a port to an address and ends. */
const EARLY = `
const { createSocket } = require('node:dgram');
const [, from, ip, port] = process.argv;
const socket = createSocket('udp4');
socket.bind(Number(from), () => socket.send('early', Number(port), ip, () => setTimeout(() => process.exit(0), 50)));
`;

describeInLab('The laboratory', () => {
  let lab: Lab;
  const [PORT, OWN] = [7000, 40_102];

  beforeAll(async () => {
    lab = await Lab.create();
  });

  afterAll(async () => {
    const ours = existing().filter((name) => name.startsWith(`hearth-${process.pid}-`));
    expect(ours.length).toBeGreaterThan(0);
    await lab.close();
    expect(existing().filter((name) => name.startsWith(`hearth-${process.pid}-`))).toEqual([]);
  });

  /** A server with an observer on each of its addresses. */
  async function observed(addresses: number): Promise<Space> {
    const server = await lab.internet({ addresses });
    for (const ip of server.addresses) {
      await lab.run(server, [process.execPath, '-e', OBSERVER, String(PORT), ip]).line(/ready/);
    }
    return server;
  }

  /** A program on the host that asks each of these addresses from one port; what each said. */
  async function asking(host: Space): Promise<(...to: string[]) => Promise<string[]>> {
    const child = lab.run(host, [process.execPath, '-e', ASKER, String(OWN)]);
    await child.line(/ready/);
    return async (...to) => {
      child.lines.length = 0;
      const answers: string[] = [];
      for (const ip of to) {
        child.write(`${ip} ${PORT}\n`);
        const [, seen = ''] = await child.line(new RegExp(`^${ip}:${PORT} says (.*)$`));
        answers.push(seen);
      }
      return answers;
    };
  }

  test('A ping goes from a house through its router to the internet and back', async () => {
    const server = await lab.internet();
    const { host } = await lab.household();
    expect(await lab.run(host, ['ping', '-c', '1', '-W', '2', server.addresses[0] ?? '']).ended).toBe(0);
  });

  test('The kernel NATs are what their names say, seen from two addresses of one server', async () => {
    const server = await observed(2);
    const seen: Record<string, string[]> = {};
    const outside: Record<string, string> = {};
    for (const nat of ['open', 'firewall', 'masquerade', 'offset', 'block', 'random-block', 'random'] as const) {
      const house = await lab.household({ nat });
      outside[nat] = house.address;
      seen[nat] = await (await asking(house.host))(...server.addresses);
    }
    for (const nat of ['open', 'firewall', 'masquerade']) {
      expect(seen[nat], nat).toEqual([`${outside[nat]}:${OWN}`, `${outside[nat]}:${OWN}`]);
    }
    expect(seen['offset']).toEqual([`${outside['offset']}:${OWN + 2000}`, `${outside['offset']}:${OWN + 2000}`]);
    expect(new Set(seen['block']).size).toBe(1);
    expect(new Set(seen['random']).size).toBe(2);
    for (const address of [...(seen['block'] ?? []), ...(seen['random-block'] ?? [])]) {
      expect(Number(address.split(':')[1])).toSatisfy((port: number) => port >= 20_480 && port < 20_992);
    }
  });

  test('A rebinding moves a living flow to another outside port, twice', async () => {
    const [server, house] = [await observed(1), await lab.household()];
    const ask = await asking(house.host);
    const to = server.addresses[0] ?? '';
    const ports = [await ask(to)];
    for (let i = 0; i < 2; i++) {
      await house.rebind();
      ports.push(await ask(to));
    }
    expect(new Set(ports.flat()).size).toBe(3);
  });

  test('Behind a carrier the internet sees one address for two houses that have the same LAN', async () => {
    const server = await observed(1);
    const carrier = await lab.carrier();
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      const house = await lab.household({ behind: carrier });
      expect(house.host.addresses).toEqual(['192.168.1.2']);
      seen.push(...(await (await asking(house.host))(server.addresses[0] ?? '')));
    }
    expect(new Set(seen.map((address) => address.split(':')[0]))).toEqual(new Set(carrier.router.addresses));
    expect(new Set(seen).size).toBe(2);
  });

  test('A line has the delay and about the loss that it was given, and says how much it lost', async () => {
    const server = await lab.internet();
    const { host, line } = await lab.household({ line: { delayMs: 25, loss: 0.02 } });
    const ping = lab.run(host, ['ping', '-i', '0.005', '-c', '400', '-W', '1', '-q', server.addresses[0] ?? '']);
    await ping.ended;
    const [, least = ''] = await ping.line(/min\/avg\/max\/mdev = ([\d.]+)/);
    expect(Number(least)).toBeGreaterThanOrEqual(50);
    const { passed, lost } = (await line?.count()) ?? { passed: [0, 0], lost: [0, 0] };
    console.log(
      `line of 25 ms each way: least round trip ${least} ms; lost ${lost.join('+')} of ${passed[0] + lost[0]}+${passed[1] + lost[1]}`,
    );
    expect(lost[0] + lost[1]).toBeGreaterThan(0);
    expect(lost[0] + lost[1]).toBeLessThan(60);
  });

  test('A capture holds every datagram with its TTL, and a counter in the middle agrees with it', async () => {
    const [server, house] = [await observed(1), await lab.household()];
    const ask = await asking(house.host);
    const to = server.addresses[0] ?? '';
    const counter = lab.counter(house.address, to);
    const capture = await lab.capture(house.router, 'wan');
    const middle = await lab.captureInternet();
    for (let i = 0; i < 20; i++) await ask(to);
    const [all, crossed] = [await capture.stop(), await middle.stop()];
    const out = all.filter((datagram) => datagram.to.ip === to);
    expect(out).toHaveLength(20);
    expect(out.every((datagram) => datagram.from.ip === house.address && datagram.ttl === 63)).toBe(true);
    expect(all).toHaveLength(40);
    expect(crossed.map(({ bytes }) => bytes.length)).toEqual(all.map(({ bytes }) => bytes.length));
    expect(counter.read().packets).toBe(20);
  });

  test('A datagram with a low TTL leaves its house and dies before the next', async () => {
    const [house, server] = [await lab.household(), await observed(1)];
    const to = server.addresses[0] ?? '';
    const asker = lab.run(house.host, [process.execPath, '-e', ASKER, String(OWN)]);
    await asker.line(/ready/);
    const [left, arrived] = [await lab.capture(house.router, 'wan'), await lab.capture(server, 'wan')];
    asker.write(`${to} ${PORT} 2\n${to} ${PORT} 64\n`);
    await asker.line(/says/);
    const ttls = (all: readonly Captured[]): number[] => all.filter((one) => one.to.ip === to).map((one) => one.ttl);
    expect(ttls(await left.stop())).toEqual([1, 63]);
    expect(ttls(await arrived.stop())).toEqual([62]);
  });

  test('An early datagram from outside spoils the port only where the router lets itself be written to', async () => {
    const server = await lab.internet();
    const to = server.addresses[0] ?? '';
    const kept: Record<string, boolean> = {};
    for (const [number, input] of (['drop', 'reject', 'accept'] as const).entries()) {
      const house = await lab.household({ input });
      const port = String(PORT + number);
      const early = lab.run(server, [process.execPath, '-e', EARLY, port, house.address, String(OWN)]);
      expect(await early.ended).toBe(0);
      await lab.run(server, [process.execPath, '-e', OBSERVER, port, to]).line(/ready/);
      const asker = lab.run(house.host, [process.execPath, '-e', ASKER, String(OWN)]);
      await asker.line(/ready/);
      asker.write(`${to} ${port}\n`);
      const [, seen] = await asker.line(/says .*:(\d+)$/);
      kept[input] = seen === String(OWN);
    }
    expect(kept).toEqual({ drop: true, reject: true, accept: false });
  });
});

test(
  'A process that is interrupted or killed leaves no namespace behind',
  { skip: missing() !== undefined },
  async () => {
    const script = `
    import { Lab } from ${JSON.stringify(new URL('lab.ts', import.meta.url).pathname)};
    const lab = await Lab.create();
    await lab.household({ line: { delayMs: 5 } });
    console.log('built');
    setInterval(() => {}, 1000);`;
    const left = (pid: number | undefined): readonly string[] =>
      existing().filter((name) => name.startsWith(`hearth-${pid}-`));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const child = new Child([process.execPath, '--input-type=module', '-e', script]);
      await child.line(/built/);
      expect(left(child.pid).length).toBeGreaterThan(0);
      await child.stop(signal);
      expect(left(child.pid)).toEqual([]);
    }
    const killed = new Child([process.execPath, '--input-type=module', '-e', script]);
    await killed.line(/built/);
    await killed.stop('SIGKILL');
    expect(left(killed.pid).length).toBeGreaterThan(0);
    sweep();
    expect(left(killed.pid)).toEqual([]);
  },
);
