import { ipBytes } from '../base/address.ts';
import { type Fields, isObject, parsed } from '../base/json.ts';
import type { PortRange } from '../base/nat-profile.ts';
import type { Network } from '../base/network.ts';
import { type DefaultRoute, zoned } from './routes.ts';

/** One of OpenWrt's logical interfaces (`wan`, `wan6`, `lan`) that is up. */
export interface NetifdInterface {
  /** The interface of the kernel that carries it. */
  readonly device: string;
  /** How it is set up: `dhcp`, `pppoe`, `static`, `dhcpv6`, `map`, … */
  readonly proto: string;
  readonly addresses: readonly Network[];
  /** Default routes; those of a table of its own too, which the kernel's main table lacks. */
  readonly routes: readonly DefaultRoute[];
  /** Prefixes that the provider delegated to us over it (RFC 8415). */
  readonly delegated: readonly Network[];
  /** The address that its source NAT writes, and the ports it may use; undefined where no protocol has made such rules. */
  readonly nat: { readonly ip: string; readonly ports: readonly PortRange[] } | undefined;
}

/** More than any router has. */
const MOST = 64;

/**
 * What `ubus call network.interface dump` answered (netifd, ubus.c: netifd_dump_status): the interfaces that are up. Undefined when it
 * is no such answer; an interface that makes no sense is left out.
 */
export function readNetifd(text: string): readonly NetifdInterface[] | undefined {
  const all = list(fields(parsed(text))?.['interface']);
  return all?.slice(0, MOST).flatMap((one) => interfaceOf(fields(one)) ?? []);
}

function interfaceOf(one: Fields | undefined): NetifdInterface | undefined {
  const device = string(one?.['l3_device']);
  if (one === undefined || one['up'] !== true || device === undefined) return undefined;
  const six = networks(one['ipv6-address']);
  return {
    device,
    proto: string(one['proto']) ?? '',
    addresses: [...networks(one['ipv4-address']), ...six],
    routes: (list(one['route']) ?? []).flatMap((route) => routeOf(fields(route), device, one['metric']) ?? []),
    delegated: networks(one['ipv6-prefix']),
    nat: natOf((list(fields(one['data'])?.['firewall']) ?? []).map(fields)),
  };
}

function routeOf(route: Fields | undefined, device: string, usual: unknown): DefaultRoute | undefined {
  const { target, mask, nexthop, metric = usual } = route ?? {};
  const family = target === '0.0.0.0' ? 4 : target === '::' ? 6 : undefined;
  if (family === undefined || mask !== 0) return undefined;
  const hop = address(nexthop);
  const gateway = hop === undefined || /^[0:.]+$/.test(hop) ? undefined : zoned(hop, device);
  return { family, name: device, gateway, metric: typeof metric === 'number' ? metric : 0 };
}

/**
 * What proto `map` (MAP-E, MAP-T and lw4o6; map.sh) has the firewall do: one rule of source NAT per range and protocol, or one for
 * everything where the address is not shared.
 */
function natOf(rules: readonly (Fields | undefined)[]): NetifdInterface['nat'] {
  const ours = rules.filter(
    (rule) =>
      rule?.['type'] === 'nat' && rule['target'] === 'SNAT' && [undefined, 'udp'].includes(string(rule['proto'])),
  );
  const ip = address(ours[0]?.['snat_ip']);
  if (ip === undefined) return undefined;
  return { ip, ports: ours.flatMap((rule) => rangeOf(rule?.['snat_port']) ?? []) };
}

function rangeOf(value: unknown): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(string(value) ?? '');
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? from);
  return from >= 1 && from <= to && to <= 65_535 ? { from, to } : undefined;
}

function networks(value: unknown): readonly Network[] {
  return (list(value) ?? []).flatMap((one) => {
    const { address: ip, mask } = fields(one) ?? {};
    const known = address(ip);
    return known !== undefined && typeof mask === 'number' && Number.isInteger(mask) ? { ip: known, prefix: mask } : [];
  });
}

function fields(value: unknown): Fields | undefined {
  return isObject(value) ? value : undefined;
}

function list(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function address(value: unknown): string | undefined {
  const text = string(value);
  return text !== undefined && ipBytes(text) !== undefined ? text : undefined;
}
