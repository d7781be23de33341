import { scope } from '../base/address.ts';
import type { PortRange } from '../base/nat-profile.ts';
import { isWithin, type Network } from '../base/network.ts';
import { isReachable, type OwnAddress, sixAddresses } from './addresses.ts';
import type { NetifdInterface } from './netifd.ts';
import { type DefaultRoute, defaultRoutes } from './routes.ts';

/** One way out of this machine, for one family of addresses. */
export interface Uplink {
  /** The interface. */
  readonly name: string;
  readonly family: 4 | 6;
  /**
   * Our address there: of IPv6 the one that lasts longest. Where the interface has none, the one that the rest of the world knows us by:
   * of a prefix that came over this way, of a translation (MAP-T), or simply ours.
   */
  readonly own: string;
  readonly prefix: number;
  /** The next hop, `fe80::1%eth1` where it is link-local; undefined on a line that has only one other end. */
  readonly gateway: string | undefined;
  readonly metric: number;
  /** The only ports of `own` that are ours, where a provider shares it out; empty where all are. */
  readonly ports: readonly PortRange[];
  /** How OpenWrt's netifd set it up: `dhcp`, `pppoe`, `map`, …; undefined where it is not there. */
  readonly proto: string | undefined;
}

/** This machine between its networks. */
export interface Terrain {
  /** IPv4 first, in the order the kernel takes them; at the end those that only a table of their own leads to. */
  readonly uplinks: readonly Uplink[];
  /** It forwards IPv4, and has a network of its own. */
  readonly isGateway: boolean;
  /** Interfaces to networks of the house, IPv4: neither uplinks, nor tunnels, nor networks inside this machine. */
  readonly lan: readonly string[];
}

/** What the system says of its networks, as text where it says it as text. */
export interface Ground {
  /** Of /proc/net/. */
  readonly route: string;
  readonly ipv6Route: string;
  readonly ifInet6: string;
  /** Of /proc/sys/net/ipv4/ip_forward. */
  readonly forwarding: string;
  /** IPv4 only. */
  readonly addresses: readonly OwnAddress[];
  /** Interfaces among those of `addresses` that are Ethernet to their users: bridges and Wi-Fi too, tunnels and PPP not. */
  readonly ethernet: readonly string[];
}

export function terrainOf(ground: Ground, netifd: readonly NetifdInterface[] = []): Terrain {
  const own = [...ground.addresses.filter(({ ip }) => isReachable(ip)), ...sixAddresses(ground.ifInet6)];
  const uplinks = routesOf(ground, netifd).flatMap((route) => uplinkOf(route, own, netifd) ?? []);
  const lan = own
    .filter(({ name, ip, prefix }) => !ip.includes(':') && prefix <= WIDEST_LINK && ground.ethernet.includes(name))
    .map(({ name }) => name)
    .filter((name, i, all) => all.indexOf(name) === i && !INSIDE.test(name))
    .filter((name) => !uplinks.some((uplink) => uplink.name === name));
  return { uplinks, isGateway: ground.forwarding.trim() === '1' && lan.length > 0, lan };
}

/** A network of two addresses is a link between two routers (RFC 3021). */
const WIDEST_LINK = 30;
/** Networks that Docker, Podman, Kubernetes, LXC and libvirt make inside one machine. */
const INSIDE = /^(docker|br-[0-9a-f]{12}$|podman|cni|flannel|cali|kube|lxc|lxd|incus|virbr|vnet|veth)/;

export function sameTerrain(a: Terrain, b: Terrain): boolean {
  // Both are made by terrainOf alone, so the order of their fields is the same.
  return JSON.stringify(a) === JSON.stringify(b);
}

function routesOf(ground: Ground, netifd: readonly NetifdInterface[]): readonly DefaultRoute[] {
  const kernel = defaultRoutes(ground.route, ground.ipv6Route);
  const known = new Set(kernel.map(wayOf));
  const further = netifd.flatMap(({ routes }) => routes).filter((route) => !known.has(wayOf(route)));
  const unique = new Map(further.map((route) => [wayOf(route), route]));
  const all = [...kernel, ...unique.values()];
  return [...all.filter(({ family }) => family === 4), ...all.filter(({ family }) => family === 6)];
}

function wayOf({ family, name, gateway }: DefaultRoute): string {
  return `${family} ${name} ${gateway}`;
}

function uplinkOf(
  route: DefaultRoute,
  own: readonly OwnAddress[],
  netifd: readonly NetifdInterface[],
): Uplink | undefined {
  const here = logicalOf(route, netifd);
  const address = ownOf(route, own, here);
  if (address === undefined) return undefined;
  return {
    ...route,
    own: address.ip,
    prefix: address.prefix,
    ports: here?.nat?.ip === address.ip ? here.nat.ports : [],
    proto: here?.proto,
  };
}

/** One device may carry several logical interfaces: `wan` and `wan6`. The one with the route is meant, else one with addresses of the family. */
function logicalOf(route: DefaultRoute, netifd: readonly NetifdInterface[]): NetifdInterface | undefined {
  const there = netifd.filter(({ device }) => device === route.name);
  return (
    there.find(({ routes }) => routes.some(({ family }) => family === route.family)) ??
    there.find(({ addresses }) => addresses.some(({ ip }) => familyOf(ip) === route.family)) ??
    there[0]
  );
}

function ownOf(
  { family, name, gateway }: DefaultRoute,
  own: readonly OwnAddress[],
  here: NetifdInterface | undefined,
): Network | undefined {
  const all = own.filter(({ ip }) => familyOf(ip) === family);
  const there = all.filter((address) => address.name === name);
  const onLink = there.find((network) => gateway !== undefined && isWithin(gateway, network));
  const delegated = all.find(({ ip }) => here?.delegated.some((prefix) => isWithin(ip, prefix)));
  const translated = here?.nat !== undefined && family === 4 ? { ip: here.nat.ip, prefix: 32 } : undefined;
  const open = ({ ip }: Network): boolean => scope(ip) === 'public';
  return family === 4
    ? (onLink ?? there[0] ?? translated ?? all.find(open))
    : (there.find(open) ?? delegated ?? there[0] ?? all.find(open));
}

function familyOf(ip: string): 4 | 6 {
  return ip.includes(':') ? 6 : 4;
}
