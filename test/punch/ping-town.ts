import { at, ms, seconds } from '../../agent/base/time.ts';
import { Household, type HouseholdEffect, type HouseholdInput } from '../../agent/house/household.ts';
import { Ping, type PingEffect, type PingInput } from '../../agent/house/ping.ts';
import { Rendezvous } from '../../agent/rendezvous/server.ts';
import type { Host } from '../../agent/sim/host.ts';
import type { KindName } from '../../agent/sim/kinds.ts';
import type { AccessShape } from '../../agent/sim/link.ts';
import { World } from '../../agent/sim/world.ts';
import { toyCipher } from '../sim/toy-cipher.ts';
import type { Meeting } from './meeting.ts';

const LISTEN = [
  { ip: '198.51.100.1', port: 3478 },
  { ip: '198.51.100.2', port: 3478 },
  { ip: '198.51.100.1', port: 3479 },
  { ip: '198.51.100.2', port: 3479 },
];
const SUITES = ['aes-128-gcm'] as const;

interface Options {
  readonly seed?: number;
  readonly access?: AccessShape;
  readonly relay?: boolean;
  readonly home?: NonNullable<Meeting['home']>;
}

/** The line that `hearth ping` prints behind `asks`, for a household behind `listens`: the real machines throughout. */
export function ping(asks: KindName, listens: KindName, options: Options = {}): string {
  const { seed = 1, access = { delay: ms(20) }, relay = true, home } = options;
  const world = new World({ seed });
  const cipher = toyCipher(world.random());
  const networkSecret = new Uint8Array(0);
  const identity = cipher.pair();
  const server = world.host({ ips: ['198.51.100.1', '198.51.100.2'] });
  const shared = { cipher, networkSecret, suites: SUITES };
  const limits = relay ? {} : { limits: { relayKbits: 0 } };
  const random = world.random();
  server.run(new Rendezvous({ ...shared, random, identity, listen: LISTEN, now: server.now(), ...limits }));
  const endpoint = (host: Host) => ({
    ...shared,
    random: world.random(),
    identity: cipher.pair(),
    servers: [{ address: { ip: '198.51.100.1', port: 3478 }, key: identity.publicKey }],
    firstByte: 'any' as const,
    local: { ip: '0.0.0.0', port: 0 },
    networks: [{ ip: host.ip, prefix: 24 }],
    punch: 'full' as const,
    role: 'agent' as const,
    children: 2,
  });
  const [here, there] =
    home === undefined
      ? [world.household(asks, { access }), world.household(listens, { access })]
      : home(world, access);
  const stream = { channels: [], ringSpan: seconds(8), ringBytes: 2 ** 20, hold: ms(1000) };
  const place = endpoint(there.host);
  const household = new Household({ ...place, ...stream });
  there.host.run<HouseholdInput, HouseholdEffect>(household).give({ kind: 'start' });
  world.run(at(3000));
  let line = '';
  const node = place.identity.publicKey;
  const asking = new Ping({ ...endpoint(here.host), role: 'ping', children: 0, node, patience: seconds(20) });
  const drive = here.host.run<PingInput, PingEffect>(asking, (effect) => {
    if (effect.kind === 'result') line = effect.line;
  });
  drive.give({ kind: 'start' });
  world.runUntil(() => line !== '', at(60_000));
  return line;
}
