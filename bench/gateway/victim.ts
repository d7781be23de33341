import { createRequire } from 'node:module';
import { Tenant } from '../../test/portmap/tenant.ts';

/** One client meets one hostile gateway: how much memory it grew by, how long it was busy, what came of it. */
export interface Suffered {
  readonly growthMb: number;
  readonly ms: number;
  readonly outcome: string;
}

const [, , who = '', lan = '', location = '', good = ''] = process.argv;
const meet = who === 'hearth' ? meetAsHearth : meetAsNatUpnp;

await meet(`${lan}.4`, good);
globalThis.gc?.();
const before = process.memoryUsage.rss();
let peak = before;
const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 2);
const started = performance.now();
console.log(before / 1e6);
const outcome = await meet(`${lan}.1`, location);
const ms = performance.now() - started;
clearInterval(sampling);
const suffered: Suffered = { growthMb: (Math.max(peak, process.memoryUsage.rss()) - before) / 1e6, ms, outcome };
console.log(JSON.stringify(suffered));

async function meetAsHearth(gateway: string): Promise<string> {
  const tenant = new Tenant({ door: { gateway, own: `${lan}.2`, port: 41_001 } });
  await tenant.until(() => tenant.mapping !== undefined || tenant.standings?.upnp.name === 'refused');
  const { refused } = tenant.chain;
  const mapped = tenant.mapping !== undefined;
  tenant.kill();
  return mapped ? 'mapped' : `refused: ${[...refused.keys()].join(', ') || 'no service'}`;
}

/** Its own search needs multicast, so it is handed the address that it would have found. */
async function meetAsNatUpnp(_gateway: string, url: string): Promise<string> {
  const require = createRequire(import.meta.url);
  const devices = require('nat-upnp/lib/nat-upnp/device') as {
    create(url: string): { run(action: string, args: readonly unknown[], done: (error?: Error) => void): void };
  };
  return new Promise((resolve) => {
    devices
      .create(url)
      .run('GetExternalIPAddress', [], (error) =>
        resolve(error === null || error === undefined ? 'answered' : `error: ${error.message}`),
      );
  });
}
