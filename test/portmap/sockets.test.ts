import { describe, expect, onTestFinished, test } from 'vitest';
import { askGateway } from '../../agent/io/upnp-http.ts';
import type { HttpOrder } from '../../agent/portmap/client.ts';
import { seconds } from '../../agent/base/time.ts';
import { Emulator } from './emulator.ts';
import type { GatewayOptions } from './gateway.ts';
import { ATTACKS, startHostile } from './hostile.ts';
import { Tenant } from './tenant.ts';

/** Every address of 127/8 is this machine's: a LAN of its own for each process, and a new one for each test. */
const lan = `127.${20 + (process.pid % 200)}`;
let number = 0;
const WAN = '203.0.113.80';

async function scene(
  options: Omit<GatewayOptions, 'ip'>,
): Promise<{ emulator: Emulator; tenant: Tenant; own: string }> {
  number++;
  const [ip, own] = [`${lan}.${number}.1`, `${lan}.${number}.2`];
  const emulator = await Emulator.start({ ip, ...options });
  const judge = async ({ port }: { port: number }): Promise<boolean> => emulator.table.includes(`${port}>${own}:41001`);
  const tenant = new Tenant({ door: { gateway: ip, own, port: 41_001 }, observed: WAN, judge });
  onTestFinished(async () => {
    tenant.kill();
    await emulator.stop();
  });
  return { emulator, tenant, own };
}

describe('Over real sockets', () => {
  test.each<[string, Omit<GatewayOptions, 'ip'>, string]>([
    ['PCP', { pcp: true }, 'pcp'],
    ['NAT-PMP', { natpmp: true }, 'natpmp'],
    ['UPnP 1', { upnp: { version: 1 } }, 'upnp'],
    ['UPnP 2', { upnp: { version: 2 } }, 'upnp'],
    ['UPnP over PPP', { upnp: { version: 1, services: [{ kind: 'PPP', connected: true }] } }, 'upnp'],
    ['all of them', { pcp: true, natpmp: true, upnp: { version: 2 } }, 'pcp'],
  ])('a port is opened, verified and given back by %s', async (_what, options, protocol) => {
    const { emulator, tenant, own } = await scene(options);
    await tenant.until(() => tenant.mapping?.state === 'verified');
    expect(tenant.mapping).toMatchObject({ protocol, external: { ip: WAN, port: 41_001 } });
    expect(emulator.table).toEqual([`41001>${own}:41001`]);
    await tenant.stop();
    expect(emulator.table).toEqual([]);
    expect(tenant.kept).toEqual([]);
  });

  test('a gateway that lies gets no further than that', async () => {
    const { tenant } = await scene({ natpmp: true, lying: true });
    await tenant.until(() => tenant.standings?.natpmp.name === 'disproved');
    expect(tenant.mapping).toBeUndefined();
  });
});

describe.concurrent('A hostile gateway', () => {
  test.for(Object.entries(ATTACKS))('with %s gets nothing', async ([, { attack, refused }], { onTestFinished }) => {
    number++;
    const [ip, own, other] = [`${lan}.${number}.1`, `${lan}.${number}.2`, `${lan}.${number}.3`];
    const hostile = await startHostile(ip, other, attack);
    const emulator = await Emulator.start({ ip, upnp: { version: 1, location: hostile.location } });
    const tenant = new Tenant({ door: { gateway: ip, own, port: 41_001 } });
    onTestFinished(async () => {
      tenant.kill();
      await emulator.stop();
      await hostile.stop();
    });
    await tenant.until(() => tenant.standings?.upnp.name === 'refused');
    expect(tenant.mapping).toBeUndefined();
    expect(hostile.elsewhere()).toBe(0);
    expect(tenant.orders.every(({ to }) => to.ip === ip)).toBe(true);
    if (refused !== undefined) expect(tenant.chain.refused.get(refused)).toBeGreaterThan(0);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('One request to a gateway', () => {
  const order = (to: { ip: string; port: number }): HttpOrder => ({
    kind: 'http',
    request: 7,
    to,
    from: to.ip,
    method: 'GET',
    path: '/rootDesc.xml',
    headers: [],
    body: '',
    limit: 65_536,
    within: seconds(3),
  });

  test('is answered with what came', async () => {
    const { emulator } = await scene({ upnp: { version: 1 } });
    const { ip } = emulator.gateway.options;
    const answer = await askGateway(order({ ip, port: emulator.gateway.httpPort }));
    expect(answer).toMatchObject({ kind: 'http-answered', request: 7, status: 200 });
  });

  test('fails in words where nobody listens, and where the address is not ours', async () => {
    expect(await askGateway(order({ ip: `${lan}.250.1`, port: 9 }))).toEqual({
      kind: 'http-failed',
      request: 7,
      reason: 'unreachable',
    });
    const foreign = { ...order({ ip: `${lan}.250.1`, port: 9 }), from: '203.0.113.7' };
    expect(await askGateway(foreign)).toMatchObject({ kind: 'http-failed', reason: 'unreachable' });
  });
});
