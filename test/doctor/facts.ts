import { UNKNOWN } from '../../agent/base/nat-profile.ts';
import type { NatProfile } from '../../agent/base/nat-profile.ts';
import { at, ms } from '../../agent/base/time.ts';
import type { Facts } from '../../agent/doctor/facts.ts';
import type { Sight } from '../../agent/doctor/sight.ts';
import type { Grant } from '../../agent/portmap/client.ts';
import type { Standings } from '../../agent/portmap/contest.ts';
import type { Mapping } from '../../agent/portmap/mapping.ts';

const OBSERVED = { ip: '203.0.113.7', port: 40_123 };

export const SILENT: Standings = {
  pcp: { name: 'asked', since: at(0) },
  natpmp: { name: 'looking', since: at(0) },
  upnp: { name: 'refused', reason: 'silent', wan: undefined },
};

/** Nothing was seen at all. */
export const BLIND: Sight = {
  met: undefined,
  isHeard: false,
  rtt: undefined,
  observed: undefined,
  port: 50_000,
  nat: undefined,
  hairpin: undefined,
  trips: undefined,
  largest: undefined,
  six: undefined,
  gateways: [],
  mapping: undefined,
  pinhole: undefined,
  isOpen: undefined,
  lineReady: undefined,
  lineReport: undefined,
};

export function profile(part: Partial<NatProfile>): NatProfile {
  return { ...UNKNOWN, kind: 'preserve', filtering: 'address-and-port-dependent', confidence: 0.99, ...part };
}

/** A usual house: a router that keeps ports and says nothing, nothing else to complain of. */
export const USUAL: Sight = {
  ...BLIND,
  met: true,
  isHeard: true,
  rtt: ms(30),
  observed: OBSERVED,
  nat: { profile: profile({}), samples: [] },
  hairpin: false,
  trips: { asked: 50, trips: Array.from({ length: 50 }, () => ms(30)) },
  largest: 1500,
  gateways: [{ address: '192.168.1.1', name: 'FRITZ!Box 7590', layer: 1, wan: undefined, standings: SILENT }],
  isOpen: false,
  lineReady: { kind: 'line-ready', request: 1, clock: 1_800_000_000_000, port: 7000 },
  lineReport: { kind: 'line-report', request: 2, lines: [] },
};

export const HEALTHY: Facts = {
  sight: USUAL,
  own: ['192.168.1.2'],
  terrain: {
    uplinks: [
      {
        name: 'eth0',
        family: 4,
        own: '192.168.1.2',
        prefix: 24,
        gateway: '192.168.1.1',
        metric: 0,
        ports: [],
        proto: undefined,
      },
    ],
    isGateway: false,
    lan: [],
  },
  greetings: [{ to: { ip: '198.51.100.1', port: 7000 }, greeting: 'closed' }],
  lines: (['bittorrent', 'tls', 'random', 'http'] as const).map((bait) => ({ bait, end: 'echoed' })),
  clock: { own: 1_800_000_000_000, theirs: 1_800_000_000_900 },
  names: { known: 'address', invented: 'empty' },
  homePort: 'free',
  peers: undefined,
  room: undefined,
  machine: {
    cpu: 'Board',
    cores: 4,
    memory: 512,
    memoryFree: 300,
    flashFree: 60,
    mtu: 1500,
    table: { used: 120, most: 16_384 },
  },
};

/** The usual house, but for this. */
export function house(sight: Partial<Sight>, facts: Partial<Facts> = {}): Facts {
  return { ...HEALTHY, ...facts, sight: { ...USUAL, ...sight } };
}

const grantOf = (ip: string): Grant => {
  return { protocol: 'pcp', external: 50_000, ip, lifetime: ms(7_200_000), permanent: false };
};

/** A gateway that grants over PCP, with that outside address. */
export function granting(wan: string): Pick<Sight, 'gateways'> {
  const standings: Standings = { ...SILENT, pcp: { name: 'granted', grant: grantOf(wan) } };
  return { gateways: [{ address: '192.168.1.1', name: undefined, layer: 1, wan, standings }] };
}

export function mapping(state: Mapping['state'], part: Partial<Mapping> = {}): Mapping {
  const external = { ip: OBSERVED.ip, port: 50_000 };
  const plain = { protocol: 'pcp', external, outside: 'open', permanent: false, expires: at(0), layers: 1 } as const;
  return { ...plain, state, grant: grantOf(external.ip), ...part };
}
