import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Address } from '../../agent/base/address.ts';
import {
  type Daemon,
  output,
  pause,
  ROUTER,
  six,
  startEmulator,
  startObserver,
  tableOf,
  TenantProgram,
  UpnpRouter,
} from './gateways.ts';
import { type Household, Lab, type Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import { ip, nft } from './netns.ts';

const PORT = 41_001;
const HOST = '192.168.1.2';
/** Outside address of the emulator; others do not take one of the documentation's for a real one. */
const WAN = '11.22.33.200';

describeInLab(
  'Routers that open a port by themselves',
  () => {
    let lab: Lab;
    let observer: Address;
    let count = 0;
    const rows: string[] = [];

    beforeAll(async () => {
      lab = await Lab.create();
      observer = await startObserver(lab, await lab.internet({ addresses: 2 }));
    });

    afterAll(async () => {
      console.log(rows.join('\n'));
      await lab?.close();
    });

    async function house(
      daemon: Daemon = {},
      hosts = 1,
    ): Promise<{ home: Household; host: Space; router: UpnpRouter }> {
      const home = await lab.household({ hosts });
      const router = new UpnpRouter(lab, home, `11.22.33.${++count}`);
      await router.start(daemon);
      return { home, host: home.host, router };
    }

    describe('miniupnpd', () => {
      test.each<[string, Daemon, string]>([
        ['of version 2, with everything', {}, 'pcp'],
        ['of version 1, with everything', { upnp: 1 }, 'pcp'],
        ['with PCP only', { upnp: false, pmp: 'only-pcp' }, 'pcp'],
        ['with NAT-PMP only', { upnp: false, pmp: 'only-natpmp' }, 'natpmp'],
        ['with UPnP of version 2 only', { pmp: false }, 'upnp'],
        ['with UPnP of version 1 only', { upnp: 1, pmp: false }, 'upnp'],
      ])('%s opens the port to a stranger, and shuts it at the end', async (what, daemon, protocol) => {
        const { host, router } = await house(daemon);
        const tenant = new TenantProgram(lab, host, { observer });
        const { mapping, heldAfter = 0, verifiedAfter = 0 } = await tenant.verified();
        expect(mapping).toMatchObject({ protocol, outside: 'open', external: { ip: router.wan, port: PORT } });
        expect(router.table).toEqual([`${PORT}>${HOST}:${PORT}`]);
        rows.push(
          `${what}: ${protocol}, held after ${heldAfter.toFixed(0)} ms, verified after ${verifiedAfter.toFixed(0)} ms`,
        );
        if (daemon.upnp !== false) {
          expect(await output(lab, host, ['upnpc', '-l'])).toContain(`UDP ${PORT}->${HOST}:${PORT}`);
        }
        await tenant.stop();
        expect(router.table).toEqual([]);
        expect(tenant.told?.kept).toEqual([]);
        await router.kill();
      });

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['UPnP 2', { pmp: false }],
        ['UPnP 1', { upnp: 1, pmp: false }],
        ['NAT-PMP', { upnp: false, pmp: 'only-natpmp' }],
      ])('leaves nothing behind over %s when we are killed and come back with another port', async (_what, daemon) => {
        const { host, router } = await house(daemon);
        const first = new TenantProgram(lab, host, { observer });
        const { kept } = await first.verified();
        await first.child.stop('SIGKILL');
        expect(router.table).toEqual([`${PORT}>${HOST}:${PORT}`]);
        const second = new TenantProgram(lab, host, { observer, saved: kept, port: 45_000 });
        await second.verified();
        await second.until((told) => told.kept.every(({ internal }) => internal === 45_000));
        expect(router.table).toEqual([`45000>${HOST}:45000`]);
        await second.stop();
        expect(router.table).toEqual([]);
        await router.kill();
      });

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['UPnP 2', { pmp: false }],
        ['UPnP 1', { upnp: 1, pmp: false }],
      ])('gives two agents with the same port one each over %s', async (_what, daemon) => {
        const { home, router } = await house(daemon, 2);
        const [one, other] = home.hosts.map((host) => new TenantProgram(lab, host, { observer }));
        const [first, second] = [await one?.verified(), await other?.verified()];
        expect(first?.mapping?.external?.port).not.toBe(second?.mapping?.external?.port);
        expect(router.table).toHaveLength(2);
        await one?.stop();
        await other?.stop();
        expect(router.table).toEqual([]);
        await router.kill();
      });

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['UPnP', { pmp: false }],
      ])('is found over %s from behind a firewall of our own', async (_what, daemon) => {
        const { host, router } = await house(daemon);
        nft(
          host.netns,
          `table ip zone { chain input { type filter hook input priority filter; policy drop;
             iifname "lo" accept; ct state established,related accept; udp dport ${PORT} accept; }; }`,
        );
        const tenant = new TenantProgram(lab, host, { observer });
        await tenant.verified();
        await tenant.stop();
        await router.kill();
      });

      test('that was switched off and on has our mapping again without being asked for long', async () => {
        const { host, router } = await house();
        const tenant = new TenantProgram(lab, host, { observer });
        await tenant.verified();
        await pause(3000);
        await router.kill();
        await router.start();
        expect(router.table).toEqual([]);
        const end = performance.now() + 15_000;
        while (router.table.length === 0 && performance.now() < end) await pause(100);
        expect(router.table).toEqual([`${PORT}>${HOST}:${PORT}`]);
        await tenant.stop();
        await router.kill();
      });

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['UPnP', { pmp: false }],
      ])('whose line was redialled has us at the new address over %s', async (_what, daemon) => {
        const { host, router } = await house(daemon);
        const tenant = new TenantProgram(lab, host, { observer });
        await tenant.verified();
        router.moveTo(`11.22.33.${++count}`);
        const there = ({ mapping }: { mapping?: { external?: Address | undefined } | undefined }): boolean =>
          mapping?.external?.ip === router.wan;
        await tenant.until((told) => there(told) && told.mapping?.state === 'verified', 30_000);
        await tenant.stop();
        await router.kill();
      });

      test('that gives twenty seconds is asked in time, and shuts the port when we are gone', async () => {
        const { host, router } = await house({ upnp: false, longest: 20 });
        const tenant = new TenantProgram(lab, host, { observer });
        await tenant.verified();
        await pause(40_000);
        const { tries, mapping } = await tenant.verified();
        expect(mapping?.external?.port).toBe(PORT);
        expect(tries).toBeGreaterThanOrEqual(3);
        await tenant.child.stop('SIGKILL');
        const end = performance.now() + 40_000;
        while (router.table.length > 0 && performance.now() < end) await pause(500);
        expect(router.table).toEqual([]);
        await router.kill();
      });

      test('lets a stranger in over IPv6 by PCP, and not without', async () => {
        const server = await lab.internet({ ipv6: true });
        const here = server.six ?? '';
        const other = `${here}234`;
        ip(server.netns, [`addr add ${other}/128 dev wan nodad`]);
        const observer6 = await startObserver(lab, { netns: server.netns, addresses: [here, other] });
        const home = await lab.household({ ipv6: true });
        const router = new UpnpRouter(lab, home, `11.22.33.${++count}`);
        await router.start({ ipv6: true });
        const own = six(home.host, 'eth0');
        const door = { gateway: six(home.router, 'lan'), own, port: PORT };
        const without = await output(lab, home.host, [process.execPath, '-e', knocked(own, PORT, observer6)]);
        expect(without.trim()).toBe('nobody came');
        const tenant = new TenantProgram(lab, home.host, { observer: observer6, door });
        const { mapping } = await tenant.verified();
        expect(mapping).toMatchObject({ protocol: 'pcp', outside: 'open', external: { ip: own, port: PORT } });
        await tenant.stop();
        await router.kill();
      });

      test('behind another NAT says so, and we name it', async () => {
        const home = await lab.household();
        const router = new UpnpRouter(lab, home, '10.9.8.7');
        await router.start();
        const tenant = new TenantProgram(lab, home.host, { observer });
        const { standings } = await tenant.until(({ standings: all }) => all?.upnp.name === 'refused');
        expect(standings?.pcp).toMatchObject({ name: 'refused', wan: '10.9.8.7' });
        rows.push(`private address outside: ${JSON.stringify(standings)}`);
        await tenant.stop();
        await router.kill();
      });
    });

    describe('our emulator', () => {
      test.each<[string, Parameters<typeof startEmulator>[2], string]>([
        ['that is slow', { upnp: { version: 1 }, delay: 5000 }, 'no mapping'],
        ['that is silent', {}, 'no mapping'],
        ['that lies in every language', { pcp: true, natpmp: true, upnp: { version: 2 }, lying: true }, 'no mapping'],
        ['whose port is taken', { upnp: { version: 1 }, taken: [PORT] }, 'upnp'],
        ['that knows permanent leases only', { upnp: { version: 1, permanentOnly: true } }, 'upnp'],
        ['that dislikes its own lease time', { upnp: { version: 2, faults: { AddAnyPortMapping: 402 } } }, 'upnp'],
        ['that fails', { upnp: { version: 1, faults: { AddPortMapping: 501 } } }, 'no mapping'],
      ])('%s: %s', async (what, options, expected) => {
        const { host, router } = await lab.household();
        const emulator = await startEmulator(lab, router, options);
        const tenant = new TenantProgram(lab, host, options.lying === true ? { observer } : {});
        if (expected === 'no mapping') {
          const refused = await tenant.until(({ standings }) => standings?.upnp.name === 'refused');
          expect(refused.mapping).toBeUndefined();
          rows.push(`${what}: UPnP ${JSON.stringify(refused.standings?.upnp)}`);
        } else {
          const { mapping } = await tenant.until((told) => told.mapping !== undefined);
          expect(mapping?.protocol).toBe(expected);
          expect(await tableOf(emulator)).toHaveLength(1);
        }
        await tenant.stop();
        expect(await tableOf(emulator)).toEqual([]);
        await emulator.stop();
      });

      test.each<[string, Parameters<typeof startEmulator>[2]]>([
        ['PCP', { pcp: true }],
        ['NAT-PMP', { natpmp: true }],
        ['UPnP', { upnp: { version: 2 } }],
      ])('that starts anew gets our mapping again over %s', async (_what, options) => {
        const { host, router } = await lab.household();
        const emulator = await startEmulator(lab, router, options);
        const tenant = new TenantProgram(lab, host, {});
        await tenant.until((told) => told.mapping !== undefined);
        await pause(5000);
        emulator.write('reboot\n');
        const end = performance.now() + 15_000;
        await pause(50);
        while ((await tableOf(emulator)).length === 0 && performance.now() < end) await pause(100);
        expect(await tableOf(emulator)).toEqual([`${PORT}>${HOST}:${PORT}`]);
        await tenant.stop();
        await emulator.stop();
      });

      test('is a gateway to upnpc, natpmpc, nat-upnp and nat-pmp too: each adds, sees and deletes', async () => {
        const { host, router } = await lab.household();
        const emulator = await startEmulator(lab, router, { wan: WAN, natpmp: true, pcp: true, upnp: { version: 1 } });
        const others: readonly (readonly [string, readonly string[], readonly string[]])[] = [
          ['upnpc', ['upnpc', '-a', HOST, '5001', '5001', 'UDP'], ['upnpc', '-d', '5001', 'UDP']],
          ['natpmpc', ['natpmpc', '-a', '5002', '5002', 'udp', '600'], ['natpmpc', '-a', '5002', '5002', 'udp', '0']],
          [
            'nat-upnp',
            [process.execPath, '-e', natUpnp('portMapping', 5003)],
            [process.execPath, '-e', natUpnp('portUnmapping', 5003)],
          ],
          ['nat-pmp', [process.execPath, '-e', natPmp(5004, 600)], [process.execPath, '-e', natPmp(5004, 0)]],
        ];
        for (const [name, add, remove] of others) {
          const said = await output(lab, host, add);
          const table = await tableOf(emulator);
          expect(table, `${name}: ${said}`).toHaveLength(1);
          expect(table[0], name).toMatch(new RegExp(`^(\\d+)>${HOST}:\\1$`));
          if (name === 'upnpc') expect(await output(lab, host, ['upnpc', '-l'])).toContain(`5001->${HOST}:5001`);
          const removed = await output(lab, host, remove);
          expect(await tableOf(emulator), `${name}: ${removed}`).toEqual([]);
        }
        expect(await output(lab, host, ['natpmpc', '-g', ROUTER])).toContain(WAN);
        await emulator.stop();
      });

      test('shows upnpc exactly what we claim', async () => {
        const { host, router } = await lab.household();
        const emulator = await startEmulator(lab, router, { wan: WAN, upnp: { version: 1 }, taken: [PORT] });
        const tenant = new TenantProgram(lab, host, {});
        const { mapping } = await tenant.until((told) => told.mapping !== undefined);
        const listed = await output(lab, host, ['upnpc', '-l']);
        expect(listed).toContain(`UDP ${mapping?.external?.port}->${HOST}:${PORT} 'hearth'`);
        await tenant.stop();
        await emulator.stop();
      });
    });

    test('Twenty starts are twenty verified mappings; how long they took is printed', async () => {
      for (const [what, daemon] of [
        ['PCP', {}],
        ['UPnP only', { pmp: false }],
      ] as const) {
        const { host, router } = await house(daemon);
        const times: number[] = [];
        for (let i = 0; i < 20; i++) {
          const tenant = new TenantProgram(lab, host, { observer, seed: i });
          times.push((await tenant.verified()).verifiedAfter ?? Infinity);
          await tenant.stop();
        }
        expect(times.every(Number.isFinite)).toBe(true);
        times.sort((a, b) => a - b);
        const [p50 = 0, p95 = 0] = [times[9], times[18]];
        rows.push(`${what}: verified after ${p50.toFixed(0)} ms (p50), ${p95.toFixed(0)} ms (p95) of 20`);
        await router.kill();
      }
    });
  },
  ['miniupnpd', 'upnpc', 'natpmpc'],
);

