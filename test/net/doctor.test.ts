import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { VerdictWord } from '../../agent/doctor/verdict.ts';
import type { Child } from './child.ts';
import { Lab, type Space } from './lab.ts';
import { pause, settled, startEmulator, UpnpRouter } from './gateways.ts';
import { describeInLab } from './missing.ts';
import { atGateway, MATRIX } from './nats.ts';
import { ip, nft } from './netns.ts';
import { hearth, MAIN, type Rendezvous, startAgent, startRendezvous, States } from './programs.ts';

/** As at a house: 10 ms to the exchange. */
const LINE = { delayMs: 10 };

type Kind = (typeof MATRIX)[number];

/** What the doctor has to say of each kind; of everything else: a usual NAT. */
const WORDS: Readonly<Partial<Record<Kind, VerdictWord>>> = {
  open: 'open',
  firewall: 'firewall',
  'full-cone': 'open',
  'random-block': 'hard-nat',
  random: 'hard-nat',
};
/** A router on which the kernel's own rules stand has the public address itself, and a firewall. */
const ON_GATEWAYS: typeof WORDS = { ...WORDS, masquerade: 'firewall', random: 'firewall' };

interface Told {
  readonly verdict: VerdictWord;
  readonly sentence: string;
  readonly advice: readonly string[];
  readonly checks: readonly { readonly name: string; readonly answer: string; readonly seen: string }[];
  readonly nat?: { readonly kind: string };
  readonly took_s: number;
}

