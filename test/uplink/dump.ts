/** Answers of `ubus call network.interface dump`, written after netifd's ubus.c and the protocol scripts of OpenWrt. */

export interface Dumped {
  readonly interface: string;
  readonly proto: string;
  readonly l3_device?: string;
  readonly up?: boolean;
  readonly metric?: number;
  readonly v4?: readonly string[];
  readonly v6?: readonly string[];
  /** Delegated prefixes. */
  readonly pd?: readonly string[];
  /** Next hops of default routes. */
  readonly via?: readonly {
    readonly nexthop: string;
    readonly metric?: number;
    readonly source?: string;
    readonly table?: number;
  }[];
  readonly data?: Readonly<Record<string, unknown>>;
}

function network(text: string): { readonly address: string; readonly mask: number } {
  const [address = '', mask] = text.split('/');
  return { address, mask: Number(mask) };
}

/** One interface as netifd writes it; what is down has no addresses. */
function interfaceOf({ v4 = [], v6 = [], pd = [], via = [], ...said }: Dumped): Record<string, unknown> {
  const { interface: name, proto, l3_device, up = true, metric = 0, data = {} } = said;
  const start = { interface: name, up, pending: false, available: true, autostart: true, dynamic: false };
  if (!up) return { ...start, l3_device, proto, data };
  return {
    ...start,
    uptime: 4711,
    l3_device,
    proto,
    updated: ['addresses', 'routes'],
    metric,
    dns_metric: 0,
    delegation: true,
    'ipv4-address': v4.map(network),
    'ipv6-address': v6.map((text) => ({ ...network(text), preferred: 1800, valid: 7200 })),
    'ipv6-prefix': pd.map((text) => ({ ...network(text), preferred: 1800, valid: 7200, class: name, assigned: {} })),
    'ipv6-prefix-assignment': [],
    route: via.map(({ nexthop, source, ...more }) => ({
      target: nexthop.includes(':') ? '::' : '0.0.0.0',
      mask: 0,
      nexthop,
      ...more,
      source: source ?? (nexthop.includes(':') ? '::/0' : '0.0.0.0/0'),
    })),
    'dns-server': [],
    'dns-search': [],
    neighbors: [],
    inactive: { 'ipv4-address': [], 'ipv6-address': [], route: [], 'dns-server': [], 'dns-search': [], neighbors: [] },
    data,
  };
}

export function dump(interfaces: readonly Dumped[]): string {
  return JSON.stringify({ interface: interfaces.map(interfaceOf) }, undefined, '\t');
}

/** What map.sh asks the firewall for: source NAT, for each range of the port set and each protocol. */
export function mapData(
  ip: string,
  ranges: readonly { readonly from: number; readonly to: number }[],
): Record<string, unknown> {
  const plain = { type: 'nat', target: 'SNAT', family: 'inet' };
  if (ranges.length === 0) return { firewall: [{ ...plain, snat_ip: ip }] };
  const rules = ranges.flatMap(({ from, to }) =>
    ['icmp', 'tcp', 'udp'].map((proto) => ({
      ...plain,
      proto,
      connlimit_ports: true,
      snat_ip: ip,
      snat_port: `${from}-${to}`,
    })),
  );
  return { firewall: rules };
}

export const LOOPBACK: Dumped = { interface: 'loopback', proto: 'static', l3_device: 'lo', v4: ['127.0.0.1/8'] };
export const LAN: Dumped = { interface: 'lan', proto: 'static', l3_device: 'br-lan', v4: ['192.168.1.1/24'] };
