import { expect, test } from 'vitest';
import { output, pause, ROUTER, startEmulator, tableOf, TenantProgram } from './gateways.ts';
import { describeInLab } from './missing.ts';
import { inWords, outside } from './outside.ts';

const PORT = 41_001;
const HOST = '192.168.1.2';
/** Outside address of the emulator; others do not take one of the documentation's for a real one. */
const WAN = '11.22.33.200';

describeInLab(
  'Our emulated gateway',
  () => {
    const scene = outside();
    const { outcomes } = scene;

    test.each<[string, Parameters<typeof startEmulator>[2], string]>([
      ['that is slow', { upnp: { version: 1 }, delay: 5000 }, 'no mapping'],
      ['that is silent', {}, 'no mapping'],
      ['that lies in every language', { pcp: true, natpmp: true, upnp: { version: 2 }, lying: true }, 'no mapping'],
      ['whose port is taken', { upnp: { version: 1 }, taken: [PORT] }, 'upnp'],
      ['that knows permanent leases only', { upnp: { version: 1, permanentOnly: true } }, 'upnp'],
      ['that dislikes its own lease time', { upnp: { version: 2, faults: { AddAnyPortMapping: 402 } } }, 'upnp'],
      ['that fails', { upnp: { version: 1, faults: { AddPortMapping: 501 } } }, 'no mapping'],
    ])('%s: %s', async (what, options, expected) => {
      const { host, router } = await scene.lab.household();
      const emulator = await startEmulator(scene.lab, router, options);
      const tenant = new TenantProgram(scene.lab, host, options.lying === true ? { observer: scene.observer } : {});
      if (expected === 'no mapping') {
        const refused = await tenant.until(({ standings }) => standings?.upnp.name === 'refused');
        expect(refused.mapping).toBeUndefined();
        const standing = refused.standings?.upnp;
        outcomes.add(what, `no mapping: ${standing?.name === 'refused' ? standing.reason : ''}`);
      } else {
        const told = await tenant.until(({ mapping }) => mapping !== undefined);
        outcomes.add(what, inWords(told));
        expect(told.mapping?.protocol).toBe(expected);
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
    ])('that starts anew gets our mapping again over %s', async (what, options) => {
      const { host, router } = await scene.lab.household();
      const emulator = await startEmulator(scene.lab, router, options);
      const tenant = new TenantProgram(scene.lab, host, {});
      await tenant.until((told) => told.mapping !== undefined);
      await pause(5000);
      emulator.write('reboot\n');
      const end = performance.now() + 15_000;
      await pause(50);
      while ((await tableOf(emulator)).length === 0 && performance.now() < end) await pause(100);
      expect(await tableOf(emulator)).toEqual([`${PORT}>${HOST}:${PORT}`]);
      outcomes.add(`started anew, its epoch back at zero, over ${what}`, 'mapped again');
      await tenant.stop();
      await emulator.stop();
    });

    test.each<[string, Parameters<typeof startEmulator>[2]]>([
      ['PCP', { pcp: true }],
      ['NAT-PMP', { natpmp: true }],
      ['UPnP', { upnp: { version: 2 } }],
    ])('that forgets and says nothing has our mapping again with the next renewal over %s', async (what, options) => {
      const { host, router } = await scene.lab.household();
      const emulator = await startEmulator(scene.lab, router, options);
      const tenant = new TenantProgram(scene.lab, host, {});
      await tenant.until((told) => told.mapping !== undefined);
      emulator.write('forget\n');
      expect(await tableOf(emulator)).toEqual([]);
      tenant.later(4800);
      const end = performance.now() + 5000;
      while ((await tableOf(emulator)).length === 0 && performance.now() < end) await pause(20);
      expect(await tableOf(emulator)).toEqual([`${PORT}>${HOST}:${PORT}`]);
      outcomes.add(`forgot without a word, over ${what}`, 'mapped again at the next renewal');
      await tenant.stop();
      await emulator.stop();
    });

    test('that falls silent for ever has us give the mapping up when its time is over', async () => {
      const { host, router } = await scene.lab.household();
      const emulator = await startEmulator(scene.lab, router, { pcp: true });
      const tenant = new TenantProgram(scene.lab, host, {});
      await tenant.until((told) => told.mapping !== undefined);
      emulator.write('silent\n');
      tenant.later(4800);
      expect(tenant.told?.mapping).toBeDefined();
      tenant.later(2500);
      await tenant.until((told) => told.mapping === undefined);
      outcomes.add('silent for ever', 'the mapping is given up when its time is over');
      await tenant.stop();
      await emulator.stop();
    });

    test('is a gateway to upnpc, natpmpc, nat-upnp and nat-pmp too: each adds, sees and deletes', async () => {
      const { host, router } = await scene.lab.household();
      const emulator = await startEmulator(scene.lab, router, {
        wan: WAN,
        natpmp: true,
        pcp: true,
        upnp: { version: 1 },
      });
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
        const said = await output(scene.lab, host, add);
        const table = await tableOf(emulator);
        expect(table, `${name}: ${said}`).toHaveLength(1);
        expect(table[0], name).toMatch(new RegExp(`^(\\d+)>${HOST}:\\1$`));
        if (name === 'upnpc') expect(await output(scene.lab, host, ['upnpc', '-l'])).toContain(`5001->${HOST}:5001`);
        const removed = await output(scene.lab, host, remove);
        expect(await tableOf(emulator), `${name}: ${removed}`).toEqual([]);
      }
      expect(await output(scene.lab, host, ['natpmpc', '-g', ROUTER])).toContain(WAN);
      await emulator.stop();
    });

    test('shows upnpc exactly what we claim', async () => {
      const { host, router } = await scene.lab.household();
      const emulator = await startEmulator(scene.lab, router, { wan: WAN, upnp: { version: 1 }, taken: [PORT] });
      const tenant = new TenantProgram(scene.lab, host, {});
      const { mapping } = await tenant.until((told) => told.mapping !== undefined);
      const listed = await output(scene.lab, host, ['upnpc', '-l']);
      expect(listed).toContain(`UDP ${mapping?.external?.port}->${HOST}:${PORT} 'hearth'`);
      await tenant.stop();
      await emulator.stop();
    });
  },
  ['upnpc', 'natpmpc'],
);

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
