import { expect, test } from 'vitest';
import type { GatewayOptions } from '../portmap/gateway.ts';
import type { Child } from './child.ts';
import { type Daemon, pause, startEmulator, tableOf, TenantProgram, UpnpRouter } from './gateways.ts';
import type { Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import { inWords, outside } from './outside.ts';

const PORT = 41_001;
const HOST = '192.168.1.2';

describeInLab(
  'A router behind a router',
  () => {
    const scene = outside();
    const { outcomes } = scene;
    let count = 0;

    /** miniupnpd refuses to map where its own outside address is private; many others do map there, as our emulator does. */
    async function house(
      daemon: Daemon,
      inner: Omit<GatewayOptions, 'ip' | 'wan'>,
    ): Promise<{
      readonly host: Space;
      readonly wan: string;
      readonly inner: Child;
      readonly outer: UpnpRouter;
      readonly other: Space;
    }> {
      const front = await scene.lab.carrier({ nat: 'masquerade', home: true });
      const address = front.router.addresses[0] ?? '';
      const outer = new UpnpRouter(scene.lab, { router: front.router, address }, `11.22.33.${++count}`);
      await outer.start({ ...daemon, lan: '10.0.0.1/16' });
      const [home, neighbour] = [
        await scene.lab.household({ behind: front }),
        await scene.lab.household({ behind: front, nat: 'open' }),
      ];
      const wan = home.router.addresses[0] ?? '';
      const emulator = await startEmulator(scene.lab, home.router, { ...inner, wan, forwards: true });
      return { host: home.host, wan, inner: emulator, outer, other: neighbour.host };
    }

    test.each<[string, Daemon, Omit<GatewayOptions, 'ip' | 'wan'>, string]>([
      ['NAT-PMP, and PCP in front', { upnp: false }, { natpmp: true }, 'pcp'],
      ['NAT-PMP, and NAT-PMP in front', { upnp: false, pmp: 'only-natpmp' }, { natpmp: true }, 'natpmp'],
      ['UPnP, and UPnP 2 in front', { pmp: false }, { upnp: { version: 1, careless: true } }, 'upnp'],
      ['UPnP, and UPnP 1 in front', { upnp: 1, pmp: false }, { upnp: { version: 1, careless: true } }, 'upnp'],
    ])('with %s is open to a stranger through both, and shut at the end', async (what, daemon, options, protocol) => {
      const { host, wan, inner, outer } = await house(daemon, options);
      const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
      const told = await tenant.verified();
      expect(told.mapping).toMatchObject({
        protocol,
        layers: 2,
        outside: 'open',
        external: { ip: outer.wan, port: PORT },
      });
      expect(outer.table).toEqual([`${PORT}>${wan}:${PORT}`]);
      expect(await tableOf(inner)).toEqual([`${PORT}>${HOST}:${PORT}`]);
      outcomes.add(what, inWords(told));
      await tenant.stop();
      expect(outer.table).toEqual([]);
      expect(await tableOf(inner)).toEqual([]);
      expect(tenant.told?.kept).toEqual([]);
      await outer.kill();
    });

    test('has nothing of us left at either router after we were killed and came back with another port', async () => {
      const { host, wan, inner, outer } = await house({ upnp: false }, { natpmp: true });
      const first = new TenantProgram(scene.lab, host, { observer: scene.observer });
      const { kept } = await first.verified();
      await first.child.stop('SIGKILL');
      const second = new TenantProgram(scene.lab, host, { observer: scene.observer, saved: kept, port: 45_000 });
      await second.until(({ mapping }) => mapping?.state === 'verified' && mapping.layers === 2);
      await second.until((told) => told.kept.every(({ internal }) => internal === 45_000), 30_000);
      expect(outer.table).toEqual([`45000>${wan}:45000`]);
      expect(await tableOf(inner)).toEqual([`45000>${HOST}:45000`]);
      await second.stop();
      expect(outer.table).toEqual([]);
      outcomes.add('killed, and back with another port', 'one entry at each, none after stop');
      await outer.kill();
    });

    test('gives another port where a neighbour has ours, and says which', async () => {
      const { host, wan, outer, other } = await house({ pmp: false }, { natpmp: true });
      const taken = scene.lab.run(other, [
        'upnpc',
        '-u',
        'http://10.0.0.1:5000/rootDesc.xml',
        '-a',
        other.addresses[0] ?? '',
        `${PORT}`,
        `${PORT}`,
        'UDP',
      ]);
      await taken.ended;
      expect(outer.table).toEqual([`${PORT}>${other.addresses[0]}:${PORT}`]);
      const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
      const told = await tenant.verified();
      const { mapping } = told;
      outcomes.add('a neighbour has the port in front', inWords(told));
      expect(mapping?.external?.port).not.toBe(PORT);
      expect(outer.table).toContain(`${mapping?.external?.port}>${wan}:${PORT}`);
      await tenant.stop();
      await outer.kill();
    });

    test('that maps nothing, for its own address is private, is named, and nobody in front is asked', async () => {
      const { host, outer } = await house({ upnp: false }, { pcp: true });
      const tenant = new TenantProgram(scene.lab, host, { observer: scene.observer });
      const { gateways } = await tenant.until(({ standings }) => standings?.pcp.name === 'refused');
      outcomes.add(
        'the inner one refuses, its address being private',
        `${gateways[0]?.outside}, nobody in front is asked`,
      );
      expect(gateways).toMatchObject([{ layer: 1, outside: 'double-nat' }]);
      await pause(500);
      expect(outer.table).toEqual([]);
      await tenant.stop();
      await outer.kill();
    });
  },
  ['miniupnpd', 'upnpc'],
);