/** Listens without having asked the router, and has the observer knock. */
function knocked(own: string, port: number, observer: Address): string {
  return `
    const { createSocket } = require('node:dgram');
    const end = (what) => { console.log(what); process.exit(0); };
    createSocket('udp6').on('message', () => end('somebody came')).bind(${port}, '${own}');
    createSocket('udp6').send('${own} ${port}', ${observer.port}, '${observer.ip}');
    setTimeout(end, 1000, 'nobody came');`;
}

/** One call of nat-upnp. */
function natUpnp(call: string, port: number): string {
  const options = { public: { port, protocol: 'udp' }, private: { port, protocol: 'udp' }, ttl: 600, protocol: 'udp' };
  return `
    const client = require('nat-upnp').createClient();
    client.${call}(${JSON.stringify({ ...options })}, (error) => {
      console.log(error ?? 'done');
      client.close();
      process.exit(0);
    });`;
}

/** One mapping by nat-pmp; a lifetime of 0 deletes. */
function natPmp(port: number, ttl: number): string {
  return `
    const client = require('nat-pmp').connect('${ROUTER}');
    client.portMapping({ type: 'udp', private: ${port}, public: ${port}, ttl: ${ttl} }, (error, info) => {
      console.log(error ?? info);
      process.exit(0);
    });`;
}
