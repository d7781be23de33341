import { afterAll, beforeAll, expect, test } from 'vitest';
import { ms } from '../../agent/base/time.ts';
import type { NatShape } from '../../agent/sim/nat.ts';
import type { Child } from './child.ts';
import { type Household, Lab, type Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import { type Nat, shapeOf } from './nats.ts';
import { portsOf } from './ports-seen.ts';
import { type Probed, Prober, startObservers } from './probing.ts';
import { pause, until } from './programs.ts';
import { classicVerdict, startStun, STUN_PROGRAMS } from './stun.ts';

/** Sends from one port to another address every 50 ms and says from where the first datagram came. */
const KNOCKER = `
const { createSocket } = require('node:dgram');
const [, own, ip, port] = process.argv;
const socket = createSocket('udp4');
socket.on('message', (bytes, from) => { console.log('heard ' + from.address + ':' + from.port); });
socket.bind(Number(own), () => setInterval(() => socket.send('!', Number(port), ip, () => console.log('sent')), 50));
setTimeout(() => console.log('heard nobody'), 1500);`;

/** Sends one datagram without a checksum and says what comes back; Node can't leave it out. */
const WITHOUT_CHECKSUM = `
use Socket;
socket(S, PF_INET, SOCK_DGRAM, 17); setsockopt(S, SOL_SOCKET, 11, pack('i', 1));
send(S, '?', 0, pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0])));
$SIG{ALRM} = sub { exit 1 }; alarm 3; recv(S, my $said, 100, 0); print "said $said\\n";`;

/** Sends COUNT datagrams of 1,200 bytes at 20 Mbit/s to somebody who sends them back, and says how many came. */
const STREAMER = `
const { createSocket } = require('node:dgram');
const [, ip, port, count] = process.argv;
const lookup = (name, options, found) => found(null, name, 4);
const socket = createSocket({ type: 'udp4', lookup, recvBufferSize: 4e6 });
let [sent, came] = [0, 0];
socket.on('message', () => came++);
socket.bind(0, () => {
  const start = performance.now();
  const timer = setInterval(() => {
    for (; sent < count && sent < (performance.now() - start) * 20e6 / 8 / 1200 / 1000; sent++) socket.send(Buffer.alloc(1200), Number(port), ip);
    if (sent < count) return;
    clearInterval(timer);
    setTimeout(() => console.log('came ' + came), 500);
  }, 2);
});`;
const ECHO = `
const socket = require('node:dgram').createSocket({ type: 'udp4', recvBufferSize: 4e6 });
socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
socket.bind(Number(process.argv[1]), process.argv[2], () => console.log('ready'));`;

const PORT = 7000;
const symmetric = { mapping: 'address-and-port-dependent' } as const satisfies NatShape;

describeInLab(
  'The NAT box',
  () => {
    let lab: Lab;
    let server: Space;
    let observers: readonly string[];
    let to: string;

    beforeAll(async () => {
      lab = await Lab.create();
      server = await lab.internet({ addresses: 2 });
      to = server.addresses[0] ?? '';
      observers = await startObservers(lab, server);
      await startStun(lab, server);
    });

    afterAll(async () => {
      await lab?.close();
    });

    async function probing(nat: Nat, seed = 7): Promise<{ house: Household; prober: Prober }> {
      const house = await lab.household({ nat, line: { seed } });
      return { house, prober: await Prober.start(lab, house.host, observers) };
    }

    const node = (space: Space, program: string, ...words: (string | number)[]): Child =>
      lab.run(space, [process.execPath, '-e', program, ...words.map(String)]);
    const answered = (all: readonly Probed[]): number => all.flatMap(({ seen }) => seen.filter(Boolean)).length;

    test('The same seed draws the same ports, another one others', async () => {
      const draws: (readonly number[])[] = [];
      for (const seed of [1, 1, 2]) {
        draws.push(portsOf(await (await probing('random-range', seed)).prober.burst(1)));
      }
      expect(draws[0]).toEqual(draws[1]);
      expect(draws[0]).not.toEqual(draws[2]);
    });

    test('A household whose block is full gets another, which lies elsewhere', async () => {
      const { prober } = await probing('sequential-block');
      const ports = portsOf(await prober.burst(10));
      const blocks = [...new Set(ports.map((port) => Math.floor((port - 1024) / 128)))];
      expect(blocks).toHaveLength(2);
      expect(ports.filter((port) => Math.floor((port - 1024) / 128) === blocks[0])).toHaveLength(128);
      expect(Math.abs((blocks[0] ?? 0) - (blocks[1] ?? 0))).toBeGreaterThan(1);
    });

    test('Of a quota nobody gets more: not more at once in a second, not more in all', async () => {
      const { house, prober } = await probing('quota');
      expect(answered(await prober.burst(8))).toBeLessThan(100);
      await pause(1100);
      await prober.burst(8);
      await pause(1100);
      await prober.burst(8);
      const count = (await house.line?.count())?.nat;
      expect([count?.living, count?.most, count?.made]).toEqual([100, 100, 100]);
      expect(count?.fastest).toBeLessThanOrEqual(100);
      expect(count?.refused).toBe(3 * 8 * 16 - 100);
    });

    test('A mapping lives as long as it was told, longer when it was answered', async () => {
      const expiry = { unanswered: ms(400), answered: ms(3000) };
      const { house, prober } = await probing({ ...shapeOf('sequential'), expiry });
      const living = async (): Promise<number> => (await house.line?.count())?.nat?.living ?? 0;
      const silent = node(house.host, KNOCKER, 5000, to, 9);
      await until(living, (count) => count === 1);
      await prober.burst(1);
      expect(await living()).toBe(17);
      await silent.stop('SIGKILL');
      for (const left of [16, 0]) await until(living, (count) => count === left);
    });

    test.for(['paired', 'arbitrary', 'round-robin'] as const)('Pooling is %s over three addresses', async (pooling) => {
      const house = await lab.household({ nat: { ...symmetric, pooling }, addresses: 3, hosts: 2 });
      const ips: string[][] = [];
      for (const host of house.hosts) {
        const [one] = await (await Prober.start(lab, host, observers)).burst(1);
        ips.push((one?.seen ?? []).map((address) => address?.ip ?? ''));
      }
      const [a = [], b = []] = ips;
      const all = new Set(ips.flat());
      switch (pooling) {
        case 'paired':
          expect([new Set(a).size, new Set(b).size, all.size]).toEqual([1, 1, 2]);
          break;
        case 'round-robin':
          expect(all.size).toBe(3);
          expect(a.every((ip, i) => i < 3 || ip === a[i - 3])).toBe(true);
          break;
        case 'arbitrary':
          expect(all.size).toBe(3);
          expect(a.every((ip, i) => i < 3 || ip === a[i - 3])).toBe(false);
          break;
      }
    });

    test('A neighbour takes ports also while nothing of ours goes out', async () => {
      const { prober } = await probing({
        ...symmetric,
        allocation: { kind: 'sequential' },
        foreign: { perSecond: 1000 },
      });
      const first = portsOf(await prober.burst(1));
      await pause(1000);
      const later = portsOf(await prober.burst(1));
      const taken = ((later[0] ?? 0) - (first[15] ?? 0) + 64_512) % 64_512;
      console.log(`a thousand foreign mappings a second: ${taken} ports in a good second`);
      expect(taken).toBeGreaterThan(500);
    });

    test('An early datagram takes the port where the input is open, of the kernel and of the box, and only there', async () => {
      const kept: Record<string, boolean> = {};
      const kinds = ['masquerade', 'port-restricted', 'poison'] as const;
      const houses = [
        ...(await Promise.all(kinds.map(async (nat) => ({ name: nat, house: await lab.household({ nat }) })))),
        { name: 'accept', house: await lab.household({ input: 'accept' }) },
      ];
      for (const [i, { name, house }] of houses.entries()) {
        const early = node(server, KNOCKER, 6100 + i, house.address, 40_102);
        await early.line(/^sent/);
        await pause(50);
        const host = node(house.host, KNOCKER, 40_102, to, 6100 + i);
        const [, port] = await early.line(/^heard [\d.]+:(\d+)$/);
        kept[name] = port === '40102';
        await Promise.all([early.stop('SIGKILL'), host.stop('SIGKILL')]);
      }
      expect(kept).toEqual({ masquerade: true, 'port-restricted': true, poison: false, accept: false });
    });

    test.for(['none', 'external-source', 'internal-source'] as const)(
      'Two households behind one carrier with hairpin %s',
      async (hairpin) => {
        const carrier = await lab.carrier({ nat: { hairpin } });
        const houses = [
          await lab.household({ nat: 'open', behind: carrier }),
          await lab.household({ nat: 'open', behind: carrier }),
        ];
        const [a, b] = houses.map(({ router }) => router.addresses[0]);
        const [outside = ''] = carrier.router.addresses;
        const knockers = houses.map(({ host }, i) => node(host, KNOCKER, 5001 + i, outside, 5002 - i));
        const heard = hairpin === 'none' ? /^heard (nobody)$/ : /^heard ([\d.:]+)$/;
        const said = await Promise.all(knockers.map(async (knocker) => (await knocker.line(heard))[1]));
        switch (hairpin) {
          case 'none':
            expect(said).toEqual(['nobody', 'nobody']);
            break;
          case 'external-source':
            expect(said).toEqual([`${outside}:5002`, `${outside}:5001`]);
            break;
          case 'internal-source':
            expect(said).toEqual([`${b}:5002`, `${a}:5001`]);
            break;
        }
      },
    );

    test('A STUN client sees the hairpin that is there', async () => {
      const found: string[] = [];
      // With the internal source a host would hear from itself, which none believes.
      for (const hairpin of ['none', 'external-source'] as const) {
        const { host } = await lab.household({ nat: { hairpin, filtering: 'endpoint-independent' } });
        found.push((await classicVerdict(lab, host, to)).split(', ').at(-1) ?? '');
      }
      expect(found).toEqual(['no hairpin', 'will hairpin']);
    });

    test('A datagram without a checksum arrives without one, there and back', async () => {
      const { host } = await lab.household({ nat: 'sequential' });
      const capture = await lab.capture(server, 'wan', ['udp[6:2] = 0 and']);
      const [ip = '', port = ''] = observers[0]?.split(':') ?? [];
      await lab.run(host, ['perl', '-e', WITHOUT_CHECKSUM, ip, port]).line(/^said \d/);
      expect((await capture.stop()).map(({ to: { port: at } }) => at)).toEqual([Number(port)]);
    });

    test('A NAT costs one step of TTL each, box or kernel', async () => {
      const ttls: Record<string, number | undefined> = {};
      for (const nat of ['masquerade', 'port-restricted', 'double'] as const) {
        const { host } = await lab.household({ nat });
        const capture = await lab.capture(server, 'wan');
        const prober = await Prober.start(lab, host, observers);
        await prober.burst(1);
        ttls[nat] = (await capture.stop()).find((one) => one.to.ip === to)?.ttl;
      }
      expect(ttls).toEqual({ masquerade: 62, 'port-restricted': 62, double: 61 });
    });

    test('It carries 20 Mbit/s each way without losing one', async () => {
      await node(server, ECHO, PORT, to).line(/ready/);
      const house = await lab.household({ nat: 'stride' });
      const streamer = node(house.host, STREAMER, to, PORT, 4000);
      const [, came] = await streamer.line(/^came (\d+)$/, 20_000);
      const { nat, fastest } = (await house.line?.count()) ?? {};
      console.log(
        `4,000 datagrams of 1,200 bytes there and back: ${came} came, ${fastest?.join(' and ')} in the busiest second`,
      );
      expect([nat?.out, nat?.in, Number(came)]).toEqual([4000, 4000, 4000]);
    });

    test.for([
      ['masquerade', 2, 32],
      ['random', 32, 32],
      ['port-restricted', 2, 0],
      ['sequential', 32, 0],
      ['firewall', 2, 32],
    ] as const)('Behind %s two sockets make %i mappings and %i flows', async ([nat, mappings, flows]) => {
      const house = await lab.household({ nat, line: { delayMs: 5 } });
      const prober = await Prober.start(lab, house.host, observers);
      const watch = await house.watch();
      await prober.burst(2);
      const load = await watch.read();
      await watch.stop();
      expect(load).toEqual({
        mappings: { living: mappings, most: mappings, made: mappings, fastest: mappings },
        flows: { living: flows, most: flows, made: flows, fastest: flows },
        there: { packets: 32, fastest: 32 },
        back: { packets: 32, fastest: 32 },
      });
    });
  },
  STUN_PROGRAMS,
);
