import { expect, onTestFinished, test } from 'vitest';
import type { SavedLease } from '../../agent/portmap/saved.ts';
import { type Daemon, knocking, output, pause, settled, six, TenantProgram, UpnpRouter } from './gateways.ts';
import type { Space } from './lab.ts';
import { pingOnce } from './matrix.ts';
import { describeInLab } from './missing.ts';
import { ip, nft, settings } from './netns.ts';
import { inWords, outside } from './outside.ts';
import { startAgent, startRendezvous, States } from './programs.ts';

const PORT = 41_001;

/** Opens nothing over IPv4. */
const DEAF4 = `
table ip deaf {
  chain input { type filter hook input priority -10; udp dport { 1900, 5351 } drop; }
}`;

describeInLab(
  'Routers that keep strangers out of IPv6',
  () => {
    const scene = outside({ ipv6: true });
    const { outcomes } = scene;
    let count = 0;

    async function house(daemon: Daemon): Promise<{
      readonly own: string;
      readonly router: UpnpRouter;
      readonly tenant: (words?: { readonly port?: number; readonly saved?: readonly SavedLease[] }) => TenantProgram;
      readonly knocked: () => Promise<boolean>;
    }> {
      const home = await scene.lab.household({ ipv6: true });
      await Promise.all([home.router, home.host].map(settled));
      const router = new UpnpRouter(scene.lab, home, `11.22.33.${++count}`);
      await router.start({ ...daemon, ipv6: true });
      const own = six(home.host, 'eth0');
      // As a router's advertisement names it.
      const gateway = `${six(home.router, 'lan', 'link')}%eth0`;
      return {
        own,
        router,
        tenant: ({ port = PORT, ...words } = {}) =>
          new TenantProgram(scene.lab, home.host, { observer: scene.observer, ...words, door: { gateway, own, port } }),
        knocked: async () => {
          const said = await output(scene.lab, home.host, [
            process.execPath,
            '-e',
            knocking(own, PORT, scene.observer),
          ]);
          return said.trim() === 'somebody came';
        },
      };
    }

    /** Over PCP this miniupnpd deletes nothing that was ever renewed; what it then gets is its shortest time, 10 s. */
    const shut = async (router: UpnpRouter): Promise<void> => {
      const end = performance.now() + 15_000;
      while (router.pinholes.length > 0 && performance.now() < end) await pause(100);
      expect(router.pinholes).toEqual([]);
    };

    test.each<[string, Daemon, string]>([
      ['PCP', { upnp: false, longest: 20 }, 'pcp'],
      ['UPnP', { pmp: false }, 'upnp'],
      ['both', { longest: 20 }, 'pcp'],
    ])('let one in over %s while we are there, asked at their link-local address', async (what, daemon, protocol) => {
      const { own, router, tenant: begin, knocked } = await house(daemon);
      expect(await knocked()).toBe(false);
      const tenant = begin();
      const told = await tenant.verified();
      expect(told.mapping).toMatchObject({ protocol, outside: 'open', external: { ip: own, port: PORT } });
      expect(router.pinholes).toEqual([`${own}:${PORT}`]);
      outcomes.add(`over ${what}`, inWords(told));
      await tenant.stop();
      expect(tenant.told?.kept).toEqual([]);
      await shut(router);
      expect(await knocked()).toBe(false);
      await router.kill();
    });

    test('have no pinhole left over UPnP after we were killed and came back with another port', async () => {
      const { own, router, tenant: begin } = await house({ pmp: false });
      const first = begin();
      const { kept } = await first.verified();
      expect(kept.find(({ protocol }) => protocol === 'upnp')?.pinhole).toBeTypeOf('number');
      await first.child.stop('SIGKILL');
      expect(router.pinholes).toEqual([`${own}:${PORT}`]);
      const second = begin({ saved: kept, port: 45_000 });
      await second.verified();
      await second.until((told) => told.kept.every(({ internal }) => internal === 45_000));
      expect(router.pinholes).toEqual([`${own}:45000`]);
      await second.stop();
      expect(router.pinholes).toEqual([]);
      outcomes.add('killed, and back with another port, over UPnP', 'one pinhole, none after stop');
      await router.kill();
    });

    test('have one pinhole for us, not two, after we were killed and came back with the same port', async () => {
      const { own, router, tenant: begin } = await house({ pmp: false });
      const first = begin();
      const { kept } = await first.verified();
      await first.child.stop('SIGKILL');
      const second = begin({ saved: kept });
      const { kept: keptNow } = await second.verified();
      expect(keptNow).toEqual(kept);
      expect(router.pinholes).toEqual([`${own}:${PORT}`]);
      await second.stop();
      expect(router.pinholes).toEqual([]);
      outcomes.add('killed, and back with the same port, over UPnP', 'the same pinhole, none after stop');
      await router.kill();
    });

    test('shut a pinhole of PCP soon after we left that was renewed before', async () => {
      const { router, tenant: begin } = await house({ upnp: false, longest: 20 });
      const tenant = begin();
      const first = (await tenant.verified()).mapping?.expires ?? 0;
      await tenant.until(({ mapping }) => mapping !== undefined && mapping.expires > first + 5000, 30_000);
      await tenant.stop();
      const left = performance.now();
      await shut(router);
      const time = ((performance.now() - left) / 1000).toFixed(1);
      outcomes.add('over PCP, renewed, then left in order', `shut after ${time} s`);
      await router.kill();
    });

    test.each([
      ['of an address that stays', false],
      ['of a temporary address', true],
    ])('let strangers dial a household %s that nobody can reach over IPv4', async (what, isTemporary) => {
      const states = new States();
      onTestFinished(() => states.remove());
      const server = await scene.lab.internet({ addresses: 2, ipv6: true });
      const { netns, six: first = '' } = server;
      // The knock comes from an address that we never wrote to.
      ip(netns, [`addr add ${first}234/128 dev wan nodad`]);
      const addresses = [...server.addresses, first, `${first}234`];
      const rendezvous = await startRendezvous(scene.lab, { netns, addresses }, states);
      const home = await scene.lab.household({ nat: 'random', ipv6: true });
      await Promise.all([home.router, home.host].map(settled));
      const router = new UpnpRouter(scene.lab, home, `11.22.33.${++count}`);
      await router.start({ ipv6: true });
      nft(home.router.netns, DEAF4);
      const own = six(home.host, 'eth0');
      if (isTemporary) await makeTemporary(home.host, own);
      const words = ['--lan', 'off', '--log-level', 'debug', '--port', String(PORT)];
      const agent = await startAgent(scene.lab, home.host, rendezvous.place, states, words);
      await agent.child.error(/door-open by=pinhole port=41001/);
      expect([router.table, router.pinholes.length]).toEqual([[], 1]);
      expect(router.pinholes[0] === `${own}:${PORT}`).toBe(!isTemporary);
      const far = await scene.lab.household({ nat: 'random', ipv6: true });
      const { line } = await pingOnce(scene.lab, far.host, agent.node, rendezvous, 20);
      expect(line).toMatch(/^connected direct pinhole /);
      outcomes.add(`agents, ${what}, IPv4 behind a random NAT`, line);
      await agent.child.stop();
      expect(router.pinholes).toEqual([]);
      await router.kill();
    });

    test('that were switched off and on have our pinhole again', async () => {
      const { own, router, tenant: begin } = await house({ pmp: false });
      const tenant = begin();
      await tenant.verified();
      await pause(3000);
      await router.kill();
      await router.start({ pmp: false, ipv6: true });
      expect(router.pinholes).toEqual([]);
      const end = performance.now() + 15_000;
      while (router.pinholes.length === 0 && performance.now() < end) await pause(100);
      expect(router.pinholes).toEqual([`${own}:${PORT}`]);
      await tenant.stop();
      await router.kill();
    });
  },
  ['miniupnpd'],
);

/** The system speaks from an address that it makes up and changes (RFC 8981), as on most computers with a screen. */
async function makeTemporary(host: Space, own: string): Promise<void> {
  settings(host.netns, { 'ipv6/conf/eth0/use_tempaddr': 2 });
  ip(host.netns, [`addr change ${own}/64 dev eth0 mngtmpaddr nodad valid_lft 86400 preferred_lft 43200`]);
  await settled(host);
}
