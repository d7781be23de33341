import { describe, expect, test } from 'vitest';
import type { Address } from '../../agent/base/address.ts';
import type { Standings } from '../../agent/portmap/contest.ts';
import { type Daemon, output, pause, TenantProgram, UpnpRouter } from './gateways.ts';
import type { Household, Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import { inWords, outside } from './outside.ts';
import { nft } from './netns.ts';

const PORT = 41_001;
const HOST = '192.168.1.2';

describeInLab(
  'Routers that open a port by themselves',
  () => {
    const scene = outside();
    const { outcomes } = scene;
    let count = 0;

    async function house(
      daemon: Daemon = {},
      hosts = 1,
    ): Promise<{ home: Household; host: Space; router: UpnpRouter }> {
      const home = await scene.lab.household({ hosts });
      const router = new UpnpRouter(scene.lab, home, `11.22.33.${++count}`);
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
        const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
        const told = await tenant.verified();
        outcomes.add(`miniupnpd ${what}`, inWords(told));
        expect(told.mapping).toMatchObject({ protocol, outside: 'open', external: { ip: router.wan, port: PORT } });
        expect(router.table).toEqual([`${PORT}>${HOST}:${PORT}`]);
        if (daemon.upnp !== false) {
          expect(await output(scene.lab, host, ['upnpc', '-l'])).toContain(`UDP ${PORT}->${HOST}:${PORT}`);
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
      ])('leaves nothing behind over %s when we are killed and come back with another port', async (what, daemon) => {
        const { host, router } = await house(daemon);
        const first = new TenantProgram(scene.lab, host, { observer: scene.observer });
        const { kept } = await first.verified();
        await first.child.stop('SIGKILL');
        expect(router.table).toEqual([`${PORT}>${HOST}:${PORT}`]);
        const second = new TenantProgram(scene.lab, host, { observer: scene.observer, saved: kept, port: 45_000 });
        await second.verified();
        await second.until((told) => told.kept.every(({ internal }) => internal === 45_000));
        expect(router.table).toEqual([`45000>${HOST}:45000`]);
        await second.stop();
        expect(router.table).toEqual([]);
        outcomes.add(`killed, and back with another port, over ${what}`, 'one entry, none after stop');
        await router.kill();
      });

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['UPnP 2', { pmp: false }],
        ['UPnP 1', { upnp: 1, pmp: false }],
      ])('gives two agents with the same port one each over %s', async (what, daemon) => {
        const { home, router } = await house(daemon, 2);
        const [one, other] = home.hosts.map((host) => new TenantProgram(scene.lab, host, { observer: scene.observer }));
        const [first, second] = [await one?.verified(), await other?.verified()];
        expect(first?.mapping?.external?.port).not.toBe(second?.mapping?.external?.port);
        expect(router.table).toHaveLength(2);
        const ports = [first, second].map((told) => told?.mapping?.external?.port ?? 0);
        outcomes.add(`two agents with port ${PORT} over ${what}`, `ports ${ports.join(' and ')}`);
        await one?.stop();
        await other?.stop();
        expect(router.table).toEqual([]);
        await router.kill();
      });

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['UPnP', { pmp: false }],
      ])('is found over %s from behind a firewall of our own', async (what, daemon) => {
        const { host, router } = await house(daemon);
        nft(
          host.netns,
          `table ip zone { chain input { type filter hook input priority filter; policy drop;
             iifname "lo" accept; ct state established,related accept; udp dport ${PORT} accept; }; }`,
        );
        const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
        outcomes.add(`behind our own firewall, over ${what}`, inWords(await tenant.verified()));
        await tenant.stop();
        await router.kill();
      });

      test('that was switched off and on has our mapping again without being asked for long', async () => {
        const { host, router } = await house();
        const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
        await tenant.verified();
        await pause(3000);
        await router.kill();
        await router.start();
        expect(router.table).toEqual([]);
        const end = performance.now() + 15_000;
        while (router.table.length === 0 && performance.now() < end) await pause(100);
        expect(router.table).toEqual([`${PORT}>${HOST}:${PORT}`]);
        outcomes.add(
          'switched off and on',
          `mapped again after ${((performance.now() - end + 15_000) / 1000).toFixed(1)} s`,
        );
        await tenant.stop();
        await router.kill();
      });

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['UPnP', { pmp: false }],
      ])('whose line was redialled has us at the new address over %s', async (what, daemon) => {
        const { host, router } = await house(daemon);
        const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
        await tenant.verified();
        router.moveTo(`11.22.33.${++count}`);
        const there = ({ mapping }: { mapping?: { external?: Address | undefined } | undefined }): boolean =>
          mapping?.external?.ip === router.wan;
        const told = await tenant.until((now) => there(now) && now.mapping?.state === 'verified', 30_000);
        outcomes.add(`redialled, over ${what}`, `${told.mapping?.state} at the new address`);
        await tenant.stop();
        await router.kill();
      });

      test('that gives twenty seconds is asked in time, and shuts the port when we are gone', async () => {
        const { host, router } = await house({ upnp: false, longest: 20 });
        const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
        await tenant.verified();
        await pause(40_000);
        const { tries, mapping } = await tenant.verified();
        expect(mapping?.external?.port).toBe(PORT);
        expect(tries).toBeGreaterThanOrEqual(3);
        await tenant.child.stop('SIGKILL');
        const end = performance.now() + 40_000;
        while (router.table.length > 0 && performance.now() < end) await pause(500);
        expect(router.table).toEqual([]);
        outcomes.add('leases of 20 s, then we are killed', `${tries} verifications in 40 s, then it runs out`);
        await router.kill();
      });

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['NAT-PMP', { upnp: false, pmp: 'only-natpmp' }],
        ['UPnP 2', { pmp: false }],
        ['UPnP 1', { upnp: 1, pmp: false }],
      ])(
        'is asked a hundred times over %s and has one entry, always the same, open to a stranger',
        async (what, daemon) => {
          const { host, router } = await house(daemon);
          const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
          let { mapping } = await tenant.verified();
          for (let i = 0; i < 100; i++) {
            const before = mapping?.expires ?? 0;
            // Two thirds of two hours are over: high time.
            tenant.later(4800);
            ({ mapping } = await tenant.until((told) => (told.mapping?.expires ?? 0) > before + 4_000_000));
            expect(mapping).toMatchObject({ state: 'verified', external: { ip: router.wan, port: PORT } });
          }
          // Each of them was tried by a stranger.
          expect((await tenant.verified()).tries).toBeGreaterThanOrEqual(101);
          expect(router.table).toEqual([`${PORT}>${HOST}:${PORT}`]);
          outcomes.add(`a hundred renewals over ${what}`, `port ${PORT} throughout, one entry`);
          await tenant.stop();
          expect(router.table).toEqual([]);
          await router.kill();
        },
      );

      test.each<[string, Daemon]>([
        ['PCP', { upnp: false }],
        ['NAT-PMP', { upnp: false, pmp: 'only-natpmp' }],
        ['UPnP 2', { pmp: false }],
        ['UPnP 1', { upnp: 1, pmp: false }],
      ])('has the same entry again over %s after we were killed and came back', async (what, daemon) => {
        const { host, router } = await house(daemon);
        const first = new TenantProgram(scene.lab, host, { observer: scene.observer });
        const { kept } = await first.verified();
        await first.child.stop('SIGKILL');
        const second = new TenantProgram(scene.lab, host, { observer: scene.observer, saved: kept });
        const told = await second.verified();
        expect(told.mapping?.external?.port).toBe(PORT);
        expect(router.table).toEqual([`${PORT}>${HOST}:${PORT}`]);
        outcomes.add(`killed, and back with the same port, over ${what}`, inWords(told));
        await second.stop();
        expect(router.table).toEqual([]);
        await router.kill();
      });

      test('behind another NAT says so, and we name it', async () => {
        const home = await scene.lab.household();
        const router = new UpnpRouter(scene.lab, home, '10.9.8.7');
        await router.start();
        const tenant = new TenantProgram(scene.lab, home.host, { observer: scene.observer });
        const { standings } = await tenant.until(({ standings: all }) => all?.upnp.name === 'refused');
        expect(standings?.pcp).toMatchObject({ name: 'refused', wan: '10.9.8.7' });
        outcomes.add('miniupnpd with a private address outside', refusals(standings));
        await tenant.stop();
        await router.kill();
      });
    });

    test('Six starts are six verified mappings; how long they took is printed', async () => {
      for (const [what, daemon] of [
        ['PCP', {}],
        ['UPnP only', { pmp: false }],
      ] as const) {
        const { host, router } = await house(daemon);
        const times: number[] = [];
        for (let i = 0; i < 6; i++) {
          const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer, seed: i });
          times.push((await tenant.verified()).verifiedAfter ?? Infinity);
          await tenant.stop();
        }
        expect(times.every(Number.isFinite)).toBe(true);
        times.sort((a, b) => a - b);
        const [quickest = 0, slowest = 0] = [times[0], times.at(-1)];
        outcomes.add(`six starts over ${what}`, `verified after ${quickest.toFixed(0)} to ${slowest.toFixed(0)} ms`);
        await router.kill();
      }
    });
  },
  ['miniupnpd', 'upnpc', 'natpmpc'],
);

/** Who refused, and in which words. */
function refusals(standings: Standings | undefined): string {
  return Object.entries(standings ?? {})
    .map(([protocol, standing]) => `${protocol} ${standing.name === 'refused' ? standing.reason : standing.name}`)
    .join(', ');
}
