import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Terrain } from '../../agent/uplink/terrain.ts';
import { dump, LAN, mapData } from '../uplink/dump.ts';
import type { Child } from './child.ts';
import { pause } from './gateways.ts';
import { Lab, type Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import { command, ip, settings } from './netns.ts';

const PROGRAM = new URL('terrain-main.ts', import.meta.url).pathname;

/** From a change to what is told of it: a look every 3 s, netifd's 2 s where it hangs, and a busy machine. */
const NOTICED = 9000;

/** A program on a machine of the laboratory that watches the terrain, and what it has said. `ubus` is the machine's, as a shell script. */
class Watch {
  readonly #child: Child;
  readonly #root = mkdtempSync(join(tmpdir(), 'hearth-uplink-'));

  constructor(lab: Lab, { netns }: Pick<Space, 'netns'>, ubus?: string) {
    symlinkSync('/proc', join(this.#root, 'proc'));
    symlinkSync('/sys', join(this.#root, 'sys'));
    mkdirSync(join(this.#root, 'bin'));
    if (ubus !== undefined) writeFileSync(join(this.#root, 'bin/ubus'), `#!/bin/sh\n${ubus}\n`, { mode: 0o755 });
    const strace = ['strace', '-f', '-e', 'trace=execve', '-o', join(this.#root, 'trace')];
    const program = [...strace, 'node', PROGRAM, this.#root, this.#root];
    this.#child = lab.run({ netns, addresses: [] }, program);
    onTestFinished(async () => {
      // strace keeps signals from what it runs.
      this.#child.closeInput();
      await this.#child.ended;
      rmSync(this.#root, { recursive: true });
    });
  }

  /** The terrain that was told as the n-th, counted from 1. */
  async told(n: number): Promise<Terrain> {
    const all = (): readonly string[] => this.#child.lines.filter((line) => line.startsWith('{'));
    for (const late = performance.now() + NOTICED; all().length < n && performance.now() < late;) await pause(50);
    const line = all()[n - 1];
    if (line === undefined) throw new Error(`only ${all().length} told: ${this.#child.errors}`);
    return JSON.parse(line) as Terrain;
  }

  get times(): number {
    return this.#child.lines.filter((line) => line.startsWith('{')).length;
  }

  /** Has it look at the whole system; answers with the names of its links. */
  async facts(): Promise<string> {
    this.#child.write('\n');
    return (await this.#child.line(/^facts (.*)$/))[1] ?? '';
  }

  /** The programs that were started so far, itself the first. */
  programs(): readonly string[] {
    const lines = readFileSync(join(this.#root, 'trace'), 'utf8').split('\n');
    return lines.flatMap((line) =>
      line.includes(' = -1 ') ? [] : (/execve\("(?:[^"]*\/)?([^"/]+)"/.exec(line)?.[1] ?? []),
    );
  }
}

const says = (text: string): string => `exec cat <<'END'\n${text}\nEND`;

describeInLab(
  'The lines out of a machine',
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.create();
    });
    afterAll(async () => lab?.close());

    test('a router is a gateway, and a computer behind it is none', async () => {
      const house = await lab.household();
      const router = new Watch(lab, house.router);
      const host = new Watch(lab, house.host);
      expect(await router.told(1)).toEqual({
        uplinks: [
          { family: 4, name: 'wan', gateway: '198.18.0.1', metric: 0, own: house.address, prefix: 32, ports: [] },
        ],
        isGateway: true,
        lan: ['lan'],
      });
      expect(await host.told(1)).toMatchObject({
        uplinks: [{ name: 'eth0', own: '192.168.1.2', prefix: 24, gateway: '192.168.1.1' }],
        isGateway: false,
        lan: [],
      });
    });

    test('lines that come and go are noticed: a second one, the first one lost, both lost', async () => {
      const { router } = await lab.household();
      const watch = new Watch(lab, router);
      expect((await watch.told(1)).uplinks.map(({ name }) => name)).toEqual(['wan']);
      ip(router.netns, [
        'link add wanb type veth peer name provider',
        'addr add 203.0.113.7/24 dev wanb',
        'link set provider up',
        'link set wanb up',
        'route add default via 203.0.113.1 dev wanb metric 20',
      ]);
      await settled(watch, ({ uplinks }) => uplinks.length === 2);
      expect((await watch.told(watch.times)).uplinks.map(({ name, metric }) => [name, metric])).toEqual([
        ['wan', 0],
        ['wanb', 20],
      ]);
      ip(router.netns, ['route del default dev wan']);
      await settled(watch, ({ uplinks }) => uplinks.length === 1);
      expect((await watch.told(watch.times)).uplinks).toMatchObject([{ name: 'wanb', gateway: '203.0.113.1' }]);
      ip(router.netns, ['link set wanb down']);
      await settled(watch, ({ uplinks }) => uplinks.length === 0);
      expect((await watch.told(watch.times)).isGateway).toBe(true);
    });

    test('a line with two ends has no next hop', async () => {
      const house = await lab.household({ line: { delayMs: 1 } });
      const { uplinks } = await new Watch(lab, house.router).told(1);
      expect(uplinks).toMatchObject([{ name: 'wan', own: house.address }]);
      expect(uplinks[0]).not.toHaveProperty('gateway');
    });

    test('over IPv6 the next hop is link-local, and our address the one that stays', async () => {
      const { router } = await lab.household({ ipv6: true });
      const watch = new Watch(lab, router);
      const six = async (): Promise<unknown> =>
        (await watch.told(watch.times)).uplinks.find(({ family }) => family === 6);
      const first = (await watch.told(1)).uplinks.find(({ family }) => family === 6);
      expect(first).toMatchObject({ name: 'wan', gateway: 'fe80::1%wan', metric: 1024 });
      expect(first?.own).toMatch(/^2001:2:0:\w+::1$/);
      // The provider gives another prefix, of which the system makes a temporary address as well.
      settings(router.netns, { 'ipv6/conf/wan/use_tempaddr': 2 });
      ip(router.netns, [
        'addr add 2001:2:0:99::5/64 dev wan mngtmpaddr nodad valid_lft 86400 preferred_lft 43200',
        `addr change ${first?.own}/128 dev wan valid_lft 7200 preferred_lft 0`,
      ]);
      await settled(watch, ({ uplinks }) => uplinks.some(({ own }) => own === '2001:2:0:99::5'));
      expect(await six()).toMatchObject({ own: '2001:2:0:99::5', prefix: 64 });
      expect(readFile(router, 'if_inet6')).toMatch(/^2001000200000099\w{16} \w+ 40 00 01 +wan$/m);
    });

    test('the port set of a shared address is told by netifd', async () => {
      const house = await lab.household();
      const ranges = [
        { from: 1232, to: 1235 },
        { from: 2256, to: 2259 },
      ];
      const map = { interface: 'wan_map', proto: 'map', l3_device: 'wan', data: mapData(house.address, ranges) };
      const watch = new Watch(lab, house.router, says(dump([LAN, map])));
      expect((await watch.told(1)).uplinks).toMatchObject([{ own: house.address, ports: ranges, proto: 'map' }]);
    });

    test('a netifd that hangs is waited for two seconds and done without', async () => {
      const house = await lab.household();
      const watch = new Watch(lab, house.router, 'exec sleep 600');
      expect((await watch.told(1)).uplinks).toMatchObject([{ name: 'wan', ports: [] }]);
    });

    test('no program is started while nothing changes, not even to look at the whole system', async () => {
      const house = await lab.household();
      const watch = new Watch(lab, house.router, says(dump([LAN])));
      await watch.told(1);
      await pause(7000);
      const asked = ['ubus', 'cat'];
      expect(watch.programs()).toEqual(['node', ...asked, ...asked]);
      expect(await watch.facts()).toMatch(/\bwan\b/);
      await pause(7000);
      expect(watch.programs()).toHaveLength(5);
      expect(watch.times).toBe(1);
    });
  },
  ['strace'],
);

/** Until the newest terrain is like that. */
async function settled(watch: Watch, isSo: (terrain: Terrain) => boolean): Promise<void> {
  for (let n = watch.times; !isSo(await watch.told(n)); n = Math.max(n + 1, watch.times)) await pause(50);
}

function readFile({ netns }: Space, name: string): string {
  return command(['ip', 'netns', 'exec', netns, 'cat', `/proc/net/${name}`]);
}