describeInLab(
  'hearth doctor',
  () => {
    const states = new States();
    let lab: Lab;
    let rendezvous: Rendezvous;
    const said: Child[] = [];

    beforeAll(async () => {
      lab = await Lab.create();
      const server = await lab.internet({ addresses: 2, line: LINE });
      rendezvous = await startRendezvous(lab, server, states, ['--log-level', 'debug'], 8);
    });

    afterEach(({ task }) => {
      if (task.result?.state === 'fail') for (const child of said) console.log(child.lines.join('\n'), child.errors);
      said.length = 0;
    });

    afterAll(async () => {
      await lab?.close();
      states.remove();
    });

    /** What it says in a place, and its exit code. */
    async function ask(from: Space, more: readonly string[] = ['--rendezvous', rendezvous.place]): Promise<Told> {
      return heard(hearth(lab, from, ['doctor', '--json', ...more]));
    }

    async function heard(child: Child): Promise<Told> {
      said.push(child);
      expect(await child.ended).toBe(0);
      expect(child.lines).toHaveLength(1);
      const told = JSON.parse(child.lines[0] ?? '') as Told;
      expect(told.took_s).toBeLessThan(10);
      // Masked unless asked for.
      expect(child.lines[0]).not.toMatch(/\d+\.\d+\.\d+\.\d+|2001:2:0:/);
      return told;
    }

    function answer({ checks }: Told, name: string): string | undefined {
      return checks.find((check) => check.name === name)?.answer;
    }

    test.concurrent.for(MATRIX.flatMap((nat) => [['host', nat] as const, ['gateway', nat] as const]))(
      'On the %s behind %s it names what stands in front',
      async ([place, nat]) => {
        const house = await lab.household({ nat: place === 'host' ? nat : atGateway(nat), line: LINE });
        const told = await ask(place === 'host' ? house.host : house.gateway);
        console.log(`${place} ${nat}: ${told.verdict}, ${told.nat?.kind}, ${told.took_s} s`);
        expect(told.verdict).toBe((place === 'host' ? WORDS : ON_GATEWAYS)[nat] ?? 'punchable');
        expect(answer(told, 'udp')).toBe('yes');
      },
    );

    test('Behind somebody who resets BitTorrent it says so, and that nothing else is touched', async () => {
      const house = await lab.household({ nat: 'masquerade', line: LINE });
      nft(house.router.netns, INJECTOR);
      const told = await ask(house.host);
      expect([told.verdict, answer(told, 'resets'), answer(told, 'inspection')]).toEqual(['interference', 'no', 'no']);
      expect(told.checks.find(({ name }) => name === 'resets')?.seen).toMatch(/^BitTorrent-like/);
      expect(answer(told, 'udp')).toBe('yes');
    });

    test('Behind somebody who swallows it the same is found without a reset', async () => {
      const house = await lab.household({ nat: 'masquerade', line: LINE });
      nft(house.router.netns, INJECTOR.replace('reject with tcp reset', 'drop'));
      const told = await ask(house.host);
      expect([told.verdict, answer(told, 'resets'), answer(told, 'inspection')]).toEqual(['interference', 'yes', 'no']);
    });

    test.for(['host', 'router'] as const)(
      'UDP that is blocked on the %s is called blocked, for TCP gets through',
      async (where) => {
        const house = await lab.household(where === 'host' ? { nat: 'blocked', line: LINE } : { line: LINE });
        if (where === 'router') nft(house.router.netns, BLOCK);
        const told = await ask(house.host);
        expect([told.verdict, answer(told, 'udp')]).toEqual(['udp-blocked', 'no']);
      },
    );

    test('A wrong key is met with silence, as a block is, and both are named', async () => {
      const house = await lab.household({ line: LINE });
      const wrong = rendezvous.place.replace(/#../, (start) => (start === '#aa' ? '#bb' : '#aa'));
      const told = await ask(house.host, ['--rendezvous', wrong]);
      expect(told.verdict).toBe('udp-blocked');
      expect(told.sentence).toContain('or the key after the # is wrong');
      expect(told.advice[0]).toContain('Compare the key');
    });

    test('Another program at the TCP port of a rendezvous that is away is no proof of a block', async () => {
      const server = await lab.internet();
      const waiting = `require('node:net').createServer(() => {}).listen(7000, '${server.addresses[0]}')`;
      lab.run(server, [process.execPath, '-e', waiting]);
      const house = await lab.household({ line: LINE });
      await pause(500);
      const [, key] = rendezvous.place.split('#');
      const told = await ask(house.host, ['--rendezvous', `${server.addresses[0]}:7000#${key}`]);
      expect([told.verdict, answer(told, 'udp')]).toEqual(['no-rendezvous', 'not checked']);
    });

    test('Of several rendezvous the first that answers is asked, at once', async () => {
      const house = await lab.household({ line: LINE });
      const [, key] = rendezvous.place.split('#');
      const silent = [`198.18.250.1:7000#${key}`, `198.18.250.2:7000#${key}`];
      const told = await ask(house.host, ['--rendezvous', [...silent, rendezvous.place].join(',')]);
      expect(told.verdict).toBe('punchable');
      expect(told.took_s).toBeLessThan(5);
    });

    test('Ten seconds are enough where neither the gateway nor any DNS server answers in time', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'hearth-names-'));
      const names = join(folder, 'resolv.conf');
      writeFileSync(names, 'nameserver 198.18.250.3\nnameserver 198.18.250.4\noptions timeout:30 attempts:5\n');
      const house = await lab.household({ line: LINE });
      await startEmulator(lab, house.router, { pcp: true, natpmp: true, upnp: { version: 2 }, delay: 5000 });
      const doctor = `exec ${process.execPath} ${MAIN} doctor --json --rendezvous '${rendezvous.place}'`;
      const words = ['unshare', '-m', 'sh', '-c', `mount --bind ${names} /etc/resolv.conf && ${doctor}`];
      const told = await heard(lab.run(house.host, words));
      expect([told.verdict, answer(told, 'names')]).toEqual(['punchable', 'no']);
      rmSync(folder, { recursive: true });
    });

    test('A rendezvous without a file descriptor left goes on over UDP, and takes connections again afterwards', async () => {
      const server = await lab.internet({ addresses: 2, line: LINE });
      const listen = server.addresses.flatMap((ip) => [`${ip}:7000`, `${ip}:7001`]).join(',');
      const words = `rendezvous --listen ${listen} --state ${states.next()}`;
      const poor = lab.run(server, ['sh', '-c', `ulimit -n 40; exec ${process.execPath} ${MAIN} ${words}`]);
      const [, place, key] = await poor.line(/^rendezvous ready (\S+) key (\S+)$/, 20_000);
      const many = await lab.household({ line: LINE });
      const flood = `const net = require('node:net');
        const open = () => { const s = net.connect(7000, '${server.addresses[0]}'); s.on('error', () => {}); setTimeout(() => s.destroy(), 900).unref(); };
        setInterval(() => { for (let i = 0; i < 20; i++) open(); }, 100); setTimeout(() => process.exit(), 8000);`;
      const flooding = lab.run(many.host, [process.execPath, '-e', flood]);
      await pause(1000);
      const house = await lab.household({ line: LINE });
      expect((await ask(house.host, ['--rendezvous', `${place}#${key}`])).verdict).toBe('punchable');
      await flooding.ended;
      const later = await ask(house.host, ['--rendezvous', `${place}#${key}`]);
      expect([answer(later, 'resets'), answer(later, 'inspection')]).toEqual(['yes', 'yes']);
      expect(await poor.stop()).toBe(0);
    });

    test('A rendezvous that is not there is not taken for a block', async () => {
      const house = await lab.household({ line: LINE });
      const nobody = rendezvous.place.replace(/:\d+#/, ':6999#');
      const told = await ask(house.host, ['--rendezvous', nobody]);
      expect([told.verdict, answer(told, 'udp')]).toEqual(['no-rendezvous', 'not checked']);
    });

    test('On a machine with no network at all it says that, and looks at the machine', async () => {
      const space = lab.nowhere();
      for (const more of [[], ['--rendezvous', rendezvous.place]]) {
        const told = await ask(space, more);
        expect([told.verdict, answer(told, 'machine'), answer(told, 'udp')]).toEqual([
          'no-network',
          'yes',
          'not checked',
        ]);
      }
    });

    test.for(['masquerade', 'random'] as const)(
      'Behind %s, with a router that opens ports, it says so and leaves none open',
      async (nat) => {
        const home = await lab.household({ nat });
        const router = new UpnpRouter(lab, home, nat === 'random' ? '11.22.33.1' : '11.22.33.2');
        await router.start();
        const told = await ask(home.host);
        expect([told.verdict, answer(told, 'mapping'), answer(told, 'nat-layers')]).toEqual(['mapped', 'yes', 'yes']);
        expect(router.table).toEqual([]);
        await router.kill();
      },
    );

    test.for([
      ['192.168.0.77', 'double-nat'],
      ['100.64.7.7', 'carrier-nat'],
      ['11.22.33.44', 'carrier-nat'],
    ] as const)('Behind a router that has %s outside, and is not seen by that, it says %s', async ([wan, word]) => {
      const home = await lab.household({ line: LINE });
      await startEmulator(lab, home.router, { natpmp: true, wan });
      const told = await ask(home.host);
      expect([told.verdict, answer(told, 'nat-layers')]).toEqual([word, 'no']);
    });

    test('On a router whose line has an address of the carrier it names the carrier', async () => {
      const carrier = await lab.carrier({ line: LINE });
      const { gateway } = await lab.household({ behind: carrier });
      const told = await ask(gateway);
      expect([told.verdict, answer(told, 'wan-address')]).toEqual(['carrier-nat', 'no']);
    });

    test('A line that takes no full packets is found, and how much it takes', async () => {
      const home = await lab.household({});
      ip(home.router.netns, ['link set wan mtu 1400']);
      const told = await ask(home.host);
      expect(told.checks.find(({ name }) => name === 'packet-size')?.seen).toMatch(
        /^1400 bytes get there, the link takes 1500/,
      );
    });

    test.for([
      ['shut', 'no'],
      ['open', 'yes'],
      ['opened when it is asked', 'yes'],
    ] as const)('A house whose firewall is %s for IPv6 is told so', async ([state, word]) => {
      const server = await lab.internet({ addresses: 2, ipv6: true });
      const six = server.six ?? '';
      const second = six.replace(/1$/, '2');
      ip(server.netns, [`addr add ${second}/128 dev wan nodad`]);
      const addresses = [...server.addresses, six, second];
      const both = await startRendezvous(lab, { ...server, addresses }, states);
      const home = await lab.household({ ipv6: true });
      if (state === 'open') nft(home.router.netns, 'delete table ip6 hearth');
      await Promise.all([home.router, home.host].map(settled));
      const router = state === 'opened when it is asked' ? new UpnpRouter(lab, home, '11.22.33.5') : undefined;
      await router?.start({ ipv6: true });
      const told = await ask(home.host, ['--rendezvous', both.place]);
      expect([answer(told, 'ipv6'), answer(told, 'ipv6-door')]).toEqual(['yes', word]);
      expect(router?.pinholes ?? []).toEqual([]);
      await router?.kill();
      expect(await both.child.stop()).toBe(0);
    });

    test('Beside a running agent it knows whose port 8480 is, and does not disturb it', async () => {
      const { host } = await lab.household({ line: LINE });
      const { child } = await startAgent(lab, host, rendezvous.place, states, ['--port', '41641']);
      const told = await ask(host, ['--rendezvous', rendezvous.place, '--port', '41641']);
      expect(told.checks.find(({ name }) => name === 'lan-port')?.seen).toBe('8480 is served by the agent here');
      expect(told.verdict).toBe('punchable');
      expect(await child.stop()).toBe(0);
    });

    test('Run three times in a row it says the same three times', async () => {
      const house = await lab.household({ line: LINE });
      const words = [await ask(house.host), await ask(house.host), await ask(house.host)].map(({ verdict }) => verdict);
      expect(words).toEqual(['punchable', 'punchable', 'punchable']);
    });
  },
  ['miniupnpd'],
);

/** Resets whoever begins like BEP 3, on the way out; both ends are told by nobody else. */
const INJECTOR = `
table ip injector {
  chain forward {
    type filter hook forward priority -10; policy accept;
    meta l4proto tcp @ih,0,64 0x13426974546f7272 reject with tcp reset
  }
}`;

const BLOCK = `
table ip blocker {
  chain forward {
    type filter hook forward priority -10; policy accept;
    meta l4proto udp drop
  }
}`;
